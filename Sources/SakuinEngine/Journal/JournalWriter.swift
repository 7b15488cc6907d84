/// Appends records to one new journal file. For one thread at a time.
///
/// After a failed write or sync every later call throws the same error: what the kernel then holds of the file is
/// unknown (a failed fsync may drop dirty pages: Rebello et al., "Can Applications Recover from fsync Failures?", 2020).
final class JournalWriter {
    /// Room asked for ahead of the end, so that most syncs change no file size.
    private static let preallocatedByteCount = 4 << 20

    let name: String
    let firstSequence: UInt64
    private let file: any OutputFile
    private var gathered = ByteWriter(capacity: 64 << 10)
    private var written = 0
    private var preallocated = 0
    private var isSynced = true
    private var failure: StorageError?

    /// Makes the file, with a durable name and header.
    init(_ directory: any Directory, firstSequence: UInt64) throws(StorageError) {
        self.firstSequence = firstSequence
        name = FileName.journal(firstSequence)
        file = try directory.create(name)
        JournalFormat.appendHeader(firstSequence: firstSequence, to: &gathered)
        try sync()
        try directory.syncDirectory()
    }

    /// Bytes of records and header.
    var byteCount: Int { written + gathered.count }

    /// Adds a record; it is nowhere but in memory until `flush`.
    func append(
        _ kind: JournalFormat.Kind, sequence: UInt64, _ payload: UnsafeRawBufferPointer
    ) throws(StorageError) {
        if let failure { throw failure }
        guard let length = UInt32(exactly: payload.count) else {
            throw .io(operation: "write", path: name, errno: 27)
        }
        gathered.append32(length)
        gathered.append32(JournalFormat.checksum(kind.rawValue, sequence, payload))
        gathered.append(kind.rawValue)
        gathered.append64(sequence)
        gathered.append(bytes: payload)
    }

    /// Hands what was appended to the kernel: it survives the end of the process.
    func flush() throws(StorageError) {
        if let failure { throw failure }
        if gathered.count == 0 { return }
        if written + gathered.count > preallocated {
            file.preallocate(gathered.count + Self.preallocatedByteCount)
            preallocated = written + gathered.count + Self.preallocatedByteCount
        }
        let file = file
        do throws(StorageError) {
            try gathered.withBytes { (bytes) throws(StorageError) in try file.append(bytes) }
        } catch {
            failure = error
            throw error
        }
        written += gathered.count
        gathered.removeAll()
        isSynced = false
    }

    /// Flushes and makes it durable: it survives a power loss.
    func sync() throws(StorageError) {
        try flush()
        if isSynced { return }
        do throws(StorageError) { try file.sync() } catch {
            failure = error
            throw error
        }
        isSynced = true
    }

    /// Syncs and closes.
    func close() throws(StorageError) {
        try sync()
        try file.close()
    }
}

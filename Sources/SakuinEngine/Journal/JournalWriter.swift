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
    private var lastSequence: UInt64
    private var preallocated = 0
    private var isSynced = true
    private var failure: StorageError?

    /// Makes the file, with a durable name, header and, unless empty, record of recent keys. It gets its name when it
    /// is whole: an older file of the name is there until then.
    init(_ directory: any Directory, firstSequence: UInt64, recentKeys: [UInt8] = []) throws(StorageError) {
        self.firstSequence = firstSequence
        lastSequence = firstSequence
        name = FileName.journal(firstSequence)
        file = try directory.create(FileName.temporary(name))
        JournalFormat.appendHeader(firstSequence: firstSequence, to: &gathered)
        if !recentKeys.isEmpty {
            let owner = MappedFile(copying: recentKeys)
            try owner.withBytes { (bytes) throws(StorageError) in
                try append(.recentKeys, sequence: firstSequence, bytes)
            }
        }
        try write()
        try file.sync()
        isSynced = true
        try directory.rename(FileName.temporary(name), to: name)
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
        lastSequence = sequence
    }

    /// Bytes that only this process has.
    var gatheredByteCount: Int { gathered.count }

    /// Hands what was appended to the kernel: it survives the end of the process.
    func flush() throws(StorageError) {
        if let failure { throw failure }
        if gathered.count == 0 { return }
        isSynced = false
        try write()
    }

    private func write() throws(StorageError) {
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
    }

    /// Flushes and makes it durable: it survives a power loss. A mark behind it says so to whoever reads the file.
    func sync() throws(StorageError) {
        try flush()
        if isSynced { return }
        do throws(StorageError) { try file.sync() } catch {
            failure = error
            throw error
        }
        isSynced = true
        var offset = UInt64(written).littleEndian
        do throws(StorageError) {
            try withUnsafeBytes(of: &offset) { (bytes) throws(StorageError) in
                try append(.synced, sequence: lastSequence, bytes)
            }
            try write()
        } catch {
            // What was asked for is done; the next call throws.
        }
    }

    /// Syncs and closes.
    func close() throws(StorageError) {
        try sync()
        try file.close()
    }
}

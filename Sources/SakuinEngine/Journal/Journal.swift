/// The journal files of an index: appends to the newest, starts new ones, removes those a commit has made needless.
///
/// Appending, flushing, syncing and rotating are one thread's; `removeFiles` and `byteCount` any thread's.
final class Journal: Sendable {
    private struct State {
        /// nil until `begin`.
        var writer: JournalWriter?
        /// Older files: first sequence number and bytes, oldest first.
        var older: [(firstSequence: UInt64, byteCount: Int)]
        /// Field names that the manifest or the journal holds.
        var namesWritten: Int
    }

    private let directory: any Directory
    private let fieldNames: @Sendable () -> [String]
    private let state: Monitor<State>

    /// `older` are files that are still needed, oldest first; `fieldNames` are the names of all fields by number, which
    /// only grow; the first `durableNameCount` of them are in the manifest or in older files.
    init(
        _ directory: any Directory, older: [String] = [], durableNameCount: Int,
        fieldNames: @escaping @Sendable () -> [String]
    ) throws(StorageError) {
        self.directory = directory
        self.fieldNames = fieldNames
        var found: [(firstSequence: UInt64, byteCount: Int)] = []
        for name in older {
            guard case .journal(let first)? = FileName(name) else { continue }
            found.append((first, try directory.size(name)))
        }
        state = Monitor(State(writer: nil, older: found, namesWritten: durableNameCount))
    }

    /// Starts a new file; once, before anything is appended. An older file that begins at `firstSequence` too holds no
    /// whole batch and is replaced; `recentKeys` are those it and the others hold.
    func begin(firstSequence: UInt64, recentKeys: [UInt8]) throws(StorageError) {
        try state.read { (state) throws(StorageError) in
            state.writer = try JournalWriter(directory, firstSequence: firstSequence, recentKeys: recentKeys)
            // It may hold names all the same.
            if state.older.contains(where: { $0.firstSequence == firstSequence }) { state.namesWritten = 0 }
            state.older.removeAll { $0.firstSequence == firstSequence }
        }
    }

    /// Bytes of all files.
    var byteCount: Int {
        state.read { state in state.older.reduce(state.writer?.byteCount ?? 0) { $0 + $1.byteCount } }
    }

    private static func open(_ state: State) throws(StorageError) -> JournalWriter {
        guard let writer = state.writer else { throw .io(operation: "write", path: "journal", errno: 9) }
        return writer
    }

    /// Adds a batch, with its idempotency key in front if `isKeyed`, behind the names of fields that no record held
    /// before; in memory until `flush`.
    func append(
        sequence: UInt64, batch payload: UnsafeRawBufferPointer, isKeyed: Bool = false
    ) throws(StorageError) {
        let names = fieldNames()
        try state.read { (state) throws(StorageError) in
            let writer = try Self.open(state)
            if names.count > state.namesWritten {
                var record = ByteWriter()
                record.appendVarint(UInt64(state.namesWritten))
                record.appendVarint(UInt64(names.count - state.namesWritten))
                for name in names[state.namesWritten...] { record.append(string: name) }
                try record.withBytes { (bytes) throws(StorageError) in
                    try writer.append(.fieldNames, sequence: sequence, bytes)
                }
                state.namesWritten = names.count
            }
            try writer.append(isKeyed ? .keyedBatch : .batch, sequence: sequence, payload)
        }
    }

    /// Bytes that only this process has.
    var gatheredByteCount: Int { state.read { $0.writer?.gatheredByteCount ?? 0 } }

    /// Everything appended is with the kernel.
    func flush() throws(StorageError) {
        try state.read { (state) throws(StorageError) in try Self.open(state).flush() }
    }

    /// Everything appended is durable.
    func sync() throws(StorageError) {
        try state.read { (state) throws(StorageError) in try Self.open(state).sync() }
    }

    /// Ends the current file, durable, and starts one for records from `firstSequence` on. A file without records that
    /// would begin there too is kept instead. Does nothing before `begin`.
    func rotate(firstSequence: UInt64, recentKeys: [UInt8]) throws(StorageError) {
        try state.read { (state) throws(StorageError) in
            guard let writer = state.writer, writer.firstSequence != firstSequence else { return }
            try writer.close()
            let next = try JournalWriter(directory, firstSequence: firstSequence, recentKeys: recentKeys)
            // Only now: without a file behind it, it is the newest, which no commit removes.
            state.older.append((writer.firstSequence, writer.byteCount))
            state.writer = next
        }
    }

    /// Removes the files whose records all have sequence numbers up to `sequence`, which a durable manifest covers. One
    /// that cannot be removed does no harm; the next call tries again.
    func removeFiles(coveredBy sequence: UInt64) {
        state.read { state in
            guard let writer = state.writer else { return }
            while let oldest = state.older.first {
                let next = state.older.count > 1 ? state.older[1].firstSequence : writer.firstSequence
                guard next <= sequence + 1 else { return }
                guard (try? directory.remove(FileName.journal(oldest.firstSequence))) != nil else { return }
                state.older.removeFirst()
            }
        }
    }

    /// Makes durable what can be and closes.
    func close() {
        state.read { state in
            do throws(StorageError) { try state.writer?.close() } catch {
                // Whoever was acknowledged at `disk` is safe; the others were told no more than they got.
            }
        }
    }

    /// Names of the journal files of a folder, oldest first.
    static func files(in directory: any Directory) throws(StorageError) -> [String] {
        try directory.list().filter { if case .journal? = FileName($0) { true } else { false } }.sorted()
    }

    /// The field names a record of that kind holds, and the number of the first.
    static func decodeNames(_ record: JournalRecord, file: String) throws(StorageError) -> (first: Int, names: [String])
    {
        var reader = ByteReader(record.payload, file: file)
        let first = try reader.readCount(max: Int(Int32.max))
        let count = try reader.readCount(max: reader.remaining)
        var names: [String] = []
        for _ in 0..<count { names.append(try reader.readString()) }
        return (first, names)
    }
}

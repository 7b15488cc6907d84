/// The journal files of an index: appends to the newest, starts new ones, removes those a commit has made needless.
///
/// Appending, flushing, syncing and rotating are one thread's; `removeFiles` and `byteCount` any thread's.
final class Journal: Sendable {
    private struct State {
        var writer: JournalWriter
        /// Older files: first sequence number and bytes, oldest first.
        var older: [(firstSequence: UInt64, byteCount: Int)]
        /// Field names that the manifest or the journal holds.
        var namesWritten: Int
    }

    private let directory: any Directory
    private let fieldNames: @Sendable () -> [String]
    private let state: Monitor<State>

    /// Starts a new file. `older` are files that are still needed, oldest first; `fieldNames` are the names of all
    /// fields by number, which only grow; the first `durableNameCount` of them are in the manifest or in older files.
    /// An older file that begins at `firstSequence` too holds no whole batch and is replaced.
    init(
        _ directory: any Directory, firstSequence: UInt64, older: [String] = [], durableNameCount: Int,
        fieldNames: @escaping @Sendable () -> [String]
    ) throws(StorageError) {
        self.directory = directory
        self.fieldNames = fieldNames
        var found: [(firstSequence: UInt64, byteCount: Int)] = []
        var namesWritten = durableNameCount
        for name in older {
            guard case .journal(let first)? = FileName(name) else { continue }
            if first == firstSequence {
                // It may hold names all the same.
                namesWritten = 0
            } else {
                found.append((first, try directory.size(name)))
            }
        }
        state = Monitor(
            State(
                writer: try JournalWriter(directory, firstSequence: firstSequence), older: found,
                namesWritten: namesWritten))
    }

    /// Bytes of all files.
    var byteCount: Int {
        state.read { state in state.older.reduce(state.writer.byteCount) { $0 + $1.byteCount } }
    }

    /// Adds a record, behind the names of fields that no record held before; in memory until `flush`.
    func append(sequence: UInt64, batch payload: UnsafeRawBufferPointer) throws(StorageError) {
        let names = fieldNames()
        try state.read { (state) throws(StorageError) in
            if names.count > state.namesWritten {
                var record = ByteWriter()
                record.appendVarint(UInt64(state.namesWritten))
                record.appendVarint(UInt64(names.count - state.namesWritten))
                for name in names[state.namesWritten...] { record.append(string: name) }
                let writer = state.writer
                try record.withBytes { (bytes) throws(StorageError) in
                    try writer.append(.fieldNames, sequence: sequence, bytes)
                }
                state.namesWritten = names.count
            }
            try state.writer.append(.batch, sequence: sequence, payload)
        }
    }

    /// Everything appended is with the kernel.
    func flush() throws(StorageError) { try state.read { (state) throws(StorageError) in try state.writer.flush() } }

    /// Everything appended is durable.
    func sync() throws(StorageError) { try state.read { (state) throws(StorageError) in try state.writer.sync() } }

    /// Ends the current file, durable, and starts one for records from `firstSequence` on. A file without records that
    /// would begin there too is kept instead.
    func rotate(firstSequence: UInt64) throws(StorageError) {
        try state.read { (state) throws(StorageError) in
            if state.writer.firstSequence == firstSequence { return }
            try state.writer.close()
            state.older.append((state.writer.firstSequence, state.writer.byteCount))
            state.writer = try JournalWriter(directory, firstSequence: firstSequence)
        }
    }

    /// Removes the files whose records all have sequence numbers up to `sequence`, which a durable manifest covers.
    func removeFiles(coveredBy sequence: UInt64) throws(StorageError) {
        try state.read { (state) throws(StorageError) in
            while let oldest = state.older.first {
                let next = state.older.count > 1 ? state.older[1].firstSequence : state.writer.firstSequence
                guard next <= sequence + 1 else { return }
                try directory.remove(FileName.journal(oldest.firstSequence))
                state.older.removeFirst()
            }
        }
    }

    /// Makes durable what can be and closes.
    func close() {
        state.read { state in
            do throws(StorageError) { try state.writer.close() } catch {
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

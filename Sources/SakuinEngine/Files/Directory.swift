/// A folder of index files: the only door to the disk.
///
/// Names are relative to the folder and may step into subfolders (`quarantine/x`). A new, renamed or removed name
/// is only there after a power loss once `syncDirectory` has returned; bytes only once `sync` has. All calls block and
/// may be made from any thread.
protocol Directory: SpillPlace {
    /// Where the folder is, for messages.
    var path: String { get }

    /// Names of the files in the folder, or in a subfolder, sorted; folders are left out.
    func list(_ subfolder: String?) throws(StorageError) -> [String]

    /// Names of the folders in the folder, or in a subfolder, sorted.
    func folders(_ subfolder: String?) throws(StorageError) -> [String]

    /// A read-only view of all bytes the file has now.
    func open(_ name: String) throws(StorageError) -> MappedFile

    /// A copy of the bytes, for small files.
    func read(_ name: String) throws(StorageError) -> [UInt8]

    /// Bytes of the file.
    func size(_ name: String) throws(StorageError) -> Int

    /// How many names lead to the bytes of the file, in this folder and elsewhere.
    func linkCount(_ name: String) throws(StorageError) -> Int

    /// Whether there is a file or a folder of that name.
    func exists(_ name: String) throws(StorageError) -> Bool

    /// Moves a file, replacing `target` if there is one, or a folder, which must not be there or be empty.
    func rename(_ name: String, to target: String) throws(StorageError)

    /// A second name for the same bytes, without copying; `target` must not exist.
    func link(_ name: String, to target: String) throws(StorageError)

    /// Cuts the file to its first `byteCount` bytes and syncs it.
    func truncate(_ name: String, to byteCount: Int) throws(StorageError)

    /// Makes a subfolder; one that exists is fine.
    func createFolder(_ name: String) throws(StorageError)

    /// Removes a subfolder that is empty; removing what is not there is not an error.
    func removeFolder(_ name: String) throws(StorageError)

    /// Makes names durable: those of the folder, or of a subfolder.
    func syncDirectory(_ subfolder: String?) throws(StorageError)

    /// Makes the bytes of a closed file durable.
    func syncFile(_ name: String) throws(StorageError)

    /// Owns the folder until the lock is released; throws `.locked` with the owner's pid when another does.
    func lock(_ name: String) throws(StorageError) -> any FileLock

    /// Bytes of its file system.
    func space() throws(StorageError) -> SpaceReading
}

extension Directory {
    func list() throws(StorageError) -> [String] { try list(nil) }
    func syncDirectory() throws(StorageError) { try syncDirectory(nil) }

    /// Makes these the bytes of the file, whole or not at all; durable once the folder is synced.
    func replace(_ name: String, with bytes: borrowing ByteWriter) throws(StorageError) {
        let temporary = FileName.temporary(name)
        let file = try create(temporary)
        try bytes.withBytes { (bytes) throws(StorageError) in try file.append(bytes) }
        try file.sync()
        try file.close()
        try rename(temporary, to: name)
    }

    /// Copies a file; the copy is durable when it returns, its name is not. `check` is asked before each piece.
    func copy(
        _ name: String, to target: String, check: () throws(StorageError) -> Void = {}
    ) throws(StorageError) {
        let file = try create(target)
        try forEachPiece(name, pieceByteCount: 4 << 20) { (piece) throws(StorageError) in
            try check()
            try file.append(piece)
        }
        try file.sync()
        try file.close()
    }

    /// A second name for the bytes of a file that never changes; where there can be none `copy` has to copy it.
    func link(_ name: String, to target: String, orCopy copy: () throws(StorageError) -> Void) throws(StorageError) {
        do throws(StorageError) { try link(name, to: target) } catch {
            guard error.saysNoLinks else { throw error }
            try copy()
        }
    }

    /// Where a file goes that is kept in quarantine: a name that is free.
    func quarantineName(_ name: String) throws(StorageError) -> String {
        var target = FileName.quarantined(name)
        var number = 1
        while try exists(target) {
            number += 1
            target = FileName.quarantined("\(name).\(number)")
        }
        return target
    }

    /// Removes a subfolder with everything in it; one that is not there is fine.
    func removeTree(_ name: String) throws(StorageError) {
        guard try exists(name) else { return }
        for file in try list(name) { try remove(name + "/" + file) }
        for folder in try folders(name) { try removeTree(name + "/" + folder) }
        try removeFolder(name)
    }
}

/// Where files are written that only their writer reads, once.
protocol SpillPlace: AnyObject, Sendable {
    /// A new empty file. An older file of the name is unlinked first: who has it mapped keeps what it had.
    func create(_ name: String) throws(StorageError) -> any OutputFile

    /// Hands the bytes to `body` piece by piece, in order, each of at most `pieceByteCount`; none of them stays in
    /// memory, which those of a mapping do while it lasts.
    func forEachPiece(
        _ name: String, pieceByteCount: Int, _ body: (UnsafeRawBufferPointer) throws(StorageError) -> Void
    ) throws(StorageError)

    /// Removing what is not there is not an error.
    func remove(_ name: String) throws(StorageError)
}

/// A file being written from its beginning to its end, by one thread at a time.
protocol OutputFile: AnyObject {
    /// Bytes appended since it was created.
    var count: Int { get }

    /// Appends. The bytes are with the kernel at the latest when `flush` returns.
    func append(_ bytes: UnsafeRawBufferPointer) throws(StorageError)

    /// Hands what was appended to the kernel: it survives the end of the process.
    func flush() throws(StorageError)

    /// Flushes, then makes the bytes durable: they survive a power loss.
    func sync() throws(StorageError)

    /// Asks for the bytes to go to the disk from now on, so that a later sync has less to wait for. A hint.
    func beginSync()

    /// Asks for room behind the end that reads as zeros, so that syncs need not change the file's size. A hint.
    func preallocate(_ byteCount: Int)

    /// Flushes, cuts unused preallocated room and closes. Closing twice is fine.
    func close() throws(StorageError)
}

extension OutputFile {
    func beginSync() {}
}

/// Ownership of a folder; ends with `release` or with the object.
protocol FileLock: AnyObject, Sendable {
    func release()
}

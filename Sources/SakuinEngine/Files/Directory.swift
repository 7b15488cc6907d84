/// The only door to the disk: a flat folder of files that are written once from beginning to end.
protocol Directory: AnyObject, Sendable {
    /// For messages.
    var path: String { get }
    /// Names of the files, in no order.
    func list() throws(StorageError) -> [String]
    /// Creates a file, replacing one of that name.
    func create(_ name: String) throws(StorageError) -> any OutputFile
    func open(_ name: String) throws(StorageError) -> MappedFile
    /// Bytes of the file; nil when there is none.
    func size(_ name: String) throws(StorageError) -> Int?
    func rename(_ from: String, to: String) throws(StorageError)
    /// Removes a file; one that is not there is no error.
    func remove(_ name: String) throws(StorageError)
    /// Makes the bytes of a closed file survive power loss.
    func syncFile(_ name: String) throws(StorageError)
    /// Makes creations, renames and removals survive power loss.
    func syncDirectory() throws(StorageError)
    /// Owns the folder until the lock is released or the process ends; throws `locked` with the owner.
    func lock(_ name: String) throws(StorageError) -> any FolderLock
}

/// A file that is being written.
protocol OutputFile: AnyObject, Sendable {
    func append(_ bytes: UnsafeRawBufferPointer) throws(StorageError)
    /// Makes what was appended survive power loss.
    func sync() throws(StorageError)
    func close() throws(StorageError)
}

/// Held while a process owns a folder.
protocol FolderLock: AnyObject, Sendable {
    func release()
}

/// A read-only file in memory; the bytes stay while the object lives.
final class MappedFile: Sendable {
    /// Where the memory came from.
    private let free: (@Sendable (UnsafeRawBufferPointer) -> Void)?
    /// Nobody writes to these bytes while the object lives.
    nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

    /// `free` is called with the bytes when the object goes.
    init(_ bytes: UnsafeRawBufferPointer, free: @escaping @Sendable (UnsafeRawBufferPointer) -> Void) {
        self.bytes = bytes
        self.free = free
    }

    /// A copy of `contents`.
    init(copying contents: [UInt8]) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(contents.count, 1), alignment: 16)
        memory.copyBytes(from: contents)
        bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[..<contents.count])
        free = { UnsafeMutableRawBufferPointer(mutating: $0).deallocate() }
    }

    deinit { free?(bytes) }
}

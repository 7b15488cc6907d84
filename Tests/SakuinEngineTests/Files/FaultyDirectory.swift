import Synchronization

@testable import SakuinEngine

/// A directory whose n-th operation that changes something fails, and every one after it.
final class FaultyDirectory: Directory {
    let inner: MemoryDirectory
    private let left: Mutex<Int>

    /// `operations` succeed, those behind them fail with ENOSPC.
    init(_ inner: MemoryDirectory, operations: Int) {
        self.inner = inner
        left = Mutex(operations)
    }

    var path: String { inner.path }

    /// Whether an operation has failed.
    var hasFailed: Bool { left.withLock { $0 < 0 } }

    fileprivate func step(_ operation: String) throws(StorageError) {
        let fails = left.withLock { left in
            left -= left < 0 ? 0 : 1
            return left < 0
        }
        if fails { throw .io(operation: operation, path: path, errno: 28) }
    }

    func list() throws(StorageError) -> [String] { try inner.list() }
    func open(_ name: String) throws(StorageError) -> MappedFile { try inner.open(name) }
    func read(_ name: String) throws(StorageError) -> [UInt8] { try inner.read(name) }
    func size(_ name: String) throws(StorageError) -> Int { try inner.size(name) }
    func exists(_ name: String) throws(StorageError) -> Bool { try inner.exists(name) }
    func lock(_ name: String) throws(StorageError) -> any FileLock { try inner.lock(name) }
    func freeByteCount() throws(StorageError) -> Int { try inner.freeByteCount() }

    func create(_ name: String) throws(StorageError) -> any OutputFile {
        try step("open")
        return FaultyFile(try inner.create(name), self)
    }

    func rename(_ name: String, to target: String) throws(StorageError) {
        try step("rename")
        try inner.rename(name, to: target)
    }

    func link(_ name: String, to target: String) throws(StorageError) {
        try step("link")
        try inner.link(name, to: target)
    }

    func remove(_ name: String) throws(StorageError) {
        try step("unlink")
        try inner.remove(name)
    }

    func truncate(_ name: String, to byteCount: Int) throws(StorageError) {
        try step("ftruncate")
        try inner.truncate(name, to: byteCount)
    }

    func createFolder(_ name: String) throws(StorageError) {
        try step("mkdir")
        try inner.createFolder(name)
    }

    func syncDirectory(_ subfolder: String?) throws(StorageError) {
        try step("fsync")
        try inner.syncDirectory(subfolder)
    }

    func syncFile(_ name: String) throws(StorageError) {
        try step("fsync")
        try inner.syncFile(name)
    }
}

private final class FaultyFile: OutputFile {
    private let inner: any OutputFile
    private let directory: FaultyDirectory

    init(_ inner: any OutputFile, _ directory: FaultyDirectory) {
        self.inner = inner
        self.directory = directory
    }

    var count: Int { inner.count }

    func append(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        try directory.step("write")
        try inner.append(bytes)
    }

    func flush() throws(StorageError) { try inner.flush() }

    func sync() throws(StorageError) {
        try directory.step("fdatasync")
        try inner.sync()
    }

    func preallocate(_ byteCount: Int) { inner.preallocate(byteCount) }
    func close() throws(StorageError) { try inner.close() }
}

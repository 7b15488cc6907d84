import Synchronization

/// A folder in memory that knows what would survive power loss: for tests of everything above the disk.
final class MemoryDirectory: Directory {
    fileprivate struct File {
        var bytes: [UInt8] = []
        /// How many of the bytes have been synced.
        var syncedCount = 0
    }
    private struct State {
        var files: [String: Int] = [:]
        /// The entries as of the last sync of the folder.
        var syncedFiles: [String: Int] = [:]
        var contents: [File] = []
        var isLocked = false
    }

    let path = "memory"
    private let state = Mutex(State())

    init() {}

    private func missing(_ name: String) -> StorageError { .io(operation: "open", path: name, errno: 2) }

    func list() throws(StorageError) -> [String] { state.withLock { Array($0.files.keys) } }

    func create(_ name: String) throws(StorageError) -> any OutputFile {
        let number = state.withLock { state in
            state.contents.append(File())
            state.files[name] = state.contents.count - 1
            return state.contents.count - 1
        }
        return MemoryFile(self, number)
    }

    func open(_ name: String) throws(StorageError) -> MappedFile {
        let bytes = state.withLock { state in state.files[name].map { state.contents[$0].bytes } }
        guard let bytes else { throw missing(name) }
        return MappedFile(copying: bytes)
    }

    func size(_ name: String) throws(StorageError) -> Int? {
        state.withLock { state in state.files[name].map { state.contents[$0].bytes.count } }
    }

    func rename(_ from: String, to: String) throws(StorageError) {
        let moved = state.withLock { state in
            guard let number = state.files.removeValue(forKey: from) else { return false }
            state.files[to] = number
            return true
        }
        if !moved { throw missing(from) }
    }

    func remove(_ name: String) throws(StorageError) { _ = state.withLock { $0.files.removeValue(forKey: name) } }

    func syncFile(_ name: String) throws(StorageError) {
        state.withLock { state in
            if let number = state.files[name] { state.contents[number].syncedCount = state.contents[number].bytes.count }
        }
    }

    func syncDirectory() throws(StorageError) { state.withLock { $0.syncedFiles = $0.files } }

    func lock(_ name: String) throws(StorageError) -> any FolderLock {
        let free = state.withLock { state in
            defer { state.isLocked = true }
            return !state.isLocked
        }
        if !free { throw .locked(path: path, owner: "this process") }
        return MemoryLock { [self] in state.withLock { $0.isLocked = false } }
    }

    fileprivate func append(_ number: Int, _ bytes: UnsafeRawBufferPointer) {
        state.withLock { $0.contents[number].bytes.append(contentsOf: bytes) }
    }

    fileprivate func sync(_ number: Int) {
        state.withLock { $0.contents[number].syncedCount = $0.contents[number].bytes.count }
    }

    /// The folder as it may be found after power loss: entries as of the last folder sync, and of each file the synced
    /// bytes with up to `tornByteCount` of those behind them. With `processOnly` only the process died: all stays.
    func afterCrash(tornByteCount: Int = 0, processOnly: Bool = false) -> MemoryDirectory {
        let found = MemoryDirectory()
        let copy = state.withLock { state in
            (processOnly ? state.files : state.syncedFiles).mapValues { number in
                let file = state.contents[number]
                if processOnly { return file.bytes }
                return Array(file.bytes.prefix(min(file.bytes.count, file.syncedCount + tornByteCount)))
            }
        }
        found.state.withLock { state in
            for (name, bytes) in copy {
                state.contents.append(File(bytes: bytes, syncedCount: bytes.count))
                state.files[name] = state.contents.count - 1
            }
            state.syncedFiles = state.files
        }
        return found
    }

    /// Replaces the bytes of a file, for tests of damage.
    func overwrite(_ name: String, with bytes: [UInt8]) {
        state.withLock { state in
            state.contents.append(File(bytes: bytes, syncedCount: bytes.count))
            state.files[name] = state.contents.count - 1
            state.syncedFiles[name] = state.contents.count - 1
        }
    }
}

private final class MemoryFile: OutputFile {
    private let directory: MemoryDirectory
    private let number: Int

    init(_ directory: MemoryDirectory, _ number: Int) {
        self.directory = directory
        self.number = number
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(StorageError) { directory.append(number, bytes) }
    func sync() throws(StorageError) { directory.sync(number) }
    func close() throws(StorageError) {}
}

private final class MemoryLock: FolderLock {
    private let onRelease: @Sendable () -> Void

    init(_ onRelease: @escaping @Sendable () -> Void) { self.onRelease = onRelease }

    func release() { onRelease() }
}

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A real folder: POSIX files, fsync of file and folder, one lock.
final class DiskDirectory: Directory {
    let path: String

    /// Opens the folder; with `create` it and its parents are made when they are missing.
    init(_ path: String, create: Bool) throws(StorageError) {
        self.path = path
        if create { try Self.makeFolders(path) }
        var status = stat()
        guard stat(path, &status) == 0 else { throw Self.failure("stat", path) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw .io(operation: "open folder", path: path, errno: ENOTDIR)
        }
    }

    static func failure(_ operation: String, _ path: String) -> StorageError {
        .io(operation: operation, path: path, errno: errno)
    }

    private static func makeFolders(_ path: String) throws(StorageError) {
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += made.isEmpty || made.hasSuffix("/") ? String(part) : "/" + part
            if mkdir(made, 0o755) != 0, errno != EEXIST { throw failure("mkdir", made) }
        }
    }

    private func full(_ name: String) -> String { path + "/" + name }

    /// Calls again while the call is interrupted by a signal.
    static func retried<R: FixedWidthInteger>(_ call: () -> R) -> R {
        while true {
            let result = call()
            if result != -1 || errno != EINTR { return result }
        }
    }

    func list() throws(StorageError) -> [String] {
        guard let folder = opendir(path) else { throw Self.failure("list", path) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    func create(_ name: String) throws(StorageError) -> any OutputFile {
        let file = full(name)
        let descriptor = Self.retried { Glibc.open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) }
        if descriptor < 0 { throw Self.failure("create", file) }
        return DiskFile(descriptor, file)
    }

    func open(_ name: String) throws(StorageError) -> MappedFile {
        let file = full(name)
        let descriptor = Self.retried { Glibc.open(file, O_RDONLY | O_CLOEXEC) }
        if descriptor < 0 { throw Self.failure("open", file) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure("stat", file) }
        let count = Int(status.st_size)
        if count == 0 { return MappedFile(copying: []) }
        guard let memory = mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0), memory != MAP_FAILED else {
            throw Self.failure("map", file)
        }
        return MappedFile(UnsafeRawBufferPointer(start: memory, count: count)) {
            munmap(UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count)
        }
    }

    func size(_ name: String) throws(StorageError) -> Int? {
        var status = stat()
        if stat(full(name), &status) == 0 { return Int(status.st_size) }
        if errno == ENOENT { return nil }
        throw Self.failure("stat", full(name))
    }

    func rename(_ from: String, to: String) throws(StorageError) {
        if Glibc.rename(full(from), full(to)) != 0 { throw Self.failure("rename", full(from)) }
    }

    func remove(_ name: String) throws(StorageError) {
        if unlink(full(name)) != 0, errno != ENOENT { throw Self.failure("remove", full(name)) }
    }

    func syncFile(_ name: String) throws(StorageError) {
        let descriptor = Self.retried { Glibc.open(full(name), O_RDONLY | O_CLOEXEC) }
        if descriptor < 0 { throw Self.failure("open", full(name)) }
        defer { close(descriptor) }
        if Self.retried({ fsync(descriptor) }) != 0 { throw Self.failure("fsync", full(name)) }
    }

    func syncDirectory() throws(StorageError) {
        let descriptor = Self.retried { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        if descriptor < 0 { throw Self.failure("open folder", path) }
        defer { close(descriptor) }
        if Self.retried({ fsync(descriptor) }) != 0 { throw Self.failure("fsync of folder", path) }
    }

    func lock(_ name: String) throws(StorageError) -> any FolderLock {
        let file = full(name)
        let descriptor = Self.retried { Glibc.open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o644) }
        if descriptor < 0 { throw Self.failure("open lock", file) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            defer { close(descriptor) }
            guard errno == EWOULDBLOCK else { throw Self.failure("lock", file) }
            throw .locked(path: path, owner: Self.owner(descriptor))
        }
        let text = "\(getpid())\n"
        _ = ftruncate(descriptor, 0)
        _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
        return DiskLock(descriptor)
    }

    private static func owner(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        let digits = buffer.prefix(max(count, 0)).prefix { (0x30...0x39).contains($0) }
        return digits.isEmpty ? "another process" : "process " + String(decoding: digits, as: UTF8.self)
    }

    /// Removes the folder with all files in it.
    func removeAll() throws(StorageError) {
        for name in try list() { try remove(name) }
        if rmdir(path) != 0 { throw Self.failure("remove folder", path) }
    }

    /// Names of the folders in a folder.
    static func folders(in path: String) throws(StorageError) -> [String] {
        try DiskDirectory(path, create: false).list().filter { name in
            var status = stat()
            return stat(path + "/" + name, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        }
    }

    static func renameFolder(_ from: String, _ to: String) throws(StorageError) {
        if Glibc.rename(from, to) != 0 { throw failure("rename", from) }
    }
}

/// A file on disk that is appended to; one thread at a time.
private final class DiskFile: OutputFile {
    private let descriptor: Int32
    private let path: String

    init(_ descriptor: Int32, _ path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        var at = 0
        while at < bytes.count {
            let written = DiskDirectory.retried { write(descriptor, bytes.baseAddress.map { $0 + at }, bytes.count - at) }
            if written < 0 { throw DiskDirectory.failure("write", path) }
            at += written
        }
    }

    func sync() throws(StorageError) {
        if DiskDirectory.retried({ fdatasync(descriptor) }) != 0 { throw DiskDirectory.failure("fdatasync", path) }
    }

    func close() throws(StorageError) {
        if Glibc.close(descriptor) != 0, errno != EINTR { throw DiskDirectory.failure("close", path) }
    }
}

/// The lock file; the kernel drops the lock with the process.
private final class DiskLock: FolderLock {
    private let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    func release() { close(descriptor) }
}

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The real directory: POSIX files below one folder.
final class DiskDirectory: Directory {
    let path: String
    private let call: SystemCall

    /// Opens the folder; with `create` it and those above it are made when they are missing. Tests hand in a `call` that
    /// interrupts, cuts short or fails.
    init(_ path: String, create: Bool = false, _ call: SystemCall = SystemCall()) throws(StorageError) {
        self.path = path
        self.call = call
        if create { try createFolder(at: path) }
        guard try call.status(path).st_mode & S_IFMT == S_IFDIR else {
            throw SystemCall.error("opendir", path, ENOTDIR)
        }
    }

    private func full(_ name: String) -> String { path + "/" + name }

    func list(_ subfolder: String?) throws(StorageError) -> [String] {
        try entries(of: subfolder.map(full) ?? path).filter { !$0.isFolder }.map(\.name).sorted()
    }

    func folders(_ subfolder: String?) throws(StorageError) -> [String] {
        try entries(of: subfolder.map(full) ?? path).filter(\.isFolder).map(\.name).sorted()
    }

    func create(_ name: String) throws(StorageError) -> any OutputFile {
        try remove(name)
        let file = full(name)
        return DiskOutputFile(try call.openFile(file, O_WRONLY | O_CREAT | O_EXCL), path: file, call)
    }

    func open(_ name: String) throws(StorageError) -> MappedFile {
        let file = full(name)
        let descriptor = try call.openFile(file, O_RDONLY)
        defer { _ = close(descriptor) }
        let byteCount = try call.size(descriptor, path: file)
        if byteCount == 0 { return MappedFile(mapping: nil) }
        return MappedFile(mapping: try call.map(descriptor, byteCount, path: file))
    }

    func read(_ name: String) throws(StorageError) -> [UInt8] {
        let file = full(name)
        let descriptor = try call.openFile(file, O_RDONLY)
        defer { _ = close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: try call.size(descriptor, path: file))
        let count = try call.read(descriptor, into: &bytes, path: file)
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    func forEachPiece(
        _ name: String, pieceByteCount: Int, _ body: (UnsafeRawBufferPointer) throws(StorageError) -> Void
    ) throws(StorageError) {
        let file = full(name)
        let descriptor = try call.openFile(file, O_RDONLY)
        defer { _ = close(descriptor) }
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: max(pieceByteCount, 1), alignment: 16)
        defer { piece.deallocate() }
        var done = 0
        while true {
            let offset = done
            let got = try call.retry("read", file) {
                pread(descriptor, piece.baseAddress, piece.count, off_t(offset))
            }
            if got == 0 { return }
            try body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(piece)[..<got]))
            done += got
        }
    }

    func size(_ name: String) throws(StorageError) -> Int { Int(try call.status(full(name)).st_size) }

    func linkCount(_ name: String) throws(StorageError) -> Int { Int(try call.status(full(name)).st_nlink) }

    func exists(_ name: String) throws(StorageError) -> Bool {
        do throws(StorageError) {
            _ = try call.status(full(name))
            return true
        } catch {
            if case .io(_, _, ENOENT) = error { return false }
            throw error
        }
    }

    func rename(_ name: String, to target: String) throws(StorageError) {
        try call.rename(full(name), to: full(target))
    }

    func link(_ name: String, to target: String) throws(StorageError) {
        try call.link(full(name), to: full(target))
    }

    func remove(_ name: String) throws(StorageError) { try call.remove(full(name)) }

    func truncate(_ name: String, to byteCount: Int) throws(StorageError) {
        let file = full(name)
        let descriptor = try call.openFile(file, O_WRONLY)
        defer { _ = close(descriptor) }
        try call.cut(descriptor, to: byteCount, path: file)
        try call.syncAll(descriptor, path: file)
    }

    func createFolder(_ name: String) throws(StorageError) { try createFolder(at: full(name)) }

    func removeFolder(_ name: String) throws(StorageError) { try call.remove(full(name), isFolder: true) }

    func syncDirectory(_ subfolder: String?) throws(StorageError) {
        try call.syncPath(subfolder.map(full) ?? path, flags: O_RDONLY | O_DIRECTORY)
    }

    func syncFile(_ name: String) throws(StorageError) { try call.syncPath(full(name)) }

    func lock(_ name: String) throws(StorageError) -> any FileLock { try DiskLock(full(name), call) }

    /// The same for who changes nothing, also where nothing can be written; nil when no lock can be there.
    func lockToRead(_ name: String) throws(StorageError) -> (any FileLock)? {
        do throws(StorageError) { return try lock(name) } catch {
            guard case .io("open", _, let code) = error, code == EROFS || code == EACCES else { throw error }
        }
        do throws(StorageError) { return try DiskLock(reading: full(name), call) } catch {
            if case .io("open", _, ENOENT) = error { return nil }
            throw error
        }
    }

    func space() throws(StorageError) -> SpaceReading { try call.space(path) }
}

/// What concerns folders as wholes, by path.
extension DiskDirectory {
    #if canImport(Glibc)
        private typealias Opened = OpaquePointer
    #else
        private typealias Opened = UnsafeMutablePointer<DIR>
    #endif

    /// Makes the folder and those above it, each durable in its parent; one that exists is fine.
    private func createFolder(at path: String) throws(StorageError) {
        let above = Self.parent(of: path)
        do throws(StorageError) {
            try makeFolder(path)
        } catch {
            guard case .io(_, _, ENOENT) = error, above != path else { throw error }
            try createFolder(at: above)
            try makeFolder(path)
        }
    }

    private func makeFolder(_ path: String) throws(StorageError) {
        do throws(StorageError) {
            try call.retry("mkdir", path) { Int(mkdir(path, 0o755)) }
        } catch {
            if case .io(_, _, EEXIST) = error { return }
            throw error
        }
        try call.syncPath(Self.parent(of: path), flags: O_RDONLY | O_DIRECTORY)
    }

    private static func parent(of path: String) -> String {
        var bytes = Array(path.utf8)
        let slash = UInt8(ascii: "/")
        while bytes.count > 1, bytes.last == slash { bytes.removeLast() }
        guard let at = bytes.lastIndex(of: slash) else { return "." }
        return at == 0 ? "/" : String(decoding: bytes[..<at], as: UTF8.self)
    }

    private func entries(of path: String) throws(StorageError) -> [(name: String, isFolder: Bool)] {
        var opened: Opened?
        try call.retry("opendir", path) {
            opened = opendir(path)
            return opened == nil ? -1 : 0
        }
        guard let stream = opened else { throw SystemCall.error("opendir", path, EBADF) }
        defer { closedir(stream) }
        var found: [(name: String, isFolder: Bool)] = []
        while true {
            var next: UnsafeMutablePointer<dirent>?
            try call.retry("readdir", path) {
                errno = 0
                next = readdir(stream)
                return next == nil && errno != 0 ? -1 : 0
            }
            guard let entry = next else { return found }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: tuple.pointee)) {
                    String(cString: $0)
                }
            }
            if name == "." || name == ".." { continue }
            var isFolder = entry.pointee.d_type == UInt8(DT_DIR)
            if entry.pointee.d_type == UInt8(DT_UNKNOWN) {
                var status = stat()
                if lstat(path + "/" + name, &status) == 0 { isFolder = status.st_mode & S_IFMT == S_IFDIR }
            }
            found.append((name, isFolder))
        }
    }
}

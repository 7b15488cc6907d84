#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The real directory: POSIX files below one folder.
final class DiskDirectory: Directory {
    let path: String

    /// Opens the folder; with `create` it and those above it are made when they are missing.
    init(_ path: String, create: Bool = false) throws(StorageError) {
        self.path = path
        if create { try Self.createFolder(at: path) }
        guard try SystemCall.status(path).st_mode & S_IFMT == S_IFDIR else {
            throw SystemCall.error("opendir", path, ENOTDIR)
        }
    }

    private func full(_ name: String) -> String { path + "/" + name }

    func list(_ subfolder: String?) throws(StorageError) -> [String] {
        try Self.entries(of: subfolder.map(full) ?? path).filter { !$0.isFolder }.map(\.name).sorted()
    }

    func folders(_ subfolder: String?) throws(StorageError) -> [String] {
        try Self.entries(of: subfolder.map(full) ?? path).filter(\.isFolder).map(\.name).sorted()
    }

    func create(_ name: String) throws(StorageError) -> any OutputFile {
        try remove(name)
        let file = full(name)
        return DiskOutputFile(try SystemCall.openFile(file, O_WRONLY | O_CREAT | O_EXCL), path: file)
    }

    func open(_ name: String) throws(StorageError) -> MappedFile {
        let file = full(name)
        let descriptor = try SystemCall.openFile(file, O_RDONLY)
        defer { _ = close(descriptor) }
        var status = stat()
        try SystemCall.retry("fstat", file) { Int(fstat(descriptor, &status)) }
        let byteCount = Int(status.st_size)
        if byteCount == 0 { return MappedFile(mapping: nil) }
        guard let base = mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, 0), base != MAP_FAILED else {
            throw SystemCall.error("mmap", file)
        }
        return MappedFile(mapping: UnsafeRawBufferPointer(start: base, count: byteCount))
    }

    func read(_ name: String) throws(StorageError) -> [UInt8] {
        let file = full(name)
        let descriptor = try SystemCall.openFile(file, O_RDONLY)
        defer { _ = close(descriptor) }
        var status = stat()
        try SystemCall.retry("fstat", file) { Int(fstat(descriptor, &status)) }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let offset = done
            let got = try SystemCall.retry("read", file) {
                bytes.withUnsafeMutableBytes { target in
                    pread(descriptor, target.baseAddress.map { $0 + offset }, target.count - offset, off_t(offset))
                }
            }
            if got == 0 { break }
            done += got
        }
        bytes.removeLast(bytes.count - done)
        return bytes
    }

    func forEachPiece(
        _ name: String, pieceByteCount: Int, _ body: (UnsafeRawBufferPointer) throws(StorageError) -> Void
    ) throws(StorageError) {
        let file = full(name)
        let descriptor = try SystemCall.openFile(file, O_RDONLY)
        defer { _ = close(descriptor) }
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: max(pieceByteCount, 1), alignment: 16)
        defer { piece.deallocate() }
        var done = 0
        while true {
            let offset = done
            let got = try SystemCall.retry("read", file) {
                pread(descriptor, piece.baseAddress, piece.count, off_t(offset))
            }
            if got == 0 { return }
            try body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(piece)[..<got]))
            done += got
        }
    }

    func size(_ name: String) throws(StorageError) -> Int { Int(try SystemCall.status(full(name)).st_size) }

    func linkCount(_ name: String) throws(StorageError) -> Int { Int(try SystemCall.status(full(name)).st_nlink) }

    func exists(_ name: String) throws(StorageError) -> Bool {
        do throws(StorageError) {
            _ = try SystemCall.status(full(name))
            return true
        } catch {
            if case .io(_, _, ENOENT) = error { return false }
            throw error
        }
    }

    func rename(_ name: String, to target: String) throws(StorageError) {
        try SystemCall.renameFile(full(name), to: full(target))
    }

    func link(_ name: String, to target: String) throws(StorageError) {
        try SystemCall.linkFile(full(name), to: full(target))
    }

    func remove(_ name: String) throws(StorageError) {
        let file = full(name)
        if unlink(file) != 0, errno != ENOENT { throw SystemCall.error("unlink", file) }
    }

    func truncate(_ name: String, to byteCount: Int) throws(StorageError) {
        let file = full(name)
        let descriptor = try SystemCall.openFile(file, O_WRONLY)
        defer { _ = close(descriptor) }
        try SystemCall.retry("ftruncate", file) { Int(ftruncate(descriptor, off_t(byteCount))) }
        try SystemCall.syncAll(descriptor, path: file)
    }

    func createFolder(_ name: String) throws(StorageError) { try Self.createFolder(at: full(name)) }

    func removeFolder(_ name: String) throws(StorageError) {
        let folder = full(name)
        if rmdir(folder) != 0, errno != ENOENT { throw SystemCall.error("rmdir", folder) }
    }

    func syncDirectory(_ subfolder: String?) throws(StorageError) {
        try SystemCall.syncPath(subfolder.map(full) ?? path, flags: O_RDONLY | O_DIRECTORY)
    }

    func syncFile(_ name: String) throws(StorageError) { try SystemCall.syncPath(full(name)) }

    func lock(_ name: String) throws(StorageError) -> any FileLock { try DiskLock(full(name)) }

    func space() throws(StorageError) -> SpaceReading { try SystemCall.space(path) }
}

/// What concerns folders as wholes, by path.
extension DiskDirectory {
    /// Makes the folder and those above it, each durable in its parent; one that exists is fine.
    static func createFolder(at path: String) throws(StorageError) {
        if mkdir(path, 0o755) == 0 {
            try SystemCall.syncPath(parent(of: path), flags: O_RDONLY | O_DIRECTORY)
            return
        }
        let code = errno
        if code == EEXIST { return }
        let above = parent(of: path)
        guard code == ENOENT, above != path else { throw SystemCall.error("mkdir", path, code) }
        try createFolder(at: above)
        if mkdir(path, 0o755) != 0, errno != EEXIST { throw SystemCall.error("mkdir", path) }
        try SystemCall.syncPath(above, flags: O_RDONLY | O_DIRECTORY)
    }

    private static func parent(of path: String) -> String {
        var bytes = Array(path.utf8)
        let slash = UInt8(ascii: "/")
        while bytes.count > 1, bytes.last == slash { bytes.removeLast() }
        guard let at = bytes.lastIndex(of: slash) else { return "." }
        return at == 0 ? "/" : String(decoding: bytes[..<at], as: UTF8.self)
    }

    private static func entries(of path: String) throws(StorageError) -> [(name: String, isFolder: Bool)] {
        guard let stream = opendir(path) else { throw SystemCall.error("opendir", path) }
        defer { closedir(stream) }
        var found: [(name: String, isFolder: Bool)] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                let code = errno
                if code != 0 { throw SystemCall.error("readdir", path, code) }
                return found
            }
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

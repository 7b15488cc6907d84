// System calls with EINTR retried, short reads and writes gone on with, and errno as a typed error.

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What happens to a system call instead of what the kernel would do: for tests.
enum SystemFault: Sendable, Equatable {
    /// A signal came first: the call has done nothing.
    case interrupted
    /// The call fails with this errno and has done nothing.
    case failing(Int32)
    /// A read or write moves at most so many bytes.
    case short(Int)
}

/// The door to the kernel; every call of `DiskDirectory` and its files goes through one of these.
struct SystemCall: Sendable {
    /// Asked before each call: its name, its path and the bytes it shall move.
    typealias Intercept = @Sendable (_ operation: String, _ path: String, _ byteCount: Int) -> SystemFault?

    private let intercept: Intercept?

    init(intercept: Intercept? = nil) { self.intercept = intercept }

    static func error(_ operation: String, _ path: String, _ code: Int32 = errno) -> StorageError {
        .io(operation: operation, path: path, errno: code)
    }

    /// Repeats a call that returns -1 for failure while it was interrupted.
    @discardableResult
    func retry(_ operation: String, _ path: String, _ call: () -> Int) throws(StorageError) -> Int {
        try transfer(operation, path, 0) { _ in call() }
    }

    /// The same for a call that moves up to `byteCount` bytes; it may move fewer.
    private func transfer(
        _ operation: String, _ path: String, _ byteCount: Int, _ call: (_ byteCount: Int) -> Int
    ) throws(StorageError) -> Int {
        while true {
            let result: Int
            switch intercept?(operation, path, byteCount) {
            case nil: result = call(byteCount)
            case .short(let count)?: result = call(byteCount == 0 ? 0 : min(byteCount, max(1, count)))
            case .interrupted?:
                errno = EINTR
                result = -1
            case .failing(let code)?:
                errno = code
                result = -1
            }
            if result != -1 { return result }
            let code = errno
            if code != EINTR { throw Self.error(operation, path, code) }
        }
    }

    func openFile(_ path: String, _ flags: Int32, mode: mode_t = 0o644) throws(StorageError) -> Int32 {
        Int32(try retry("open", path) { Int(open(path, flags | O_CLOEXEC, mode)) })
    }

    func status(_ path: String) throws(StorageError) -> stat {
        var result = stat()
        try retry("stat", path) { Int(stat(path, &result)) }
        return result
    }

    /// Bytes of an open file.
    func size(_ descriptor: Int32, path: String) throws(StorageError) -> Int {
        var status = stat()
        try retry("fstat", path) { Int(fstat(descriptor, &status)) }
        return Int(status.st_size)
    }

    /// A read-only mapping of the first `byteCount` bytes, which are at least 1.
    func map(_ descriptor: Int32, _ byteCount: Int, path: String) throws(StorageError) -> UnsafeRawBufferPointer {
        var base: UnsafeMutableRawPointer?
        try retry("mmap", path) {
            base = mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, 0)
            return base == MAP_FAILED ? -1 : 0
        }
        return UnsafeRawBufferPointer(start: base, count: byteCount)
    }

    /// Writes all bytes at `offset`, however many calls it takes.
    func write(
        _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int, path: String
    ) throws(StorageError) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let at = off_t(offset + done)
            let written = try transfer("write", path, rest.count) { pwrite(descriptor, rest.baseAddress, $0, at) }
            if written == 0 { throw Self.error("write", path, ENOSPC) }
            done += written
        }
    }

    /// Reads from the beginning until `bytes` is full or the file ends; returns how many bytes there were.
    func read(_ descriptor: Int32, into bytes: inout [UInt8], path: String) throws(StorageError) -> Int {
        var done = 0
        while done < bytes.count {
            let offset = done
            let got = try transfer("read", path, bytes.count - offset) { count in
                bytes.withUnsafeMutableBytes { target in
                    pread(descriptor, target.baseAddress.map { $0 + offset }, count, off_t(offset))
                }
            }
            if got == 0 { break }
            done += got
        }
        return done
    }

    /// Makes data, and what is needed to find it, durable.
    func syncData(_ descriptor: Int32, path: String) throws(StorageError) {
        #if canImport(Glibc)
            try retry("fdatasync", path) { Int(fdatasync(descriptor)) }
        #else
            try syncAll(descriptor, path: path)
        #endif
    }

    /// Makes data and every attribute durable.
    func syncAll(_ descriptor: Int32, path: String) throws(StorageError) {
        #if canImport(Glibc)
            try retry("fsync", path) { Int(fsync(descriptor)) }
        #else
            // fsync does not reach the platter on Darwin; F_FULLFSYNC is missing on some file systems.
            if fcntl(descriptor, F_FULLFSYNC) != -1 { return }
            try retry("fsync", path) { Int(fsync(descriptor)) }
        #endif
    }

    /// Has the kernel begin to write these bytes of a file to the disk. What fails here shows when the file is synced, so
    /// nothing is reported.
    static func beginWriting(_ descriptor: Int32, _ range: Range<Int>) {
        #if canImport(Glibc)
            // SYNC_FILE_RANGE_WRITE, which the module does not show either.
            _ = syncFileRange?(descriptor, off_t(range.lowerBound), off_t(range.count), 2)
        #endif
    }

    #if canImport(Glibc)
        /// `sync_file_range(2)`, which the module does not show; nil where the library has none.
        private static let syncFileRange = dlsym(nil, "sync_file_range").map {
            unsafeBitCast($0, to: (@convention(c) (Int32, off_t, off_t, UInt32) -> Int32).self)
        }
    #endif

    /// Opens a file or folder, syncs it and closes it.
    func syncPath(_ path: String, flags: Int32 = O_RDONLY) throws(StorageError) {
        let descriptor = try openFile(path, flags)
        defer { _ = Self.closeDescriptor(descriptor) }
        try syncAll(descriptor, path: path)
    }

    func cut(_ descriptor: Int32, to byteCount: Int, path: String) throws(StorageError) {
        try retry("ftruncate", path) { Int(ftruncate(descriptor, off_t(byteCount))) }
    }

    /// Asks for room behind `offset` that reads as zeros; whether there is some.
    func reserve(_ descriptor: Int32, at offset: Int, _ byteCount: Int, path: String) -> Bool {
        #if canImport(Glibc)
            // It returns the error instead of setting it.
            let result = try? retry("fallocate", path) {
                errno = posix_fallocate(descriptor, off_t(offset), off_t(byteCount))
                return errno == 0 ? 0 : -1
            }
            return result != nil
        #else
            return false
        #endif
    }

    func rename(_ path: String, to target: String) throws(StorageError) {
        try retry("rename", path) { Int(Self.renamePath(path, target)) }
    }

    func link(_ path: String, to target: String) throws(StorageError) {
        try retry("link", target) { Int(Self.linkPath(path, target)) }
    }

    /// Removes a file, or with `isFolder` an empty folder; what is not there is not an error.
    func remove(_ path: String, isFolder: Bool = false) throws(StorageError) {
        do throws(StorageError) {
            try retry(isFolder ? "rmdir" : "unlink", path) { Int(isFolder ? rmdir(path) : unlink(path)) }
        } catch {
            if case .io(_, _, ENOENT) = error { return }
            throw error
        }
    }

    /// Bytes an ordinary user can still write on the file system of the path, and all it has.
    func space(_ path: String) throws(StorageError) -> SpaceReading {
        var status = statvfs()
        try retry("statvfs", path) { Int(statvfs(path, &status)) }
        let unit = UInt64(status.f_frsize)
        return SpaceReading(
            free: Int(clamping: UInt64(status.f_bavail) &* unit), total: Int(clamping: UInt64(status.f_blocks) &* unit))
    }

    /// Closes a file that was written. After EINTR the descriptor is gone all the same (Linux close(2)).
    func close(_ descriptor: Int32, path: String) throws(StorageError) {
        var isClosed = false
        // An interception may have come before the first try.
        defer { if !isClosed { _ = Self.closeDescriptor(descriptor) } }
        try retry("close", path) {
            if isClosed { return 0 }
            isClosed = true
            return Int(Self.closeDescriptor(descriptor))
        }
    }

    /// Exactly `close(2)`, for types that have a method of that name.
    static func closeDescriptor(_ descriptor: Int32) -> Int32 {
        #if canImport(Glibc)
            Glibc.close(descriptor)
        #else
            Darwin.close(descriptor)
        #endif
    }

    private static func renamePath(_ path: String, _ target: String) -> Int32 {
        #if canImport(Glibc)
            Glibc.rename(path, target)
        #else
            Darwin.rename(path, target)
        #endif
    }

    private static func linkPath(_ path: String, _ target: String) -> Int32 {
        #if canImport(Glibc)
            Glibc.link(path, target)
        #else
            Darwin.link(path, target)
        #endif
    }
}

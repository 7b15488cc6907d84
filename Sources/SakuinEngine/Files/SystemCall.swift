// System calls with EINTR retried and errno as a typed error.

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

enum SystemCall {
    static func error(_ operation: String, _ path: String, _ code: Int32 = errno) -> StorageError {
        .io(operation: operation, path: path, errno: code)
    }

    /// Repeats a call that returns -1 for failure while it was interrupted.
    @discardableResult
    static func retry(_ operation: String, _ path: String, _ call: () -> Int) throws(StorageError) -> Int {
        while true {
            let result = call()
            if result != -1 { return result }
            let code = errno
            if code != EINTR { throw error(operation, path, code) }
        }
    }

    static func openFile(_ path: String, _ flags: Int32, mode: mode_t = 0o644) throws(StorageError) -> Int32 {
        Int32(try retry("open", path) { Int(open(path, flags | O_CLOEXEC, mode)) })
    }

    static func status(_ path: String) throws(StorageError) -> stat {
        var result = stat()
        try retry("stat", path) { Int(stat(path, &result)) }
        return result
    }

    /// Writes all bytes at `offset`, however many calls it takes.
    static func write(
        _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int, path: String
    ) throws(StorageError) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let written = try retry("write", path) {
                pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            }
            if written == 0 { throw error("write", path, ENOSPC) }
            done += written
        }
    }

    /// Makes data, and what is needed to find it, durable.
    static func syncData(_ descriptor: Int32, path: String) throws(StorageError) {
        #if canImport(Glibc)
            try retry("fdatasync", path) { Int(fdatasync(descriptor)) }
        #else
            try syncAll(descriptor, path: path)
        #endif
    }

    /// Makes data and every attribute durable.
    static func syncAll(_ descriptor: Int32, path: String) throws(StorageError) {
        #if canImport(Glibc)
            try retry("fsync", path) { Int(fsync(descriptor)) }
        #else
            // fsync does not reach the platter on Darwin; F_FULLFSYNC is missing on some file systems.
            if fcntl(descriptor, F_FULLFSYNC) != -1 { return }
            try retry("fsync", path) { Int(fsync(descriptor)) }
        #endif
    }

    /// Opens a file or folder, syncs it and closes it.
    static func syncPath(_ path: String, flags: Int32 = O_RDONLY) throws(StorageError) {
        let descriptor = try openFile(path, flags)
        defer { _ = close(descriptor) }
        try syncAll(descriptor, path: path)
    }

    static func renameFile(_ path: String, to target: String) throws(StorageError) {
        try retry("rename", path) { Int(rename(path, target)) }
    }

    static func linkFile(_ path: String, to target: String) throws(StorageError) {
        try retry("link", target) { Int(link(path, target)) }
    }

    /// Bytes an ordinary user can still write on the file system of the path, and all it has.
    static func space(_ path: String) throws(StorageError) -> SpaceReading {
        var status = statvfs()
        try retry("statvfs", path) { Int(statvfs(path, &status)) }
        let unit = UInt64(status.f_frsize)
        return SpaceReading(
            free: Int(clamping: UInt64(status.f_bavail) &* unit), total: Int(clamping: UInt64(status.f_blocks) &* unit))
    }

    /// Exactly `close(2)`, for types that have a method of that name.
    static func closeDescriptor(_ descriptor: Int32) -> Int32 { close(descriptor) }
}

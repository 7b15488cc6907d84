// What `DiskDirectory` hands out: files being written, and the lock.

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file written front to back; nothing is held back from the kernel, so callers gather small pieces themselves.
final class DiskOutputFile: OutputFile {
    private let path: String
    private let call: SystemCall
    private var descriptor: Int32
    private var written = 0
    var count: Int { written }
    private var allocated = 0
    /// Bytes that were asked to go to the disk.
    private var syncBegun = 0

    /// Takes over the descriptor of an empty file.
    init(_ descriptor: Int32, path: String, _ call: SystemCall) {
        self.descriptor = descriptor
        self.path = path
        self.call = call
    }

    deinit {
        if descriptor >= 0 { _ = SystemCall.closeDescriptor(descriptor) }
    }

    private func checkOpen(_ operation: String) throws(StorageError) {
        if descriptor < 0 { throw SystemCall.error(operation, path, EBADF) }
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        try checkOpen("write")
        try call.write(descriptor, bytes, at: written, path: path)
        written += bytes.count
    }

    func flush() throws(StorageError) { try checkOpen("write") }

    func sync() throws(StorageError) {
        try checkOpen("fdatasync")
        try call.syncData(descriptor, path: path)
    }

    func beginSync() {
        if descriptor < 0 { return }
        SystemCall.beginWriting(descriptor, syncBegun..<written)
        syncBegun = written
    }

    func preallocate(_ byteCount: Int) {
        guard descriptor >= 0, byteCount > 0 else { return }
        if call.reserve(descriptor, at: written, byteCount, path: path) { allocated = written + byteCount }
    }

    func close() throws(StorageError) {
        if descriptor < 0 { return }
        if allocated > written { try call.cut(descriptor, to: written, path: path) }
        let open = descriptor
        descriptor = -1
        try call.close(open, path: path)
    }
}

/// `flock` on a file that holds the owner's pid.
final class DiskLock: FileLock {
    private let descriptor: LockedDescriptor

    init(_ path: String, _ call: SystemCall) throws(StorageError) {
        let file = try call.openFile(path, O_RDWR | O_CREAT)
        do throws(StorageError) {
            try call.retry("flock", path) { Int(flock(file, LOCK_EX | LOCK_NB)) }
            try call.cut(file, to: 0, path: path)
            let owner = Array("\(getpid())\n".utf8)
            let result: Result<Void, StorageError> = owner.withUnsafeBytes { bytes in
                do throws(StorageError) {
                    return .success(try call.write(file, bytes, at: 0, path: path))
                } catch { return .failure(error) }
            }
            try result.get()
        } catch {
            throw Self.give(up: file, path, error)
        }
        descriptor = LockedDescriptor(file)
    }

    /// Locks a file that is there and leaves it as it is.
    init(reading path: String, _ call: SystemCall) throws(StorageError) {
        let file = try call.openFile(path, O_RDONLY)
        do throws(StorageError) {
            try call.retry("flock", path) { Int(flock(file, LOCK_EX | LOCK_NB)) }
        } catch {
            throw Self.give(up: file, path, error)
        }
        descriptor = LockedDescriptor(file)
    }

    /// Closes a file that could not be locked; the error that says why.
    private static func give(up file: Int32, _ path: String, _ error: StorageError) -> StorageError {
        let owner = owner(file)
        _ = SystemCall.closeDescriptor(file)
        if case .io("flock", _, EWOULDBLOCK) = error { return .locked(path: path, owner: owner) }
        return error
    }

    deinit { descriptor.close() }

    func release() { descriptor.close() }

    /// By the pid in the file.
    private static func owner(_ file: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 32)
        let got = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
        let digits = bytes.prefix(max(got, 0)).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return digits.isEmpty ? "another process" : "process " + String(decoding: digits, as: UTF8.self)
    }
}

// Reads files that hold secrets, and refuses those that others could read or change.

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
public import SakuinTypes

public enum AccessFile {
    /// What a group may not do (write), and what others may not do (anything).
    private static let forbidden: mode_t = 0o027

    /// The bytes of a file without a byte order mark. Throws `invalidArgument` under `field` when it cannot be read, is longer than `byteCountMax`, or,
    /// if it is a secret, when users other than its owner and group may read it or others than its owner may write it.
    public static func read(
        _ path: String, field: String, byteCountMax: Int, isSecret: Bool = true
    ) throws(SakuinError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw unreadable(path, field, errno) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw unreadable(path, field, errno) }
        guard !isSecret || status.st_mode & forbidden == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw .invalid(
                "The file holds a secret, and others may read or change it.", field: field, limit: "mode 640",
                value: "\(path), mode \(mode)", nextStep: "chmod 600 \(path)")
        }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= byteCountMax {
            let count = part.withUnsafeMutableBytes { readBytes(file, $0) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path, field, errno) }
            if count == 0 { return ByteOrderMark.without(bytes) }
            bytes += part[..<count]
        }
        throw .invalid("The file is too long.", field: field, limit: byteCountMax, value: path)
    }

    private static func readBytes(_ file: Int32, _ into: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.read(file, into.baseAddress, into.count)
        #else
            Darwin.read(file, into.baseAddress, into.count)
        #endif
    }

    private static func unreadable(_ path: String, _ field: String, _ code: Int32) -> SakuinError {
        .invalid("The file cannot be read: \(String(cString: strerror(code))).", field: field, value: path)
    }
}

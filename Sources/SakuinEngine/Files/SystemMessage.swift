#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The system's sentence for an error number.
enum SystemMessage {
    static func text(_ number: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        _ = strerror_r(number, &buffer, buffer.count - 1)
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return bytes.isEmpty ? "error \(number)" : String(decoding: bytes, as: UTF8.self)
    }
}

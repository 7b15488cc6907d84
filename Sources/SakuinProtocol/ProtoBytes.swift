// Protobuf's wire format by hand, as far as `SearchRequestCodec` and `SearchReplyCodec`
// need it
// (https://protobuf.dev/programming-guides/encoding).

/// Writes fields into room that was counted before. What does not fit is left out, so that a wrong count shows as a wrong
/// message and not as a write elsewhere.
struct ProtoWriter {
    private let out: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ out: UnsafeMutableRawBufferPointer) { self.out = out }

    /// Bytes of a varint: seven bits in each.
    static func byteCount(_ value: UInt64) -> Int { (70 - (value | 1).leadingZeroBitCount) / 7 }

    /// Bytes of a length-delimited field with a tag of one byte.
    static func byteCount(block byteCount: Int) -> Int { 1 + Self.byteCount(UInt64(byteCount)) + byteCount }

    /// Bytes of a number with a tag of one byte, which is left out when it is 0.
    static func byteCount(field value: UInt64) -> Int { value == 0 ? 0 : 1 + byteCount(value) }

    private mutating func write(byte: UInt8) {
        guard count < out.count else { return }
        out[count] = byte
        count &+= 1
    }

    mutating func write(varint: UInt64) {
        var rest = varint
        while rest >= 0x80 {
            write(byte: UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        write(byte: UInt8(truncatingIfNeeded: rest))
    }

    /// A number, unless it is 0, which is what a missing field says.
    mutating func write(_ tag: UInt8, _ value: UInt64) {
        if value == 0 { return }
        write(byte: tag)
        write(varint: value)
    }

    mutating func write(_ tag: UInt8, fixed: UInt32) {
        write(byte: tag)
        withUnsafeBytes(of: fixed.littleEndian) { write($0) }
    }

    /// Tag and length; so many bytes have to follow.
    mutating func begin(_ tag: UInt8, byteCount: Int) {
        write(byte: tag)
        write(varint: UInt64(byteCount))
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count <= out.count - count else { return }
        (out.baseAddress.map { $0 + count })?.copyMemory(from: base, byteCount: bytes.count)
        count += bytes.count
    }

    mutating func writeBlock(_ tag: UInt8, _ text: String) {
        begin(tag, byteCount: text.utf8.count)
        var text = text
        text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
    }
}

/// Reads fields; nil for everything that is cut short or too long.
struct ProtoReader {
    private let bytes: UnsafeRawBufferPointer
    private var at = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { at == bytes.count }

    /// A tag of one byte.
    mutating func tag() -> UInt8? {
        guard at < bytes.count else { return nil }
        defer { at &+= 1 }
        return bytes[at]
    }

    mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while at < bytes.count, shift < 64 {
            let byte = bytes[at]
            at &+= 1
            // The tenth byte has room for one bit.
            if shift == 63, byte > 1 { return nil }
            value |= UInt64(byte & 0x7F) &<< shift
            if byte & 0x80 == 0 { return value }
            shift &+= 7
        }
        return nil
    }

    mutating func uint32() -> UInt32? { varint().flatMap(UInt32.init(exactly:)) }

    mutating func fixed32() -> UInt32? {
        guard bytes.count - at >= 4 else { return nil }
        defer { at &+= 4 }
        return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
    }

    mutating func block() -> UnsafeRawBufferPointer? {
        guard let count = varint(), count <= UInt64(bytes.count - at) else { return nil }
        defer { at += Int(count) }
        return UnsafeRawBufferPointer(rebasing: bytes[at..<(at + Int(count))])
    }

    /// A length-delimited field that is UTF-8.
    mutating func text() -> String? {
        guard let block = block() else { return nil }
        // `String(validating:)` goes through the runtime's generics, which takes longer than most keys and names.
        return Self.isASCII(block) ? String(decoding: block, as: UTF8.self) : String(validating: block, as: UTF8.self)
    }

    private static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var at = 0
        var seen: UInt64 = 0
        while bytes.count - at >= 8 {
            seen |= bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            at &+= 8
        }
        while at < bytes.count {
            seen |= UInt64(bytes[at])
            at &+= 1
        }
        return seen & 0x8080_8080_8080_8080 == 0
    }
}

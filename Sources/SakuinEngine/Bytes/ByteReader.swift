/// A bounds-checked little-endian cursor over bytes of a file; every failure names file and offset.
struct ByteReader {
    let bytes: UnsafeRawBufferPointer
    let file: String
    /// Offset of `bytes` in the file, for errors.
    let base: Int
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer, file: String, base: Int = 0) {
        self.bytes = bytes
        self.file = file
        self.base = base
    }

    var remaining: Int { bytes.count - offset }

    func corrupt(_ reason: String) -> StorageError { .corrupt(file: file, offset: base + offset, reason: reason) }

    @inline(__always)
    private mutating func readFixed<T: FixedWidthInteger & BitwiseCopyable>() throws(StorageError) -> T {
        guard remaining >= MemoryLayout<T>.size else { throw corrupt("\(MemoryLayout<T>.size) bytes expected") }
        let value = bytes.loadUnaligned(fromByteOffset: offset, as: T.self)
        offset &+= MemoryLayout<T>.size
        return T(littleEndian: value)
    }

    mutating func read8() throws(StorageError) -> UInt8 { try readFixed() }
    mutating func read16() throws(StorageError) -> UInt16 { try readFixed() }
    mutating func read32() throws(StorageError) -> UInt32 { try readFixed() }
    mutating func read64() throws(StorageError) -> UInt64 { try readFixed() }

    /// LEB128; more than 64 bits of payload is corrupt.
    @inline(__always)
    mutating func readVarint() throws(StorageError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while offset < bytes.count {
            let byte = bytes[offset]
            offset &+= 1
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 {
                if shift == 63, byte > 1 { throw corrupt("varint over 64 bits") }
                return value
            }
            shift &+= 7
            if shift > 63 { throw corrupt("varint over 64 bits") }
        }
        throw corrupt("varint cut short")
    }

    /// A varint that counts something: at most `max`.
    mutating func readCount(max: Int) throws(StorageError) -> Int {
        let value = try readVarint()
        guard value <= UInt64(Swift.max(0, max)) else { throw corrupt("count \(value) over \(max)") }
        return Int(value)
    }

    mutating func readBytes(_ byteCount: Int) throws(StorageError) -> UnsafeRawBufferPointer {
        guard byteCount >= 0, remaining >= byteCount else { throw corrupt("\(byteCount) bytes expected") }
        let part = UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + byteCount)])
        offset += byteCount
        return part
    }

    mutating func skip(_ byteCount: Int) throws(StorageError) { _ = try readBytes(byteCount) }

    /// Varint length and that many bytes of valid UTF-8.
    mutating func readString() throws(StorageError) -> String {
        let length = try readCount(max: remaining)
        let part = try readBytes(length)
        guard let text = String(validating: part, as: UTF8.self) else { throw corrupt("invalid UTF-8") }
        return text
    }
}

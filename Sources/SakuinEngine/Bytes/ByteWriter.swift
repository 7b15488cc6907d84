/// A growable little-endian output buffer that owns its memory.
struct ByteWriter: ~Copyable {
    private var base: UnsafeMutableRawPointer
    /// Bytes of memory it has.
    private(set) var capacity: Int
    /// Bytes written.
    private(set) var count = 0

    init(capacity: Int = 256) {
        self.capacity = max(capacity, 16)
        base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    /// Makes room for `more` bytes behind what is there.
    @inline(__always)
    mutating func reserve(_ more: Int) {
        if count + more > capacity { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        let wanted = max(capacity * 2, count + more)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
        moved.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = moved
        capacity = wanted
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        reserve(1)
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    @inline(__always)
    private mutating func appendFixed<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        reserve(MemoryLayout<T>.size)
        base.storeBytes(of: value.littleEndian, toByteOffset: count, as: T.self)
        count &+= MemoryLayout<T>.size
    }

    @inline(__always) mutating func append16(_ value: UInt16) { appendFixed(value) }
    @inline(__always) mutating func append32(_ value: UInt32) { appendFixed(value) }
    @inline(__always) mutating func append64(_ value: UInt64) { appendFixed(value) }

    /// The low `byteCount` (0...4) bytes of the value.
    @inline(__always)
    mutating func append(_ value: UInt32, byteCount: Int) {
        reserve(4)
        base.storeBytes(of: value.littleEndian, toByteOffset: count, as: UInt32.self)
        count &+= byteCount
    }

    /// LEB128, 1 to 10 bytes.
    @inline(__always)
    mutating func appendVarint(_ value: UInt64) {
        reserve(10)
        var rest = value
        while rest >= 0x80 {
            base.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: count, as: UInt8.self)
            count &+= 1
            rest &>>= 7
        }
        base.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    mutating func append(bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        reserve(bytes.count)
        (base + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    /// The UTF-8 of the string, without a length.
    mutating func append(utf8 text: String) {
        var text = text
        text.withUTF8 { append(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Varint length and UTF-8.
    mutating func append(string text: String) {
        appendVarint(UInt64(text.utf8.count))
        append(utf8: text)
    }

    /// Hands out `byteCount` uninitialised bytes behind what is there; `body` returns how many it filled.
    @inline(__always)
    mutating func append(upTo byteCount: Int, _ body: (UnsafeMutableRawPointer) -> Int) {
        reserve(byteCount)
        count &+= body(base + count)
    }

    mutating func removeAll() { count = 0 }

    /// Cuts to the first `byteCount` bytes.
    mutating func truncate(to byteCount: Int) { count = min(count, byteCount) }

    /// The bytes, valid until the next change.
    @inline(__always)
    func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// Where the bytes begin, valid until the next change.
    var start: UnsafeRawPointer { UnsafeRawPointer(base) }

    /// A copy of the bytes.
    func array() -> [UInt8] { withBytes { [UInt8]($0) } }
}

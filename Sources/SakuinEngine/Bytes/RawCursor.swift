/// An unchecked-speed, still bounds-safe cursor for hot loops: past the end it reads zeros and remembers `failed`.
struct RawCursor {
    private(set) var at: UnsafeRawPointer
    let end: UnsafeRawPointer
    /// Set once something did not fit; what was read since is meaningless.
    private(set) var failed = false

    init(_ at: UnsafeRawPointer, end: UnsafeRawPointer) {
        self.at = at
        self.end = end
    }

    var isAtEnd: Bool { @inline(__always) get { at >= end } }

    @inline(__always)
    mutating func varint() -> UInt64 {
        if at < end {
            let byte = at.load(as: UInt8.self)
            if byte < 0x80 {
                at += 1
                return UInt64(byte)
            }
        }
        return longVarint()
    }

    @inline(never)
    private mutating func longVarint() -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while at < end, shift < 64 {
            let byte = at.load(as: UInt8.self)
            at += 1
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { return value }
            shift &+= 7
        }
        failed = true
        return 0
    }

    /// A varint that must be below 2^32.
    @inline(__always)
    mutating func varint32() -> UInt32 {
        let value = varint()
        if value > UInt64(UInt32.max) { failed = true }
        return UInt32(truncatingIfNeeded: value)
    }

    /// Two varints below 2^32, mostly of a byte each.
    @inline(__always)
    mutating func varintPair() -> (Int, Int) {
        if end - at >= 2 {
            let both = UInt16(littleEndian: at.loadUnaligned(as: UInt16.self))
            if both & 0x8080 == 0 {
                at += 2
                return (Int(both & 0xFF), Int(both &>> 8))
            }
        }
        return (Int(varint32()), Int(varint32()))
    }

    /// Steps over bytes and returns where they begin; nil when they do not fit.
    @inline(__always)
    mutating func bytes(_ count: Int) -> UnsafeRawPointer? {
        guard count >= 0, end - at >= count else {
            failed = true
            return nil
        }
        let start = at
        at += count
        return start
    }
}

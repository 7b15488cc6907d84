/// Eight bytes looked at together, the first one lowest (for the arithmetic see Warren, "Hacker's Delight", 2nd ed., 6-1).
struct ByteWord {
    let bits: UInt64

    /// Those from `at` on, all of which are there.
    @inline(__always)
    init(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) {
        bits = UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: at, as: UInt64.self).littleEndian
    }

    /// That byte eight times.
    @inline(__always)
    private static func each(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }

    /// The high bits of the bytes below `limit`, which is at most 128; of those behind the first of them some more.
    @inline(__always)
    private static func below(_ limit: UInt8, _ bits: UInt64) -> UInt64 { (bits &- each(limit)) & ~bits & each(0x80) }

    /// How many bytes there are before the first that is `byte`; 8 without one.
    @inline(__always)
    func countBefore(_ byte: UInt8) -> Int { Self.below(1, bits ^ Self.each(byte)).trailingZeroBitCount >> 3 }

    /// Whether all are ASCII that stands in a JSON string as it is.
    @inline(__always)
    var isPlain: Bool {
        let quote = Self.below(1, bits ^ Self.each(UInt8(ascii: "\"")))
        let escape = Self.below(1, bits ^ Self.each(UInt8(ascii: "\\")))
        return (bits & Self.each(0x80)) | Self.below(0x20, bits) | quote | escape == 0
    }

    /// Whether UTF-8 sequences of three bytes begin where `leads` has ones, and all other bytes are of such. With `E0` in
    /// front the second byte is from `A0` on, with `ED` below (RFC 3629); it must be in the word.
    @inline(__always)
    func hasThrees(leads: UInt64) -> Bool {
        let marks = leads & Self.each(0xF0) | ~leads & Self.each(0xC0)
        let isShaped = bits & marks == leads & Self.each(0xE0) | ~leads & Self.each(0x80)
        let digits = bits & Self.each(0x0F)
        let seconds = bits &>> 9
        // Bit 4 of a byte: whether its last four bits are not these, or the second byte may stand behind them.
        let isFirst = (digits &+ Self.each(0x0F)) | seconds
        let isLast = ((digits ^ Self.each(0x0D)) &+ Self.each(0x0F)) | ~seconds
        return isShaped && ~(isFirst & isLast) & leads & Self.each(0x10) == 0
    }
}

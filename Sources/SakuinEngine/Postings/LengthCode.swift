/// A field length in one byte: exact to 15, then three significant bits behind the leading one (at most 12 % short).
enum LengthCode {
    /// The largest code whose length is not above `length`.
    @inline(__always)
    static func encode(_ length: UInt32) -> UInt8 {
        if length < 16 { return UInt8(truncatingIfNeeded: length) }
        let exponent = 31 &- length.leadingZeroBitCount
        let mantissa = length &>> UInt32(truncatingIfNeeded: exponent &- 3) & 7
        return UInt8(truncatingIfNeeded: 16 &+ (exponent &- 4) &* 8 &+ Int(mantissa))
    }

    /// The shortest length with this code; codes above those of `encode` give `UInt32.max`.
    static func decode(_ code: UInt8) -> UInt32 {
        if code < 16 { return UInt32(code) }
        let exponent = (UInt64(code) - 16) / 8 + 4
        let mantissa = (UInt64(code) - 16) % 8
        return UInt32(clamping: (8 | mantissa) << (exponent - 3))
    }
}

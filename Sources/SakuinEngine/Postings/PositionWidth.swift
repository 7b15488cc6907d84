/// Bits that a position takes in a document: as many as the longest field with its length code needs.
///
/// A field of length n has positions below 2 n, see `Analyzer.index`.
enum PositionWidth {
    /// Widths of the lengths 0 to 15, four bits each.
    private static let short: UInt64 = 0x5555_5554_4443_3210

    /// 0...32.
    @inline(__always)
    static func bits(_ lengthCode: UInt8) -> Int {
        let code = UInt64(lengthCode)
        if code < 16 { return Int(truncatingIfNeeded: short &>> (4 &* code) & 15) }
        // Lengths with this code are below (16 + 2 j) 2^i for i = (code - 16) / 8 and j up to 8: 2 n has i + 6 bits.
        return min(Int(truncatingIfNeeded: (code &+ 32) &>> 3), 32)
    }

    /// The same by length code, for loops; made once, kept for good and never written afterwards.
    nonisolated(unsafe) static let byLengthCode: UnsafePointer<UInt8> = {
        let widths = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        for code in 0..<256 { widths[code] = UInt8(bits(UInt8(code))) }
        return UnsafePointer(widths)
    }()
}

/// Four UTF-8 sequences of three bytes decoded together, as nearly all of CJK text is. Conditions are lanes of ones or zeros,
/// by arithmetic on signs: there is nothing that is slow without newer instructions.
struct FourScalars {
    /// So many are looked at: the last load is of four.
    static let byteCount = 13

    /// What they stand for if they are such.
    let scalars: SIMD4<UInt32>
    /// Where the bits that tell first bytes from others are those of such a sequence. It may be overlong, or half of a
    /// surrogate pair: scalars below U+0800 and from U+D800 to U+DFFF.
    let isSequence: SIMD4<UInt32>

    /// Of the bytes from there on, all of which there are.
    @inline(__always)
    init(_ raw: UnsafeRawPointer) {
        let words = SIMD4(
            raw.loadUnaligned(as: UInt32.self).littleEndian,
            raw.loadUnaligned(fromByteOffset: 3, as: UInt32.self).littleEndian,
            raw.loadUnaligned(fromByteOffset: 6, as: UInt32.self).littleEndian,
            raw.loadUnaligned(fromByteOffset: 9, as: UInt32.self).littleEndian)
        isSequence = Self.equals(words & SIMD4(repeating: 0xC0_C0F0), 0x80_80E0)
        let (lead, second) = (words & SIMD4(repeating: 0x0F), words & SIMD4(repeating: 0x3F00))
        let third = words & SIMD4(repeating: 0x3F_0000)
        scalars = lead &<< SIMD4(repeating: 12) | second &>> SIMD4(repeating: 2) | third &>> SIMD4(repeating: 16)
    }

    /// Ones where the highest bit is set.
    @inline(__always)
    private static func spread(_ values: SIMD4<UInt32>) -> SIMD4<UInt32> {
        let signed = unsafeBitCast(values, to: SIMD4<Int32>.self) &>> SIMD4(repeating: 31)
        return unsafeBitCast(signed, to: SIMD4<UInt32>.self)
    }

    /// Where a value, all below 2^31, lies between these two.
    @inline(__always)
    static func lies(_ values: SIMD4<UInt32>, from first: UInt32, to last: UInt32) -> SIMD4<UInt32> {
        ~spread((values &- SIMD4(repeating: first)) | (SIMD4(repeating: last) &- values))
    }

    /// Where a value, all below 2^31, is this one.
    @inline(__always)
    static func equals(_ values: SIMD4<UInt32>, _ value: UInt32) -> SIMD4<UInt32> {
        ~spread(SIMD4(repeating: 0) &- (values ^ SIMD4(repeating: value)))
    }

    /// Whether all lanes are ones.
    @inline(__always)
    static func areAll(_ condition: SIMD4<UInt32>) -> Bool {
        let halves = unsafeBitCast(condition, to: SIMD2<UInt64>.self)
        return halves[0] & halves[1] == .max
    }
}

// Bit packing of integers: four interleaved lanes for whole blocks of 128, plain little-endian runs for fewer.
//
// A whole block is 32 vectors of four values; lane i holds values i, i+4, i+8, … each `width` bits wide, so that one
// SIMD4 shift unpacks four values (the layout of Lemire and Boytsov, "Decoding billions of integers per second", 2015).

enum BitPacking {
    /// Values in a whole block.
    static let blockCount = 128

    /// Bytes of `count` values of `width` bits.
    @inline(__always)
    static func byteCount(_ count: Int, width: Int) -> Int { (count &* width &+ 7) &>> 3 }

    /// Packs 128 values below 2^width into `16 * width` bytes.
    static func pack128(_ values: UnsafePointer<UInt32>, width: Int, into out: UnsafeMutableRawPointer) {
        guard width > 0 else { return }
        let source = UnsafeRawPointer(values)
        var word = SIMD4<UInt32>(repeating: 0)
        var bit = 0
        var at = 0
        for k in 0..<32 {
            let value = source.loadUnaligned(fromByteOffset: k &* 16, as: SIMD4<UInt32>.self)
            word |= value &<< SIMD4(repeating: UInt32(truncatingIfNeeded: bit))
            bit &+= width
            if bit >= 32 {
                out.storeBytes(of: word, toByteOffset: at, as: SIMD4<UInt32>.self)
                at &+= 16
                bit &-= 32
                word =
                    bit > 0
                    ? value &>> SIMD4(repeating: UInt32(truncatingIfNeeded: width &- bit))
                    : SIMD4(repeating: 0)
            }
        }
    }

    /// Unpacks 128 values of `width` (1...32) bits from `16 * width` readable bytes.
    @inline(__always)
    static func unpack128(_ bytes: UnsafeRawPointer, width: Int, into out: UnsafeMutablePointer<UInt32>) {
        let target = UnsafeMutableRawPointer(out)
        let mask = SIMD4<UInt32>(repeating: width >= 32 ? .max : (1 &<< UInt32(truncatingIfNeeded: width)) &- 1)
        let end = width &* 16
        var word = bytes.loadUnaligned(as: SIMD4<UInt32>.self)
        var next = 16
        var bit = 0
        for k in 0..<32 {
            var value = word &>> SIMD4(repeating: UInt32(truncatingIfNeeded: bit))
            bit &+= width
            if bit >= 32 {
                bit &-= 32
                if next < end {
                    word = bytes.loadUnaligned(fromByteOffset: next, as: SIMD4<UInt32>.self)
                    next &+= 16
                    if bit > 0 {
                        value |= word &<< SIMD4(repeating: UInt32(truncatingIfNeeded: width &- bit))
                    }
                }
            }
            target.storeBytes(of: value & mask, toByteOffset: k &* 16, as: SIMD4<UInt32>.self)
        }
    }

    /// The sum of those of the 128 values `unpack128` would unpack that stand at `from..<to`, which are one at least.
    static func sum128(_ bytes: UnsafeRawPointer, width: Int, _ from: Int, _ to: Int) -> Int {
        let mask = SIMD4<UInt32>(repeating: width >= 32 ? .max : (1 &<< UInt32(truncatingIfNeeded: width)) &- 1)
        let end = width &* 16
        let (first, last) = (from &>> 2, (to &- 1) &>> 2)
        var bit = first &* width
        var next = bit &>> 5 &* 16
        bit &= 31
        var word = bytes.loadUnaligned(fromByteOffset: next, as: SIMD4<UInt32>.self)
        next &+= 16
        var low = SIMD4<UInt32>(repeating: 0)
        // Sums of the high halves of values, since 32 values of 32 bits would not fit.
        var high = SIMD4<UInt32>(repeating: 0)
        var lanes = lanes(from: from & 3, to: first == last ? (to &- 1) & 3 : 3)
        for k in first...last {
            var value = word &>> SIMD4(repeating: UInt32(truncatingIfNeeded: bit))
            bit &+= width
            if bit >= 32 {
                bit &-= 32
                if next < end {
                    word = bytes.loadUnaligned(fromByteOffset: next, as: SIMD4<UInt32>.self)
                    next &+= 16
                    if bit > 0 {
                        value |= word &<< SIMD4(repeating: UInt32(truncatingIfNeeded: width &- bit))
                    }
                }
            }
            value &= mask & lanes
            lanes = k &+ 1 == last ? Self.lanes(from: 0, to: (to &- 1) & 3) : SIMD4(repeating: .max)
            low &+= value & 0xFFFF
            high &+= value &>> 16
        }
        return Int(low.wrappedSum()) &+ Int(high.wrappedSum()) &<< 16
    }

    /// All bits of the lanes `from...to`.
    @inline(__always)
    private static func lanes(from: Int, to: Int) -> SIMD4<UInt32> {
        let number = SIMD4<Int32>(0, 1, 2, 3)
        let isIn =
            number .>= Int32(truncatingIfNeeded: from) .& (number .<= Int32(truncatingIfNeeded: to))
        return SIMD4<UInt32>(repeating: 0).replacing(with: .max, where: isIn)
    }

    /// Packs `count` values one after another, lowest bits first.
    static func packRun(
        _ values: UnsafePointer<UInt32>, count: Int, width: Int, into out: UnsafeMutableRawPointer
    ) {
        var held: UInt64 = 0
        var bits = 0
        var at = 0
        for i in 0..<count {
            held |= UInt64(values[i]) &<< UInt64(truncatingIfNeeded: bits)
            bits &+= width
            while bits >= 8 {
                out.storeBytes(of: UInt8(truncatingIfNeeded: held), toByteOffset: at, as: UInt8.self)
                at &+= 1
                held &>>= 8
                bits &-= 8
            }
        }
        if bits > 0 { out.storeBytes(of: UInt8(truncatingIfNeeded: held), toByteOffset: at, as: UInt8.self) }
    }

    /// Unpacks what `packRun` wrote; `byteCount(count, width:)` bytes are readable.
    @inline(__always)
    static func unpackRun(
        _ bytes: UnsafeRawPointer, count: Int, width: Int, into out: UnsafeMutablePointer<UInt32>
    ) {
        let mask: UInt64 = (1 &<< UInt64(truncatingIfNeeded: width)) &- 1
        let end = byteCount(count, width: width)
        var held: UInt64 = 0
        var bits = 0
        var at = 0
        for i in 0..<count {
            if bits < width {
                if at &+ 4 <= end {
                    held |= UInt64(bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)) &<< UInt64(bits)
                    at &+= 4
                    bits &+= 32
                } else {
                    while bits < width, at < end {
                        held |= UInt64(bytes.load(fromByteOffset: at, as: UInt8.self)) &<< UInt64(bits)
                        at &+= 1
                        bits &+= 8
                    }
                }
            }
            out[i] = UInt32(truncatingIfNeeded: held & mask)
            held &>>= UInt64(truncatingIfNeeded: width)
            bits &-= width
        }
    }

    /// `values[i] = start + (i + 1) + values[0] + … + values[i]`, wrapping: gaps minus one become documents.
    @inline(__always)
    static func prefixSumOfGaps(_ values: UnsafeMutablePointer<UInt32>, count: Int, start: UInt32) {
        if count == blockCount {
            let raw = UnsafeMutableRawPointer(values)
            var carry = SIMD4<UInt32>(repeating: start)
            for k in 0..<32 {
                var v = raw.loadUnaligned(fromByteOffset: k &* 16, as: SIMD4<UInt32>.self) &+ 1
                let pairs = unsafeBitCast(v, to: SIMD2<UInt64>.self) &<< 32
                v = v &+ unsafeBitCast(pairs, to: SIMD4<UInt32>.self)
                let low = v[1]
                v = v &+ SIMD4(lowHalf: SIMD2(0, 0), highHalf: SIMD2(low, low)) &+ carry
                carry = SIMD4(repeating: v[3])
                raw.storeBytes(of: v, toByteOffset: k &* 16, as: SIMD4<UInt32>.self)
            }
        } else {
            var sum = start
            for i in 0..<count {
                sum = sum &+ values[i] &+ 1
                values[i] = sum
            }
        }
    }
}

// Up to 128 integers as bytes: one width for most of them, patches for the few that need more.
//
// Layout: header byte (bits 0-5 width 0...32, bit 6: patched); when patched a byte with the number of patches, then the
// packed low bits (128 values: interleaved lanes, fewer: a plain run); when patched, bits from the lowest on: 5 bits
// h - 1, per patch its index (7 bits) and the h high bits of the value. The width is the one that makes the block
// smallest (patched frame of reference: Zukowski et al., "Super-scalar RAM-CPU cache compression", 2006).

enum PackedBlock {
    /// The most bytes a block can take.
    static let byteCountMax = 3 + 512

    /// Writes `count` (1...128) values; returns the bytes written, at most `byteCountMax`.
    static func encode(_ values: UnsafePointer<UInt32>, count: Int, into out: UnsafeMutableRawPointer) -> Int {
        let (width, widest, patchCount) = bestWidth(values, count: count)
        if patchCount == 0 {
            out.storeBytes(of: UInt8(width), as: UInt8.self)
            pack(values, count: count, width: width, into: out + 1)
            return 1 + BitPacking.byteCount(count, width: width)
        }
        out.storeBytes(of: UInt8(width | 0x40), as: UInt8.self)
        out.storeBytes(of: UInt8(patchCount), toByteOffset: 1, as: UInt8.self)
        let mask: UInt32 = (1 << UInt32(width)) - 1
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: count) { low in
            guard let base = low.baseAddress else { return }
            for i in 0..<count { base[i] = values[i] & mask }
            pack(base, count: count, width: width, into: out + 2)
        }
        let at = 2 + BitPacking.byteCount(count, width: width)
        return at + patch(values, count: count, width: width, widest: widest, into: out + at)
    }

    /// The bytes `encode` would write.
    static func byteCount(_ values: UnsafePointer<UInt32>, count: Int) -> Int {
        let (width, widest, patchCount) = bestWidth(values, count: count)
        let packed = 1 + BitPacking.byteCount(count, width: width)
        return patchCount == 0 ? packed : packed + 1 + patchByteCount(patchCount, high: widest - width)
    }

    /// Bits of `patches` patches of `high` bits.
    @inline(__always)
    private static func patchByteCount(_ patches: Int, high: Int) -> Int { (5 &+ patches &* (7 &+ high) &+ 7) &>> 3 }

    private static func patch(
        _ values: UnsafePointer<UInt32>, count: Int, width: Int, widest: Int, into out: UnsafeMutableRawPointer
    ) -> Int {
        let high = widest - width
        var held = UInt64(high - 1)
        var heldCount = 5
        var at = 0
        for i in 0..<count where values[i] >> UInt32(width) > 0 {
            held |= (UInt64(i) | UInt64(values[i] >> UInt32(width)) << 7) << UInt64(heldCount)
            heldCount += 7 + high
            while heldCount >= 8 {
                out.storeBytes(of: UInt8(truncatingIfNeeded: held), toByteOffset: at, as: UInt8.self)
                at += 1
                held >>= 8
                heldCount -= 8
            }
        }
        if heldCount > 0 { out.storeBytes(of: UInt8(truncatingIfNeeded: held), toByteOffset: at, as: UInt8.self) }
        return at + (heldCount > 0 ? 1 : 0)
    }

    private static func pack(
        _ values: UnsafePointer<UInt32>, count: Int, width: Int, into out: UnsafeMutableRawPointer
    ) {
        if count == BitPacking.blockCount {
            BitPacking.pack128(values, width: width, into: out)
        } else {
            BitPacking.packRun(values, count: count, width: width, into: out)
        }
    }

    private static func bestWidth(
        _ values: UnsafePointer<UInt32>, count: Int
    ) -> (width: Int, widest: Int, patchCount: Int) {
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 33) { histogram in
            histogram.initialize(repeating: 0)
            var all: UInt32 = 0
            for i in 0..<count {
                all |= values[i]
                histogram[32 &- values[i].leadingZeroBitCount] &+= 1
            }
            let widest = 32 - all.leadingZeroBitCount
            var best = (width: widest, widest: widest, patchCount: 0)
            var bestBytes = BitPacking.byteCount(count, width: widest)
            var patches = 0
            var width = widest - 1
            while width >= 0 {
                patches += Int(histogram[width + 1])
                let bytes = BitPacking.byteCount(count, width: width) + 1
                if bytes + patches > bestBytes { break }
                if bytes + patchByteCount(patches, high: widest - width) < bestBytes {
                    bestBytes = bytes + patchByteCount(patches, high: widest - width)
                    best = (width, widest, patches)
                }
                width -= 1
            }
            return best
        }
    }

    /// Reads the block of `count` (1...128) values at `at` into `out` (room for 128); nil when the bytes cannot be
    /// such a block, else the first byte behind it.
    @inline(__always)
    static func decode(
        at: UnsafeRawPointer, end: UnsafeRawPointer, count: Int, into out: UnsafeMutablePointer<UInt32>
    ) -> UnsafeRawPointer? {
        guard at < end else { return nil }
        let header = Int(at.load(as: UInt8.self))
        let width = header & 0x3F
        let patched = header & 0x40 != 0
        let packed = at + (patched ? 2 : 1)
        let behind = packed + BitPacking.byteCount(count, width: width)
        guard header < 0x80, width <= 32, behind <= end else { return nil }
        if width == 0 {
            out.update(repeating: 0, count: count)
        } else if count == BitPacking.blockCount {
            BitPacking.unpack128(packed, width: width, into: out)
        } else {
            BitPacking.unpackRun(packed, count: count, width: width, into: out)
        }
        if !patched { return behind }
        return addPatches(
            Int(at.load(fromByteOffset: 1, as: UInt8.self)), at: behind, end: end, width: width, count: count, out)
    }

    /// The same for gaps, and whether their sum may be beyond 32 bits.
    @inline(__always)
    static func decodeGaps(
        at: UnsafeRawPointer, end: UnsafeRawPointer, count: Int, into out: UnsafeMutablePointer<UInt32>
    ) -> (next: UnsafeRawPointer?, canWrap: Bool) {
        guard let next = decode(at: at, end: end, count: count, into: out) else { return (nil, true) }
        let header = Int(at.load(as: UInt8.self))
        let width = header & 0x3F
        if header & 0x40 == 0 { return (next, width > narrowWidthMax) }
        let patches = at + (2 &+ BitPacking.byteCount(count, width: width))
        let high = Int(patches.load(as: UInt8.self) & 31) &+ 1
        return (next, width &+ high > narrowWidthMax)
    }

    /// The sum of those of the 128 values of the block at `at` that stand at `from..<to`; nil when the bytes cannot be
    /// such a block.
    static func sum(_ from: Int, _ to: Int, at: UnsafeRawPointer, end: UnsafeRawPointer) -> Int? {
        guard at < end else { return nil }
        let header = Int(at.load(as: UInt8.self))
        let width = header & 0x3F
        let isPatched = header & 0x40 != 0
        let packed = at + (isPatched ? 2 : 1)
        let behind = packed + 16 &* width
        guard header < 0x80, width <= 32, behind <= end else { return nil }
        if from >= to { return 0 }
        var sum = width == 0 ? 0 : BitPacking.sum128(packed, width: width, from, to)
        if !isPatched { return sum }
        guard width < 32 else { return nil }
        var bits = BitReader(behind, end: end)
        let high = Int(truncatingIfNeeded: bits.next(width: 5)) &+ 1
        for _ in 0..<Int(at.load(fromByteOffset: 1, as: UInt8.self)) {
            let patch = bits.window()
            bits.skip(7 &+ high)
            let value = patch &>> 7 & ((1 &<< UInt64(truncatingIfNeeded: high)) &- 1)
            let index = Int(truncatingIfNeeded: patch & 127)
            if index >= from, index < to { sum &+= Int(truncatingIfNeeded: value) &<< width }
        }
        return bits.isOverrun ? nil : sum
    }

    /// 128 gaps of this width come to less than 2^31.
    private static let narrowWidthMax = 23

    @inline(never)
    private static func addPatches(
        _ patches: Int, at: UnsafeRawPointer, end: UnsafeRawPointer, width: Int, count: Int,
        _ out: UnsafeMutablePointer<UInt32>
    ) -> UnsafeRawPointer? {
        guard width < 32 else { return nil }
        var bits = BitReader(at, end: end)
        let high = Int(truncatingIfNeeded: bits.next(width: 5)) &+ 1
        guard high &+ width <= 32 else { return nil }
        let mask: UInt64 = (1 &<< UInt64(truncatingIfNeeded: high)) &- 1
        for _ in 0..<patches {
            let patch = bits.window()
            bits.skip(7 &+ high)
            let index = Int(truncatingIfNeeded: patch & 127)
            guard index < count else { return nil }
            out[index] |= UInt32(truncatingIfNeeded: patch &>> 7 & mask) &<< UInt32(truncatingIfNeeded: width)
        }
        return bits.isOverrun ? nil : at + bits.byteCount
    }
}

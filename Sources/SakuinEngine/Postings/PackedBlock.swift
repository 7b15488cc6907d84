// Up to 128 integers as bytes: one width for most of them, patches for the few that need more.
//
// Layout: header byte (bits 0-5 width 0...32, bits 6-7 patch bytes p 0...3); when p > 0 a patch count n; the packed
// low bits (128 values: interleaved lanes, fewer: a plain run); when p > 0, n × (index u8, high bits p bytes
// little-endian). The width is the one that makes the block smallest (patched frame of reference: Zukowski et al.,
// "Super-scalar RAM-CPU cache compression", 2006).

enum PackedBlock {
    /// The most bytes a block can take.
    static let byteCountMax = 2 + 512

    /// Writes `count` (1...128) values; returns the bytes written, at most `byteCountMax`.
    static func encode(_ values: UnsafePointer<UInt32>, count: Int, into out: UnsafeMutableRawPointer) -> Int {
        let (width, patchBytes, patchCount) = bestWidth(values, count: count)
        out.storeBytes(of: UInt8(width | patchBytes << 6), as: UInt8.self)
        var at = 1
        if patchBytes > 0 {
            out.storeBytes(of: UInt8(patchCount), toByteOffset: 1, as: UInt8.self)
            at = 2
        }
        let packed = BitPacking.byteCount(count, width: width)
        if patchBytes == 0 {
            pack(values, count: count, width: width, into: out + at)
            return at + packed
        }
        let mask: UInt32 = (1 << UInt32(width)) - 1
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: count) { low in
            guard let base = low.baseAddress else { return }
            for i in 0..<count { base[i] = values[i] & mask }
            pack(base, count: count, width: width, into: out + at)
        }
        at += packed
        for i in 0..<count where values[i] > mask {
            out.storeBytes(of: UInt8(i), toByteOffset: at, as: UInt8.self)
            let high = values[i] >> UInt32(width)
            for byte in 0..<patchBytes {
                out.storeBytes(
                    of: UInt8(truncatingIfNeeded: high >> UInt32(8 * byte)), toByteOffset: at + 1 + byte,
                    as: UInt8.self)
            }
            at += 1 + patchBytes
        }
        return at
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
    ) -> (width: Int, patchBytes: Int, patchCount: Int) {
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 33) { histogram in
            histogram.initialize(repeating: 0)
            var all: UInt32 = 0
            for i in 0..<count {
                all |= values[i]
                histogram[32 &- values[i].leadingZeroBitCount] &+= 1
            }
            let widest = 32 - all.leadingZeroBitCount
            var best = (width: widest, patchBytes: 0, patchCount: 0)
            var bestBytes = BitPacking.byteCount(count, width: widest)
            var patches = 0
            var width = widest - 1
            while width >= 0 {
                patches += Int(histogram[width + 1])
                let patchBytes = (widest - width + 7) / 8
                if patchBytes > 3 { break }
                let bytes = BitPacking.byteCount(count, width: width) + 1 + patches * (1 + patchBytes)
                if bytes < bestBytes {
                    bestBytes = bytes
                    best = (width, patchBytes, patches)
                }
                width -= 1
            }
            return best
        }
    }

    /// The bytes of the block of `count` values that begins at `at`; nil when it does not fit before `end`.
    @inline(__always)
    static func byteCount(at: UnsafeRawPointer, end: UnsafeRawPointer, count: Int) -> Int? {
        guard at < end else { return nil }
        let header = Int(at.load(as: UInt8.self))
        let width = header & 0x3F
        guard width <= 32 else { return nil }
        var bytes = 1 &+ BitPacking.byteCount(count, width: width)
        let patchBytes = header &>> 6
        if patchBytes > 0 {
            guard at + 1 < end else { return nil }
            bytes &+= 1 &+ Int(at.load(fromByteOffset: 1, as: UInt8.self)) &* (1 &+ patchBytes)
        }
        return bytes <= end - at ? bytes : nil
    }

    /// Reads the block of `count` (1...128) values at `at` into `out` (room for 128); nil when the bytes cannot be
    /// such a block, else the first byte behind it.
    @inline(__always)
    static func decode(
        at: UnsafeRawPointer, end: UnsafeRawPointer, count: Int, into out: UnsafeMutablePointer<UInt32>
    ) -> UnsafeRawPointer? {
        guard let bytes = byteCount(at: at, end: end, count: count) else { return nil }
        let header = Int(at.load(as: UInt8.self))
        let width = header & 0x3F
        let patched = header >= 0x40
        let packed = at + (patched ? 2 : 1)
        if width == 0 {
            out.update(repeating: 0, count: count)
        } else if count == BitPacking.blockCount {
            BitPacking.unpack128(packed, width: width, into: out)
        } else {
            BitPacking.unpackRun(packed, count: count, width: width, into: out)
        }
        if patched {
            guard patch(at: at, packed: packed, width: width, count: count, into: out) else { return nil }
        }
        return at + bytes
    }

    @inline(never)
    private static func patch(
        at: UnsafeRawPointer, packed: UnsafeRawPointer, width: Int, count: Int, into out: UnsafeMutablePointer<UInt32>
    ) -> Bool {
        guard width < 32 else { return false }
        let patchBytes = Int(at.load(as: UInt8.self)) &>> 6
        let patchCount = Int(at.load(fromByteOffset: 1, as: UInt8.self))
        var from = packed + BitPacking.byteCount(count, width: width)
        for _ in 0..<patchCount {
            let index = Int(from.load(as: UInt8.self))
            guard index < count else { return false }
            var high: UInt32 = 0
            for byte in 0..<patchBytes {
                high |= UInt32(from.load(fromByteOffset: 1 &+ byte, as: UInt8.self)) &<< UInt32(8 &* byte)
            }
            out[index] |= high &<< UInt32(width)
            from += 1 &+ patchBytes
        }
        return true
    }
}

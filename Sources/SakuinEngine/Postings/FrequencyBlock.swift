/// Frequencies of up to 128 documents, most of them 1.
///
/// A byte n below 128: n of them are above 1; for each of those how many documents are between it and the one before, in
/// Rice code (Rice and Plaunt, 1971) of an order that follows from n, and its frequency minus one in gamma code. The byte
/// 128: a `PackedBlock` of all frequencies minus one. The packed block unless the other is shorter by more than a
/// quarter of a byte a frequency above 1, since it is read faster.
///
/// Before format 7 n stands before the interpolative code of the places of those above 1, then come all gamma codes.
enum FrequencyBlock {
    /// The most bytes a block can take.
    static let byteCountMax = 1 + PackedBlock.byteCountMax
    private static let packed: UInt8 = 128
    /// More of them are packed.
    private static let aboveMax = 100

    /// The order for gaps between so many of `count`: the logarithm of about 0.69 times the mean.
    @inline(__always)
    private static func order(_ above: Int, of count: Int) -> Int {
        let mean = UInt32(truncatingIfNeeded: count &* 11) / UInt32(truncatingIfNeeded: above &* 16)
        return mean < 2 ? 0 : 31 &- mean.leadingZeroBitCount
    }

    /// Writes `count` (1...128) frequencies, which are at least 1; returns the bytes written.
    static func encode(
        _ frequencies: UnsafePointer<UInt32>, count: Int, scratch bits: inout BitWriter,
        into out: UnsafeMutableRawPointer
    ) -> Int {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 256) { room in
            guard let places = room.baseAddress else { return 0 }
            let less = places + 128
            var above = 0
            for i in 0..<count {
                less[i] = frequencies[i] &- 1
                places[above] = UInt32(truncatingIfNeeded: i)
                above &+= frequencies[i] > 1 ? 1 : 0
            }
            if above == 0 {
                out.storeBytes(of: 0, as: UInt8.self)
                return 1
            }
            let packedCount = PackedBlock.byteCount(less, count: count)
            if above <= aboveMax {
                bits.removeAll()
                let order = order(above, of: count)
                var from: UInt32 = 0
                for i in 0..<above {
                    bits.append(gap: places[i] &- from, order: order)
                    bits.append(gamma: UInt64(less[Int(places[i])]))
                    from = places[i] &+ 1
                }
                bits.finish()
            }
            if above > aboveMax || packedCount <= bits.bytes.count + above / 4 {
                out.storeBytes(of: packed, as: UInt8.self)
                return 1 + PackedBlock.encode(less, count: count, into: out + 1)
            }
            out.storeBytes(of: UInt8(truncatingIfNeeded: above), as: UInt8.self)
            (out + 1).copyMemory(from: bits.bytes.start, byteCount: bits.bytes.count)
            return 1 + bits.bytes.count
        }
    }

    /// Reads `count` (1...128) frequencies into `out` (room for 128); nil when the bytes cannot be such a block, else
    /// the first byte behind them. `isOld`: written before format 7.
    static func decode(
        at: UnsafeRawPointer, end: UnsafeRawPointer, count: Int, isOld: Bool, into out: UnsafeMutablePointer<UInt32>
    ) -> UnsafeRawPointer? {
        guard at < end else { return nil }
        let above = Int(at.load(as: UInt8.self))
        if above >= 128 {
            guard above == Int(packed),
                let next = PackedBlock.decode(at: at + 1, end: end, count: count, into: out)
            else { return nil }
            for i in 0..<count { out[i] &+= 1 }
            return next
        }
        out.update(repeating: 1, count: count)
        if above == 0 { return at + 1 }
        guard above <= count else { return nil }
        var bits = BitReader(at + 1, end: end)
        var ahead = BitsAhead(bits)
        if isOld {
            decodePlaces(&ahead, above, of: count, into: out)
        } else {
            let order = order(above, of: count)
            var place = 0
            for _ in 0..<above {
                let (gap, less) = ahead.gapAndGamma(order: order)
                place &+= Int(gap)
                guard place < count else { return nil }
                out[place] = less &+ 1
                place &+= 1
            }
        }
        bits.advance(to: ahead)
        return bits.isOverrun ? nil : at + 1 + bits.byteCount
    }

    private static func decodePlaces(
        _ bits: inout BitsAhead, _ above: Int, of count: Int, into out: UnsafeMutablePointer<UInt32>
    ) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 130) { room in
            guard let places = room.baseAddress else { return }
            InterpolativeCode.decode(
                &bits, count: above, limit: UInt32(truncatingIfNeeded: count), into: places)
            for i in 0..<above { out[Int(places[i &+ 1])] = bits.gamma() &+ 1 }
        }
    }
}

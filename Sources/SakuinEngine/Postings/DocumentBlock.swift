/// The documents of a block of a list that does not hold ranks.
enum DocumentBlock {
    /// Reads block `number` of `count` (1...128) ascending documents below `limit` at `at` into `out` (room for 128); nil
    /// when the bytes cannot be such a block, else the first byte behind it. `skip` is of the block's list.
    @inline(__always)
    static func decode(
        at: UnsafeRawPointer, end: UnsafeRawPointer, count: Int, _ number: Int, _ skip: SkipData?,
        isEliasFano: Bool, limit: Int, into out: UnsafeMutablePointer<UInt32>
    ) -> UnsafeRawPointer? {
        let next: UnsafeRawPointer?
        if isEliasFano {
            let block = eliasFano(at: at, end: end, count: count, number, skip)
            next = block?.decode(into: out) == true ? block?.end : nil
        } else {
            let canWrap: Bool
            (next, canWrap) = PackedBlock.decodeGaps(at: at, end: end, count: count, into: out)
            BitPacking.prefixSumOfGaps(
                out, count: count, start: number == 0 ? .max : skip?.lastDocument(number &- 1) ?? .max)
            // If the highest is the last, no sum has wrapped.
            if canWrap, highest(out, count) != out[count &- 1] { return nil }
        }
        return Int(out[count &- 1]) < limit ? next : nil
    }

    /// Block `number` of a list of Elias–Fano blocks; nil when it cannot be there.
    @inline(__always)
    static func eliasFano(
        at: UnsafeRawPointer, end: UnsafeRawPointer, count: Int, _ number: Int, _ skip: SkipData?
    ) -> EliasFanoBlock? {
        guard let skip else { return nil }
        return EliasFanoBlock(
            at: at, limit: end, count: count, number == 0 ? 0 : skip.lastDocument(number &- 1) &+ 1,
            skip.lastDocument(number))
    }

    @inline(__always)
    private static func highest(_ values: UnsafePointer<UInt32>, _ count: Int) -> UInt32 {
        var highest = SIMD4<UInt32>(repeating: 0)
        var i = 0
        while i &+ 4 <= count {
            highest = pointwiseMax(
                highest, UnsafeRawPointer(values).loadUnaligned(fromByteOffset: i &* 4, as: SIMD4<UInt32>.self))
            i &+= 4
        }
        var top = highest.max()
        while i < count {
            top = max(top, values[i])
            i &+= 1
        }
        return top
    }
}

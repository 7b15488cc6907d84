/// Ranks of a block of a long list: interpolative code of those between the last of the block before and its own last,
/// which the skip data have; of the one block of a list without skip data, of all.
enum RankBlock {
    /// Reads block `number` of `count` (1...128) ranks below `limit` into `out`; nil when the bytes cannot be such a
    /// block, else the first byte behind it. What is read ascends.
    static func decode(
        at: UnsafeRawPointer, end: UnsafeRawPointer, count: Int, _ number: Int, _ skip: SkipData?, limit: Int,
        into out: UnsafeMutablePointer<UInt32>
    ) -> UnsafeRawPointer? {
        var bits = BitReader(at, end: end)
        guard let skip else {
            guard InterpolativeCode.decode(&bits, count: count, limit: limit, into: out) else { return nil }
            return bits.isOverrun ? nil : at + bits.byteCount
        }
        let low = number == 0 ? 0 : Int(skip.lastRank(number &- 1)) &+ 1
        let last = Int(skip.lastRank(number))
        guard last >= low, last < limit,
            InterpolativeCode.decode(&bits, count: count &- 1, limit: last &- low, into: out), !bits.isOverrun
        else { return nil }
        for i in 0..<(count &- 1) { out[i] &+= UInt32(truncatingIfNeeded: low) }
        out[count &- 1] = UInt32(truncatingIfNeeded: last)
        return at + bits.byteCount
    }
}

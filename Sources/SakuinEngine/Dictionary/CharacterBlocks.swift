/// Which blocks of a gram dictionary can have the grams that begin with a character, so that few of their first keys have to
/// be compared: 16 characters share an entry.
///
/// Of one field, that of most blocks, and of larger dictionaries: 16 KiB.
struct CharacterBlocks: Sendable {
    private static let bucketCount = 4_096
    private static let charactersPerBucket: UInt64 = 16
    private static let blockCountMin = 64

    private let field: UInt64
    /// By bucket the last block whose first key is not above the bucket's first, 0 where there is none, and behind them the
    /// last block; ascending. Filled in the initialiser and never written afterwards; the owner frees it.
    private nonisolated(unsafe) let blocks: UnsafeMutablePointer<UInt32>

    /// nil for dictionaries of few blocks. `firstKey` tells the first key of a block.
    init?(count: Int, _ firstKey: (Int) -> UInt64) {
        guard count >= Self.blockCountMin, count <= Int(UInt32.max) else { return nil }
        field = firstKey(count / 2) &>> GramKey.fieldShift
        blocks = .allocate(capacity: Self.bucketCount + 1)
        var block = 0
        for bucket in 0..<Self.bucketCount {
            let first =
                field &<< GramKey.fieldShift
                | UInt64(bucket) &* Self.charactersPerBucket &<< GramKey.characterShift
            while block + 1 < count, firstKey(block + 1) <= first { block += 1 }
            blocks[bucket] = UInt32(truncatingIfNeeded: block)
        }
        blocks[Self.bucketCount] = UInt32(truncatingIfNeeded: count - 1)
    }

    func deallocate() { blocks.deallocate() }

    /// The blocks that can have a key, the first of which has no greater first key; nil when the key is of another field.
    @inline(__always)
    func range(of key: UInt64) -> (first: Int, count: Int)? {
        guard key &>> GramKey.fieldShift == field else { return nil }
        let character = UInt64(GramKey.first(key))
        let bucket = Int(min(character / Self.charactersPerBucket, UInt64(Self.bucketCount - 1)))
        let first = Int(blocks[bucket])
        return (first, Int(blocks[bucket &+ 1]) &- first &+ 1)
    }
}

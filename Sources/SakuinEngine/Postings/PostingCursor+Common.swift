// Which of many documents a list has, a block at a time.

extension PostingCursor {
    /// Fewer wanted documents than this are searched in the block one by one.
    private static let filterCountMin = 6
    /// From so many wanted documents of a block on all its ranks are made documents.
    private static let mapCountMin = 24

    /// Of `wanted[from..<to]` finds those one block of the list has, the block of the first or one behind. Writes their
    /// places in `wanted` and in the block, which is then the current one, to `pairs` (room for 128). Returns how many
    /// and the place in `wanted` to go on from, `to` when all are decided. `wanted` ascends, has at most 256 documents
    /// and is not below documents asked for before.
    func findCommon(
        _ wanted: UnsafePointer<UInt32>, _ from: Int, _ to: Int, into pairs: UnsafeMutablePointer<PlacePair>
    ) throws(StorageError) -> (count: Int, next: Int) {
        if let base {
            guard try mapsRanks(of: wanted, from, to) else { return try findRanked(wanted, from, to, base, pairs) }
        }
        if count == 0 || documents[count &- 1] < wanted[from] {
            guard try seekBlock(wanted[from]) else { return (0, to) }
        }
        let next = documents[count &- 1] >= wanted[to &- 1] ? to : placeBehindBlock(wanted, from, to)
        return (findInBlock(wanted, from, next, pairs), next)
    }

    /// The first place of `wanted` behind the current block, whose last document is below that of the last place.
    private func placeBehindBlock(_ wanted: UnsafePointer<UInt32>, _ from: Int, _ to: Int) -> Int {
        let last = documents[count &- 1]
        return last == .max ? to : BlockSearch.place(of: last &+ 1, in: wanted, from, to)
    }

    private func findInBlock(
        _ wanted: UnsafePointer<UInt32>, _ from: Int, _ to: Int, _ pairs: UnsafeMutablePointer<PlacePair>
    ) -> Int {
        let found =
            to &- from >= Self.filterCountMin
            ? readyFilter().find(wanted, from, to, in: documents, count, into: pairs)
            : BlockSearch.find(wanted, from, to, in: documents, from: index, count, into: pairs)
        if found > 0 { setIndex(Int(pairs[found &- 1].place)) }
        return found
    }

    /// Whether the block for `wanted[from]` holds documents, not ranks: so many are wanted of it that making all of its
    /// ranks documents is cheaper than looking up the rank of each.
    private func mapsRanks(of wanted: UnsafePointer<UInt32>, _ from: Int, _ to: Int) throws(StorageError) -> Bool {
        if documentFrequency < PostingListWriter.blockCount {
            return isMapped && count > 0
        }
        if block < 0 || (block < blockCount && lastDocument(block) < wanted[from]) {
            // At the end there are no documents either way.
            guard try enterBlock(of: wanted[from]) else { return true }
        }
        if isMapped || block >= blockCount { return true }
        let last = lastDocument(block)
        let ahead = min(from &+ Self.mapCountMin &- 1, to &- 1)
        guard ahead &- from &+ 1 >= Self.mapCountMin, wanted[ahead] <= last else { return false }
        try mapRanks()
        return true
    }

    /// The last document of a block; `.max` when only reading the block would tell.
    private func lastDocument(_ block: Int) -> UInt32 { skip?.lastDocument(block) ?? .max }

    /// `findCommon` by rank: each wanted document's place is looked up in the character's list.
    private func findRanked(
        _ wanted: UnsafePointer<UInt32>, _ from: Int, _ to: Int, _ base: UnsafeMutablePointer<CharacterList>,
        _ pairs: UnsafeMutablePointer<PlacePair>
    ) throws(StorageError) -> (count: Int, next: Int) {
        var (found, i) = (0, from)
        while i < to {
            // Pairs are of one block: the next one waits for the next call.
            if found > 0, lastDocument(block) < wanted[i] { break }
            if try hasRanked(wanted[i], base) {
                pairs[found] = PlacePair(
                    wanted: UInt8(truncatingIfNeeded: i), place: UInt8(truncatingIfNeeded: index))
                found &+= 1
            }
            i &+= 1
        }
        return (found, i)
    }
}

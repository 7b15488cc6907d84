// How a list leads: its blocks one by one, without those in which no document scores enough.

extension PostingCursor {
    /// Goes to the first document not below `target` in a block where one can score above `needed`; false at the end.
    @inline(__always)
    func seek(_ target: UInt32, _ score: LeafScore?, above needed: Double) throws(StorageError) -> Bool {
        guard let score, needed > 0 else { return try seek(target) }
        return try seek(target, where: { score.bound($0) > needed })
    }

    /// Hands out the documents from the current one to the end of the block, without scores; returns how many.
    func takeBlock(into batch: MatchBatch) -> Int {
        let taken = count &- index
        batch.documents.update(from: documents + index, count: taken)
        batch.scores.update(repeating: 0, count: taken)
        return taken
    }

    /// The same for the documents behind `examined`, from `target` on, of a block where one can score above `needed`; then they
    /// are examined. 0 at the end.
    func takeBlock(
        from target: UInt32, behind examined: inout UInt32, _ score: LeafScore?, above needed: Double,
        into batch: MatchBatch
    ) throws(StorageError) -> Int {
        examined = max(examined, target)
        guard try seek(examined, score, above: needed) else { return 0 }
        examined = documents[count &- 1] &+ 1
        return takeBlock(into: batch)
    }

    /// The most a document of the list gets.
    func highestBound(_ score: LeafScore?) -> Double { score.map { highestBound($0.bound) } ?? 0 }
}

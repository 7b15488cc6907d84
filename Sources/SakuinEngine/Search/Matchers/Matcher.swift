/// A node of the tree that finds and scores matching documents of one segment, one call a block, never one a document.
///
/// Every target and every document handed in is above those of the calls before. A matcher is used with `next` alone,
/// with `filter` alone, with `next` and from then on with `filter` for documents behind all it returned, or with `next`
/// and `candidates`, each of which goes to `filter` or is left before the next call.
class Matcher {
    /// At most this many documents match; conjunctions lead with the lowest.
    let cost: Int
    init(cost: Int) { self.cost = cost }

    /// No document gets more than this; 0 for what does not score.
    var bound: Double { 0 }

    /// Writes up to 128 matching documents not below `target`, ascending, and their scores to `batch`; returns how many,
    /// 0 at the end. May leave out documents whose score is not above `needed`, and no others.
    func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int { 0 }

    /// Whether it costs less to thin documents out before they are checked and scored, so that `candidates` should lead
    /// when documents above `needed` are looked for.
    func hasCandidates(above needed: Double) -> Bool { false }

    /// As `next`, but hands out documents that may match, without scores: `filter` says which do.
    func candidates(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int { try next(from: target, above: needed, into: batch) }

    /// Keeps those of `count` documents that match and adds to their scores; returns how many. May drop documents whose
    /// score then is not above `needed`.
    func filter(_ batch: MatchBatch, _ count: Int, above needed: Double) throws(StorageError) -> Int { 0 }
}

/// Nothing matches.
final class EmptyMatcher: Matcher {
    init() { super.init(cost: 0) }
}

/// Every document of the segment.
final class AllMatcher: Matcher {
    private let documentCount: UInt32

    init(documentCount: Int) {
        self.documentCount = UInt32(clamping: documentCount)
        super.init(cost: documentCount)
    }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        guard target < documentCount else { return 0 }
        let count = Int(min(UInt32(MatchBatch.capacity), documentCount - target))
        for i in 0..<count { batch.documents[i] = target &+ UInt32(truncatingIfNeeded: i) }
        batch.scores.update(repeating: 0, count: count)
        return count
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int { count }
}

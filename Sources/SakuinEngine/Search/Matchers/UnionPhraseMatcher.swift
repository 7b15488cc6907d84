/// The documents in which a phrase occurs some of whose tokens stand for several lists: spellings, or words of a prefix.
///
/// The rarest token leads, the others thin its documents out a block at a time, and occurrences are read in what is left;
/// each of these has cursors of its own, which go forward alone.
final class UnionPhraseMatcher: Matcher {
    private let lead: Matcher
    /// One for each token, the rarest first, without scores.
    private let tokens: [Matcher]
    private let checker: PhraseChecker
    private let score: LeafScore?

    /// `lead` scores the documents of the rarest token. Without `score` documents get none.
    init(lead: Matcher, tokens: [Matcher], _ checker: PhraseChecker, score: LeafScore?) {
        self.lead = lead
        self.tokens = tokens
        self.checker = checker
        self.score = score
        super.init(cost: lead.cost)
    }

    /// A phrase is not more frequent than its rarest token.
    override var bound: Double { lead.bound }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        var target = target
        while true {
            var count = try lead.next(from: target, above: needed, into: batch)
            if count == 0 { return 0 }
            target = batch.documents[count &- 1] &+ 1
            batch.scores.update(repeating: 0, count: count)
            count = try keep(batch, count, tokens.dropFirst(), above: needed)
            if count > 0 { return count }
        }
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int {
        try keep(batch, count, tokens[...], above: needed)
    }

    /// Keeps the documents that all these tokens have and in which the phrase occurs, and adds to their scores.
    private func keep(
        _ batch: MatchBatch, _ count: Int, _ tokens: ArraySlice<Matcher>, above needed: Double
    ) throws(StorageError) -> Int {
        var count = count
        for token in tokens where count > 0 { count = try token.filter(batch, count, above: -.infinity) }
        var kept = 0
        for i in 0..<count {
            guard let value = try value(batch.documents[i], above: needed - batch.scores[i]) else { continue }
            batch.move(i, to: kept)
            batch.scores[kept] += value
            kept &+= 1
        }
        return kept
    }

    /// The score of a document that all tokens have; nil when the phrase does not occur or the score is not above
    /// `needed`.
    @inline(__always)
    private func value(_ document: UInt32, above needed: Double) throws(StorageError) -> Double? {
        guard let score else { return try checker.occurrences(in: document) > 0 ? 0 : nil }
        if needed > 0, score.score(try checker.frequencyBound(in: document), document) <= needed { return nil }
        let frequency = try checker.occurrences(in: document)
        return frequency == 0 ? nil : score.score(UInt32(clamping: frequency), document)
    }
}

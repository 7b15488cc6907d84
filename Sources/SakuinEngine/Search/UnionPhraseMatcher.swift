/// The documents in which a phrase occurs some of whose tokens stand for several lists: spellings, or words of a prefix.
final class UnionPhraseMatcher: Matcher {
    private let checker: PhraseChecker
    /// Finds the candidates when no single list of the checker can.
    private let leads: UnionMatcher?
    private let score: LeafScore?

    /// `leads` is needed when the rarest slot has several lists. Without `score` documents get none.
    init(_ checker: PhraseChecker, leads: UnionMatcher?, score: LeafScore?) {
        self.checker = checker
        self.leads = leads
        self.score = score
        super.init(cost: checker.documentFrequency)
    }

    private(set) lazy var highest: Double = {
        guard let score else { return 0 }
        // A phrase is not more frequent than its rarest token.
        return checker.lead?.highestBound(score.bound) ?? leads?.bound ?? Double(score.weight)
    }()
    override var bound: Double { highest }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        guard let lead = checker.lead else { return try nextOfSeveral(from: target, above: needed, into: batch) }
        return try nextOfOne(lead, from: target, above: needed, into: batch)
    }

    /// When the rarest place has one list.
    private func nextOfOne(
        _ lead: PostingCursor, from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        var target = target
        while try seek(lead, target, needed) {
            var kept = 0
            let (from, to) = (lead.index, lead.count)
            let last = lead.documents[to &- 1]
            for place in from..<to {
                lead.setIndex(place)
                let document = lead.documents[place]
                guard try checker.othersHave(document), let value = try value(document, above: needed) else { continue }
                batch.documents[kept] = document
                batch.scores[kept] = value
                kept &+= 1
            }
            if kept > 0 { return kept }
            target = last &+ 1
        }
        return 0
    }

    @inline(__always)
    private func seek(_ lead: PostingCursor, _ target: UInt32, _ needed: Double) throws(StorageError) -> Bool {
        guard let score, needed > 0 else { return try lead.seek(target) }
        return try lead.seek(target, where: { score.bound($0) > needed })
    }

    /// The score of a document that all places have; nil when the phrase does not occur or the score is not above
    /// `needed`.
    @inline(__always)
    private func value(_ document: UInt32, above needed: Double) throws(StorageError) -> Double? {
        guard let score else { return try checker.occurrences(in: document) > 0 ? 0 : nil }
        if needed > 0, score.score(try checker.frequencyBound(in: document), document) <= needed { return nil }
        let frequency = try checker.occurrences(in: document)
        return frequency == 0 ? nil : score.score(UInt32(clamping: frequency), document)
    }

    private func nextOfSeveral(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        var target = target
        while let leads {
            let count = try leads.next(from: target, above: needed, into: batch)
            if count == 0 { return 0 }
            target = batch.documents[count &- 1] &+ 1
            batch.scores.update(repeating: 0, count: count)
            let kept = try filter(batch, count, above: needed)
            if kept > 0 { return kept }
        }
        return 0
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int {
        var kept = 0
        for i in 0..<count {
            let document = batch.documents[i]
            guard try checker.allHave(document),
                let value = try value(document, above: needed - batch.scores[i])
            else { continue }
            batch.move(i, to: kept)
            batch.scores[kept] += value
            kept &+= 1
        }
        return kept
    }
}

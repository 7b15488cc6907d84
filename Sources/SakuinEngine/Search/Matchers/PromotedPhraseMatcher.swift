/// The documents of a phrase that has promoted grams in it: their lists lead, whose documents are few, and positions are
/// read in those alone.
final class PromotedPhraseMatcher: Matcher {
    private let lead: PostingCursor
    private let others: [PostingCursor]
    private let phrase: Matcher
    private let score: LeafScore?
    private let pairs: UnsafeMutablePointer<PlacePair>
    /// Documents below it were looked at.
    private var examined: UInt32 = 0
    private let cancellation: Cancellation?

    /// `lists` are of grams that are in the phrase wherever it is, the rarest first.
    init?(
        _ lists: [PostingCursor], _ phrase: Matcher, score: LeafScore?, _ scratch: Scratch,
        _ cancellation: Cancellation?
    ) {
        guard let lead = lists.first else { return nil }
        self.cancellation = cancellation
        self.lead = lead
        others = Array(lists[1...])
        self.phrase = phrase
        self.score = score
        pairs = scratch.take(PlacePair.self, MatchBatch.capacity)
        super.init(cost: lead.documentFrequency)
    }

    /// The phrase is not more frequent in a document than a gram in it.
    private(set) lazy var highest = lead.highestBound(score)
    override var bound: Double { highest }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        examined = max(examined, target)
        var rounds = ShortRounds()
        while try lead.seek(examined, score, above: needed) {
            examined = lead.documents[lead.count &- 1] &+ 1
            var count = try takeBlock(above: needed, into: batch)
            for list in others where count > 0 { count = try keep(batch, count, in: list) }
            if count > 0 { count = try phrase.filter(batch, count, above: needed) }
            if count > 0 { return count }
            try rounds.check(cancellation)
        }
        return 0
    }

    /// Takes the documents of the lead's block that can score more than is needed.
    private func takeBlock(above needed: Double, into batch: MatchBatch) throws(StorageError) -> Int {
        guard let score, needed > 0 else { return lead.takeBlock(into: batch) }
        let frequencies = try lead.frequencies()
        var kept = 0
        for place in lead.index..<lead.count {
            let document = lead.documents[place]
            batch.documents[kept] = document
            kept &+= score.score(frequencies[place], document) > needed ? 1 : 0
        }
        batch.scores.update(repeating: 0, count: kept)
        return kept
    }

    override func hasCandidates(above needed: Double) -> Bool { true }

    override func candidates(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        examined = max(examined, target)
        while try lead.seek(examined, score, above: needed) {
            examined = lead.documents[lead.count &- 1] &+ 1
            let count = try takeBlock(above: needed, into: batch)
            if count > 0 { return count }
        }
        return 0
    }

    /// Keeps the documents that a list has.
    private func keep(_ batch: MatchBatch, _ count: Int, in list: PostingCursor) throws(StorageError) -> Int {
        var (kept, place) = (0, 0)
        while place < count {
            let (found, next) = try list.findCommon(batch.documents, place, count, into: pairs)
            place = next
            for k in 0..<found {
                batch.move(Int(pairs[k].wanted), to: kept)
                kept &+= 1
            }
        }
        return kept
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int {
        var count = try keep(batch, count, in: lead)
        for list in others where count > 0 { count = try keep(batch, count, in: list) }
        return count > 0 ? try phrase.filter(batch, count, above: needed) : 0
    }
}

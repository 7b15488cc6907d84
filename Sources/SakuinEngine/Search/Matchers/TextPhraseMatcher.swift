/// The documents in whose stored text a phrase occurs, among those that have what lists know of it.
///
/// Reading a document costs a hundred times what a place in a list does, so what else a query asks for goes first.
final class TextPhraseMatcher: Matcher {
    private let base: Matcher
    private let text: ReadText
    private let field: Int
    private let texts: StoredTexts
    /// Made when it pays, of more documents than a few.
    private var filter: GapFilter?
    private var readCount = 0
    private static let unfilteredCount = 32
    private let score: LeafScore?
    /// What `base` is asked for.
    private let asked: MatchBatch
    private let cancellation: Cancellation?
    /// Documents below it were handed out by `base`.
    private var examined: UInt32 = 0

    private static let costFactor = 64

    /// `base` scores by what is as frequent as the phrase at least. Without `score` documents get none.
    init(
        _ base: Matcher, _ text: ReadText, in field: Int, _ texts: StoredTexts, score: LeafScore?, _ scratch: Scratch,
        _ cancellation: Cancellation?
    ) {
        self.base = base
        self.text = text
        self.field = field
        self.texts = texts
        self.score = score
        self.cancellation = cancellation
        asked = MatchBatch(scratch)
        super.init(cost: base.cost &* Self.costFactor)
    }

    override var bound: Double { base.bound }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        while true {
            let count = try base.next(from: max(target, examined), above: needed, into: batch)
            if count == 0 { return 0 }
            examined = batch.documents[count &- 1] &+ 1
            asked.copyDocuments(of: batch, count)
            asked.scores.update(from: batch.scores, count: count)
            batch.scores.update(repeating: 0, count: count)
            let kept = try keep(batch, count, count, above: needed)
            if kept > 0 { return kept }
        }
    }

    override func hasCandidates(above needed: Double) -> Bool { true }

    override func candidates(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        let count = try base.next(from: max(target, examined), above: needed, into: batch)
        if count == 0 { return 0 }
        examined = batch.documents[count &- 1] &+ 1
        batch.scores.update(repeating: 0, count: count)
        return count
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int {
        if count == 0 { return 0 }
        asked.copyDocuments(of: batch, count)
        if batch.documents[0] < examined {
            asked.scores.update(repeating: base.bound, count: count)
            return try keep(batch, count, count, above: needed)
        }
        return try keep(batch, count, base.filter(asked, count, above: -.infinity), above: needed)
    }

    /// Keeps the documents among `askedCount` of `asked`, whose scores are the most they can get, in which the phrase
    /// occurs, and adds to their scores; returns how many.
    private func keep(
        _ batch: MatchBatch, _ count: Int, _ askedCount: Int, above needed: Double
    ) throws(StorageError) -> Int {
        var (kept, place) = (0, 0)
        for i in 0..<count where place < askedCount && batch.documents[i] == asked.documents[place] {
            let isEnough = score == nil || batch.scores[i] + asked.scores[place] > needed
            place &+= 1
            guard isEnough else { continue }
            let frequency = try occurrences(in: batch.documents[i])
            if frequency == 0 { continue }
            batch.move(i, to: kept)
            batch.scores[kept] += score?.score(UInt32(clamping: frequency), batch.documents[kept]) ?? 0
            kept &+= 1
        }
        return kept
    }

    private func occurrences(in document: UInt32) throws(StorageError) -> Int {
        try cancellation?.check()
        readCount &+= 1
        if readCount == Self.unfilteredCount { filter = texts.filter(text) }
        if let filter, try !texts.mayHave(document, filter) { return 0 }
        var count = 0
        try texts.forEach(of: document, field, text.analyzer) { (units) throws(StorageError) in
            text.pattern.forEachOccurrence(in: units) { _ in count &+= 1 }
            return true
        }
        return count
    }
}

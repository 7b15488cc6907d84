/// The documents of one posting list.
final class TermMatcher: Matcher {
    private let cursor: PostingCursor
    private let score: LeafScore?
    private let pairs: UnsafeMutablePointer<PlacePair>
    private let scratch: Scratch

    /// Without `score` documents get none.
    init(_ cursor: PostingCursor, score: LeafScore?, _ scratch: Scratch) {
        self.cursor = cursor
        self.score = score
        self.scratch = scratch
        pairs = scratch.take(PlacePair.self, MatchBatch.capacity)
        super.init(cost: cursor.documentFrequency)
    }

    private(set) lazy var highest = score.map { score in cursor.highestBound(score.bound) } ?? 0
    override var bound: Double { highest }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        guard let score else {
            guard try cursor.seek(target) else { return 0 }
            let count = cursor.count &- cursor.index
            batch.documents.update(from: cursor.documents + cursor.index, count: count)
            batch.scores.update(repeating: 0, count: count)
            return count
        }
        var target = target
        while try cursor.seek(target, where: { score.bound($0) > needed }) {
            let from = cursor.index
            let last = cursor.documents[cursor.count &- 1]
            let frequencies = try cursor.frequencies()
            var kept = 0
            for place in from..<cursor.count {
                let document = cursor.documents[place]
                let value = score.score(frequencies[place], document)
                batch.documents[kept] = document
                batch.scores[kept] = value
                kept &+= value > needed ? 1 : 0
            }
            if kept > 0 { return kept }
            target = last &+ 1
        }
        return 0
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int {
        var (kept, place) = (0, 0)
        while place < count {
            let (found, next) = try cursor.findCommon(batch.documents, place, count, into: pairs)
            place = next
            if found == 0 { continue }
            let frequencies = score == nil ? nil : try cursor.frequencies()
            for k in 0..<found {
                batch.move(Int(pairs[k].wanted), to: kept)
                if let score, let frequencies {
                    batch.scores[kept] += score.score(frequencies[Int(pairs[k].place)], batch.documents[kept])
                }
                kept &+= 1
            }
        }
        return kept
    }
}

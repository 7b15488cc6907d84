/// The documents of one posting list.
final class TermMatcher: Matcher {
    private let cursor: PostingCursor
    private let score: LeafScore?

    /// Without `score` documents get none.
    init(_ cursor: PostingCursor, score: LeafScore?) {
        self.cursor = cursor
        self.score = score
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
        var kept = 0
        var place = 0
        while true {
            place = try cursor.firstCommon(batch.documents, place, count)
            if place == count { return kept }
            batch.move(place, to: kept)
            if let score {
                batch.scores[kept] += score.score(try cursor.frequencies()[cursor.index], batch.documents[kept])
            }
            kept &+= 1
            place &+= 1
        }
    }
}

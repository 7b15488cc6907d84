/// The documents of one posting list.
final class TermMatcher: Matcher {
    private let cursor: PostingCursor
    private let score: LeafScore?
    private let pairs: UnsafeMutablePointer<PlacePair>

    /// Without `score` documents get none.
    init(_ cursor: PostingCursor, score: LeafScore?, _ scratch: borrowing Scratch) {
        self.cursor = cursor
        self.score = score
        pairs = scratch.take(PlacePair.self, MatchBatch.capacity)
        super.init(cost: cursor.documentFrequency)
    }

    private(set) lazy var highest = cursor.highestBound(score)
    override var bound: Double { highest }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        guard let score else {
            return try cursor.seek(target) ? cursor.takeBlock(into: batch) : 0
        }
        var target = target
        while try cursor.seek(target, score, above: needed) {
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

    // MARK: Part of a conjunction

    /// When any score is enough, only documents that the others have need one.
    override func hasCandidates(above needed: Double) -> Bool { score != nil && needed <= 0 }

    override func candidates(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        try cursor.seek(target, score, above: needed) ? cursor.takeBlock(into: batch) : 0
    }

    // MARK: Part of a disjunction

    /// The first document not below `target`; nil at the end.
    func first(from target: UInt32) throws(StorageError) -> UInt32? {
        try cursor.seek(target) ? cursor.document : nil
    }

    /// The most a document of these gets, and the last document it holds for; nil: all.
    func bound(from target: UInt32, below end: UInt32) -> (bound: Double, last: UInt32?) {
        guard let score else { return (0, nil) }
        return cursor.highestBound(from: target, below: end, score.bound) ?? (bound, nil)
    }

    /// Adds the documents from `target` on that are below `end` to the window; returns the next one.
    func gather(
        from target: UInt32, below end: UInt32, into window: ScoreWindow, _ start: UInt32
    ) throws(StorageError) -> UInt32? {
        guard try cursor.seek(target) else { return nil }
        while true {
            let documents = cursor.documents
            let isWhole = documents[cursor.count &- 1] < end
            let to = isWhole ? cursor.count : BlockSearch.place(of: end, in: documents, cursor.index, cursor.count)
            if let score {
                let frequencies = try cursor.frequencies()
                for place in cursor.index..<to {
                    let document = documents[place]
                    window.add(score.score(frequencies[place], document), at: Int(document &- start))
                }
            } else {
                for place in cursor.index..<to { window.add(0, at: Int(documents[place] &- start)) }
            }
            if !isWhole {
                cursor.setIndex(to)
                return documents[to]
            }
            guard try cursor.loadNext() else { return nil }
        }
    }

    /// Adds to the scores of those of the documents at `from..<count` that it has, and with `matched` notes which those
    /// are.
    func add(
        to batch: MatchBatch, _ from: Int, _ count: Int, _ matched: UnsafeMutablePointer<Bool>?
    ) throws(StorageError) {
        var place = from
        while place < count {
            let (found, next) = try cursor.findCommon(batch.documents, place, count, into: pairs)
            place = next
            if found == 0 { continue }
            if let score {
                let frequencies = try cursor.frequencies()
                for k in 0..<found {
                    let at = Int(pairs[k].wanted)
                    batch.scores[at] += score.score(frequencies[Int(pairs[k].place)], batch.documents[at])
                }
            }
            if let matched {
                for k in 0..<found { matched[Int(pairs[k].wanted)] = true }
            }
        }
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

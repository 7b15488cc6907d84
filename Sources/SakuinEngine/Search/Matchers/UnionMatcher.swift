/// The documents of any of several lists, as of one whose frequencies are their sums: a term that is written in several
/// ways, or a prefix.
///
/// Frequencies are gathered in a window of documents. A document scores at most what its frequencies would score apart: with
/// the length, a score grows ever more slowly with the frequency, from 0 on.
final class UnionMatcher: Matcher {
    private let cursors: [PostingCursor]
    private let score: LeafScore?
    /// By list its next document, `end` when there is none; below the target of a call when it is not known.
    private let nextDocuments: UnsafeMutablePointer<Int>
    private let frequencies: UnsafeMutablePointer<UInt32>
    private let pairs: UnsafeMutablePointer<PlacePair>
    /// Taken when documents are first asked for, not when they are filtered.
    private var window: ScoreWindow?
    private var windowStart: UInt32 = 0
    /// The document behind the window, 0 before there was one.
    private var windowEnd: UInt32 = 0
    /// Documents below it were taken.
    private var examined: UInt32 = 0
    private let cancellation: Cancellation?
    /// Behind all documents.
    private static let end = Int.max

    /// Without `score` documents get none.
    init(_ cursors: [PostingCursor], score: LeafScore?, _ scratch: Scratch, _ cancellation: Cancellation?) {
        self.cursors = cursors
        self.cancellation = cancellation
        self.score = score
        nextDocuments = scratch.take(Int.self, cursors.count)
        nextDocuments.update(repeating: -1, count: cursors.count)
        frequencies = scratch.take(UInt32.self, MatchBatch.capacity)
        pairs = scratch.take(PlacePair.self, MatchBatch.capacity)
        super.init(cost: cursors.reduce(0) { $0 &+ $1.documentFrequency })
    }

    deinit { window?.giveBack() }

    private(set) lazy var highest: Double = {
        guard let score else { return 0 }
        return min(cursors.reduce(0) { $0 + $1.highestBound(score) }, Double(score.weight))
    }()
    override var bound: Double { highest }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        let window = readyWindow()
        if target > examined, target > windowStart { window.passOver(below: Int(target &- windowStart)) }
        var rounds = ShortRounds()
        while true {
            let count = window.take(windowStart, above: 0, into: batch)
            if count == 0 {
                guard try fill(window, from: max(target, windowEnd), above: needed) else { return 0 }
                try rounds.check(cancellation)
                continue
            }
            examined = batch.documents[count &- 1] &+ 1
            let kept = scored(batch, count, above: needed)
            if kept > 0 { return kept }
        }
    }

    private func readyWindow() -> ScoreWindow {
        if let window { return window }
        let taken = ScoreWindow.take()
        window = taken
        return taken
    }

    /// Makes scores of frequencies; drops what is not above `needed`.
    private func scored(_ batch: MatchBatch, _ count: Int, above needed: Double) -> Int {
        guard let score else {
            batch.scores.update(repeating: 0, count: count)
            return count
        }
        var kept = 0
        for i in 0..<count {
            let document = batch.documents[i]
            let value = score.score(UInt32(clamping: Int(batch.scores[i])), document)
            batch.documents[kept] = document
            batch.scores[kept] = value
            kept &+= value > needed ? 1 : 0
        }
        return kept
    }

    /// Puts the next documents of the lists into the window; false when there are none.
    private func fill(
        _ window: ScoreWindow, from target: UInt32, above needed: Double
    ) throws(StorageError) -> Bool {
        var target = target
        var rounds = ShortRounds()
        while true {
            var first = Self.end
            for (i, cursor) in cursors.enumerated() {
                if nextDocuments[i] < Int(target) {
                    nextDocuments[i] = try cursor.seek(target) ? Int(cursor.document) : Self.end
                }
                first = min(first, nextDocuments[i])
            }
            guard first < Self.end else { return false }
            windowStart = UInt32(truncatingIfNeeded: first) & ~63
            windowEnd = UInt32(clamping: UInt64(windowStart) + UInt64(ScoreWindow.count))
            if canScore(above: needed, from: UInt32(truncatingIfNeeded: first)) { break }
            if windowEnd == .max { return false }
            target = windowEnd
            try rounds.check(cancellation)
        }
        for (i, cursor) in cursors.enumerated() where nextDocuments[i] < Int(windowEnd) {
            nextDocuments[i] = try gather(cursor, into: window)
        }
        return true
    }

    /// Whether a document from `first` on can be above in this window.
    private func canScore(above needed: Double, from first: UInt32) -> Bool {
        guard let score, needed > 0 else { return true }
        var sum = 0.0
        for (i, cursor) in cursors.enumerated() where nextDocuments[i] < Int(windowEnd) {
            sum +=
                cursor.highestBound(from: first, below: windowEnd, score.bound)?.bound ?? cursor.highestBound(score)
        }
        // A little slack, so that rounding never keeps a document out.
        return sum * 1.000_01 >= needed
    }

    /// Adds the frequencies of a list, which stands at a document of the window, to it; returns the next document.
    private func gather(_ cursor: PostingCursor, into window: ScoreWindow) throws(StorageError) -> Int {
        while true {
            let documents = cursor.documents
            let isWhole = documents[cursor.count &- 1] < windowEnd
            let to =
                isWhole ? cursor.count : BlockSearch.place(of: windowEnd, in: documents, cursor.index, cursor.count)
            let frequencies = try cursor.frequencies()
            for place in cursor.index..<to {
                window.add(Double(frequencies[place]), at: Int(documents[place] &- windowStart))
            }
            if !isWhole {
                cursor.setIndex(to)
                return Int(documents[to])
            }
            guard try cursor.loadNext() else { return Self.end }
        }
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int {
        frequencies.update(repeating: 0, count: count)
        var behind = 0
        // What was read of the lists is in the window, or was taken.
        while behind < count, batch.documents[behind] < windowEnd {
            if let sum = window?.sum(of: batch.documents[behind], windowStart) {
                frequencies[behind] = UInt32(clamping: Int(sum))
            }
            behind &+= 1
        }
        for cursor in cursors { try add(cursor, batch, behind, count) }
        var kept = 0
        for place in 0..<count where frequencies[place] > 0 {
            batch.move(place, to: kept)
            if let score { batch.scores[kept] += score.score(frequencies[place], batch.documents[kept]) }
            kept &+= 1
        }
        return kept
    }

    /// Adds the frequencies of a list in the documents at `from..<count`.
    private func add(_ cursor: PostingCursor, _ batch: MatchBatch, _ from: Int, _ count: Int) throws(StorageError) {
        var place = from
        while place < count {
            let (found, next) = try cursor.findCommon(batch.documents, place, count, into: pairs)
            place = next
            if found == 0 { continue }
            let own = try cursor.frequencies()
            for k in 0..<found { frequencies[Int(pairs[k].wanted)] &+= own[Int(pairs[k].place)] }
        }
    }
}

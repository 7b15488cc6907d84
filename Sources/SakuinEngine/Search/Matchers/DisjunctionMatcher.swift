/// Any child matches: scores are gathered in a window of documents, which is read off in order.
///
/// When only documents above a score are wanted, children that cannot bring a document there even together are not read:
/// they are asked for the documents the others have found (MAXSCORE: Turtle and Flood, "Query evaluation: strategies and
/// optimizations", 1995). Which those are is decided window by window, from the bounds of the blocks that reach into it.
final class DisjunctionMatcher: Matcher {
    /// Documents of a window: a narrow one is read off faster, but each costs the same to begin.
    private let windowCount: UInt32
    private static let narrowCount = ScoreWindow.count / 2
    /// From so many postings in a narrow window on windows are narrow.
    private static let manyPostings = 1_024

    /// Lowest bound first.
    private let children: [DisjunctionChild]
    private let bounds: UnsafeMutablePointer<Double>
    /// By child its next document, `end` when there is none; below the target of a call when it is not known.
    private let nextDocuments: UnsafeMutablePointer<Int>
    /// By child the most it brings before the document of `blockEnds`.
    private let blockBounds: UnsafeMutablePointer<Double>
    private let blockEnds: UnsafeMutablePointer<Int>
    /// The first child that is no list.
    private let firstOther: Int
    /// Behind all documents.
    private static let end = Int.max
    /// before[i]: the most that the children before i give together, in this window.
    private let before: UnsafeMutablePointer<Double>
    private let window = ScoreWindow.take()
    private var windowStart: UInt32 = 0
    /// The document behind the window, 0 before there was one.
    private var windowEnd: UInt32 = 0
    /// Documents below it were taken.
    private var examined: UInt32 = 0
    /// The first child that is read in this window.
    private var firstEssential = 0
    private let highest: Double
    private let matched: UnsafeMutablePointer<Bool>
    private let cancellation: Cancellation?

    /// Of one or more matchers over a segment of so many documents.
    init(_ children: [Matcher], documentCount: Int, _ scratch: Scratch, _ cancellation: Cancellation?) {
        self.cancellation = cancellation
        let cost = children.reduce(0) { $0 &+ $1.cost }
        let isDense = cost / Self.manyPostings > documentCount / Self.narrowCount
        windowCount = UInt32(isDense ? Self.narrowCount : ScoreWindow.count)
        let ordered = children.count > 1 ? children.sorted { $0.bound < $1.bound } : children
        self.children = ordered.map { DisjunctionChild($0, scratch) }
        firstOther = self.children.firstIndex { !$0.isList } ?? ordered.count
        bounds = scratch.take(Double.self, ordered.count)
        nextDocuments = scratch.take(Int.self, ordered.count)
        nextDocuments.update(repeating: -1, count: ordered.count)
        blockBounds = scratch.take(Double.self, ordered.count)
        blockEnds = scratch.take(Int.self, ordered.count)
        blockEnds.update(repeating: 0, count: ordered.count)
        for (i, child) in ordered.enumerated() { bounds[i] = child.bound }
        before = scratch.take(Double.self, ordered.count + 1)
        matched = scratch.take(Bool.self, MatchBatch.capacity)
        before[0] = 0
        highest = ordered.reduce(0) { $0 + $1.bound }
        super.init(cost: cost)
    }

    deinit { window.giveBack() }

    override var bound: Double { highest }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        if target > examined, target > windowStart { window.passOver(below: Int(target &- windowStart)) }
        var rounds = ShortRounds()
        while true {
            var count = window.take(windowStart, above: needed - before[firstEssential], into: batch)
            if count == 0 {
                guard try fill(from: max(target, windowEnd), above: needed) else { return 0 }
                try rounds.check(cancellation)
                continue
            }
            examined = batch.documents[count &- 1] &+ 1
            var i = firstEssential &- 1
            while i >= 0, count > 0 {
                try children[i].add(to: batch, 0, count, nil)
                // before[i] is what the children still to come can add.
                count = Self.drop(batch, count, above: needed - before[i])
                i &-= 1
            }
            if count > 0 { return count }
        }
    }

    /// Drops what is not above `needed`.
    private static func drop(_ batch: MatchBatch, _ count: Int, above needed: Double) -> Int {
        if needed < 0 { return count }
        var kept = 0
        for i in 0..<count {
            batch.move(i, to: kept)
            kept &+= batch.scores[kept] > needed ? 1 : 0
        }
        return kept
    }

    /// Puts the next documents of the children that are read into the window; false when there are none.
    private func fill(from target: UInt32, above needed: Double) throws(StorageError) -> Bool {
        var target = target
        var rounds = ShortRounds()
        while true {
            firstEssential = sumBounds(bounds, needed)
            var first = Self.end
            for i in firstEssential..<children.count {
                if nextDocuments[i] < Int(target) {
                    nextDocuments[i] = try children[i].first(from: target).map { Int($0) } ?? Self.end
                }
                first = min(first, nextDocuments[i])
            }
            guard first < Self.end else { return false }
            windowStart = UInt32(truncatingIfNeeded: first) & ~63
            windowEnd = UInt32(clamping: UInt64(windowStart) + UInt64(windowCount))
            if needed > 0 { narrow(to: UInt32(truncatingIfNeeded: first), needed) }
            if firstEssential == children.count {
                // Nothing in the window can be above.
                if windowEnd == .max { return false }
                target = windowEnd
                try rounds.check(cancellation)
                continue
            }
            for i in firstEssential..<children.count where nextDocuments[i] < Int(windowEnd) {
                let next = try children[i].gather(
                    from: max(target, UInt32(truncatingIfNeeded: first)), below: windowEnd, into: window, windowStart)
                nextDocuments[i] = next.map { Int($0) } ?? Self.end
            }
            return true
        }
    }

    /// Sums bounds up in `before`; returns the first child whose bound and those before it are above `needed`.
    private func sumBounds(_ bounds: UnsafePointer<Double>, _ needed: Double) -> Int {
        var essential = children.count
        for i in 0..<children.count {
            before[i &+ 1] = before[i] + bounds[i]
            // A little slack, so that rounding never keeps a document out.
            if essential == children.count, before[i &+ 1] * 1.000_001 >= needed { essential = i }
        }
        return essential
    }

    /// Finds the first child to be read by what the children can bring in this window, of which no document was taken.
    /// Only lists go in and out; another matcher that was asked for documents is not read again.
    private func narrow(to first: UInt32, _ needed: Double) {
        for i in 0..<children.count where blockEnds[i] < Int(windowEnd) {
            let known = children[i].bound(from: first, below: windowEnd)
            blockBounds[i] = known.bound
            blockEnds[i] = known.last.map { Int($0) + 1 } ?? Self.end
        }
        let other = firstOther < firstEssential ? children[firstEssential...].firstIndex { !$0.isList } : firstOther
        firstEssential = min(other ?? children.count, sumBounds(blockBounds, needed))
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int {
        matched.update(repeating: false, count: count)
        var behind = 0
        while behind < count, batch.documents[behind] < windowEnd {
            if let sum = window.sum(of: batch.documents[behind], windowStart) {
                batch.scores[behind] += sum
                matched[behind] = true
            }
            behind &+= 1
        }
        for (i, child) in children.enumerated() {
            // What a child that was read has in the window is in the window's sums.
            try child.add(to: batch, i < firstEssential ? 0 : behind, count, matched)
        }
        var kept = 0
        for place in 0..<count {
            batch.move(place, to: kept)
            kept &+= matched[place] ? 1 : 0
        }
        return kept
    }
}

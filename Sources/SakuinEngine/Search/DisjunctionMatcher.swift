/// Any child matches: scores are gathered in a window of 16,384 documents, which is read off in order.
///
/// When only documents above a score are wanted, children that cannot bring a document there even together are not read:
/// they are asked for the documents the others have found (MAXSCORE: Turtle and Flood, "Query evaluation: strategies and
/// optimizations", 1995), by windows.
final class DisjunctionMatcher: Matcher {
    private static let windowCount = UInt32(ScoreWindow.count)

    /// Lowest bound first.
    private let children: [DisjunctionChild]
    /// before[i]: the most that the children before i give together.
    private let before: [Double]
    private let window = ScoreWindow.take()
    private var windowStart: UInt32 = 0
    /// The document behind the window, 0 before there was one.
    private var windowEnd: UInt32 = 0
    /// The first child that is read in this window.
    private var firstEssential = 0
    private let scratch = MatchBatch()

    init(_ children: [Matcher]) {
        let ordered = children.sorted { $0.bound < $1.bound }
        self.children = ordered.map { DisjunctionChild($0) }
        var before = [0.0]
        for child in ordered { before.append(before[before.count - 1] + child.bound) }
        self.before = before
        super.init(cost: ordered.reduce(0) { $0 &+ $1.cost })
    }

    deinit { window.giveBack() }

    override var bound: Double { before[children.count] }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        var target = target
        while true {
            var count = window.take(from: target, windowStart, into: batch)
            if count == 0 {
                target = max(target, windowEnd)
                guard try fill(from: target, above: needed) else { return 0 }
                continue
            }
            target = batch.documents[count &- 1] &+ 1
            for i in stride(from: firstEssential - 1, through: 0, by: -1) where count > 0 {
                // before[i + 1] is what this child and those still to come can add.
                count = Self.drop(batch, count, above: needed - before[i + 1])
                if count > 0 { try children[i].add(to: batch, count, scratch) }
            }
            if firstEssential > 0 { count = Self.drop(batch, count, above: needed) }
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
        firstEssential = 0
        // A little slack, so that rounding never keeps a document out.
        while firstEssential < children.count, before[firstEssential + 1] * 1.000_001 < needed { firstEssential += 1 }
        var start = UInt32.max
        var found = false
        for i in firstEssential..<children.count {
            if let first = try children[i].first(from: target) {
                start = min(start, first)
                found = true
            }
        }
        if !found { return false }
        windowStart = start & ~63
        let end = UInt64(windowStart) + UInt64(Self.windowCount)
        windowEnd = UInt32(clamping: end)
        for i in firstEssential..<children.count {
            try children[i].drain(below: end) { (documents, scores, count) in
                window.add(documents, scores, count, windowStart)
            }
        }
        window.begin()
        return true
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int {
        var matched: (UInt64, UInt64) = (0, 0)
        for place in 0..<count where batch.documents[place] < windowEnd && batch.documents[place] >= windowStart {
            guard let sum = window.sum(of: batch.documents[place], windowStart) else { continue }
            DisjunctionChild.add(sum, to: batch, place, &matched)
        }
        for child in children { try child.add(to: batch, count, scratch, &matched) }
        var kept = 0
        for place in 0..<count {
            let bit = place < 64 ? matched.0 &>> UInt64(place) : matched.1 &>> UInt64(place &- 64)
            batch.move(place, to: kept)
            kept &+= Int(bit & 1)
        }
        return kept
    }
}

/// A child with the documents it has returned and nobody has taken.
private final class DisjunctionChild {
    private let matcher: Matcher
    private let batch = MatchBatch()
    private var count = -1
    private var place = 0

    init(_ matcher: Matcher) { self.matcher = matcher }

    /// The first document not below `target`; nil at the end.
    func first(from target: UInt32) throws(StorageError) -> UInt32? {
        if count == 0 { return nil }
        while place < count, batch.documents[place] < target { place &+= 1 }
        if place >= count { try refill(from: target) }
        return count > 0 ? batch.documents[place] : nil
    }

    private func refill(from target: UInt32) throws(StorageError) {
        count = try matcher.next(from: target, above: -.infinity, into: batch)
        place = 0
    }

    /// Hands the documents from the present one on that are below `end` to `body`, which takes them.
    @inline(__always)
    func drain(
        below end: UInt64, _ body: (UnsafePointer<UInt32>, UnsafePointer<Double>, Int) -> Void
    ) throws(StorageError) {
        while count > 0 {
            let from = place
            while place < count, UInt64(batch.documents[place]) < end { place &+= 1 }
            body(batch.documents + from, batch.scores + from, place &- from)
            if place < count { return }
            try refill(from: batch.documents[count &- 1] &+ 1)
        }
    }

    /// Adds this child's scores to the documents it has.
    func add(to found: MatchBatch, _ foundCount: Int, _ scratch: MatchBatch) throws(StorageError) {
        var ignored: (UInt64, UInt64) = (0, 0)
        try add(to: found, foundCount, scratch, &ignored)
    }

    /// The same, and sets the bits of their places.
    func add(
        to found: MatchBatch, _ foundCount: Int, _ scratch: MatchBatch, _ bits: inout (UInt64, UInt64)
    ) throws(StorageError) {
        // What was returned and not taken is known; only what lies behind may be asked for.
        var next = 0
        if count > 0 {
            let last = batch.documents[count &- 1]
            while next < foundCount, found.documents[next] <= last {
                while batch.documents[place] < found.documents[next] { place &+= 1 }
                if batch.documents[place] == found.documents[next] {
                    Self.add(batch.scores[place], to: found, next, &bits)
                }
                next &+= 1
            }
        }
        if next >= foundCount || count == 0 { return }
        let asked = foundCount &- next
        scratch.documents.update(from: found.documents + next, count: asked)
        scratch.scores.update(repeating: 0, count: asked)
        let kept = try matcher.filter(scratch, asked, above: -.infinity)
        for k in 0..<kept {
            while found.documents[next] < scratch.documents[k] { next &+= 1 }
            Self.add(scratch.scores[k], to: found, next, &bits)
        }
    }

    static func add(_ score: Double, to found: MatchBatch, _ place: Int, _ bits: inout (UInt64, UInt64)) {
        found.scores[place] += score
        if place < 64 { bits.0 |= 1 &<< UInt64(place) } else { bits.1 |= 1 &<< UInt64(place &- 64) }
    }
}

// Matchers over matchers: all of these, not this one.

/// All children match: the cheapest leads, the others filter its blocks.
final class ConjunctionMatcher: Matcher {
    /// Cheapest first.
    private let children: [Matcher]
    /// rest[i]: the most that the children behind i give.
    private let rest: [Double]
    /// Documents below it were handed to the others already, which may not see them again.
    private var examined: UInt32 = 0

    /// `children` is not empty.
    init(_ children: [Matcher]) {
        let ordered = children.sorted { $0.cost < $1.cost }
        self.children = ordered
        var rest = [Double](repeating: 0, count: ordered.count)
        for i in ordered.indices.dropLast().reversed() { rest[i] = rest[i + 1] + ordered[i + 1].bound }
        self.rest = rest
        super.init(cost: ordered.first?.cost ?? 0)
    }

    override var bound: Double { rest[0] + children[0].bound }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        examined = max(examined, target)
        while true {
            var count = try children[0].next(from: examined, above: needed - rest[0], into: batch)
            if count == 0 { return 0 }
            examined = batch.documents[count &- 1] &+ 1
            for i in 1..<children.count where count > 0 {
                count = try children[i].filter(batch, count, above: needed - rest[i])
            }
            if count > 0 { return count }
        }
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int {
        var count = count
        for (i, child) in children.enumerated() where count > 0 {
            count = try child.filter(batch, count, above: needed - rest[i])
        }
        return count
    }
}

/// What `base` matches and `excluded` does not.
final class ExclusionMatcher: Matcher {
    private let base: Matcher
    private let excluded: Matcher
    /// Documents below it were handed to `excluded` already, which may not see them again: it would not know them.
    private var examined: UInt32 = 0
    private let asked: MatchBatch

    init(_ base: Matcher, without excluded: Matcher, _ scratch: Scratch) {
        asked = MatchBatch(scratch)
        self.base = base
        self.excluded = excluded
        super.init(cost: base.cost)
    }

    override var bound: Double { base.bound }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        examined = max(examined, target)
        while true {
            let count = try base.next(from: examined, above: needed, into: batch)
            if count == 0 { return 0 }
            examined = batch.documents[count &- 1] &+ 1
            let kept = try remove(batch, count)
            if kept > 0 { return kept }
        }
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int {
        try remove(batch, try base.filter(batch, count, above: needed))
    }

    private func remove(_ batch: MatchBatch, _ count: Int) throws(StorageError) -> Int {
        if count == 0 { return 0 }
        asked.copyDocuments(of: batch, count)
        let gone = try excluded.filter(asked, count, above: -.infinity)
        return batch.keep(asked.documents, gone, of: count, unless: true)
    }
}

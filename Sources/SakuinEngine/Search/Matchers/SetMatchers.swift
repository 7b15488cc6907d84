// Matchers over matchers: all of these, not this one.

/// All children match: the cheapest leads, the others filter its blocks.
///
/// Where a lead has candidates, the others thin those out before it checks and scores what is left.
final class ConjunctionMatcher: Matcher {
    private let lead: Matcher
    /// All of them, the cheapest first, which is the lead.
    private let children: [Matcher]
    /// rest[i]: the most that the children behind i give; in scratch memory.
    private let rest: UnsafeMutablePointer<Double>
    private let leadBound: Double
    /// Documents below it were handed to the others already, which may not see them again.
    private var examined: UInt32 = 0
    private let cancellation: Cancellation?

    private init(
        _ lead: Matcher, _ children: consuming [Matcher], _ scratch: Scratch, _ cancellation: Cancellation?
    ) {
        rest = scratch.take(Double.self, children.count)
        rest[children.count - 1] = 0
        for i in (1..<children.count).reversed() { rest[i - 1] = rest[i] + children[i].bound }
        self.children = children
        self.lead = lead
        self.cancellation = cancellation
        leadBound = lead.bound
        super.init(cost: lead.cost)
    }

    /// Of one or more matchers, which are put in order; of one that matcher.
    static func make(
        _ matchers: consuming [Matcher], _ scratch: Scratch, _ cancellation: Cancellation?
    ) -> Matcher {
        if matchers.count == 1 { return matchers[0] }
        sort(&matchers)
        return ConjunctionMatcher(matchers[0], matchers, scratch, cancellation)
    }

    /// Sorting takes memory, and they are mostly two or three.
    private static func sort(_ matchers: inout [Matcher]) {
        if matchers.count > 8 { return matchers.sort { $0.cost < $1.cost } }
        for end in 1..<matchers.count {
            var place = end
            while place > 0, matchers[place].cost < matchers[place - 1].cost {
                matchers.swapAt(place, place - 1)
                place -= 1
            }
        }
    }

    override var bound: Double { leadBound + rest[0] }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        examined = max(examined, target)
        var rounds = ShortRounds()
        while true {
            let isChecked = !lead.hasCandidates(above: needed - rest[0])
            var count =
                isChecked
                ? try lead.next(from: examined, above: needed - rest[0], into: batch)
                : try lead.candidates(from: examined, above: needed - rest[0], into: batch)
            if count == 0 { return 0 }
            examined = batch.documents[count &- 1] &+ 1
            count = try thinOut(batch, count, above: isChecked ? needed : needed - leadBound)
            if !isChecked, count > 0 { count = try lead.filter(batch, count, above: needed) }
            if count > 0 { return count }
            try rounds.check(cancellation)
        }
    }

    /// Keeps what all the others match.
    private func thinOut(_ batch: MatchBatch, _ count: Int, above needed: Double) throws(StorageError) -> Int {
        var (count, i) = (count, 1)
        while count > 0, i < children.count {
            count = try children[i].filter(batch, count, above: needed - rest[i])
            i &+= 1
        }
        return count
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int {
        let count = try lead.filter(batch, count, above: needed - rest[0])
        return try thinOut(batch, count, above: needed)
    }
}

/// What `base` matches and `keep` keeps.
class ThinnedMatcher: Matcher {
    private let base: Matcher
    /// Documents below it were handed to `keep` already, which may not see them again.
    private var examined: UInt32 = 0
    let cancellation: Cancellation?

    init(_ base: Matcher, _ cancellation: Cancellation?) {
        self.base = base
        self.cancellation = cancellation
        super.init(cost: base.cost)
    }

    override var bound: Double { base.bound }

    /// Keeps those of `count` documents, at least one, that match; returns how many. All are above those of the calls before.
    func keep(_ batch: MatchBatch, _ count: Int) throws(StorageError) -> Int { count }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        examined = max(examined, target)
        var rounds = ShortRounds()
        while true {
            let count = try base.next(from: examined, above: needed, into: batch)
            if count == 0 { return 0 }
            examined = batch.documents[count &- 1] &+ 1
            let kept = try keep(batch, count)
            if kept > 0 { return kept }
            try rounds.check(cancellation)
        }
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int {
        let count = try base.filter(batch, count, above: needed)
        return count == 0 ? 0 : try keep(batch, count)
    }
}

/// What `base` matches and `excluded` does not.
final class ExclusionMatcher: ThinnedMatcher {
    private let excluded: Matcher
    private let asked: MatchBatch

    init(_ base: Matcher, without excluded: Matcher, _ scratch: Scratch, _ cancellation: Cancellation?) {
        asked = MatchBatch(scratch)
        self.excluded = excluded
        super.init(base, cancellation)
    }

    override func keep(_ batch: MatchBatch, _ count: Int) throws(StorageError) -> Int {
        asked.copyDocuments(of: batch, count)
        let gone = try excluded.filter(asked, count, above: -.infinity)
        return batch.keep(asked.documents, gone, of: count, unless: true)
    }
}

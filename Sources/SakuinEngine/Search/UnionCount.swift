/// How many documents of a segment match any of several matchers that do not score.
///
/// The longest list is not read but for the documents of the others: |L ∪ R| = |L| + |R| − |L ∩ R|.
struct UnionCount {
    /// Documents of the segment.
    let documentCount: Int
    let scratch: Scratch
    let cancellation: Cancellation?

    func count(_ matchers: [Matcher]) throws(StorageError) -> Int {
        let longest = matchers.indices.filter { matchers[$0] is TermMatcher }.max {
            matchers[$0].cost < matchers[$1].cost
        }
        guard let longest, matchers.count > 1 else { return try count(matchers, without: nil) }
        var others = matchers
        let list = others.remove(at: longest)
        // Asking a list for the documents of another costs less than gathering those of both.
        let isWorth = others.reduce(0) { $0 + $1.cost } <= list.cost
        return isWorth ? try list.cost + count(others, without: list) : try count(matchers, without: nil)
    }

    /// The documents of the matchers that `list` does not have.
    private func count(_ matchers: [Matcher], without list: Matcher?) throws(StorageError) -> Int {
        guard let first = matchers.first else { return 0 }
        let all =
            matchers.count == 1
            ? first : DisjunctionMatcher(matchers, documentCount: documentCount, scratch, cancellation)
        let batch = MatchBatch(scratch)
        var rounds = ShortRounds()
        var count = 0
        var target: UInt32 = 0
        while true {
            try rounds.check(cancellation)
            let found = try all.next(from: target, above: -.infinity, into: batch)
            if found == 0 { return count }
            target = batch.documents[found &- 1] &+ 1
            count += found
            if let list { count -= try list.filter(batch, found, above: -.infinity) }
        }
    }
}

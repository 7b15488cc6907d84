/// A child of a disjunction: a list, which is read directly, or any other matcher, with the documents it has returned
/// and nobody has taken.
final class DisjunctionChild {
    private let matcher: Matcher
    private let term: TermMatcher?
    private let pending: MatchBatch?
    private let asked: MatchBatch?
    private var count = -1
    private var place = 0
    let bound: Double

    init(_ matcher: Matcher, _ scratch: Scratch) {
        self.matcher = matcher
        bound = matcher.bound
        term = matcher as? TermMatcher
        pending = term == nil ? MatchBatch(scratch) : nil
        asked = term == nil ? MatchBatch(scratch) : nil
    }

    var isList: Bool { term != nil }

    /// The most a document of these gets, of which none was taken yet, and the last document it holds for; nil: all.
    func bound(from target: UInt32, below end: UInt32) -> (bound: Double, last: UInt32?) {
        term?.bound(from: target, below: end) ?? (bound, nil)
    }

    /// The first document not below `target`; nil at the end.
    func first(from target: UInt32) throws(StorageError) -> UInt32? {
        if let term { return try term.first(from: target) }
        guard let pending, count != 0 else { return nil }
        while place < count, pending.documents[place] < target { place &+= 1 }
        if place >= count { try refill(from: target, pending) }
        return count > 0 ? pending.documents[place] : nil
    }

    private func refill(from target: UInt32, _ pending: MatchBatch) throws(StorageError) {
        count = try matcher.next(from: target, above: -.infinity, into: pending)
        place = 0
    }

    /// Adds the documents from `target` on that are below `end` to the window; returns the next one.
    func gather(
        from target: UInt32, below end: UInt32, into window: ScoreWindow, _ start: UInt32
    ) throws(StorageError) -> UInt32? {
        if let term { return try term.gather(from: target, below: end, into: window, start) }
        guard let pending else { return nil }
        while try first(from: target) != nil {
            while place < count, pending.documents[place] < end {
                window.add(pending.scores[place], at: Int(pending.documents[place] &- start))
                place &+= 1
            }
            if place < count { return pending.documents[place] }
            try refill(from: pending.documents[count &- 1] &+ 1, pending)
        }
        return nil
    }

    /// Adds this child's scores to those of the documents at `from..<foundCount` that it has, and with `matched` notes
    /// which those are.
    func add(
        to found: MatchBatch, _ from: Int, _ foundCount: Int, _ matched: UnsafeMutablePointer<Bool>?
    ) throws(StorageError) {
        if let term { return try term.add(to: found, from, foundCount, matched) }
        guard let pending, let asked else { return }
        // What was returned and not taken is known; only what lies behind may be asked for.
        var next = from
        if count > 0 {
            let last = pending.documents[count &- 1]
            while next < foundCount, found.documents[next] <= last {
                while pending.documents[place] < found.documents[next] { place &+= 1 }
                if pending.documents[place] == found.documents[next] {
                    found.scores[next] += pending.scores[place]
                    matched?[next] = true
                }
                next &+= 1
            }
        }
        if next >= foundCount || count == 0 { return }
        let askedCount = foundCount &- next
        asked.documents.update(from: found.documents + next, count: askedCount)
        asked.scores.update(repeating: 0, count: askedCount)
        let kept = try matcher.filter(asked, askedCount, above: -.infinity)
        for k in 0..<kept {
            while found.documents[next] < asked.documents[k] { next &+= 1 }
            found.scores[next] += asked.scores[k]
            matched?[next] = true
        }
    }
}

/// Counts matching documents and keeps the best of them.
struct Collector: ~Copyable {
    let scores: Bool
    let wantsDocuments: Bool
    private(set) var counted = 0
    let window: Int
    private let policy: TotalPolicy
    private var best: TopK
    private var sorted: SortedWindow?
    private var segment: Int32 = 0
    /// As many documents as are wanted are known to score more.
    private var floor: Double = -.infinity

    init(window: Int, policy: TotalPolicy, sort: [SortKey]) {
        self.window = window
        self.policy = policy
        wantsDocuments = window > 0
        let byScore = sort.isEmpty || sort == [SortKey("_score", descending: true)]
        scores = window > 0 && (byScore || sort.contains { $0.field == "_score" })
        best = TopK(window)
        if !byScore { sorted = SortedWindow(window, sort) }
    }

    /// The documents that follow are those of this segment.
    mutating func enter(_ segment: SearchableSegment, _ number: Int32) throws(SearchError) {
        self.segment = number
        try sorted?.enter(segment, number)
    }

    mutating func count(_ documents: Int) { counted += documents }

    /// Whether only the number of all matching documents is wanted.
    var countsAll: Bool { !wantsDocuments && policy == .exact }

    /// Whether nothing more has to be looked at.
    var isDone: Bool {
        if wantsDocuments { return false }
        switch policy {
        case .exact: return false
        case .atLeast(let limit): return counted >= limit
        case .none: return true
        }
    }

    /// Documents whose score is not above this are not needed, nor counted.
    var needed: Double {
        guard sorted == nil, wantsDocuments else { return -.infinity }
        switch policy {
        case .exact: return -.infinity
        case .atLeast(let limit) where counted <= limit: return -.infinity
        case .atLeast, .none: return max(Double(best.threshold), floor)
        }
    }

    /// As many documents as are wanted score at least this much.
    mutating func raise(toReach score: Float) { floor = max(floor, Double(score.nextDown)) }

    /// Whether documents below a score can be left out.
    var canLeaveOut: Bool { isByScore && policy != .exact }

    /// Exact unless the policy let the count stop early.
    var total: Total {
        switch policy {
        case .exact: return Total(counted, .exact)
        case .atLeast(let limit): return counted > limit ? Total(limit, .atLeast) : Total(counted, .exact)
        case .none: return Total(counted, sorted == nil || !wantsDocuments ? .atLeast : .exact)
        }
    }

    /// Takes ascending living documents that match.
    mutating func take(_ batch: MatchBatch, _ count: Int) {
        counted += count
        guard wantsDocuments else { return }
        if sorted != nil {
            sorted?.offer(batch, count)
            return
        }
        var threshold = Double(best.threshold)
        for i in 0..<count where batch.scores[i] > threshold {
            offer(batch.documents[i], batch.scores[i])
            threshold = Double(best.threshold)
        }
    }

    /// Takes a document that was counted already.
    @inline(__always)
    mutating func offer(_ document: UInt32, _ score: Double) {
        let score = Float(score)
        guard score > best.threshold else { return }
        best.offer(FoundDocument(score: score, segment: segment, document: document))
    }

    /// Whether the best by score are wanted, and nothing else orders them.
    var isByScore: Bool { wantsDocuments && sorted == nil }

    /// Best first; the collector is done with.
    mutating func found() throws(SearchError) -> [FoundDocument] {
        if let sorted { return try sorted.found() }
        return best.takeSorted()
    }
}

/// Counts matching documents and keeps the best of them.
struct Collector {
    let scores: Bool
    let wantsDocuments: Bool
    private(set) var counted = 0
    private let window: Int
    private let policy: TotalPolicy
    private var best: TopK
    private var sorted: SortedWindow?
    private var segment: Int32 = 0
    private let buffer = ScoreBuffer()

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

    /// Whether nothing more has to be looked at.
    var isDone: Bool {
        if wantsDocuments { return false }
        switch policy {
        case .exact: return false
        case .atLeast(let limit): return counted >= limit
        case .none: return true
        }
    }

    /// Exact unless the policy let the count stop early.
    var total: Total {
        // Looking for the best documents goes through all that match, so the number is known.
        if wantsDocuments { return Total(counted, .exact) }
        switch policy {
        case .exact: return Total(counted, .exact)
        case .atLeast(let limit): return counted > limit ? Total(limit, .atLeast) : Total(counted, .exact)
        case .none: return Total(0, .atLeast)
        }
    }

    /// Takes ascending living documents that match.
    mutating func take(
        _ documents: UnsafeMutablePointer<UInt32>, _ count: Int, _ scorers: [Scorer]
    ) throws(StorageError) {
        counted += count
        guard wantsDocuments, count > 0 else { return }
        if sorted != nil {
            buffer.clear(count)
            for scorer in scorers {
                try scorer.add(documents, count, buffer.scores, threshold: -.infinity, rest: 0)
            }
            sorted?.offer(documents, count, buffer.scores)
            return
        }
        let threshold = best.threshold
        if try cannotEnter(documents, count, scorers, threshold) { return }
        buffer.clear(count)
        for (place, scorer) in scorers.enumerated() {
            // A little slack, so that rounding never keeps a document out.
            let rest = scorers[(place + 1)...].reduce(0) { $0 + $1.bound } * 1.0001
            try scorer.add(documents, count, buffer.scores, threshold: threshold, rest: rest)
        }
        for i in 0..<count where buffer.scores[i] > best.threshold || best.threshold == -.infinity {
            best.offer(FoundDocument(score: buffer.scores[i], segment: segment, document: documents[i]))
        }
    }

    /// Whether the score bounds of the lists' blocks keep all of the documents out.
    private func cannotEnter(
        _ documents: UnsafeMutablePointer<UInt32>, _ count: Int, _ scorers: [Scorer], _ threshold: Float
    ) throws(StorageError) -> Bool {
        if threshold == -.infinity { return false }
        var bound: Float = 0
        for scorer in scorers {
            bound += try scorer.bound(from: documents[0], to: documents[count - 1])
            if bound > threshold { return false }
        }
        return true
    }

    /// Best first.
    func found() throws(SearchError) -> [FoundDocument] {
        if let sorted { return try sorted.found() }
        return best.sorted()
    }
}

/// Room for the scores of a block.
final class ScoreBuffer {
    let scores = UnsafeMutablePointer<Float>.allocate(capacity: 128)
    deinit { scores.deallocate() }
    func clear(_ count: Int) { scores.update(repeating: 0, count: count) }
}

// One search over all segments of a snapshot.
//
// 1. Look the plan's terms up in every segment; sum document frequencies.
// 2. Make BM25 models and the weight of each phrase from the sums.
// 3. Per segment: matchers find documents and score them block by block; dead ones are dropped; what is left is counted
//    as far as asked and offered to the heap. When no count is asked, documents that cannot be among the best any more
//    are not looked for.
// 4. A listener is told of all of them, so that nothing is left out then, nor counted without being looked for.

/// One segment as a search sees it.
struct SearchableSegment: Sendable {
    let reader: SegmentReader
    /// nil: all documents live.
    let live: LiveDocuments?

    var liveCount: Int { live?.liveCount ?? reader.meta.documentCount }
}

/// What a search found.
struct SearchOutcome {
    var found: [FoundDocument] = []
    var total = Total(0)
    var expandedWordCount = 0
    var spellingCount = 0
}

struct SnapshotSearch: ~Copyable {
    private let segments: [SearchableSegment]
    private let schema: Schema
    private let plan: QueryPlan
    private let models: ScoreModels
    private let cancellation: Cancellation?
    private let room: SearchRoom?
    private let memory = ScratchMemory()

    init(
        _ plan: QueryPlan, schema: Schema, segments: [SearchableSegment], models: ScoreModels,
        cancellation: Cancellation? = nil, room: SearchRoom? = nil
    ) {
        self.room = room
        self.models = models
        self.plan = plan
        self.schema = schema
        self.segments = segments
        self.cancellation = cancellation
    }

    /// The `window` best documents by score, or by `sort` when it is not empty; with a listener the total is exact whatever
    /// the policy.
    func run(
        window: Int, total policy: TotalPolicy, sort: [SortKey], listener: (any MatchListener)? = nil
    ) throws(SearchError) -> SearchOutcome {
        let queries = try segments.map { segment throws(SearchError) in
            try SegmentQuery(plan, segment.reader, memory.scratch, cancellation, room)
        }
        var outcome = SearchOutcome()
        if plan.hasUnions {
            for query in queries {
                outcome.expandedWordCount = max(outcome.expandedWordCount, query.expandedWordCount)
                outcome.spellingCount = max(outcome.spellingCount, query.spellingCount)
            }
        }
        var collector = Collector(window: window, policy: listener == nil ? policy : .exact, sort: sort)
        let leaves = collector.scores ? leaves(queries) : []
        if collector.canLeaveOut, window <= ListHead.hitCount {
            for number in queries.indices where segments[number].live == nil {
                if let score = try queries[number].reachedScore(window, leaves) { collector.raise(toReach: score) }
            }
        }
        for number in queries.indices {
            let (query, segment) = (queries[number], segments[number])
            try collector.enter(segment, Int32(truncatingIfNeeded: number))
            try listener?.enter(segment.reader)
            try collect(query, segment.live, leaves, &collector, listener)
            query.giveBack()
            if collector.isDone { break }
        }
        outcome.found = try collector.found()
        outcome.total = collector.total
        return outcome
    }

    private func model(_ number: Int) -> BM25 {
        models.model(number) {
            var sum = FieldStatistics()
            for segment in segments where number < segment.reader.meta.fields.count {
                sum.documentCount += segment.reader.meta.fields[number].documentCount
                sum.lengthSum += segment.reader.meta.fields[number].lengthSum
            }
            let field = schema.fields[number]
            // A value of several is worth as much as one alone.
            return BM25(k1: field.k1, b: field.multiple ? 0 : field.b, statistics: sum)
        }
    }

    /// Model and weight, boost × idf, of the phrases that score.
    private func leaves(_ queries: [SegmentQuery]) -> [WeightedPhrase] {
        var leaves: [WeightedPhrase] = []
        for (number, phrase) in plan.phrases.enumerated() where phrase.scores {
            let model = model(phrase.field)
            let frequency =
                phrase.isUniform
                ? rarest(number, phrase.proof(.positions), queries) : documentFrequency(of: number, phrase, queries)
            let weight = phrase.boost * model.inverseDocumentFrequency(frequency)
            leaves.append(WeightedPhrase(number: number, weight: weight, model: model))
        }
        return leaves
    }

    /// The document frequency of a phrase that is proved in several ways. Segments with positions and those with links
    /// count the same tokens, one behind the other; those without pairs have others.
    private func documentFrequency(of number: Int, _ phrase: PhrasePlan, _ queries: [SegmentQuery]) -> Int {
        let places = ProofKind.allCases.map { counted(phrase.proof($0)) }
        let isApart =
            phrase.proof(.words) != phrase.proof(.positions) || !queries.contains { $0.proofKind == .positions }
        return [true, false].reduce(0) { sum, isOfWords in
            let asked = queries.filter { ($0.proofKind == .words && isApart) == isOfWords }
            guard let first = asked.first else { return sum }
            var rarest: Int?
            for k in places[first.proofKind.rawValue].indices {
                let count = asked.reduce(0) { count, query in
                    let own = places[query.proofKind.rawValue]
                    return k < own.count ? count + query.documentFrequency(of: number, token: own[k]) : count
                }
                if count > 0 { rarest = min(rarest ?? count, count) }
            }
            return sum + (rarest ?? 0)
        }
    }

    /// The tokens of a proof that count, by their places in it.
    private func counted(_ proof: PhraseProof) -> [Int] {
        proof.tokens.indices.filter { plan.tokens[$0].counts }.map { $0 - proof.tokens.lowerBound }
    }

    /// The document frequency of a phrase that is proved by the same tokens everywhere is taken to be that of the rarest.
    private func rarest(_ phrase: Int, _ proof: PhraseProof, _ queries: [SegmentQuery]) -> Int {
        var rarest: Int?
        for token in 0..<proof.tokens.count where plan.tokens[proof.tokens.lowerBound + token].counts {
            let sum = queries.reduce(0) { $0 + $1.documentFrequency(of: phrase, token: token) }
            if sum > 0 { rarest = min(rarest ?? sum, sum) }
        }
        return rarest ?? 0
    }

    private func collect(
        _ query: SegmentQuery, _ live: LiveDocuments?, _ leaves: [WeightedPhrase],
        _ collector: inout Collector, _ listener: (any MatchListener)?
    ) throws(SearchError) {
        if listener == nil, live == nil, try collectUnread(query, leaves, &collector) { return }
        let matcher = try query.matcher(leaves)
        if matcher is EmptyMatcher { return }
        let batch = MatchBatch(memory.scratch)
        var target: UInt32 = 0
        while true {
            var count = try matcher.matches(from: target, above: collector.needed, into: batch)
            if count == 0 { return }
            target = batch.documents[count - 1] &+ 1
            if let live { count = live.keepLiving(batch, count) }
            collector.take(batch, count)
            if let listener, count > 0 { try listener.take(batch, count) }
            if collector.isDone { return }
            do throws(StorageError) { try cancellation?.check() } catch { throw .storage(error) }
        }
    }

    /// Collects what is known of a segment without dead documents before any is looked for; false when that is not enough.
    private func collectUnread(
        _ query: SegmentQuery, _ leaves: [WeightedPhrase], _ collector: inout Collector
    ) throws(SearchError) -> Bool {
        if !collector.wantsDocuments, let count = query.plainDocumentFrequency {
            collector.count(count)
            return true
        }
        if collector.countsAll, let count = try query.unionCount() {
            collector.count(count)
            return true
        }
        guard collector.window <= ListHead.hitCount, collector.isByScore,
            let (count, head, score) = try query.head(leaves)
        else { return false }
        collector.count(count)
        for i in 0..<head.count {
            let document = head.documents[i]
            collector.offer(document, score.score(head.frequencies[i], document))
        }
        return true
    }
}

extension Matcher {
    /// `next`, as searches throw.
    @inline(__always)
    fileprivate func matches(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(SearchError) -> Int {
        do throws(StorageError) {
            return try next(from: target, above: needed, into: batch)
        } catch {
            throw .storage(error)
        }
    }
}

extension LiveDocuments {
    /// Keeps the living ones of `count` documents of the batch; returns how many.
    fileprivate func keepLiving(_ batch: MatchBatch, _ count: Int) -> Int {
        var kept = 0
        for i in 0..<count where isLive(batch.documents[i]) {
            batch.move(i, to: kept)
            kept &+= 1
        }
        return kept
    }
}

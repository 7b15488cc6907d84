// One search over all segments of a snapshot.
//
// 1. Look the plan's terms up in every segment; sum document frequencies.
// 2. Make BM25 models and the weight of each phrase from the sums.
// 3. Per segment: matchers find documents and score them block by block; dead ones are dropped; what is left is counted
//    as far as asked and offered to the heap. When no count is asked, documents that cannot be among the best any more
//    are not looked for.

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
}

struct SnapshotSearch {
    private let segments: [SearchableSegment]
    private let schema: Schema
    private let plan: QueryPlan
    private let cancellation: Cancellation?

    init(_ plan: QueryPlan, schema: Schema, segments: [SearchableSegment], cancellation: Cancellation? = nil) {
        self.plan = plan
        self.schema = schema
        self.segments = segments
        self.cancellation = cancellation
    }

    /// The `window` best documents by score, or by `sort` when it is not empty.
    func run(window: Int, total policy: TotalPolicy, sort: [SortKey]) throws(SearchError) -> SearchOutcome {
        var queries: [SegmentQuery] = []
        for segment in segments { queries.append(try SegmentQuery(plan, segment.reader)) }
        var outcome = SearchOutcome()
        outcome.expandedWordCount = queries.map(\.expandedWordCount).max() ?? 0
        let models = models()
        let weights = weights(queries, models)
        var collector = Collector(window: window, policy: policy, sort: sort)
        for (number, query) in queries.enumerated() {
            try collector.enter(segments[number], Int32(number))
            try collect(query, segments[number], weights, models, &collector)
            if collector.isDone { break }
        }
        outcome.found = try collector.found()
        outcome.total = collector.total
        return outcome
    }

    private func models() -> [Int: BM25] {
        var models: [Int: BM25] = [:]
        for phrase in plan.phrases where models[phrase.field] == nil {
            var sum = FieldStatistics()
            for segment in segments where phrase.field < segment.reader.meta.fields.count {
                sum.documentCount += segment.reader.meta.fields[phrase.field].documentCount
                sum.lengthSum += segment.reader.meta.fields[phrase.field].lengthSum
            }
            let field = schema.fields[phrase.field]
            models[phrase.field] = BM25(k1: field.k1, b: field.b, statistics: sum)
        }
        return models
    }

    /// boost × idf; the document frequency of a phrase is taken to be that of its rarest token.
    private func weights(_ queries: [SegmentQuery], _ models: [Int: BM25]) -> [Float] {
        plan.phrases.enumerated().map { number, phrase in
            var sums = [Int](repeating: 0, count: phrase.tokens.count)
            for query in queries { query.addDocumentFrequencies(of: number, to: &sums) }
            let rarest = sums.filter { $0 > 0 }.min() ?? 0
            return phrase.boost * (models[phrase.field]?.inverseDocumentFrequency(rarest) ?? 0)
        }
    }

    private func collect(
        _ query: SegmentQuery, _ segment: SearchableSegment, _ weights: [Float], _ models: [Int: BM25],
        _ collector: inout Collector
    ) throws(SearchError) {
        if !collector.wantsDocuments, segment.live == nil, let count = query.plainDocumentFrequency {
            collector.count(count)
            return
        }
        let scores =
            collector.scores
            ? try query.scores(weights: weights, models: models)
            : [LeafScore?](repeating: nil, count: plan.phrases.count)
        let matcher = try query.matcher(scores: scores)
        if matcher is EmptyMatcher { return }
        do throws(StorageError) {
            let batch = MatchBatch()
            var target: UInt32 = 0
            while true {
                var count = try matcher.next(from: target, above: collector.needed, into: batch)
                if count == 0 { return }
                target = batch.documents[count - 1] &+ 1
                if let live = segment.live { count = live.keepLiving(batch, count) }
                collector.take(batch, count)
                if collector.isDone { return }
                try cancellation?.check()
            }
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

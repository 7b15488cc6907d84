extension SearchIndex {
    /// Searches the current snapshot, or a point in time, on the calling thread; waits only when the request names a
    /// `minSequence`. Throws `deadlineExceeded` when all of it takes longer than `limitMilliseconds` (0: no limit).
    /// `reply` takes the memory of the documents; without one it counts only until this returns. `cancellation` gives the
    /// search up from another thread, with the same error.
    public func searchNow(
        _ request: SearchRequest, limitMilliseconds: UInt32 = 0, reply: ReplyMemory? = nil,
        cancellation: SearchCancellation? = nil
    ) throws(SakuinError) -> SearchResponse {
        let began = Clock.nanoseconds()
        try check(request)
        let snapshot = try snapshot(of: request, limitMilliseconds: limitMilliseconds)
        let deadline = limitMilliseconds == 0 ? 0 : began + UInt64(limitMilliseconds) * 1_000_000
        let limit =
            deadline == 0 && cancellation == nil
            ? nil : Cancellation(deadlineNanoseconds: deadline, caller: cancellation)
        guard let response = try answerAround(request, snapshot, reply, began: began, limit, isQuick: false) else {
            throw ErrorMapping.sakuinError(SearchError.storage(.cancelled))
        }
        return response
    }

    /// The same on a thread that others wait for: nil, with nothing done, when the search would wait, read stored text,
    /// count facets, look for variants, be long to plan, or take longer than about so many nanoseconds.
    public func searchNow(
        _ request: SearchRequest, withinNanoseconds limit: UInt64
    ) throws(SakuinError) -> SearchResponse? {
        let began = Clock.nanoseconds()
        if request.returnFields != .none || request.spans || request.minSequence > writer.visibleSequence { return nil }
        if !request.facets.isEmpty || !request.variants.isEmpty { return nil }
        try check(request)
        if !request.isShort { return nil }
        if request.offset + request.limit > Self.quickWindowMax { return nil }
        let (deadline, isEndless) = began.addingReportingOverflow(limit)
        return try answerAround(
            request, try snapshot(of: request, limitMilliseconds: 0), nil, began: began,
            isEndless ? nil : Cancellation(deadlineNanoseconds: deadline), isQuick: true)
    }

    private func snapshot(of request: SearchRequest, limitMilliseconds: UInt32) throws(SakuinError) -> SharedSnapshot {
        // Nearly all ask for no moment.
        if request.minSequence == 0, request.pointInTime == nil { return store.sharedSnapshot }
        return try snapshot(at: request.moment, limitMilliseconds: limitMilliseconds)
    }

    /// Larger windows are not for threads that others wait for.
    private static let quickWindowMax = 1_000

    /// The answer from a snapshot; segments that do not verify on the way are put into quarantine and gone round, and
    /// the answer says so. nil when it was cancelled before, or a quick search would read stored text.
    private func answerAround(
        _ request: SearchRequest, _ snapshot: SharedSnapshot, _ reply: ReplyMemory?, began: UInt64,
        _ cancellation: Cancellation?, isQuick: Bool
    ) throws(SakuinError) -> SearchResponse? {
        var snapshot = snapshot
        while true {
            do throws(SearchError) {
                return try answer(request, snapshot, reply, began: began, cancellation, isQuick: isQuick)
            } catch .storage(.cancelled) {
                return nil
            } catch {
                guard case .storage(let damage) = error, goRound(damage, &snapshot) else {
                    throw ErrorMapping.sakuinError(error)
                }
            }
        }
    }

    /// Whether an error is damage of a segment of the snapshot, which it takes out then, of what is served too.
    private func goRound(_ error: StorageError, _ snapshot: inout SharedSnapshot) -> Bool {
        guard case .corrupt(let file, _, _) = error else { return false }
        quarantine(error)
        var rest = snapshot.value
        guard rest.quarantine(file, ErrorMapping.notSearched(file, error)) else { return false }
        snapshot = SharedSnapshot(rest)
        return true
    }

    /// Puts the segment an error is of into quarantine: it is served no more, and nothing is written until the index has
    /// been repaired. Errors that are no damage do nothing.
    func quarantine(_ error: StorageError) { writer.quarantine(error) }

    /// With a listener no facets are counted.
    func answer(
        _ request: SearchRequest, _ shared: SharedSnapshot, _ reply: ReplyMemory?, began: UInt64,
        _ cancellation: Cancellation?, isQuick: Bool, listener: (any MatchListener)? = nil
    ) throws(SearchError) -> SearchResponse? {
        if listener == nil, let response = try countOfOneList(request, shared, began: began) { return response }
        var room = Self.memoryByteCount(request)
        try takeMemory(room, orAsk: "with a smaller offset and limit")
        defer { memory.giveBackFromSearch(room) }
        let plan: QueryPlan
        do throws(SakuinError) {
            plan = try self.plan(request, proofs: shared.value.proofs, cancellation)
        } catch { throw error.code == .deadlineExceeded ? .storage(.cancelled) : .refused(error) }
        // One window is in what every search takes.
        if plan.windowCount > 1 {
            let more = (plan.windowCount - 1) * ScoreWindow.byteCount
            if more > memory.searchByteCountMax {
                throw .refused(
                    memory.beyondSearch(
                        more, "The query takes more memory than a search may have.",
                        nextStep: "Use fewer OR, prefixes and variants, or a larger budget."))
            }
            try takeMemory(more, orAsk: "with fewer OR, prefixes and variants")
            room += more
        }
        try checkColumns(of: plan, shared.value)
        if isQuick, plan.readsDocuments { return nil }
        let counter =
            request.facets.isEmpty ? nil : try facetCounter(request.facets, shared.value, cancellation)
        if !request.sort.isEmpty { try checkColumns(of: Self.columns(of: request.sort), shared.value, to: "sort by") }
        let segments = shared.value.searchable
        let search = SnapshotSearch(
            plan, schema: schema, segments: segments, models: shared.value.models,
            cancellation: cancellation,
            room: plan.readsDocuments || plan.hasUnions ? SearchRoom(memory) : nil)
        let window = request.limit == 0 ? 0 : request.offset + request.limit
        let outcome = try search.run(
            window: window, total: request.total, sort: request.sort, listener: listener ?? counter)
        // A few keys are in what the search itself has taken.
        let isSmall =
            request.returnFields == .none && !request.spans && outcome.found.count <= Self.quickWindowMax
        let hits =
            isSmall
            ? try KeyHits.make(outcome.found, from: request.offset, segments)
            : try Self.hits(outcome.found, request, segments, schema, plan, reply ?? replyMemory())
        return SearchResponse(
            hits: hits, total: outcome.total,
            facets: try counter.map { counter throws(SearchError) in
                try Self.facets(counter, reply ?? replyMemory())
            } ?? [],
            complete: shared.value.isComplete,
            notes: notes(request, shared.value.missing, plan, outcome),
            sequence: shared.value.sequence, tookMicroseconds: (Clock.nanoseconds() - began) / 1000)
    }

    private func takeMemory(_ byteCount: Int, orAsk otherwise: String) throws(SearchError) {
        do throws(SakuinError) {
            try memory.takeForSearch(byteCount, orSay: "There is no memory for the search.", otherwise: otherwise)
        } catch { throw .refused(error) }
    }

    /// What limited or widened the search, in sentences.
    private func notes(
        _ request: SearchRequest, _ missing: [String], _ plan: borrowing QueryPlan,
        _ outcome: borrowing SearchOutcome
    ) -> [String] {
        var notes = missing
        if plan.smartPartCount > 0 {
            notes.append("Mode 'smart': found by any of \(plan.smartPartCount) parts of the text too.")
        }
        if let text = plan.emptyText {
            notes.append(
                "'\(text.prefix(40))' has no letter or digit, so no document has it. Quote it with what stands beside it, or leave it out."
            )
        }
        if outcome.expandedWordCount > 0 {
            notes.append("A prefix stood for \(outcome.expandedWordCount) words.")
        }
        if outcome.spellingCount > 0 {
            notes.append("Variants: the query was looked for by \(outcome.spellingCount) spellings of its grams.")
        }
        if request.spans { notes += unmarked(plan) }
        if outcome.total == Total(0) {
            let written = request.writtenTexts
            if !written.isEmpty { notes += SyntaxNotes(written, searched).notes }
        }
        return notes
    }

    /// The fields whose spans cannot be told, in a sentence.
    private func unmarked(_ plan: QueryPlan) -> [String] {
        let numbers = Set(plan.sought.map(\.field))
        let names = schema.fields.indices.filter { numbers.contains($0) && !schema.fields[$0].stored }
            .map { "'\(schema.fields[$0].name)'" }
        return names.isEmpty ? [] : ["There are no spans in what is not stored: \(names.joined(separator: ", "))."]
    }

    /// About what a search takes: its buffers, and what it keeps of each document of the window.
    private static func memoryByteCount(_ request: SearchRequest) -> Int {
        let window = request.offset + request.limit
        return request.limit == 0 ? 64 << 10 : 256 << 10 + window * (64 + 32 * request.sort.count)
    }

    /// Memory for a reply of at most so many bytes, to hand to `searchNow` or `fetchNow`.
    public func replyMemory(byteCountMax: Int = .max) -> ReplyMemory {
        ReplyMemory(memory, replyByteCountMax: byteCountMax)
    }

    /// Hits are made in parts of this many bytes, each of which has its memory before the next is begun.
    private static let partByteCount = 16 << 10

    private static func hits(
        _ found: [FoundDocument], _ request: SearchRequest, _ segments: [SearchableSegment], _ schema: Schema,
        _ plan: QueryPlan, _ reply: ReplyMemory
    ) throws(SearchError) -> [Hit] {
        var hits: [Hit] = []
        guard found.count > request.offset else { return hits }
        hits.reserveCapacity(found.count - request.offset)
        var builder = HitBuilder(segments: segments, schema: schema, plan: plan)
        var part = ReplyPart()
        for document in found.dropFirst(request.offset) {
            let hit = try builder.hit(document, request)
            hits.append(hit)
            part.add(key: hit.key)
            part.add(hit.fields)
            part.add(hit.spans)
            if part.byteCount >= partByteCount {
                try take(part, reply)
                part = ReplyPart()
            }
        }
        try take(part, reply)
        return hits
    }

    static func take(_ part: ReplyPart, _ reply: ReplyMemory) throws(SearchError) {
        do throws(SakuinError) { try reply.take(part.byteCount, objectByteCount: part.objectByteCount) } catch {
            throw .refused(error)
        }
    }

    func check(_ request: SearchRequest) throws(SakuinError) {
        try checkOpen()
        try request.validate()
        try check(request.facets)
        try check(request.sort)
    }

    func plan(
        _ request: SearchRequest, proofs: ProofKinds, _ cancellation: Cancellation?
    ) throws(SakuinError) -> QueryPlan {
        var filter: Query?
        if let input = request.filter { filter = try tree(input, mode: .exact) }
        return try QueryPlanner.plan(
            try tree(request.query, mode: request.mode), filter: filter, searched, fields: request.fields,
            highlights: request.spans, proofs: proofs, mode: request.mode, variants: request.variants,
            cancellation)
    }

    func tree(_ input: QueryInput, mode: SearchMode) throws(SakuinError) -> Query {
        switch input {
        case .tree(let query): query
        case .text(let text): try QueryParser.parse(text, mode: mode, knownFields: searched)
        }
    }

    /// The documents with these keys, in this order; nil where there is none that can be seen yet.
    public func getNow(_ keys: [String]) throws(SakuinError) -> [Document?] { try fetchNow(keys).documents }

    /// The same at a moment, and what cannot be read of the index; waits on the calling thread when it has to. Throws
    /// `deadlineExceeded` when all of it takes longer than `limitMilliseconds` (0: no limit). `reply` takes the memory of the
    /// documents. `cancellation` gives it up from another thread, with the same error.
    public func fetchNow(
        _ keys: [String], at moment: ReadMoment = ReadMoment(), limitMilliseconds: UInt32 = 0,
        reply: ReplyMemory? = nil, cancellation caller: SearchCancellation? = nil
    ) throws(SakuinError) -> FetchedDocuments {
        try checkOpen()
        if keys.count > SearchRequest.windowMax {
            throw .invalid(
                "A get has at most \(SearchRequest.windowMax) keys.", field: "keys", limit: SearchRequest.windowMax,
                value: keys.count, nextStep: "Ask for fewer at a time.")
        }
        let deadline = limitMilliseconds == 0 ? 0 : Clock.nanoseconds() + UInt64(limitMilliseconds) * 1_000_000
        let cancellation = Cancellation(deadlineNanoseconds: deadline, caller: caller)
        var snapshot = try snapshot(at: moment, limitMilliseconds: limitMilliseconds)
        let reply = reply ?? replyMemory()
        while true {
            do throws(SearchError) {
                return FetchedDocuments(
                    try Self.documents(keys, snapshot.value, reply, cancellation), missing: snapshot.value.missing)
            } catch {
                guard case .storage(let damage) = error, goRound(damage, &snapshot) else {
                    throw ErrorMapping.sakuinError(error)
                }
            }
        }
    }

    private static func documents(
        _ keys: [String], _ snapshot: IndexSnapshot, _ reply: ReplyMemory, _ cancellation: Cancellation
    ) throws(SearchError) -> [Document?] {
        var documents: [Document?] = []
        for key in keys {
            let document: Document?
            do throws(StorageError) {
                try cancellation.check()
                document = try self.document(key, snapshot)
            } catch {
                throw .storage(error)
            }
            var part = ReplyPart()
            part.add(key: key)
            if let document { part.add(document.fields) }
            try take(part, reply)
            documents.append(document)
        }
        return documents
    }

    private static func document(_ key: String, _ snapshot: IndexSnapshot) throws(StorageError) -> Document? {
        var bytes = ByteWriter(capacity: key.utf8.count)
        bytes.append(utf8: key)
        let raw = UnsafeRawBufferPointer(start: bytes.start, count: bytes.count)
        guard let place = try snapshot.find(raw, hash: KeyHash.hash(raw)) else { return nil }
        let reader = snapshot.segments[place.segment].reader
        var cache = DocumentBlockCache()
        return try reader.documents.document(place.document, &cache) { (bytes) throws(StorageError) in
            try EncodedDocumentReader.decode(bytes, names: reader.meta.fieldNames, file: reader.file)
        }
    }

    public func search(_ request: SearchRequest) async throws -> SearchResponse {
        try await waitUntilVisible(request.moment)
        return try await Self.heedingCancellation { (cancellation) throws(SakuinError) in
            try searchNow(request, cancellation: cancellation)
        }
    }

    public func fetch(_ keys: [String], at moment: ReadMoment) async throws -> FetchedDocuments {
        try await waitUntilVisible(moment)
        return try await Self.heedingCancellation { (cancellation) throws(SakuinError) in
            try fetchNow(keys, at: moment, cancellation: cancellation)
        }
    }

    /// Runs what reads on the calling thread; cancelling the task gives it up, with `cancelled`.
    private static func heedingCancellation<R>(
        _ body: (SearchCancellation) throws(SakuinError) -> R
    ) async throws -> R {
        let cancellation = SearchCancellation()
        return try await withTaskCancellationHandler {
            do throws(SakuinError) {
                return try body(cancellation)
            } catch {
                throw cancellation.isCancelled ? SakuinError(.cancelled, "Cancelled.") : error
            }
        } onCancel: {
            cancellation.cancel()
        }
    }

    public func statistics() async throws -> IndexStatistics {
        try checkOpen()
        return statisticsNow()
    }

    public func statisticsNow() -> IndexStatistics {
        let snapshot = store.snapshot
        let committed = store.committed
        var statistics = IndexStatistics()
        statistics.documents = snapshot.liveCount
        statistics.deletedDocuments = snapshot.segments.reduce(0) { $0 + $1.documentCount - $1.liveCount }
        statistics.deadBytes = mergeCandidates.reduce(0) { $0 + $1.byteCount - $1.liveByteCount }
        statistics.pendingOperations = writer.pendingOperationCount
        statistics.segments = snapshot.segments.count
        statistics.bytes = store.files.byteCount + writer.journalByteCount
        statistics.journalBytes = writer.journalByteCount
        statistics.textBytes = snapshot.segments.reduce(0) { $0 + $1.reader.meta.textByteCount }
        statistics.sequence = writer.sequence
        statistics.visibleSequence = snapshot.sequence
        statistics.committedSequence = committed.sequence
        statistics.generation = committed.generation
        if let scheduler = schedulerNow {
            statistics.runningMerges = scheduler.runningCount
            statistics.mergeDebtBytes = scheduler.debt.byteCount
            statistics.mergedBytes = scheduler.mergedByteCount
        }
        statistics.flushedBytes = store.flushedByteCount
        statistics.memoryBudgetBytes = memory.byteCountMax
        statistics.memoryBytes = memory.usedNow
        statistics.diskFreeBytes = disk.reading()?.free ?? 0
        statistics.slowness = writer.failure?.message ?? disk.refusal(.writes)?.message ?? writer.slowness
        statistics.openReaders = points.readerCount
        statistics.heldBytes = store.files.heldByteCount(besides: snapshot)
        statistics.quarantined = snapshot.missing
        statistics.schema = schema
        return statistics
    }

    public func segments() async throws -> [SegmentStatistics] {
        try checkOpen()
        let committed = store.committed.segments
        return store.snapshot.segments.map { segment in
            SegmentStatistics(
                file: segment.reader.file, formatVersion: segment.reader.formatVersion,
                documents: segment.documentCount, deletedDocuments: segment.documentCount - segment.liveCount,
                bytes: segment.byteCount, committed: committed.contains(segment.id),
                sections: segment.reader.sectionSizes.map { .init(name: $0.name, bytes: $0.byteCount) })
        }
    }
}

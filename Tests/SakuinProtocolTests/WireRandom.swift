// Random values of the model, by seed.

import SakuinTypes

/// SplitMix64.
struct WireRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z &>> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z &>> 31)
    }

    mutating func below(_ n: Int) -> Int { Int.random(in: 0..<n, using: &self) }
    mutating func flag() -> Bool { below(2) == 0 }
    mutating func pick<C: Collection>(_ values: C) -> C.Element {
        values[values.index(values.startIndex, offsetBy: below(values.count))]
    }
    mutating func list<T>(_ max: Int, _ make: (inout WireRandom) -> T) -> [T] {
        (0..<below(max + 1)).map { _ in make(&self) }
    }

    mutating func text() -> String {
        String((0..<below(9)).map { _ in pick("索引全文5Gaé \"\\\n\t한가カｶﾞ😀") })
    }
    mutating func name() -> String { "f" + String(below(50)) }

    mutating func value() -> FieldValue {
        switch below(6) {
        case 0: .string(text())
        case 1: .integer(Int64(truncatingIfNeeded: next()))
        case 2: .float(Double(below(1 << 20)) / 64 + 0.5)
        case 3: .boolean(flag())
        case 4: .null
        default: .json("[1,{\"a\":null}]")
        }
    }

    mutating func document() -> Document {
        var fields: [Document.Field] = []
        for i in 0..<below(5) { fields.append(.init("f\(i)", value())) }
        return Document(key: "k" + text(), fields: fields)
    }

    mutating func query(_ depth: Int = 0) -> Query {
        switch below(depth > 4 ? 6 : 10) {
        case 0: .all
        case 1: .text(text(), fields: list(2) { $0.name() })
        case 2: .prefix(text(), fields: list(2) { $0.name() })
        case 3: .range(field: name(), lower: flag() ? bound() : nil, upper: flag() ? bound() : nil)
        case 4: .equals(field: name(), text())
        case 5: .near(list(3) { $0.text() }, distance: below(9), fields: list(2) { $0.name() })
        case 6: .and(list(3) { $0.query(depth + 1) })
        case 7: .or(list(3) { $0.query(depth + 1) })
        case 8: .not(query(depth + 1))
        default: .boost(query(depth + 1), Float(below(40)) / 4)
        }
    }

    private mutating func bound() -> RangeBound { RangeBound(text(), inclusive: flag()) }
    private mutating func input() -> QueryInput { flag() ? .text(text()) : .tree(query()) }

    mutating func search() -> SearchRequest {
        var request = SearchRequest(input(), limit: below(1000), offset: below(1000))
        request.fields = list(3) { $0.name() }
        request.mode = pick(SearchMode.allCases)
        request.total = pick([.exact, .none, .atLeast(below(1 << 30))])
        if flag() { request.filter = input() }
        request.sort = list(3) { SortKey($0.name(), descending: $0.flag()) }
        request.returnFields = pick([.none, .all, .named(list(3) { $0.name() })])
        request.spans = flag()
        request.moment = moment()
        request.facets = list(2) { $0.facetRequest() }
        request.variants = VariantFolding(rawValue: UInt32(below(4)))
        return request
    }

    mutating func deletion() -> DeletionRequest {
        var request = DeletionRequest(input())
        request.fields = list(3) { $0.name() }
        request.mode = pick(SearchMode.allCases)
        if flag() { request.filter = input() }
        request.variants = VariantFolding(rawValue: UInt32(below(4)))
        request.acknowledge = pick(AcknowledgementLevel.allCases)
        request.isDryRun = flag()
        return request
    }

    mutating func moment() -> ReadMoment {
        ReadMoment(
            minSequence: next(), waitLimitMilliseconds: below(1 << 20), pointInTime: flag() ? name() : nil)
    }

    mutating func error() -> SakuinError {
        SakuinError(
            SakuinError.Code(rawValue: UInt32(below(20))), text(), field: flag() ? text() : nil,
            limit: flag() ? text() : nil, value: flag() ? text() : nil, nextStep: flag() ? text() : nil,
            retryAfterMilliseconds: flag() ? UInt32(below(1000)) : nil)
    }

    mutating func receipt() -> WriteReceipt {
        WriteReceipt(
            sequence: next(), level: pick(AcknowledgementLevel.allCases), applied: below(1000),
            rejections: list(3) { .init(index: $0.below(100), error: $0.error()) }, isRepeat: flag())
    }

    mutating func operations() -> [WriteOperation] {
        if flag() { return list(4) { .putJSON(Array($0.document().json(keyField: "id")), keyField: "id") } }
        return list(5) {
            switch $0.below(3) {
            case 0: .put($0.document())
            case 1: .putJSON(Array($0.document().json()), keyField: $0.name())
            default: .delete("k" + $0.text())
            }
        }
    }

    mutating func response() -> SearchResponse {
        SearchResponse(
            hits: list(4) { random in
                Hit(
                    key: random.text(), score: Float(random.below(1 << 16)) / 16, fields: random.document().fields,
                    spans: random.list(2) { random in
                        FieldSpans(
                            field: random.name(),
                            spans: random.list(3) { random in
                                let start = random.below(1000)
                                return TextSpan(start: start, end: start + random.below(9))
                            })
                    })
            }, total: Total(below(1 << 40), pick([.exact, .atLeast])), facets: list(2) { $0.facet() },
            complete: flag(), notes: list(2) { $0.text() }, sequence: next(), tookMicroseconds: next())
    }

    // MARK: Facets

    private mutating func facetRequest() -> FacetRequest {
        var request = FacetRequest(name(), limit: below(2000))
        request.ranges = list(3) {
            FacetRange($0.text(), from: $0.flag() ? $0.text() : nil, to: $0.flag() ? $0.text() : nil)
        }
        return request
    }

    private mutating func facetValue() -> FacetValue {
        switch below(5) {
        case 0: .keyword(text())
        case 1: .integer(Int64(bitPattern: next()))
        case 2: .float(Double(below(1 << 20)) / 64 - 100)
        case 3: .boolean(flag())
        default: .date(milliseconds: Int64(bitPattern: next()))
        }
    }

    private mutating func facet() -> Facet {
        Facet(
            field: name(), values: list(4) { FacetCount($0.facetValue(), $0.below(1 << 40)) },
            distinctCount: below(1 << 40), ranges: list(3) { FacetRangeCount($0.text(), $0.below(1 << 40)) },
            otherCount: below(1 << 40), missingCount: below(1 << 40))
    }

    mutating func schema() -> Schema {
        Schema(
            fields: (0..<below(4)).map { i in
                let type = pick(FieldType.allCases)
                return FieldDefinition(
                    name: "f\(i)", type: type,
                    analyzer: pick([.cjk, .words, .keyword, .ngram(1 + below(8))]), breaks: pick(BreaksPolicy.allCases),
                    stored: flag(), multiple: type == .keyword && flag(), boost: Float(1 + below(8)) / 4,
                    k1: Float(below(8)) / 4, b: Float(below(5)) / 4)
            }, dynamic: flag(), compact: flag())
    }

    mutating func statistics() -> IndexStatistics {
        var statistics = IndexStatistics()
        statistics.name = text()
        statistics.documents = below(1 << 40)
        statistics.deletedDocuments = below(1 << 40)
        statistics.pendingOperations = below(1 << 40)
        statistics.segments = below(100)
        statistics.bytes = below(1 << 50)
        statistics.journalBytes = below(1 << 40)
        statistics.textBytes = below(1 << 50)
        statistics.memoryBytes = below(1 << 40)
        statistics.sequence = next()
        statistics.visibleSequence = next()
        statistics.committedSequence = next()
        statistics.generation = next()
        statistics.runningMerges = below(9)
        statistics.mergeDebtBytes = below(1 << 40)
        statistics.flushedBytes = below(1 << 40)
        statistics.mergedBytes = below(1 << 40)
        statistics.memoryBudgetBytes = below(1 << 40)
        statistics.diskFreeBytes = below(1 << 40)
        statistics.slowness = text()
        statistics.openReaders = below(9)
        statistics.heldBytes = below(1 << 40)
        statistics.deadBytes = below(1 << 40)
        statistics.quarantined = list(3) { $0.text() }
        statistics.schema = schema()
        return statistics
    }

    // MARK: Jobs

    private mutating func rate() -> Int? { flag() ? 1 + below(1 << 40) : nil }

    mutating func compaction() -> CompactionOptions {
        CompactionOptions(segments: below(1 << 20), onlyDeletes: flag(), bytesPerSecond: rate())
    }

    mutating func action() -> JobAction {
        switch below(4) {
        case 0: .pause
        case 1: .resume
        case 2: .cancel
        default: .throttle(bytesPerSecond: rate())
        }
    }

    mutating func job() -> JobStatus {
        var status = JobStatus()
        status.index = name()
        status.number = next()
        status.state = pick(JobState.allCases)
        status.options = compaction()
        status.bytesRead = below(1 << 50)
        status.bytesTotal = below(1 << 50)
        status.bytesWritten = below(1 << 50)
        status.bytesToWrite = below(1 << 50)
        status.error = flag() ? error() : nil
        status.segmentsBefore = below(1000)
        status.segmentsAfter = below(1000)
        status.bytesBefore = below(1 << 50)
        status.bytesAfter = below(1 << 50)
        status.deadBytesBefore = below(1 << 50)
        status.deadBytesAfter = below(1 << 50)
        status.milliseconds = below(1 << 40)
        status.millisecondsLeft = flag() ? below(1 << 40) : nil
        status.message = text()
        status.kind = pick(JobKind.allCases)
        if status.kind == .check {
            status.findings.segments = below(1000)
            status.findings.documents = below(1 << 40)
            status.findings.deletedDocuments = below(1 << 40)
            status.findings.terms = below(1 << 40)
            status.findings.problems = list(3) { $0.text() }
            status.findings.untoldProblemCount = below(1 << 40)
        }
        return status
    }

    mutating func estimate() -> CompactionEstimate {
        var estimate = CompactionEstimate()
        estimate.segmentsBefore = below(1000)
        estimate.segmentsAfter = below(1000)
        estimate.bytesBefore = below(1 << 50)
        estimate.bytesAfter = below(1 << 50)
        estimate.bytesRead = below(1 << 50)
        estimate.bytesWritten = below(1 << 50)
        estimate.deadDocuments = below(1 << 40)
        estimate.freeBytes = below(1 << 50)
        estimate.milliseconds = below(1 << 40)
        estimate.bytesNeeded = below(1 << 50)
        estimate.memoryBytes = below(1 << 50)
        estimate.refusal = flag() ? error() : nil
        return estimate
    }

    mutating func snapshot() -> SnapshotListing {
        SnapshotListing(
            index: name(), name: text(), created: text(), version: text(), documents: below(1 << 40),
            bytes: below(1 << 50), ownBytes: below(1 << 50), sequence: next(), generation: next(),
            problem: flag() ? text() : nil)
    }
}

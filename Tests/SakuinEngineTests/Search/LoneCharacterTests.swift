// Characters alone between gaps: which of them have edges, and what stands for the edges of others.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct LoneCharacterTests {
    private static let schema = Schema(fields: [
        FieldDefinition(name: "body"), FieldDefinition(name: "hidden", stored: false),
        FieldDefinition(name: "known", edges: true),
    ])

    private func index(_ directory: any Directory = MemoryDirectory(), version: UInt32? = nil) throws -> SearchIndex {
        var options = SearchFixture.options
        options.analyzerVersion = version
        return try SearchIndex.open(directory, schema: Self.schema, options: options)
    }

    private func write(_ index: SearchIndex, _ texts: [String], from: Int = 0) async throws {
        _ = try await index.write(
            WriteBatch(
                texts.enumerated().map {
                    .put(
                        Document(
                            key: "\(from + $0.offset)",
                            ["body": .string($0.element), "hidden": .string($0.element), "known": .string($0.element)]))
                }))
        _ = try await index.refresh()
    }

    /// The characters that have edges, by field.
    private func edges(_ index: SearchIndex) throws -> [Set<String>] {
        var found: [Set<String>] = [[], [], []]
        for segment in index.store.snapshot.segments {
            var grams = segment.reader.grams.iterator()
            while try grams.next() {
                guard GramKey.isEdge(grams.key), let scalar = Unicode.Scalar(GramKey.first(grams.key)) else { continue }
                found[GramKey.field(grams.key)].insert(String(Character(scalar)))
            }
        }
        return found
    }

    private static let texts = ["中、美、英国", "中国，美", "할 수 있다", "か。カ", "美、中"]

    @Test(arguments: [4, 5] as [UInt32])
    func onlyHangulHasEdgesUnlessTheyAreAskedForOrNeeded(version: UInt32) async throws {
        let index = try index(version: version)
        try await write(index, Self.texts)
        let all: Set<String> = ["中", "美", "英", "国", "할", "수", "있", "か", "カ"]
        #expect(try edges(index) == [["할", "수", "있"], all, all])
        _ = try await index.compact(segments: 1)
        #expect(try edges(index) == [["할", "수", "있"], all, all])
        index.abandon()
    }

    /// What a segment names and no schema has keeps its edges, and is no index out of bounds.
    @Test func fieldsOutsideTheSchemaKeepTheirEdges() throws {
        let registry = FieldRegistry(schema: Self.schema, names: ["body", "hidden", "known", "other"])
        #expect((0..<5).map { registry.hasEdges($0) } == [false, true, true, true, true])
        #expect(registry.hasEdges(GramKey.fieldCountMax - 1))
    }

    /// An index of before is rewritten without them by `compact`, though it is one segment, and nothing else of it changes.
    @Test(arguments: [2, 3] as [UInt32]) func compactionLeavesEdgesOut(version: UInt32) async throws {
        let directory = MemoryDirectory()
        var index = try index(directory, version: version)
        try await write(index, Self.texts)
        _ = try await index.compact(segments: 1)
        #expect(try edges(index)[0] == edges(index)[1])
        try index.close()
        index = try self.index(directory, version: version + 2)
        _ = try await index.compact(segments: 1)
        #expect(try edges(index)[0] == ["할", "수", "있"])
        #expect(try edges(index)[1] == edges(index)[2])
        #expect(try edges(index)[2].count == 9)
        #expect(index.store.snapshot.segments.map(\.reader.meta.analyzerVersion) == [version + 2])
        for segment in index.store.snapshot.segments { try SegmentCheck.run(segment.reader) }
        try index.close()
    }

    @Test(arguments: ["body", "hidden", "known"], [4, 5] as [UInt32])
    func loneCharactersAreFoundExactly(field: String, version: UInt32) async throws {
        let index = try index(version: version)
        try await write(index, Self.texts + ["中和美", "中，，美，国", "中美", "中 美", "中5、美"])
        func keys(_ query: String) throws -> [String] {
            try index.searchNow(SearchRequest("\(field):\(query)", limit: 20)).hits.map(\.key).sorted()
        }
        #expect(try keys("中、美") == ["0", "6"])
        #expect(try keys("中,美。英国") == ["0"])
        #expect(try keys("美、中") == ["4"])
        #expect(try keys("国、美") == ["1"])
        #expect(try keys("美-国") == ["6"])
        #expect(try keys("\"할 수\"") == ["2"])
        #expect(try keys("か、カ") == ["3"])
        #expect(try keys("中国、美") == ["1"])
        #expect(try keys("美、英国") == ["0"])
        #expect(try keys("カ、か") == [])
        #expect(try keys("5、美") == ["9"])
        #expect(try keys("中、美 OR 美、中") == ["0", "4", "6"])
        #expect(try keys("美 -中、美").contains("0") == false)
        let plan = try QueryPlanner.plan(
            .text("中、美", fields: [field]), filter: nil, index.searched, fields: [], highlights: false, proofs: .all)
        #expect(plan.readsDocuments == (field == "body"))
        index.abandon()
    }

    /// How often it stands there counts, and a limit leaves out none of the best.
    @Test(arguments: [4, 5] as [UInt32]) func loneCharactersScoreByOccurrences(version: UInt32) async throws {
        let (index, old) = (try index(version: version), try index(version: 2))
        var texts: [String] = []
        for number in 0..<400 {
            texts.append(
                String(repeating: "中、", count: 1 + number * 7 % 5) + "美" + String(repeating: "文字", count: number % 13)
                    + String(repeating: "。中、美", count: number * 3 % 7))
        }
        for each in [index, old] { try await write(each, texts) }
        for query in ["body:中、美", "body:中、美 OR body:文字。中、美", "body:文字 AND body:中、美", "body:文字。中、美"] {
            var request = SearchRequest(query, limit: 400)
            let all = try index.searchNow(request).hits
            #expect(all == (try old.searchNow(request).hits), "\(query)")
            #expect(all.count > 300)
            request.limit = 7
            request.total = .none
            #expect(try index.searchNow(request).hits == Array(all.prefix(7)), "\(query)")
        }
        index.abandon()
        old.abandon()
    }

    /// Documents that have the characters but not the text are many before one is found.
    @Test func readingTextsHeedsTheDeadline() async throws {
        let index = try index()
        try await write(index, (0..<500).map { "中国，美国\($0)，中和，美" })
        #expect(try index.searchNow(SearchRequest("body:中、美", limit: 10)).total == Total(0))
        let plan = try QueryPlanner.plan(
            .text("中、美", fields: ["body"]), filter: nil, index.searched, fields: [], highlights: false,
            proofs: [.positions])
        #expect(plan.readsDocuments)
        let memory = ScratchMemory()
        let cancellation = Cancellation()
        let segment = try #require(index.store.snapshot.segments.first?.reader)
        let matcher = try SegmentQuery(plan, segment, memory.scratch, cancellation).matcher([])
        #expect(matcher is TextPhraseMatcher)
        cancellation.cancel()
        #expect(throws: StorageError.self) { try matcher.next(from: 0, above: 0, into: MatchBatch(memory.scratch)) }
        index.abandon()
    }

    /// A long document is read in memory of the budget, which is given back, or the search is refused for now. What ㊥ is
    /// only its normal form tells.
    @Test(arguments: ["body:中、美", "body:\"中国 美国\"~3"]) func longTextsTakeMemoryOfTheBudget(query: String) async throws {
        let index = try index()
        try await write(index, [String(repeating: "中国，美国。㊥，和美，", count: 40_000), "中、美，中国美国"])
        let (memory, request) = (index.memory, SearchRequest(query, limit: 10))
        let before = memory.used
        #expect(try index.searchNow(request).total == Total(query.hasSuffix("3") ? 2 : 1))
        #expect(memory.used <= before)
        let rest = memory.byteCountMax - memory.used - (2 << 20)
        #expect(memory.takeForSearch(rest))
        let error = try #require(throws: SakuinError.self) { try index.searchNow(request) }
        #expect(error.code == .resourceExhausted && error.retryAfterMilliseconds != nil)
        #expect(error.message.contains("to read a document of 2 MiB"))
        memory.giveBackFromSearch(rest)
        #expect(try index.searchNow(request).total == Total(query.hasSuffix("3") ? 2 : 1))
        index.abandon()
    }
}

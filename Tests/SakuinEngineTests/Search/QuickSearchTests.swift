// Searches on a thread that others wait for: the same answers, or none.

import Testing

@testable import SakuinEngine

@Suite struct QuickSearchTests {
    @Test func theAnswerIsTheSame() async throws {
        let fixture = try await SearchFixture(seed: 20_261_127)
        var hitCount = 0
        for query in ["国", "国际", "数字 国", "abc", "国 OR 数", "ab*", "year:[1990 TO 2010]", "国际数字abc"] {
            var request = SearchRequest(query, limit: 7, offset: 2)
            request.mode = query == "国际数字abc" ? .smart : .exact
            request.sort = query == "国" ? [SortKey("year", descending: true)] : []
            let slow = try fixture.index.searchNow(request)
            let quick = try fixture.index.searchNow(request, withinNanoseconds: .max)
            #expect(quick?.hits == slow.hits && quick?.total == slow.total && quick?.notes == slow.notes)
            #expect(quick?.sequence == slow.sequence)
            hitCount += slow.hits.count
        }
        #expect(hitCount > 20)
    }

    @Test func whatTakesLongerIsLeftToOthers() async throws {
        let fixture = try await SearchFixture(seed: 20_261_128)
        let index = fixture.index
        #expect(try index.searchNow(SearchRequest("国 OR 数"), withinNanoseconds: 0) == nil)
        var request = SearchRequest("国")
        request.spans = true
        #expect(try index.searchNow(request, withinNanoseconds: .max) == nil)
        request = SearchRequest("国")
        request.returnFields = .all
        #expect(try index.searchNow(request, withinNanoseconds: .max) == nil)
        #expect(try index.searchNow(SearchRequest("\"国 数\"~3"), withinNanoseconds: .max) == nil)
        request = SearchRequest("国")
        request.facets = [FacetRequest("tag")]
        #expect(try index.searchNow(request, withinNanoseconds: .max) == nil)
        request = SearchRequest("国")
        request.variants = .han
        #expect(try index.searchNow(request, withinNanoseconds: .max) == nil)
        request = SearchRequest("国", limit: 5_000)
        #expect(try index.searchNow(request, withinNanoseconds: .max) == nil)
        request = SearchRequest(String(repeating: "国", count: 2_000))
        #expect(try index.searchNow(request, withinNanoseconds: .max) == nil)
        request = SearchRequest(.tree(.or(Array(repeating: .text("国", fields: []), count: 400))))
        #expect(try index.searchNow(request, withinNanoseconds: .max) == nil)
        request = SearchRequest("国")
        request.minSequence = .max
        #expect(try index.searchNow(request, withinNanoseconds: .max) == nil)
    }

    /// One document may take long: what is looked for in it is looked for in one pass, and the deadline is heeded in it.
    @Test(arguments: [false, true]) func longRepeats(isCompact: Bool) async throws {
        var schema = Schema(fields: [FieldDefinition(name: "body")])
        schema.compact = isCompact
        let index = try SearchIndex.open(MemoryDirectory(), schema: schema, options: SearchFixture.options)
        let length = 200_000
        _ = try await index.write(
            WriteBatch([
                .put(Document(key: "a", ["body": .string(String(repeating: "哈", count: length))])),
                .put(Document(key: "b", ["body": .string(String(repeating: "a b ", count: length / 4))])),
            ]))
        _ = try await index.refresh()
        for query in ["哈哈哈", "哈哈哈哈哈哈", "\"a b a b a\""] {
            #expect(try index.searchNow(SearchRequest(query)).total == Total(1), "\(query)")
            #expect(try index.searchNow(SearchRequest(query), withinNanoseconds: 1) == nil, "\(query)")
        }
        #expect(try index.searchNow(SearchRequest("哈哈a")).total == Total(0))
        index.abandon()
    }

    /// Where lists are read and nothing is found for long.
    @Test(arguments: ["国 数", "国 -(国 OR 数)", "(国 OR 数) 索", "国际 数字"])
    func theDeadlineHoldsWhereNothingIsFound(query: String) async throws {
        let index = try SearchIndex.open(
            MemoryDirectory(), schema: Schema(fields: [FieldDefinition(name: "body")]), options: SearchFixture.options)
        let texts = ["国际", "数字", "国际", "数字", "索引"]
        _ = try await index.write(
            WriteBatch(
                (0..<12_000).map {
                    .put(Document(key: "\($0)", ["body": .string(texts[$0 % 5])]))
                }))
        _ = try await index.refresh()
        for total in [TotalPolicy.exact, .none] {
            var request = SearchRequest(query, limit: total == .exact ? 0 : 10)
            request.total = total
            #expect(try index.searchNow(request, withinNanoseconds: .max) != nil, "\(query) \(total)")
            #expect(try index.searchNow(request, withinNanoseconds: 1) == nil, "\(query) \(total)")
        }
        index.abandon()
    }

    /// Where nothing is read yet: texts are planned, and their grams looked up in every segment.
    @Test func theDeadlineHoldsBeforeAnythingIsRead() async throws {
        let fixture = try await SearchFixture(seed: 20_261_133)
        let index = fixture.index
        let text = (0..<40).map { "\($0)无 " }.joined()
        let plan = try QueryPlanner.plan(
            .or(text.split(separator: " ").map { .text(String($0), fields: []) }), filter: nil, index.searched,
            fields: [], highlights: false, proofs: .all)
        let segment = index.store.sharedSnapshot.value.searchable[0].reader
        let memory = ScratchMemory()
        _ = try SegmentQuery(plan, segment, memory.scratch, Cancellation())
        let error = #expect(throws: SearchError.self) {
            _ = try SegmentQuery(plan, segment, memory.scratch, Cancellation(deadlineNanoseconds: 1))
        }
        guard case .storage(.cancelled)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func whoAskedMayGiveUp() async throws {
        let fixture = try await SearchFixture(seed: 20_261_131)
        let cancellation = SearchCancellation()
        let request = SearchRequest("国 OR 数")
        let response = try fixture.index.searchNow(request, cancellation: cancellation)
        #expect(try response.hits == fixture.index.searchNow(request).hits)
        cancellation.cancel()
        let error = #expect(throws: SakuinError.self) {
            _ = try fixture.index.searchNow(request, cancellation: cancellation)
        }
        #expect(error?.code == .deadlineExceeded)
    }

    @Test func aCancelledTaskEndsWhatItReads() async throws {
        let fixture = try await SearchFixture(seed: 20_261_132)
        let index = fixture.index
        let pages = try await index.export()
        let calls: [@Sendable () async throws -> Void] = [
            { _ = try await index.search(SearchRequest("国 OR 数")) }, { for try await _ in pages {} },
            { _ = try await index.fetch(["nobody"]) },
        ]
        for call in calls {
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                try await call()
            }
            task.cancel()
            let error = await #expect(throws: SakuinError.self) { try await task.value }
            #expect(error?.code == .cancelled)
        }
        #expect(try await index.search(SearchRequest("国 OR 数")).total.value > 0)
    }

    @Test func textsWithoutLettersAreNamed() async throws {
        let fixture = try await SearchFixture(seed: 20_261_130)
        for query in ["国 ，", "国 OR …", "国 -&"] {
            let response = try fixture.index.searchNow(SearchRequest(query))
            #expect(response.notes.count == 1 && response.notes[0].contains("no letter or digit"), "\(query)")
        }
        #expect(try fixture.index.searchNow(SearchRequest("国，数")).notes.isEmpty)
    }

    @Test func whatIsWrongIsSaid() async throws {
        let fixture = try await SearchFixture(seed: 20_261_129)
        let negative = SearchRequest("国", limit: -1)
        #expect(throws: SakuinError.self) { try fixture.index.searchNow(negative, withinNanoseconds: .max) }
        let unknown = SearchRequest(.tree(.text("国", fields: ["nofield"])))
        #expect(throws: SakuinError.self) { try fixture.index.searchNow(unknown, withinNanoseconds: .max) }
    }
}

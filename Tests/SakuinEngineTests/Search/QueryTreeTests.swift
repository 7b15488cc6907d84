// Random query trees over every field type, with filters, against brute force.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct QueryTreeTests {
    private func leaf(_ random: inout SeededRandom) -> Query {
        func bound(_ value: String) -> RangeBound? {
            random.below(4) == 0 ? nil : RangeBound(value, inclusive: random.below(2) == 0)
        }
        switch random.below(14) {
        case 0: return .all
        case 1: return .equals(field: "tag", ["news", "NEWS  2", "tech", "新闻", "none"][random.below(5)])
        case 2:
            return .range(field: "year", lower: bound("\(random.below(40) - 10)"), upper: bound("\(random.below(40))"))
        case 3:
            let low = bound("\(Double(random.below(60)) / 4 - 5)")
            return .range(field: "price", lower: low, upper: bound("\(Double(random.below(60)) / 4)"))
        case 4:
            let low = bound(SearchFixture.date(random.below(40)))
            return .range(field: "day", lower: low, upper: bound(SearchFixture.date(20 + random.below(39))))
        case 5: return .equals(field: "on", random.below(2) == 0 ? "true" : "false")
        case 6: return .range(field: "tag", lower: bound(SearchFixture.tags[random.below(5)]), upper: bound("スポーツ"))
        case 7: return .range(field: "year", lower: bound("\(random.below(20)).5"), upper: bound("30.25"))
        case 8: return .prefix(["ab", "国a", "abc", "1", "x", "国际"][random.below(6)], fields: [])
        case 9: return .equals(field: "day", SearchFixture.date(random.below(59)))
        case 10, 11:
            let texts = (0..<(1 + random.below(4))).map { _ in
                SearchFixture.text(&random).prefix(1 + random.below(2)).description
            }
            return .near(texts, distance: random.below(6), fields: [])
        default: return .text(SearchFixture.text(&random).prefix(1 + random.below(4)).description, fields: [])
        }
    }

    private func tree(_ depth: Int, _ random: inout SeededRandom) -> Query {
        if depth == 0 || random.below(3) == 0 { return leaf(&random) }
        let children = (0..<(1 + random.below(3))).map { _ in tree(depth - 1, &random) }
        switch random.below(5) {
        case 0, 1: return .and(children)
        case 2, 3: return .or(children)
        default: return random.below(2) == 0 ? .not(children[0]) : .boost(.and(children + [.not(leaf(&random))]), 2)
        }
    }

    @Test(arguments: 0..<3) func treesAgreeWithBruteForce(round: Int) async throws {
        let seed = UInt64(91 + round)
        let fixture = try await SearchFixture(seed: seed)
        var random = SeededRandom(seed: seed)
        for number in 0..<1_500 {
            let query = tree(3, &random)
            var request = SearchRequest(.tree(query), limit: number % 5 == 0 ? 0 : 1_000)
            var expected = fixture.keys(query)
            if number % 3 == 0 {
                let filter = tree(1, &random)
                request.filter = .tree(filter)
                expected.formIntersection(fixture.keys(filter))
            }
            let response = try fixture.index.searchNow(request)
            let found = Set(response.hits.map(\.key))
            guard response.total == Total(expected.count), request.limit == 0 || found == expected else {
                let different = found.symmetricDifference(expected).sorted().prefix(3).map { fixture.items[$0] }
                Issue.record(
                    "seed \(seed) query \(number): \(response.total.value), expected \(expected.count); \(different) \(request)"
                )
                return
            }
        }
        fixture.index.abandon()
    }

    /// What was excluded behind the last document handed out stays excluded when the search goes on from there.
    @Test func theExcludedStayExcluded() async throws {
        let index = try SearchIndex.open(
            MemoryDirectory(), schema: SearchFixture.schema, options: SearchFixture.options)
        let texts = ["国", "国 x1", "国 x2", "国 x3"]
        _ = try await index.write(
            WriteBatch(texts.enumerated().map { .put(Document(key: "\($0)", ["title": .string($1)])) }))
        _ = try await index.refresh()
        for query in ["国 -x*", "国 -x1 -x2 -x3", "国 -(x1 OR x2 OR x3)", "NOT x*", "国 (国 -x*)"] {
            #expect(try index.searchNow(SearchRequest(query)).hits.map(\.key) == ["0"], "\(query)")
        }
        index.abandon()
    }

    @Test func filtersDoNotScore() async throws {
        let fixture = try await SearchFixture(seed: 95)
        var plain = SearchRequest(.tree(.text("国", fields: [])), limit: 1_000)
        let scores = Dictionary(
            uniqueKeysWithValues: try fixture.index.searchNow(plain).hits.map { ($0.key, $0.score) })
        plain.filter = .text("title:abc OR year:[0 TO 20]")
        let filtered = try fixture.index.searchNow(plain)
        #expect(!filtered.hits.isEmpty && filtered.hits.count < scores.count)
        for hit in filtered.hits { #expect(hit.score == scores[hit.key]) }
        fixture.index.abandon()
    }

    @Test(arguments: [
        ("nofield:x", "x"), ("title:[a TO b]", "x"), ("国", "sort"), ("国", "window"), ("国", "limit"), ("国", "boost"),
        ("国", "total"), ("国", "field"), ("tag:\"a b\"~2", "x"), ("国", "near"), ("国", "distance"), ("国", "smart"),
    ])
    func whatCannotBeAnsweredIsAnError(text: String, change: String) async throws {
        let index = try SearchIndex.open(
            MemoryDirectory(), schema: SearchFixture.schema, options: SearchFixture.options)
        var request = SearchRequest(text)
        switch change {
        case "near": request.query = .tree(.near(Array(repeating: "a", count: 9), distance: 2, fields: []))
        case "distance": request.query = .tree(.near(["a", "b"], distance: -1, fields: []))
        case "smart":
            request.mode = .smart
            request.query = .tree(.text((0..<1_025).map { "x\($0)" }.joined(separator: " "), fields: []))
        case "sort": request.sort = [SortKey("title")]
        case "window": request.offset = SearchRequest.windowMax
        case "limit": request.limit = -1
        case "boost": request.query = .tree(.boost(.all, -.infinity))
        case "total": request.total = .atLeast(0)
        case "field": request.fields = ["nofield"]
        default: break
        }
        if text == "nofield:x" { request.query = .tree(.text("x", fields: ["nofield"])) }
        let error = try #require(throws: SakuinError.self) { try index.searchNow(request) }
        #expect(error.code == .invalidArgument)
        index.abandon()
    }

    @Test func aPrefixOfTooManyWordsIsRefused() async throws {
        let index = try SearchIndex.open(
            MemoryDirectory(), schema: SearchFixture.schema, options: SearchFixture.options)
        let words = (0...SegmentQuery.expansionMax).map { "w\($0)" }.joined(separator: " ")
        _ = try await index.write(WriteBatch([.put(Document(key: "1", ["title": .string(words)]))]))
        _ = try await index.refresh()
        let error = try #require(throws: SakuinError.self) { try index.searchNow(SearchRequest("w*")) }
        #expect(error.code == .invalidArgument && error.limit == "\(SegmentQuery.expansionMax)")
        let response = try index.searchNow(SearchRequest("w99*"))
        #expect(response.total == Total(1))
        #expect(response.notes.contains { $0.contains("111 words") }, "\(response.notes)")
        index.abandon()
    }

    /// Each word is a list with buffers of its own, so all prefixes together are bounded too.
    @Test func prefixesOfTooManyWordsTogetherAreRefused() async throws {
        let index = try SearchIndex.open(
            MemoryDirectory(), schema: SearchFixture.schema, options: SearchFixture.options)
        let words = (0..<9_000).map { "w\($0)" }.joined(separator: " ")
        _ = try await index.write(WriteBatch([.put(Document(key: "1", ["title": .string(words)]))]))
        _ = try await index.refresh()
        func request(_ count: Int) -> SearchRequest {
            SearchRequest(.tree(.or(Array(repeating: .prefix("w", fields: []), count: count))))
        }
        #expect(try index.searchNow(request(7)).total == Total(1))
        for count in [8, 1_000] {
            let error = try #require(throws: SakuinError.self) { try index.searchNow(request(count)) }
            #expect(error.code == .invalidArgument && error.limit == "\(SegmentQuery.termCountMax)")
            #expect(error.field == "query" && error.nextStep != nil)
        }
        index.abandon()
    }
}

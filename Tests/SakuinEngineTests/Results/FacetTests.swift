// Facets beside the truth: counts by brute force over documents of every type, in several segments, some of them dead.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct FacetTests {
    private static let fields = ["tag", "year", "price", "on", "day"]
    /// 2023-01-01T00:00Z, from which the days of the fixture are counted.
    private static let firstDay: Int64 = 1_672_531_200_000

    private static func value(_ field: String, _ item: SearchFixture.Item) -> FacetValue? {
        switch field {
        case "tag": item.tag.map { .keyword($0) }
        case "year": item.year.map { .integer($0) }
        case "price": item.price.map { .float($0) }
        case "on": item.isOn.map { .boolean($0) }
        default: item.day.map { .date(milliseconds: firstDay + Int64($0) * 86_400_000) }
        }
    }

    /// Values of a field have one type here.
    private static func isBefore(_ a: FacetValue, _ b: FacetValue) -> Bool {
        switch (a, b) {
        case (.keyword(let a), .keyword(let b)): Array(a.utf8).lexicographicallyPrecedes(Array(b.utf8))
        case (.integer(let a), .integer(let b)), (.date(let a), .date(let b)): a < b
        case (.float(let a), .float(let b)): a < b
        case (.boolean(let a), .boolean(let b)): !a && b
        default: false
        }
    }

    /// What the facet should say of these documents.
    private static func facet(_ request: FacetRequest, _ items: [SearchFixture.Item]) -> Facet {
        let values = items.compactMap { value(request.field, $0) }
        let counts = Dictionary(values.map { ($0, 1) }, uniquingKeysWith: +)
        let best = counts.map { FacetCount($0, $1) }.sorted {
            $0.count == $1.count ? isBefore($0.value, $1.value) : $0.count > $1.count
        }
        let listed = Array(best.prefix(request.limit))
        return Facet(
            field: request.field, values: listed, distinctCount: counts.count,
            otherCount: values.count - listed.reduce(0) { $0 + $1.count }, missingCount: items.count - values.count)
    }

    private static func query(_ random: inout SeededRandom) -> Query {
        switch random.below(6) {
        case 0: .all
        case 1: .text(["国", "国际", "abc", "数字", "nowhere"][random.below(5)], fields: [])
        case 2: .or([.text("国", fields: []), .text("12", fields: [])])
        case 3: .and([.text("国", fields: []), .not(.text("abc", fields: []))])
        case 4: .prefix("ab", fields: ["title"])
        default: .range(field: "year", lower: RangeBound("\(random.below(20) - 5)"), upper: nil)
        }
    }

    /// Whatever is asked besides, the facets are those of all documents that match, and hits are as without them.
    private func check(_ fixture: SearchFixture, _ random: inout SeededRandom, _ rounds: Int, _ seed: UInt64) throws {
        for round in 0..<rounds {
            let (query, filter) = (Self.query(&random), Self.query(&random))
            var request = SearchRequest(.tree(query), limit: random.below(3) * 7, offset: random.below(3))
            if random.below(2) == 0 { request.filter = .tree(filter) }
            request.total = [.exact, .none, .atLeast(3)][random.below(3)]
            request.sort = random.below(2) == 0 ? [] : [SortKey("year"), SortKey("_key")]
            var plain = request
            plain.total = .exact
            request.facets = (0...random.below(4)).map { _ in
                FacetRequest(Self.fields[random.below(5)], limit: random.below(4) == 0 ? 100 : random.below(6))
            }
            let keys = fixture.keys(query).intersection(
                request.filter == nil ? fixture.keys(.all) : fixture.keys(filter))
            let items = keys.compactMap { fixture.items[$0] }
            let response = try fixture.index.searchNow(request)
            let wanted = request.facets.map { Self.facet($0, items) }
            #expect(response.facets == wanted, "seed \(seed), round \(round): \(request)")
            #expect(response.total == Total(keys.count), "seed \(seed), round \(round)")
            #expect(response.hits == (try fixture.index.searchNow(plain)).hits, "seed \(seed), round \(round)")
        }
    }

    @Test(arguments: [20_261_201, 20_261_202] as [UInt64]) func countsAreThoseOfAllDocuments(seed: UInt64) async throws
    {
        var fixture = try await SearchFixture(seed: seed)
        var random = SeededRandom(seed: seed + 100)
        try check(fixture, &random, 60, seed)
        // Deaths behind the last segment, then one segment of all.
        let dead = fixture.items.keys.sorted().filter { _ in random.below(3) == 0 }
        for key in dead { fixture.items[key] = nil }
        _ = try await fixture.index.write(WriteBatch(dead.map { .delete($0) }))
        _ = try await fixture.index.refresh()
        try check(fixture, &random, 30, seed)
        _ = try await fixture.index.compact(segments: 1)
        try check(fixture, &random, 30, seed)
        fixture.index.abandon()
    }

    /// Keywords and numbers by the thousand, in segments that share some of them.
    @Test func manyValuesInManySegments() async throws {
        let seed: UInt64 = 20_261_203
        var random = SeededRandom(seed: seed)
        let schema = Schema(fields: [
            FieldDefinition(name: "tag", type: .keyword), FieldDefinition(name: "n", type: .integer),
        ])
        let index = try SearchIndex.open(MemoryDirectory(), schema: schema, options: SearchFixture.options)
        var (tags, numbers): ([String: Int], [Int64: Int]) = ([:], [:])
        for part in 0..<7 {
            let puts = (0..<500).map { i in
                let tag = "値\(part * 200 + random.below(900))"
                let number = Int64(random.below(1_500)) &* 0x1234_5678_9ABC
                tags[tag, default: 0] += 1
                numbers[number, default: 0] += 1
                return WriteOperation.put(
                    Document(key: "\(part).\(i)", ["tag": .string(tag), "n": .integer(number)]))
            }
            _ = try await index.write(WriteBatch(puts))
            _ = try await index.refresh()
        }
        let before = index.memory.used
        for limit in [0, 1, 10, 1_000] {
            var request = SearchRequest(.tree(.all), limit: 0)
            request.facets = [FacetRequest("tag", limit: limit), FacetRequest("n", limit: limit)]
            let facets = try index.searchNow(request).facets
            let bestTags = tags.sorted {
                $0.value == $1.value ? Array($0.key.utf8).lexicographicallyPrecedes($1.key.utf8) : $0.value > $1.value
            }
            let bestNumbers = numbers.sorted { $0.value == $1.value ? $0.key < $1.key : $0.value > $1.value }
            #expect(facets[0].values == bestTags.prefix(limit).map { FacetCount(.keyword($0.key), $0.value) })
            #expect(facets[1].values == bestNumbers.prefix(limit).map { FacetCount(.integer($0.key), $0.value) })
            #expect(facets.map(\.distinctCount) == [tags.count, numbers.count])
            for facet in facets {
                #expect(facet.values.reduce(0) { $0 + $1.count } + facet.otherCount == 3_500 && facet.missingCount == 0)
            }
        }
        #expect(index.memory.used == before, "what was taken is given back")
        index.abandon()
    }

    /// A field outside the schema has several types of values; each counts as itself, and equal numbers as one.
    @Test func valuesOfFieldsOutsideTheSchema() async throws {
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: SearchFixture.options)
        let values: [FieldValue] = [
            7, 7, 7.5, .float(7), true, "2023-11-09", "2023-11-09T08:30:00Z", "none", .null, -7, .json("[7]"),
        ]
        for part in 0..<2 {
            _ = try await index.write(
                WriteBatch(
                    values.enumerated().map { .put(Document(key: "\(part).\($0)", ["title": "国", "x": $1])) }))
            _ = try await index.refresh()
        }
        var request = SearchRequest("国", limit: 1)
        request.facets = [FacetRequest("x", limit: 100)]
        let facet = try #require(try index.searchNow(request).facets.first)
        let day: Int64 = 1_699_488_000_000
        #expect(
            facet.values == [
                FacetCount(.integer(7), 6), FacetCount(.integer(-7), 2), FacetCount(.float(7.5), 2),
                FacetCount(.boolean(true), 2), FacetCount(.date(milliseconds: day), 2),
                FacetCount(.date(milliseconds: day + 30_600_000), 2),
            ])
        #expect(facet.missingCount == 6 && facet.otherCount == 0 && facet.distinctCount == 6)
        index.abandon()
    }

    /// Counts and best hits that lists know without their documents being read.
    @Test func nothingIsCountedUnread() async throws {
        let schema = Schema(fields: [FieldDefinition(name: "title"), FieldDefinition(name: "tag", type: .keyword)])
        let index = try SearchIndex.open(MemoryDirectory(), schema: schema, options: SearchFixture.options)
        let puts = (0..<3_000).map {
            WriteOperation.put(Document(key: "\($0)", ["title": $0 % 3 == 0 ? "国际" : "国", "tag": "a"]))
        }
        _ = try await index.write(WriteBatch(puts))
        _ = try await index.refresh()
        let (one, two) = (Query.text("国", fields: []), Query.text("际", fields: []))
        for (query, count) in [(one, 3_000), (two, 1_000), (.or([one, two]), 3_000), (.text("国际", fields: []), 1_000)] {
            for limit in [0, 10] {
                for total in [TotalPolicy.exact, .none, .atLeast(1)] {
                    var request = SearchRequest(.tree(query), limit: limit)
                    request.total = total
                    request.facets = [FacetRequest("tag")]
                    let response = try index.searchNow(request)
                    #expect(response.facets.first?.values == [FacetCount(.keyword("a"), count)], "\(request)")
                    #expect(response.total == Total(count) && response.hits.count == limit, "\(request)")
                }
            }
        }
        index.abandon()
    }

    @Test func pointsInTimeAndSegmentsThatAreMissing() async throws {
        let directory = MemoryDirectory()
        let schema = Schema(fields: [FieldDefinition(name: "title"), FieldDefinition(name: "tag", type: .keyword)])
        var index = try SearchIndex.open(directory, schema: schema, options: SearchFixture.options)
        for part in ["a", "b"] {
            let puts = (0..<200).map {
                WriteOperation.put(Document(key: "\(part)\($0)", ["title": "国", "tag": .string(part)]))
            }
            _ = try await index.write(WriteBatch(puts))
            _ = try await index.commit()
        }
        let point = try index.openPointInTimeNow(leaseMilliseconds: 60_000)
        _ = try await index.write(WriteBatch((0..<50).map { .delete("a\($0)") }))
        _ = try await index.commit()
        var request = SearchRequest("国", limit: 0)
        request.facets = [FacetRequest("tag")]
        request.pointInTime = point.token
        let (a, b) = (FacetValue.keyword("a"), FacetValue.keyword("b"))
        #expect(try index.searchNow(request).facets[0].values == [FacetCount(a, 200), FacetCount(b, 200)])
        request.pointInTime = nil
        #expect(try index.searchNow(request).facets[0].values == [FacetCount(b, 200), FacetCount(a, 150)])
        try index.close()

        // Every 97th byte of the first segment, damaged: the counts are right, or those of the other segment, and said so.
        let name = try #require(try directory.list().first { $0.hasSuffix(".seg") })
        let good = try directory.read(name)
        var incomplete = 0
        for place in stride(from: 0, to: good.count, by: 97) {
            var bytes = good
            bytes[place] ^= 0x10
            directory.overwrite(name, with: bytes)
            index = try SearchIndex.open(
                MemoryDirectory(files: directory.everyFile), schema: nil, options: SearchFixture.options)
            let response = try index.searchNow(request)
            let counts = response.facets[0].values
            #expect(
                response.complete
                    ? counts == [FacetCount(b, 200), FacetCount(a, 150)] : counts == [FacetCount(b, 200)],
                "byte \(place)")
            incomplete += response.complete ? 0 : 1
            index.abandon()
        }
        #expect(incomplete > 0)
    }

    /// Equal numbers are one value, whichever way they were written, and others stay apart however near.
    @Test func equalNumbersAreOneValue() async throws {
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: SearchFixture.options)
        let values: [FieldValue] = [
            2020, .float(2020), 2020, .float(2020.5), .float(7), .float(-0.0), 0, 9_007_199_254_740_993,
            .float(9_007_199_254_740_992), .float(1e300), .integer(.max), .float(9_223_372_036_854_775_808),
        ]
        for part in [values.prefix(2), values.dropFirst(2)] {
            _ = try await index.write(
                WriteBatch(
                    part.enumerated().map { .put(Document(key: "\(part.startIndex + $0)", ["title": "国", "x": $1])) }))
            _ = try await index.refresh()
        }
        var request = SearchRequest("国", limit: 0)
        request.facets = [FacetRequest("x", limit: 20)]
        let facet = try index.searchNow(request).facets[0]
        #expect(facet.values.prefix(2) == [FacetCount(.integer(2020), 3), FacetCount(.integer(0), 2)])
        #expect(facet.distinctCount == 9 && facet.otherCount == 0 && facet.missingCount == 0)
        #expect(facet.values.reduce(0) { $0 + $1.count } == values.count)
        #expect(facet.values.contains(FacetCount(.float(7), 1)))
        for value in facet.values.prefix(2) {
            #expect(try index.searchNow(SearchRequest(.text("x:\(value.value.text)"))).total == Total(value.count))
        }
        index.abandon()
    }

    // MARK: What is refused

    private func error(_ body: () throws -> Void) -> SakuinError? {
        do { try body() } catch { return error as? SakuinError }
        return nil
    }

    @Test func whatCannotBeCountedIsSaid() async throws {
        let fixture = try await SearchFixture(seed: 20_261_204, count: 40)
        func refusal(_ facets: FacetRequest..., index: SearchIndex? = nil) -> SakuinError? {
            var request = SearchRequest("国")
            request.facets = facets
            return error { _ = try (index ?? fixture.index).searchNow(request) }
        }
        let text = refusal(FacetRequest("title"))
        #expect(text?.code == .invalidArgument && text?.field == "title" && text?.nextStep?.isEmpty == false)
        #expect(text?.message.contains("no column to count") == true)
        for name in ["nofield", "_key", "_score", ""] {
            let unknown = refusal(FacetRequest("tag"), FacetRequest(name))
            #expect(unknown?.code == .invalidArgument && unknown?.field == name && unknown?.nextStep != nil)
        }
        for limit in [-1, FacetRequest.limitMax + 1] {
            let beyond = refusal(FacetRequest("tag", limit: limit))
            #expect(beyond?.field == "tag" && beyond?.limit == "1000" && beyond?.value == "\(limit)")
        }
        #expect(refusal(FacetRequest("tag", limit: FacetRequest.limitMax)) == nil)
        var request = SearchRequest("国")
        request.facets = [FacetRequest](repeating: FacetRequest("tag"), count: FacetRequest.countMax + 1)
        let many = error { _ = try fixture.index.searchNow(request) }
        #expect(many?.code == .invalidArgument && many?.field == "facets" && many?.limit == "32" && many?.value == "33")
        request.facets.removeLast()
        #expect(try fixture.index.searchNow(request).facets.count == FacetRequest.countMax)

        // A field outside the schema that nobody has put a number, boolean or date in.
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: SearchFixture.options)
        _ = try await index.write(WriteBatch([.put(Document(key: "1", ["title": "国", "author": "某"]))]))
        _ = try await index.refresh()
        let strings = refusal(FacetRequest("author"), index: index)
        #expect(strings?.code == .invalidArgument && strings?.field == "author")
        #expect(strings?.nextStep?.contains("keyword") == true)
        index.abandon()
        fixture.index.abandon()
    }

    @Test func memoryIsBounded() async throws {
        let fixture = try await SearchFixture(seed: 20_261_205, count: 40)
        let memory = fixture.index.memory
        let before = memory.used
        var request = SearchRequest("国", limit: 0)
        request.facets = [FacetRequest("year")]
        // Room for a search, and none for what it counts in.
        let rest = memory.byteCountMax - before - (68 << 10)
        #expect(memory.takeForSearch(rest))
        let later = error { _ = try fixture.index.searchNow(request) }
        #expect(later?.code == .resourceExhausted && later?.field == "memoryBudgetBytes")
        #expect(later?.retryAfterMilliseconds == 100 && later?.message.contains("'year'") == true)
        memory.giveBackFromSearch(rest)
        #expect(memory.used == before)
        #expect(try fixture.index.searchNow(request).facets[0].distinctCount > 0)
        #expect(memory.used == before)
        fixture.index.abandon()

        let budget = MemoryBudget(byteCountMax: 8 << 20)
        let cancellation = Cancellation()
        var limits: FacetLimits? = FacetLimits(budget, cancellation)
        try limits?.take(3 << 20, for: "f")
        limits?.giveBack(1 << 20)
        #expect(budget.used == 2 << 20)
        do throws(SearchError) {
            try limits?.take((2 << 20) + 1, for: "f")
            Issue.record("more than half of the budget")
        } catch {
            let never = ErrorMapping.sakuinError(error)
            #expect(
                never.code == .resourceExhausted && never.limit == "\(4 << 20)" && never.retryAfterMilliseconds == nil)
        }
        try limits?.check(at: 0)
        cancellation.cancel()
        try limits?.check(at: 1)
        #expect(throws: SearchError.self) { try limits?.check(at: 1 << 16) }
        limits = nil
        #expect(budget.used == 0)
    }

    @Test func datesAreWrittenAsQueriesTakeThem() {
        for text in ["1970-01-01", "1969-12-31", "2000-02-29", "2023-11-09", "0000-01-01", "9999-12-31"] {
            #expect(DateText.milliseconds(text).map { FacetValue.date(milliseconds: $0).text } == text)
        }
        let instant = FacetValue.date(milliseconds: -1)
        #expect(instant.text == "1969-12-31T23:59:59.999Z" && DateText.milliseconds(instant.text) == -1)
        var random = SeededRandom(seed: 20_261_206)
        for _ in 0..<1_000 {
            let milliseconds = Int64(random.below(253_402_300_800_000 + 62_167_219_200_000)) - 62_167_219_200_000
            #expect(DateText.milliseconds(FacetValue.date(milliseconds: milliseconds).text) == milliseconds)
        }
        // No number makes it trap.
        for number in [Int64.min, .min + 1, .max] { #expect(!FacetValue.date(milliseconds: number).text.isEmpty) }
    }
}

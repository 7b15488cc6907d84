// Order of hits by columns and keys, windows, and how far is counted.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct SortingTests {
    /// -1, 0 or 1; a missing value comes last whatever the direction.
    private func compare<T: Comparable>(_ a: T?, _ b: T?, _ descending: Bool) -> Int {
        switch (a, b) {
        case (nil, nil): 0
        case (nil, _): 1
        case (_, nil): -1
        case (let a?, let b?): a == b ? 0 : (a < b) != descending ? -1 : 1
        }
    }

    private func compare(_ a: SearchFixture.Item, _ b: SearchFixture.Item, _ key: SortKey) -> Int {
        switch key.field {
        case "year": return compare(a.year, b.year, key.descending)
        case "price": return compare(a.price, b.price, key.descending)
        case "on": return compare(a.isOn.map { $0 ? 1 : 0 }, b.isOn.map { $0 ? 1 : 0 }, key.descending)
        case "day": return compare(a.day, b.day, key.descending)
        default:
            let (x, y) = (a.tag.map { Array($0.utf8) }, b.tag.map { Array($0.utf8) })
            guard let x, let y else { return compare(a.tag, b.tag, key.descending) }
            if x == y { return 0 }
            return x.lexicographicallyPrecedes(y) != key.descending ? -1 : 1
        }
    }

    @Test func sortedByColumns() async throws {
        let fixture = try await SearchFixture(seed: 101)
        var random = SeededRandom(seed: 102)
        let fields = ["year", "price", "on", "day", "tag"]
        for _ in 0..<60 {
            let sort = (0...random.below(3)).map { _ in
                SortKey(fields[random.below(5)], descending: random.below(2) == 0)
            }
            var request = SearchRequest(.tree(random.below(3) == 0 ? .all : .text("国", fields: [])), limit: 1_000)
            request.sort = sort
            let hits = try fixture.index.searchNow(request).hits
            #expect(hits.count > 50)
            for (a, b) in zip(hits, hits.dropFirst()) {
                let (x, y) = (try #require(fixture.items[a.key]), try #require(fixture.items[b.key]))
                let order = sort.lazy.map { compare(x, y, $0) }.first { $0 != 0 } ?? 0
                #expect(order <= 0, "\(sort): \(x) before \(y)")
            }
            // Any window is a piece of the whole.
            request.offset = random.below(hits.count)
            request.limit = 1 + random.below(40)
            let piece = try fixture.index.searchNow(request)
            #expect(piece.hits.map(\.key) == hits.dropFirst(request.offset).prefix(request.limit).map(\.key))
            #expect(piece.total == Total(hits.count))
        }
        fixture.index.abandon()
    }

    @Test func sortedByKeyAndByScore() async throws {
        let fixture = try await SearchFixture(seed: 103)
        var request = SearchRequest(.tree(.text("国", fields: [])), limit: 1_000)
        let best = try fixture.index.searchNow(request).hits
        request.sort = [SortKey("_key")]
        let keys = try fixture.index.searchNow(request).hits.map(\.key)
        #expect(keys == best.map(\.key).sorted() && !keys.isEmpty)
        request.sort = [SortKey("_key", descending: true)]
        #expect(try fixture.index.searchNow(request).hits.map(\.key) == keys.reversed())
        request.sort = [SortKey("_score", descending: true)]
        #expect(try fixture.index.searchNow(request).hits == best)
        request.sort = [SortKey("_score", descending: true), SortKey("_key")]
        let ties = try fixture.index.searchNow(request).hits
        #expect(ties.map(\.score) == best.map(\.score))
        for (a, b) in zip(ties, ties.dropFirst()) where a.score == b.score { #expect(a.key < b.key) }
        fixture.index.abandon()
    }

    /// A sort by what nobody can be compared by is an error, not an order of its own.
    @Test func whatHasNoColumnIsSaid() async throws {
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: SearchFixture.options)
        _ = try await index.write(
            WriteBatch([
                .put(Document(key: "1", ["title": "国", "author": "某", "n": .string("x")])),
                .put(Document(key: "2", ["title": "国", "n": 5])),
            ]))
        _ = try await index.refresh()
        func sorted(_ fields: String...) throws -> [String] {
            var request = SearchRequest("国")
            request.sort = fields.map { SortKey($0) }
            return try index.searchNow(request).hits.map(\.key)
        }
        for field in ["title", "author", "nofield", ""] {
            let refused = #expect(throws: SakuinError.self) { try sorted("_score", "n", field) }
            #expect(refused?.code == .invalidArgument && refused?.field == field && refused?.nextStep != nil)
        }
        // One number is enough for a column; who has none comes last.
        #expect(try sorted("n") == ["2", "1"])
        #expect(try sorted("_key") == ["1", "2"])
        index.abandon()
    }

    /// Integers beyond 2^53 are told apart, beside floats too.
    @Test func largeIntegersKeepTheirOrder() async throws {
        let index = try SearchIndex.open(
            MemoryDirectory(), schema: Schema(fields: [FieldDefinition(name: "title")], dynamic: true),
            options: SearchFixture.options)
        let large = Int64(1) << 60
        let values: [(String, FieldValue)] = [
            ("d", .integer(large + 2)), ("c", .integer(large + 1)), ("g", .integer(.max)), ("f", .integer(.max - 1)),
            ("a", .integer(.min)), ("b", .integer(.min + 1)), ("e", .float(Double(large) * 2)),
        ]
        _ = try await index.write(
            WriteBatch(values.map { .put(Document(key: $0.0, ["title": "国", "n": $0.1])) }))
        _ = try await index.refresh()
        var request = SearchRequest("国", limit: 10)
        request.sort = [SortKey("n")]
        #expect(try index.searchNow(request).hits.map(\.key) == ["a", "b", "c", "d", "e", "f", "g"])
        request.sort = [SortKey("n", descending: true)]
        #expect(try index.searchNow(request).hits.map(\.key) == ["g", "f", "e", "d", "c", "b", "a"])
        index.abandon()
    }

    @Test func pagesByScoreAreOneList() async throws {
        let fixture = try await SearchFixture(seed: 104, count: 1_200)
        for query in ["国", "国际", "abc OR 12", "国 -abc", "title:ab*"] {
            let whole = try fixture.index.searchNow(SearchRequest(query, limit: 2_000))
            var paged: [Hit] = []
            while true {
                let page = try fixture.index.searchNow(SearchRequest(query, limit: 17, offset: paged.count))
                #expect(page.total == whole.total)
                if page.hits.isEmpty { break }
                paged += page.hits
            }
            #expect(paged == whole.hits, "\(query)")
            #expect(paged.count == whole.total.value)
        }
        fixture.index.abandon()
    }

    @Test func totalsAreAsFarAsAsked() async throws {
        let fixture = try await SearchFixture(seed: 105)
        let count = fixture.keys(.text("国", fields: [])).count
        try #require(count > 100)
        var request = SearchRequest("国", limit: 0)
        #expect(try fixture.index.searchNow(request).total == Total(count))
        request.total = .atLeast(5)
        #expect(try fixture.index.searchNow(request).total == Total(5, .atLeast))
        request.total = .atLeast(count)
        #expect(try fixture.index.searchNow(request).total == Total(count))
        request.total = .atLeast(count + 1)
        #expect(try fixture.index.searchNow(request).total == Total(count))
        request.total = .none
        #expect(try fixture.index.searchNow(request).total.relation == .atLeast)
        fixture.index.abandon()
    }

    /// That there are more than was asked for is found out, also when it is reached with the last document of a block.
    @Test func totalsThatEndWithABlock() async throws {
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: SearchFixture.options)
        _ = try await index.write(WriteBatch((0..<300).map { .put(Document(key: "\($0)", ["body": "国"])) }))
        _ = try await index.refresh()
        // Without a dead one the list says how many there are.
        _ = try await index.write(WriteBatch([.delete("299")]))
        _ = try await index.refresh()
        for limit in [127, 128, 129, 256, 298] {
            var request = SearchRequest("国", limit: 1)
            request.total = .atLeast(limit)
            #expect(try index.searchNow(request).total == Total(limit, .atLeast))
        }
        index.abandon()
    }
}

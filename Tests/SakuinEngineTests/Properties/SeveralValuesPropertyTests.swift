// Keyword fields with several values beside the truth, by brute force: queries, filters, facets, ranges and order over several
// segments with replaced and deleted documents, then over one.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct SeveralValuesPropertyTests {
    private struct Item {
        var hasWord: Bool
        var tags: [String]
    }
    private struct Ask {
        var query: Query
        var matches: (Item) -> Bool
    }

    private static let values = [
        "政治", "政策", "经济", "News", "ＮＥＷＳ", "news 2", "new", "スポーツ", " ", "a", "ab", "b", "政治 经济",
    ]
    private static let schema = Schema(fields: [
        FieldDefinition(name: "body"), FieldDefinition(name: "tags", type: .keyword, multiple: true),
    ])

    private static func folded(_ text: String) -> [UInt8] {
        Array(NaiveText.fold(text).split { $0.isWhitespace }.joined(separator: " ").utf8)
    }

    private static func isBelow(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

    private static func item(_ random: inout SeededRandom) -> Item {
        let count = [0, 1, 1, 2, 3, 5, 9][random.below(7)]
        return Item(
            hasWord: random.below(2) == 0, tags: (0..<count).map { _ in values[random.below(values.count)] })
    }

    private static func document(_ key: String, _ item: Item, _ random: inout SeededRandom) -> WriteOperation {
        let body: FieldValue = item.hasWord ? "国际论坛" : "数字"
        // One value needs no array, and none no field.
        if item.tags.count == 1, random.below(2) == 0 {
            return .put(Document(key: key, ["body": body, "tags": .string(item.tags[0])]))
        }
        if item.tags.isEmpty, random.below(2) == 0 {
            return .put(Document(key: key, random.below(2) == 0 ? ["body": body] : ["body": body, "tags": .null]))
        }
        return .put(Document(key: key, ["body": body, "tags": .strings(item.tags)]))
    }

    private static func range(_ random: inout SeededRandom) -> Ask {
        let ends = (0..<2).map { _ in
            random.below(4) == 0
                ? nil : RangeBound(values[random.below(values.count)], inclusive: random.below(2) == 0)
        }
        return Ask(query: .range(field: "tags", lower: ends[0], upper: ends[1])) { item in
            item.tags.contains { tag in
                ends[0].map { isBelow($0.value, tag) || $0.inclusive && $0.value == tag } ?? true
                    && ends[1].map { isBelow(tag, $0.value) || $0.inclusive && $0.value == tag } ?? true
            }
        }
    }

    private static func ask(_ random: inout SeededRandom, depth: Int = 0) -> Ask {
        let value = values[random.below(values.count)]
        let sought = folded(value)
        switch random.below(depth < 3 ? 9 : 5) {
        case 0: return Ask(query: .text("国际", fields: ["body"])) { $0.hasWord }
        case 1, 2:
            let query: Query = random.below(2) == 0 ? .text(value, fields: ["tags"]) : .equals(field: "tags", value)
            return Ask(query: query) { item in !sought.isEmpty && item.tags.contains { folded($0) == sought } }
        case 3:
            let start = ["政", "n", "ＮＥＷ", "news", "a", "ス", "无"][random.below(7)]
            let prefix = folded(start)
            return Ask(query: .prefix(start, fields: ["tags"])) { item in
                item.tags.contains { folded($0).starts(with: prefix) }
            }
        case 4: return range(&random)
        case 5:
            let inner = ask(&random, depth: depth + 1)
            return Ask(query: .not(inner.query)) { !inner.matches($0) }
        case 6, 7:
            let (a, b) = (ask(&random, depth: depth + 1), ask(&random, depth: depth + 1))
            return Ask(query: .and([a.query, b.query])) { a.matches($0) && b.matches($0) }
        default:
            let (a, b) = (ask(&random, depth: depth + 1), ask(&random, depth: depth + 1))
            return Ask(query: .or([a.query, b.query])) { a.matches($0) || b.matches($0) }
        }
    }

    private static func facet(_ items: [Item], limit: Int) -> Facet {
        var counts: [String: Int] = [:]
        for item in items { for tag in Set(item.tags) { counts[tag, default: 0] += 1 } }
        let best = counts.sorted { $0.value == $1.value ? isBelow($0.key, $1.key) : $0.value > $1.value }
        let listed = best.prefix(limit).map { FacetCount(.keyword($0.key), $0.value) }
        return Facet(
            field: "tags", values: listed, distinctCount: counts.count,
            otherCount: counts.values.reduce(0, +) - listed.reduce(0) { $0 + $1.count },
            missingCount: items.count { $0.tags.isEmpty })
    }

    private static func facet(_ items: [Item], _ ranges: [FacetRange]) -> Facet {
        func lies(_ tag: String, _ range: FacetRange) -> Bool {
            range.lower.map { !isBelow(tag, $0) } ?? true && range.upper.map { isBelow(tag, $0) } ?? true
        }
        let counts = ranges.map { range in
            FacetRangeCount(range.name, items.count { $0.tags.contains { lies($0, range) } })
        }
        let others = items.count { item in
            !item.tags.isEmpty && !item.tags.contains { tag in ranges.contains { lies(tag, $0) } }
        }
        return Facet(
            field: "tags", ranges: counts, otherCount: others, missingCount: items.count { $0.tags.isEmpty })
    }

    /// The keys in the order of their least value, descending of their greatest; those without one last.
    private static func sorted(_ items: [String: Item], descending: Bool) -> [String] {
        items.keys.sorted { a, b in
            let (x, y) = (items[a]?.tags ?? [], items[b]?.tags ?? [])
            let (first, second) =
                descending ? (x.max(by: isBelow), y.max(by: isBelow)) : (x.min(by: isBelow), y.min(by: isBelow))
            guard let first, let second, first != second else {
                return (first == nil) == (second == nil) ? isBelow(a, b) : second == nil
            }
            return isBelow(first, second) != descending
        }
    }

    private func check(
        _ index: SearchIndex, _ items: [String: Item], _ random: inout SeededRandom, _ place: String
    ) throws {
        for round in 0..<40 {
            let (ask, filter) = (Self.ask(&random), Self.ask(&random))
            var request = SearchRequest(.tree(ask.query), limit: 1_000)
            let isFiltered = random.below(2) == 0
            if isFiltered { request.filter = .tree(filter.query) }
            let found = items.filter { ask.matches($0.value) && (!isFiltered || filter.matches($0.value)) }
            let limit = [0, 2, 100][random.below(3)]
            let ranges = (0...random.below(3)).map { number in
                let ends = (0..<2).map { _ in
                    random.below(4) == 0 ? nil : Self.values[random.below(Self.values.count)]
                }
                return FacetRange("r\(number)", from: ends[0], to: ends[1])
            }
            let descending = random.below(2) == 0
            request.sort = [SortKey("tags", descending: descending), SortKey("_key")]
            let hits = try index.searchNow(request).hits.map(\.key)
            #expect(hits == Self.sorted(found, descending: descending), "\(place), round \(round): \(request)")
            // The count of a search without hits may come from lists alone.
            request.limit = 0
            #expect(try index.searchNow(request).total == Total(found.count), "\(place), round \(round): \(request)")
            request.facets = [FacetRequest("tags", limit: limit), FacetRequest("tags", ranges: ranges)]
            let facets = try index.searchNow(request).facets
            let wanted = [Self.facet(Array(found.values), limit: limit), Self.facet(Array(found.values), ranges)]
            #expect(facets == wanted, "\(place), round \(round): \(request)")
        }
    }

    @Test(arguments: [(20_261_301, false, 1), (20_261_302, true, 1), (20_261_303, false, 3)] as [(UInt64, Bool, Int)])
    func isAsByBruteForce(seed: UInt64, isCompact: Bool, laneCount: Int) async throws {
        var random = SeededRandom(seed: seed)
        var schema = Self.schema
        schema.compact = isCompact
        var options = SearchFixture.options
        options.laneCount = laneCount
        let directory = MemoryDirectory()
        var index = try SearchIndex.open(directory, schema: schema, options: options)
        var items: [String: Item] = [:]
        for part in 0..<4 {
            // The second segment has nothing in the field, the third something in every document.
            var operations: [WriteOperation] = []
            for _ in 0..<90 {
                let key = "k\(random.below(300))"
                if items[key] != nil, random.below(5) == 0 {
                    items[key] = nil
                    operations.append(.delete(key))
                    continue
                }
                var item = Self.item(&random)
                if part == 1 { item.tags = [] }
                if part == 2 { item.tags.append("经济") }
                items[key] = item
                operations.append(Self.document(key, item, &random))
            }
            _ = try await index.write(WriteBatch(operations))
            if part < 3 { _ = try await index.commit() }
        }
        // The last part comes out of the journal.
        index.abandon()
        index = try SearchIndex.open(directory, schema: nil, options: options)
        #expect(index.schema == schema)
        _ = try await index.refresh()
        try check(index, items, &random, "seed \(seed), segments")
        _ = try await index.compact(segments: 1)
        try check(index, items, &random, "seed \(seed), one segment")
        _ = try await index.commit()
        try index.close()
        #expect(try IndexCheck.run(directory).problems.isEmpty)
    }
}

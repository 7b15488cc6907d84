// Searches with variants against the brute-force oracle "there is a spelling": what is found, counts, spans, the order of
// the best; in indexes with positions and with links, in several segments, with deletes and promoted grams.

import Foundation
import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct VariantSearchPropertyTests {
    private static let seed = ProcessInfo.processInfo.environment["SAKUIN_SEED"].flatMap { UInt64($0) } ?? 20_261_127

    private static let roundCount = 4
    /// Of four parts a round.
    private static let queryCountPerPart = 30

    private static let schema = [
        FieldDefinition(name: "title"), FieldDefinition(name: "body"), FieldDefinition(name: "tag", type: .keyword),
        FieldDefinition(name: "code", analyzer: .ngram(2)), FieldDefinition(name: "units", analyzer: .words),
    ]

    /// Spellings of the same texts, of which a part of an index may have one alone.
    private static let styles: [[String]] = [
        ["发", "发", "展", "国", "际", "数", "网", "干", "气", "か", "ガ", "あ", "ゝ"],
        ["發", "髮", "展", "國", "際", "數", "網", "乾", "氣", "カ", "が", "ア", "ヽ"],
        ["発", "髪", "展", "国", "際", "数", "網", "幹", "気", "か", "が", "ア", "ゝ"],
    ]
    private static let others = ["，", " ", "5g", " x ", "。\n", "한", "字", "\n\n"]

    /// `style` nil: all mixed.
    private static func text(_ count: Int, _ style: Int?, _ random: inout SeededRandom) -> String {
        (0..<random.below(count + 1)).map { _ in
            if random.below(6) == 0 { return others[random.below(others.count)] }
            let pieces = styles[style ?? random.below(styles.count)]
            // Few of them, so that long runs come again.
            return pieces[random.below(random.below(3) == 0 ? pieces.count : 4)]
        }.joined()
    }

    private struct Item {
        let texts: [String: String]
        let normal: [String: [NaiveUnit]]

        init(_ random: inout SeededRandom, _ style: Int?) {
            texts = [
                "title": text(6, style, &random), "body": text(40, style, &random),
                "tag": ["发展", "國際か", "髮"][random.below(3)] + (random.below(2) == 0 ? "" : "気"),
                "code": text(8, style, &random), "units": text(8, style, &random),
            ]
            normal = texts.mapValues { NaiveText.normal($0, .soft) }
        }
    }

    private static func whole(_ text: String) -> String {
        NaiveText.fold(text).split { $0.isWhitespace }.joined(separator: " ")
    }

    private static func matches(_ query: Query, _ item: Item, _ variants: VariantFolding) -> Bool {
        func any(_ fields: [String], _ body: ([NaiveUnit]) -> Bool) -> Bool {
            (fields.isEmpty ? ["title", "body", "units"] : fields).contains { item.normal[$0].map(body) ?? false }
        }
        switch query {
        case .text(let text, ["tag"]):
            return NaiveVariants.isSame(whole(item.texts["tag"] ?? ""), whole(text), variants)
        case .equals(_, let text): return whole(item.texts["tag"] ?? "") == whole(text)
        case .text(let text, ["code"]):
            let (value, sought) = (
                Array(whole(item.texts["code"] ?? "").unicodeScalars), Array(whole(text).unicodeScalars)
            )
            let needle = sought.map { NaiveUnit.character($0) }
            return NaiveText.contains(value.map { .character($0) }, needle, variants)
        case .text(let text, let fields):
            let needle = NaiveText.normal(text, .soft)
            return any(fields) { NaiveText.contains($0, needle, variants) }
        case .prefix(let text, let fields):
            let needle = NaiveText.normal(text, .soft)
            return any(fields) { NaiveText.containsPrefix($0, needle, variants) }
        case .near(let texts, let distance, let fields):
            let needles = texts.map { NaiveText.normal($0, .soft) }
            return any(fields) { NaiveText.isNear($0, needles, distance: distance, variants) }
        case .and(let children): return children.allSatisfy { matches($0, item, variants) }
        case .or(let children): return children.contains { matches($0, item, variants) }
        case .not(let child): return !matches(child, item, variants)
        case .boost(let child, _): return matches(child, item, variants)
        case .all, .range: return true
        }
    }

    /// A part of a text that is there, written in another style or not.
    private static func part(_ items: [Item], _ field: String, _ random: inout SeededRandom) -> String {
        let text = items[random.below(items.count)].texts[field] ?? ""
        let part = TextMaker.part(of: text, &random)
        guard random.below(3) > 0 else { return part }
        let to = random.below(styles.count)
        return part.unicodeScalars.map { scalar in
            for style in styles {
                if let place = style.firstIndex(of: String(scalar)), random.below(4) > 0 { return styles[to][place] }
            }
            return String(scalar)
        }.joined()
    }

    private static func query(_ items: [Item], _ random: inout SeededRandom, depth: Int = 0) -> Query {
        switch random.below(depth == 0 ? 12 : 4) {
        case 0: .prefix(part(items, "body", &random), fields: [])
        case 1: .text(part(items, "title", &random), fields: ["title"])
        case 2, 3, 4, 5: .text(part(items, "body", &random), fields: ["body"])
        case 6: .text(part(items, "units", &random), fields: ["units"])
        case 7:
            random.below(2) == 0
                ? .text(part(items, "code", &random), fields: ["code"])
                : .text(["発展", "国际カ", "发气", "髪", "乾"][random.below(5)], fields: ["tag"])
        case 8: .near((0..<2).map { _ in part(items, "body", &random) }, distance: random.below(6), fields: ["body"])
        case 9: .and([query(items, &random, depth: 1), query(items, &random, depth: 1)])
        case 10: .or([query(items, &random, depth: 1), query(items, &random, depth: 1), .equals(field: "tag", "髮気")])
        default: .and([query(items, &random, depth: 1), .not(query(items, &random, depth: 1))])
        }
    }

    @Test(arguments: 0..<roundCount) func searchesAgreeWithBruteForce(round: Int) async throws {
        let seed = Self.seed &+ UInt64(round)
        print("variants: seed \(seed)")
        var random = SeededRandom(seed: seed)
        var options = SearchFixture.options
        let versions: (first: UInt32, then: UInt32) = [(4, 4), (5, 5), (1, 4), (2, 4), (3, 5)][round % 5]
        options.analyzerVersion = versions.first
        if round < 3 {
            options.promotion = PromotionRule(
                thresholdMin: 4, postingShareMax: 100, wholeShareThreshold: 1, postingCountMax: 1 << 30)
        }
        let directory = MemoryDirectory()
        var index = try SearchIndex.open(directory, schema: Schema(fields: Self.schema), options: options)
        var items: [String: Item] = [:]
        for part in 0..<4 {
            if part == 2 {
                try index.close()
                options.analyzerVersion = versions.then
                index = try SearchIndex.open(directory, schema: nil, options: options)
            }
            var operations: [WriteOperation] = []
            // Parts of one style have one spelling of each gram.
            let style = part < 2 ? nil : random.below(3)
            for _ in 0..<90 {
                let key = "k\(random.below(220))"
                if random.below(7) == 0 {
                    items[key] = nil
                    operations.append(.delete(key))
                    continue
                }
                let item = Item(&random, style)
                items[key] = item
                operations.append(.put(Document(key: key, fields: item.texts.map { .init($0.key, .string($0.value)) })))
            }
            _ = try await index.write(WriteBatch(operations))
            _ = try await index.refresh()
            try compare(index, items, &random, "seed \(seed) part \(part)")
        }
        index.abandon()
    }

    private func compare(
        _ index: SearchIndex, _ items: [String: Item], _ random: inout SeededRandom, _ place: String
    ) throws {
        let known = items.sorted { $0.key < $1.key }.map(\.value)
        for number in 0..<Self.queryCountPerPart {
            let query = Self.query(known, &random)
            let variants: VariantFolding = [.all, .all, .han, .kana, []][number % 5]
            let filter = number % 7 == 0 ? Query.text("发", fields: ["body"]) : nil
            let expected = Set(
                items.filter { _, item in
                    Self.matches(query, item, variants) && (filter.map { Self.matches($0, item, []) } ?? true)
                }.keys)
            var request = SearchRequest(.tree(query), limit: 1_000)
            request.fields = ["title", "body", "units"]
            request.variants = variants
            request.filter = filter.map { .tree($0) }
            request.spans = number % 3 == 0
            let all = try index.searchNow(request)
            guard Set(all.hits.map(\.key)) == expected, all.total == Total(expected.count) else {
                Issue.record("\(place): \(query) \(variants) found \(all.total), expected \(expected.count)")
                return
            }
            request.spans = false
            let keys = all.hits.map { Hit(key: $0.key, score: $0.score) }
            for total in [TotalPolicy.none, .exact, .atLeast(3)] {
                request.limit = 1 + random.below(12)
                request.total = total
                let best = try index.searchNow(request)
                let expected = Array(keys.prefix(request.limit))
                #expect(best.hits == expected, "\(place): \(query) \(variants) \(total)")
            }
            request.limit = 0
            request.total = .exact
            #expect(try index.searchNow(request).total == all.total, "\(place): \(query) \(variants)")
            if number % 3 == 0 { try checkSpans(all, query, variants, items, place) }
        }
    }

    /// The spans of a single text are all of its occurrences, in any spelling.
    private func checkSpans(
        _ response: SearchResponse, _ query: Query, _ variants: VariantFolding, _ items: [String: Item], _ place: String
    ) throws {
        guard case .text(let text, ["body"]) = query else { return }
        let needle = NaiveText.normal(text, .soft)
        for hit in response.hits {
            let spans = try #require(hit.spans.first { $0.field == "body" }, "\(place): no span of \(text)").spans
            let bytes = Array((items[hit.key]?.texts["body"] ?? "").utf8)
            for span in spans {
                let slice = try #require(String(validating: bytes[span.start..<span.end], as: UTF8.self))
                #expect(
                    NaiveText.contains(NaiveText.normal(slice, .soft), needle, variants),
                    "\(place): \(text) in \(slice)")
            }
            let occurrences = NaiveText.places(of: needle, in: items[hit.key]?.normal["body"] ?? [], variants).count
            #expect(spans.count <= occurrences && (needle.count > 1 || spans.count == occurrences))
        }
    }
}

// Searches with variants: what is found in every kind of field and index, what stays exact, scores, spans, limits.

import Foundation
import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct VariantSearchTests {
    private static func index(
        _ texts: [String], _ field: FieldDefinition = FieldDefinition(name: "body"), isCompact: Bool = false
    ) async throws -> SearchIndex {
        let index = try SearchIndex.open(
            MemoryDirectory(), schema: Schema(fields: [field], compact: isCompact), options: SearchFixture.options)
        let puts = texts.enumerated().map { WriteOperation.put(Document(key: "\($0)", [field.name: .string($1)])) }
        _ = try await index.write(WriteBatch(puts))
        _ = try await index.refresh()
        return index
    }

    private static func request(_ query: String, _ variants: VariantFolding = .all, limit: Int = 100) -> SearchRequest {
        var request = SearchRequest(query, limit: limit)
        request.variants = variants
        return request
    }

    private static func keys(_ index: SearchIndex, _ query: String, _ variants: VariantFolding = .all) throws
        -> [String]
    {
        let keys = try index.searchNow(request(query, variants)).hits.map(\.key).sorted()
        #expect(try index.searchNow(request(query, variants, limit: 0)).total == Total(keys.count), "\(query)")
        return keys
    }

    @Test(arguments: [false, true]) func everyFormIsFound(isCompact: Bool) async throws {
        let index = try await Self.index(
            ["经济发展，理发", "經濟發展", "経済発展", "理髮", "カメラ がある", "かめら"], isCompact: isCompact)
        for query in ["发展", "發展", "発展", "经济发展", "經濟発展", "経済發"] {
            #expect(try Self.keys(index, query) == ["0", "1", "2"], "\(query)")
            #expect(try Self.keys(index, query, .kana).count <= 1)
        }
        #expect(try Self.keys(index, "发") == ["0", "1", "2", "3"])
        #expect(try Self.keys(index, "髮") == ["0", "3"])
        #expect(try Self.keys(index, "理髪") == ["0", "3"])
        #expect(try Self.keys(index, "カメラ") == ["4", "5"] && Self.keys(index, "めら", .kana) == ["4", "5"])
        #expect(try Self.keys(index, "カメラ", .han) == ["4"] && Self.keys(index, "カメラガ", .kana) == ["4"])
        #expect(try Self.keys(index, "發展 -髮") == ["1", "2"] && Self.keys(index, "發展 -髮", .kana) == ["1"])
        #expect(try Self.keys(index, "\"経済 発展\"~0") == ["0", "1", "2"])
        #expect(try index.searchNow(Self.request("発展")).notes.contains { $0.hasPrefix("Variants:") })
        #expect(try index.searchNow(Self.request("発展", [])).notes.isEmpty)
        index.abandon()
    }

    /// Two spellings of the character between do not make one occurrence of it: both are the first of theirs.
    @Test(arguments: [false, true]) func differentSpellingsDoNotHangTogether(isCompact: Bool) async throws {
        let index = try await Self.index(["甲发乙，丙發展", "甲發展", "甲发5，6發展"], isCompact: isCompact)
        #expect(try Self.keys(index, "甲发展") == ["1"])
        #expect(try Self.keys(index, "甲發") == ["0", "1", "2"])
        #expect(try Self.keys(index, "甲发5") == ["2"] && Self.keys(index, "6發展") == ["2"])
        index.abandon()
    }

    @Test func everyAnalyzerFoldsThem() async throws {
        let texts = ["发展か", "發展カ", "展髮", "5發", "發5"]
        let expected = ["0", "1"]
        for field in [
            FieldDefinition(name: "body", type: .keyword), FieldDefinition(name: "body", analyzer: .keyword),
            FieldDefinition(name: "body", analyzer: .ngram(2)), FieldDefinition(name: "body", analyzer: .words),
        ] {
            let index = try await Self.index(texts, field)
            #expect(try Self.keys(index, "body:発展カ") == expected, "\(field)")
            #expect(try Self.keys(index, "body:発展ヵ").isEmpty && Self.keys(index, "body:発展カ", .han) == ["1"])
            #expect(try Self.keys(index, "body:发展*") == expected)
            if field.analyzer == .ngram(2) {
                #expect(try Self.keys(index, "body:发") == ["0", "1", "2", "3", "4"])
                #expect(try Self.keys(index, "body:髪") == ["0", "2"] && Self.keys(index, "body:発5") == ["4"])
            }
            index.abandon()
        }
        let index = try await Self.index(["發abc1", "髮 abd", "髪,abc", "abc發"])
        #expect(try Self.keys(index, "发ab*") == ["0", "1"] && Self.keys(index, "髪ab*", .han) == ["1"])
        #expect(try Self.keys(index, "\"发,abc\"") == ["2"] && Self.keys(index, "abc発") == ["3"])
        index.abandon()
    }

    @Test func filtersAndExactValuesAreNotFolded() async throws {
        let schema = Schema(fields: [FieldDefinition(name: "body"), FieldDefinition(name: "tag", type: .keyword)])
        let index = try SearchIndex.open(MemoryDirectory(), schema: schema, options: SearchFixture.options)
        let puts = ["发", "發"].map {
            WriteOperation.put(Document(key: $0, ["body": .string($0), "tag": .string($0)]))
        }
        _ = try await index.write(WriteBatch(puts))
        _ = try await index.refresh()
        var request = Self.request("発")
        #expect(try index.searchNow(request).total == Total(2))
        for filter in [QueryInput.text("发"), .text("tag:发"), .tree(.equals(field: "tag", "发"))] {
            request.filter = filter
            #expect(try index.searchNow(request).hits.map(\.key) == ["发"])
        }
        request.filter = nil
        for (query, count) in [
            (Query.text("发", fields: ["tag"]), 2), (.equals(field: "tag", "发"), 1),
            (.range(field: "tag", lower: RangeBound("发"), upper: RangeBound("发")), 1),
            (.and([.equals(field: "tag", "发"), .text("發", fields: [])]), 1),
        ] {
            request.query = .tree(query)
            #expect(try index.searchNow(request).total == Total(count), "\(query)")
        }
        index.abandon()
    }

    /// A term in several spellings scores as one whose occurrences are those of all; how many documents have it is the sum
    /// over the spellings of its rarest gram.
    @Test(arguments: [false, true]) func spellingsScoreAsOneTerm(isCompact: Bool) async throws {
        var random = SeededRandom(seed: 20_261_127)
        let texts = (0..<600).map { _ in
            (0..<(1 + random.below(30))).map { _ in ["发", "發", "髮", "展", "国", "國", "，"][random.below(7)] }.joined()
        }
        let index = try await Self.index(texts, isCompact: isCompact)
        let normal = texts.map { NaiveText.normal($0, .soft) }
        func length(_ text: [NaiveUnit]) -> Int { (2 * text.count - text.count { $0 == .gap }) / 2 }
        let average = Double(normal.reduce(0) { $0 + length($1) }) / 600
        for (query, spellings) in [("发", ["发", "發", "髮"]), ("发展", ["发展", "發展", "髮展"]), ("國国发", [])] {
            let needle = NaiveText.normal(query, .soft)
            let df = spellings.reduce(0) { sum, spelling in
                sum + normal.count { NaiveText.contains($0, NaiveText.normal(spelling, .soft)) }
            }
            let hits = try index.searchNow(Self.request(query, limit: 600)).hits
            try #require(hits.count > 5)
            var weights: [Double] = []
            for hit in hits {
                let text = normal[try #require(Int(hit.key))]
                let tf = Double(NaiveText.places(of: needle, in: text, .han).count)
                let kept = Double(LengthCode.decode(LengthCode.encode(UInt32(length(text)))))
                weights.append(Double(hit.score) / (tf / (tf + 1.2 * (0.25 + 0.75 * kept / average))))
            }
            let weight = df == 0 ? weights[0] : log(1 + max(600 - Double(df) + 0.5, 0.5) / (Double(df) + 0.5))
            for found in weights { #expect(abs(found - weight) < 1e-4 * weight, "\(query): \(found) \(weight)") }
        }
        index.abandon()
    }

    @Test func smartPartsAreFoldedToo() async throws {
        let index = try await Self.index(["經濟 發展", "经济", "數字"])
        var request = Self.request("经济的发展")
        request.mode = .smart
        #expect(Set(try index.searchNow(request).hits.map(\.key)) == ["0", "1"])
        request.variants = []
        #expect(try index.searchNow(request).hits.map(\.key) == ["1"])
        index.abandon()
    }

    @Test func spansMarkTheTextAsItStands() async throws {
        for (analyzer, text, query, marked) in [
            (AnalyzerKind.cjk, "中国經濟發展，经济发 展", "经济発展", ["經濟發展", "经济发 展"]), (.cjk, "理髮与發", "发", ["髮", "發"]),
            (.words, "中國 abc 國", "国", ["國", "國"]), (.ngram(2), "甲發乙髮", "发", ["發", "髮"]),
            (.keyword, "發展", "发展", ["發展"]), (.cjk, "かな カナ", "カナ", ["かな", "カナ"]),
        ] {
            let index = try await Self.index([text], FieldDefinition(name: "body", analyzer: analyzer))
            var request = Self.request("body:" + query)
            request.spans = true
            let spans = try #require(try index.searchNow(request).hits.first?.spans.first).spans
            let bytes = Array(text.utf8)
            #expect(spans.map { String(decoding: bytes[$0.start..<$0.end], as: UTF8.self) } == marked, "\(query)")
            index.abandon()
        }
    }

    /// Without variants, and where a segment has one spelling, plans are what they were.
    @Test func oneSpellingIsOneList() async throws {
        let index = try await Self.index(["經濟發展", "發展"])
        let snapshot = index.store.sharedSnapshot.value
        let plan = try QueryPlanner.plan(
            .text("经济发展", fields: []), filter: nil, index.searched, fields: [], highlights: false, proofs: .all,
            variants: .all)
        let memory = ScratchMemory()
        let query = try SegmentQuery(plan, snapshot.searchable[0].reader, memory.scratch)
        let matcher = try query.matcher([])
        #expect(matcher is PhraseMatcher && !(matcher is UnionPhraseMatcher))
        index.abandon()
    }

    @Test func tooManySpellingsAreRefused() async throws {
        let index = try await Self.index(["发"])
        let error = try #require(throws: SakuinError.self) {
            try index.searchNow(Self.request(String(repeating: "发弁干台", count: 3_000)))
        }
        #expect(error.code == .invalidArgument && error.field == "variants" && error.nextStep != nil)
        #expect(error.limit == "65536")
        #expect(try index.searchNow(Self.request(String(repeating: "发弁干台", count: 3_000), [])).total == Total(0))
        let values = try await Self.index(["发"], FieldDefinition(name: "body", type: .keyword))
        #expect(throws: SakuinError.self) {
            try values.searchNow(Self.request("body:" + String(repeating: "发弁干台", count: 4_000)))
        }
        #expect(try values.searchNow(Self.request("body:" + String(repeating: "发", count: 4_000))).total == Total(0))
        values.abandon()
        index.abandon()
    }

    @Test func unknownVariantsAreRefused() async throws {
        let index = try await Self.index(["发"])
        let error = try #require(throws: SakuinError.self) {
            try index.searchNow(Self.request("发", VariantFolding(rawValue: 4)))
        }
        #expect(error.code == .invalidArgument && error.field == "variants" && error.value == "4")
        index.abandon()
    }

    /// Words of a value that have more spellings than a query may look for.
    @Test func aWordWithTooManySpellingsIsRefused() async throws {
        // Fourteen characters of two spellings each.
        let texts = (0..<10_100).map { number in
            String((0..<14).map { number >> $0 & 1 == 0 ? Character("国") : Character("國") })
        }
        let index = try await Self.index(texts, FieldDefinition(name: "body", type: .keyword))
        let query = "body:" + String(repeating: "国", count: 14)
        let error = try #require(throws: SakuinError.self) { try index.searchNow(Self.request(query)) }
        #expect(error.code == .invalidArgument && error.limit == "10000")
        #expect(try index.searchNow(Self.request(query, [])).total == Total(1))
        index.abandon()
    }
}

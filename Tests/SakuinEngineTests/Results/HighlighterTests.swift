// Spans against brute force over the oracle's normal form.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct HighlighterTests {
    private static func spans(
        _ patterns: [String], in text: String, _ analyzer: Analyzer, lastIsPrefix: Bool = false
    ) throws -> [String] {
        var highlighter = Highlighter()
        let bytes = Array(text.utf8)
        let patterns = patterns.map { TextPattern($0, analyzer: analyzer, lastIsPrefix: lastIsPrefix) }
        let spans = try bytes.withUnsafeBufferPointer { bytes throws(TextError) in
            try highlighter.spans(of: patterns, in: bytes, analyzer: analyzer)
        }
        #expect(zip(spans, spans.dropFirst()).allSatisfy { $0.end <= $1.start })
        return try spans.map { try #require(String(validating: bytes[$0.start..<$0.end], as: UTF8.self)) }
    }

    private static func cjk(_ patterns: String..., in text: String, lastIsPrefix: Bool = false) throws -> [String] {
        try spans(patterns, in: text, Analyzer(kind: .cjk, breaks: .soft), lastIsPrefix: lastIsPrefix)
    }

    @Test func whatVanishedBetweenIsInTheSpan() throws {
        #expect(try Self.cjk("国际数字", in: "看国 际\r\n数字。") == ["国 际\r\n数字"])
        #expect(try Self.cjk("国际", in: "国\n\n际").isEmpty)
        #expect(try Self.cjk("hello, world", in: "Say HELLO   World!") == ["HELLO   World"])
        #expect(try Self.cjk("hello world", in: "hello中world").isEmpty)
        #expect(try Self.cjk("5g网络", in: "依托 ５Ｇ 网络") == ["５Ｇ 网络"])
        #expect(try Self.cjk("400余", in: "3400余 400余") == ["400余"])
        #expect(try Self.cjk("ガ", in: "ｶﾞｶか\u{3099}ガ") == ["ｶﾞ", "ガ"])
        #expect(try Self.cjk("株式", in: "㍿") == ["㍿"])
    }

    @Test func noCharacterIsParted() throws {
        #expect(try Self.cjk("葛", in: "葛\u{E0100}城、葛城、葛\u{FE00}") == ["葛\u{E0100}", "葛", "葛\u{FE00}"])
        #expect(try Self.cjk("城", "葛飾", in: "葛\u{E0100}城と葛\u{200B}飾\u{200B}") == ["城", "葛\u{200B}飾"])
        #expect(try Self.cjk("株式", in: "㍿\u{FE00}か") == ["㍿\u{FE00}"])
        // The slow path.
        #expect(try Self.cjk("葛", in: "か\u{3099}葛\u{E0100}城") == ["葛\u{E0100}"])
        #expect(try Self.cjk("が", in: "か\u{3099}\u{FE00}\u{200D}城") == ["か\u{3099}\u{FE00}\u{200D}"])
        #expect(try Self.cjk("株", in: "か\u{3099}㍿\u{FE00}") == ["㍿\u{FE00}"])
        #expect(try Self.cjk("क्ष", in: "क्ष\u{200D} 国") == ["क्ष\u{200D}"])
    }

    @Test func overlappingSpansMergeAndNeighboursDoNot() throws {
        #expect(try Self.cjk("国国", in: "国国国") == ["国国国"])
        #expect(try Self.cjk("国际", in: "国际国际") == ["国际", "国际"])
        #expect(try Self.cjk("国际", "际数", in: "国际数字") == ["国际数"])
        #expect(try Self.cjk("字", "国际", in: "国际数字") == ["国际", "字"])
        #expect(try Self.cjk("，", "", in: "国，际").isEmpty)
    }

    @Test func prefixes() throws {
        #expect(try Self.cjk("net", in: "Network net planet", lastIsPrefix: true) == ["Network", "net"])
        #expect(try Self.cjk("net", in: "Network net planet") == ["net"])
    }

    /// A text of the query that stands in another one of it ends nothing.
    @Test func whatIsWithinALongerSpan() throws {
        let cjk = Analyzer(kind: .cjk, breaks: .soft)
        #expect(try Self.spans(["国際数字", "際"], in: "中国際数字。", cjk) == ["国際数字"])
        #expect(try Self.spans(["数", "国際数字", "国際"], in: "国際数字国際", cjk) == ["国際数字", "国際"])
    }

    @Test func otherAnalyzers() throws {
        let grams = Analyzer(kind: .ngram(3), breaks: .soft)
        #expect(try Self.spans(["12"], in: "AB-12３-x", grams) == ["12"])
        #expect(try Self.spans(["b-123"], in: "AB-12３-x", grams) == ["B-12３"])
        #expect(try Self.spans(["b 1"], in: "AB \n 12", grams) == ["B \n 1"])
        let keyword = Analyzer(kind: .keyword, breaks: .soft)
        #expect(try Self.spans(["ab 1"], in: " AB  1 ", keyword) == ["AB  1"])
        #expect(try Self.spans(["ab"], in: " AB  1 ", keyword).isEmpty)
        let words = Analyzer(kind: .words, breaks: .soft)
        #expect(try Self.spans(["国x"], in: "中国 X", words) == ["国 X"])
    }

    @Test func aTextThatIsNotUTF8() throws {
        var highlighter = Highlighter()
        let analyzer = Analyzer(kind: .cjk, breaks: .soft)
        let pattern = TextPattern("国", analyzer: analyzer)
        let bytes: [UInt8] = [0x61, 0xE5, 0x9B]
        #expect(throws: TextError.invalidUTF8(byteOffset: 1)) {
            try bytes.withUnsafeBufferPointer { bytes throws(TextError) in
                try highlighter.spans(of: [pattern], in: bytes, analyzer: analyzer)
            }
        }
    }

    /// As many spans as the oracle has separate occurrences; each span's normal form holds the query's, and is it when
    /// it is one occurrence.
    @Test func randomSpans() throws {
        print("highlighter property: seed 4242")
        var random = SeededRandom(seed: 4_242)
        // Every piece folds to one unit or none, so that ranges are as separate as units.
        let pieces = ["国", "际", "あ", "ガ", "ｶﾞ", "한", "글", "a", "Ｂ", "1", " ", "\n", "\n\n", "，", "-", "𠮷"]
        for _ in 0..<6_000 {
            let breaks = BreaksPolicy.allCases[random.below(3)]
            let text = (0..<(1 + random.below(24))).map { _ in pieces[random.below(pieces.count)] }.joined()
            let query = TextMaker.part(of: text, &random)
            let needle = NaiveText.normal(query, breaks)
            let found = try Self.spans([query], in: text, Analyzer(kind: .cjk, breaks: breaks))
            let groups = Self.groups(of: needle, in: NaiveText.normal(text, breaks))
            guard found.count == groups.count else {
                Issue.record("\(breaks): \(query) in \(text): \(found), expected \(groups)")
                return
            }
            for (span, units) in zip(found, groups) {
                #expect(NaiveText.normal(span, breaks) == units, "\(breaks): \(query) in \(text)")
            }
        }
    }

    /// Occurrences, overlapping ones put together.
    private static func groups(of needle: [NaiveUnit], in text: [NaiveUnit]) -> [[NaiveUnit]] {
        guard !needle.isEmpty, needle.count <= text.count else { return [] }
        var ranges: [Range<Int>] = []
        for start in 0...(text.count - needle.count)
        where text[start..<(start + needle.count)].elementsEqual(needle) {
            let end = start + needle.count
            if let last = ranges.last, start < last.upperBound {
                ranges[ranges.count - 1] = last.lowerBound..<end
            } else {
                ranges.append(start..<end)
            }
        }
        return ranges.map { Array(text[$0]) }
    }

    @Test func whatIsNotStoredHasNoSpansAndTheReplySaysSo() async throws {
        let schema = Schema(fields: [
            FieldDefinition(name: "title"), FieldDefinition(name: "body", stored: false),
        ])
        let index = try SearchIndex.open(MemoryDirectory(), schema: schema, options: SearchFixture.options)
        _ = try await index.write(WriteBatch([.put(Document(key: "1", ["title": "国際", "body": "国際"]))]))
        _ = try await index.refresh()
        for (query, isTold) in [("国際", true), ("body:国際", true), ("title:国際", false)] {
            var request = SearchRequest(query)
            #expect(try index.searchNow(request).notes.isEmpty)
            request.spans = true
            let notes = try index.searchNow(request).notes
            #expect(notes == (isTold ? ["There are no spans in what is not stored: 'body'."] : []), "\(query)")
        }
        try index.close()
    }
}

// What is said of a text by its coded bytes, against its normal form.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct GapFilterTests {
    /// What may become a Han character or kana, or join the one before it, without being one.
    private static let odd = [
        "㊥", "㍻", "ｶﾞ", "ﾊ", "か\u{3099}", "\u{3099}", "国\u{FE00}", "⼀", "\u{2F800}", "豈", "…", "⑩",
    ]

    /// Of a few plain characters, or with anything.
    private func text(_ random: inout SeededRandom) -> String {
        let plain = ["国", "际", "字", "あ", "が", "中", "한", "，", "。", "\n", " ", "　", "a", "é"]
        if random.below(3) > 0 {
            return (0..<(1 + random.below(20))).map { _ in plain[random.below(plain.count)] }.joined()
        }
        return TextMaker.text(12, &random) + Self.odd[random.below(Self.odd.count)] + TextMaker.text(12, &random)
    }

    /// A part of a text, or two characters with something between.
    private func query(_ texts: [String], _ random: inout SeededRandom) -> String {
        if random.below(3) > 0 { return TextMaker.part(of: texts[random.below(texts.count)], &random) }
        let characters = ["国", "际", "字", "あ", "ガ", "が", "中", "한", "一"]
        func one() -> String { characters[random.below(characters.count)] }
        return one() + ["，", "\n\n", " ", "。 "][random.below(4)] + one()
    }

    private func table(_ texts: [String]) throws -> SymbolTable {
        var training = SymbolTraining()
        for text in texts { Array(text.utf8).withUnsafeBytes { training.add($0) } }
        let table = training.table()
        return try #require(table)
    }

    private func coded(_ text: String, _ table: SymbolTable?) -> [UInt8] {
        var out = ByteWriter()
        Array(text.utf8).withUnsafeBytes { bytes in
            if let table { table.encode(bytes, into: &out) } else { StoredTextCode.encode(bytes, into: &out) }
        }
        return out.array()
    }

    private func says(_ query: String, _ text: String, _ table: SymbolTable? = nil, breaks: BreaksPolicy = .soft)
        -> Bool?
    {
        let analyzer = Analyzer(kind: .cjk, breaks: breaks)
        let filter = GapFilter(ReadText(pattern: TextPattern(query, analyzer: analyzer), analyzer: analyzer), table)
        return filter.map { filter in coded(text, table).withUnsafeBytes { filter.mayOccur(in: $0) } }
    }

    private func occurs(_ pattern: TextPattern, in text: String, _ analyzer: Analyzer) throws -> Bool {
        let units = UnitBuffer()
        try Array(text.utf8).withUnsafeBufferPointer { try analyzer.normalize($0, into: units, offsets: false) }
        var count = 0
        pattern.forEachOccurrence(in: units) { _ in count += 1 }
        return count > 0
    }

    /// No text that has it is left out, by either code, and most that have not are.
    @Test(arguments: 1..<5 as Range<UInt64>) func nothingThatOccursIsDenied(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let texts = (0..<150).map { _ in text(&random) }
        // Characters without a code are coded as bytes.
        let tables = [nil, try table(Array(texts.prefix(20))), try table(["国，国"])]
        var (deniedCount, occurringCount, askedCount) = (0, 0, 0)
        for round in 0..<120 {
            let breaks = [BreaksPolicy.soft, .join, .strict][round % 3]
            let analyzer = Analyzer(kind: .cjk, breaks: breaks)
            let pattern = TextPattern(query(texts, &random), analyzer: analyzer)
            let read = ReadText(pattern: pattern, analyzer: analyzer)
            for table in tables {
                guard let filter = GapFilter(read, table) else { continue }
                for text in texts {
                    let said = coded(text, table).withUnsafeBytes { filter.mayOccur(in: $0) }
                    let isThere = try occurs(pattern, in: text, analyzer)
                    #expect(said || !isThere, "seed \(seed), \(pattern.units) in \(text.debugDescription), \(breaks)")
                    askedCount += 1
                    occurringCount += isThere ? 1 : 0
                    deniedCount += said ? 0 : 1
                }
            }
        }
        #expect(occurringCount > 50 && deniedCount > askedCount / 4)
    }

    @Test func whatIsToldApart() throws {
        let table = try table(["中、美两国，中美、在。", "中美"])
        for table in [nil, table] {
            #expect(says("中、美", "在中、美两国", table) == true)
            #expect(says("中、美", "中，。 “美", table) == true)
            #expect(says("中、美", "中美两国、中在美", table) == false)
            #expect(says("中、美", "中 美", table) == false, "a blank between is none")
            #expect(says("中、美", "中 美", table, breaks: .strict) == true)
            #expect(says("中、美", "美、中", table) == false)
            #expect(says("中、美", "中a、美", table) == false)
            #expect(says("中、美", "㊥、美", table) == true, "㊥ is 中")
            #expect(says("国、国", "国、国", table) == true)
            #expect(says("国、国", "国国在国", table) == false)
            #expect(says("한, 국", "한 국", table) == true)
        }
        #expect(says("中、美", String(repeating: "中国，美国。㊥和，美，", count: 400)) == true)
        #expect(says("中美", "中、美") == nil && says("A、美", "中、美") == nil)
    }

    /// Damage is found when the document is decoded.
    @Test func hostileBytesAreRead() throws {
        var random = SeededRandom(seed: 3)
        let table = try table(["中、美两国", "在国"])
        let analyzer = Analyzer(kind: .cjk, breaks: .soft)
        let read = ReadText(pattern: TextPattern("中、美", analyzer: analyzer), analyzer: analyzer)
        for table in [nil, table] {
            let filter = try #require(GapFilter(read, table))
            for _ in 0..<2_000 {
                let bytes = (0..<random.below(20)).map { _ in UInt8(random.below(256)) }
                var out = ByteWriter()
                let isGood = bytes.withUnsafeBytes {
                    table?.decode($0, into: &out) ?? StoredTextCode.decode($0, into: &out)
                }
                let said = bytes.withUnsafeBytes { filter.mayOccur(in: $0) }
                #expect(said || isGood, "\(bytes)")
            }
        }
        #expect([UInt8]().withUnsafeBytes { GapFilter(read, nil)?.mayOccur(in: $0) } == false)
    }
}

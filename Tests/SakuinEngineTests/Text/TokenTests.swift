// The tokens of small texts with their positions, analyzer by analyzer.

import Testing

@testable import SakuinEngine

/// Writes tokens down: `国` character, `[国@0` edge, `国际@0` bigram, `<ab>@4` word, `国+ab@2` and `ab+国@2` pairs.
private struct TokenList: GramSink {
    var characters = ""
    var tokens: [String] = []

    private func text(_ scalar: UInt32) -> String { String(Unicode.Scalar(scalar) ?? "?") }
    mutating func character(_ scalar: UInt32) { characters += text(scalar) }
    mutating func edge(_ scalar: UInt32, position: UInt32) { tokens.append("[\(text(scalar))@\(position)") }
    mutating func bigram(_ first: UInt32, _ second: UInt32, position: UInt32) {
        tokens.append("\(text(first))\(text(second))@\(position)")
    }
    mutating func word(_ bytes: UnsafeBufferPointer<UInt8>, position: UInt32) {
        tokens.append("<\(String(decoding: bytes, as: UTF8.self))>@\(position)")
    }
    mutating func pair(_ neighbour: WordNeighbour, _ word: UnsafeBufferPointer<UInt8>, position: UInt32) {
        let (word, scalar) = (String(decoding: word, as: UTF8.self), text(neighbour.code >> 1))
        let isBehind = neighbour.code & 1 == 1
        tokens.append(isBehind ? "\(word)+\(scalar)@\(position)" : "\(scalar)+\(word)@\(position)")
    }
}

@Suite struct TokenTests {
    private func tokens(
        _ text: String, _ kind: AnalyzerKind, breaks: BreaksPolicy = .soft, base: UInt32 = 0,
        version: UInt32 = Analyzer.newestVersion
    ) throws -> (list: TokenList, units: Int, next: UInt32) {
        var list = TokenList()
        let scratch = UnitBuffer()
        let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(text.utf8.count, 1))
        defer { bytes.deallocate() }
        _ = bytes.initialize(from: text.utf8)
        let (units, next) = try Analyzer(kind: kind, breaks: breaks, version: version).index(
            UnsafeBufferPointer(rebasing: bytes[..<text.utf8.count]), scratch: scratch, positionBase: base, sink: &list)
        return (list, units, next)
    }

    @Test(
        arguments: [
            ("", "", [], 0, 0), ("国", "国", [], 1, 2), ("国际", "国际", ["国际@0"], 2, 4),
            ("国际数", "国际数", ["国际@0", "际数@2"], 3, 6), ("国 际", "国际", ["国际@0"], 2, 4),
            ("国，际", "国际", ["[国@0", "[际@3"], 2, 5), ("A股", "股", ["<a>@0", "a+股@0"], 2, 4),
            ("依5G网络", "依网络", ["依+5g@0", "<5g>@2", "5g+网@2", "网络@4"], 4, 8),
            ("国，a,际b", "国际", ["[国@0", "<a>@3", "[际@6", "际+b@6", "<b>@8"], 4, 10),
            ("a,国,b 际", "国际", ["<a>@0", "[国@3", "<b>@6", "b+际@6"], 4, 10),
            ("hello, world", "", ["<hello>@0", "<world>@3"], 2, 5),
            ("한국 뉴", "한국뉴", ["한국@0", "[국@2", "[뉴@5"], 3, 7), ("，，", "", [], 0, 0),
        ] as [(String, String, [String], Int, UInt32)])
    func cjk(text: String, characters: String, expected: [String], units: Int, next: UInt32) throws {
        let found = try tokens(text, .cjk)
        #expect(found.list.characters == characters)
        #expect(found.list.tokens == expected)
        #expect(found.units == units)
        #expect(found.next == next)
    }

    @Test(
        arguments: [
            ("国", ["[国@0"]), ("国际", ["[国@0", "国际@0", "[际@2"]), ("国，际", ["[国@0", "[际@3"]), ("A股", ["<a>@0", "[股@2"]),
            ("依5G网络", ["[依@0", "<5g>@2", "[网@4", "网络@4", "[络@6"]),
        ] as [(String, [String])])
    func cjkWithoutPairs(text: String, expected: [String]) throws {
        #expect(try tokens(text, .cjk, version: 1).list.tokens == expected)
    }

    @Test func positionsBeginAtTheBase() throws {
        let found = try tokens("国际 ab", .cjk, base: 100)
        #expect(found.list.tokens == ["国际@100", "际+ab@102", "<ab>@104"])
        #expect(found.next == 106)
    }

    @Test func breaksDecideWhatIsNeighbour() throws {
        #expect(try tokens("国\n\n际", .cjk, breaks: .soft).list.tokens == ["[国@0", "[际@3"])
        #expect(try tokens("国\n\n际", .cjk, breaks: .join).list.tokens == ["国际@0"])
        #expect(try tokens("国 际", .cjk, breaks: .strict).list.tokens == ["[国@0", "[际@3"])
    }

    @Test func wordsHaveNoGrams() throws {
        let found = try tokens("国际 5G网, ab", .words)
        #expect(found.list.characters.isEmpty)
        #expect(found.list.tokens == ["[国@0", "[际@2", "<5g>@4", "[网@6", "<ab>@9"])
    }

    @Test func keywordIsTheWholeFoldedValue() throws {
        #expect(try tokens("  Ａb\t\n c，国 ", .keyword).list.tokens == ["<ab c,国>@0"])
        #expect(try tokens(" ", .keyword).list.tokens.isEmpty)
        #expect(try tokens("ｶﾞ", .keyword).list.tokens == ["<ガ>@0"])
    }

    @Test func ngramIsEveryRunOfCharacters() throws {
        #expect(try tokens("AB-1", .ngram(3)).list.tokens == ["<ab->@0", "<b-1>@2", "<-1>@4", "<1>@6"])
        #expect(try tokens("国", .ngram(2)).list.tokens == ["<国>@0"])
        #expect(try tokens("𠮷野 家", .ngram(1)).list.tokens == ["<𠮷>@0", "<野>@2", "< >@4", "<家>@6"])
    }

    /// Texts that grow when they are folded need more room than they have bytes.
    @Test func expansionsFindRoom() throws {
        let text = String(repeating: "ﷺ", count: 2_000)
        let found = try tokens(text, .cjk)
        #expect(found.list.tokens.count == 3 * 2_000 + 1)
        #expect(try tokens(text, .keyword).list.tokens.count == 1)
        #expect(try tokens(text + "e\u{301}", .cjk).list.tokens.count == 3 * 2_000 + 1)
    }
}

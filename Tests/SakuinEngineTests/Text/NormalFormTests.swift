// The normal form against fixed vectors (made by a brute-force implementation on another Unicode library), UTF-8 that
// is none, and the map back to bytes.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

/// What the analyzer makes of a text, readable: characters as they are, words in ⟨⟩, gaps as ·.
enum NormalForm {
    static func of(_ bytes: [UInt8], _ analyzer: Analyzer) throws -> String {
        let units = UnitBuffer()
        try bytes.withUnsafeBufferPointer { bytes in try analyzer.normalize(bytes, into: units, offsets: false) }
        return readable(units)
    }

    static func of(_ text: String, _ breaks: BreaksPolicy = .soft, _ kind: AnalyzerKind = .cjk) throws -> String {
        try of(Array(text.utf8), Analyzer(kind: kind, breaks: breaks))
    }

    static func readable(_ units: UnitBuffer) -> String {
        var text = ""
        for i in 0..<units.count {
            let code = units.codes[i]
            if code & UnitBuffer.gapBit != 0 { text += "·" }
            if code & UnitBuffer.wordBit != 0 {
                text += "⟨" + String(decoding: units.word(Int(code & UnitBuffer.wordMask)), as: UTF8.self) + "⟩"
            } else {
                text.unicodeScalars.append(Unicode.Scalar(code & UnitBuffer.scalarMask) ?? "?")
            }
        }
        return text
    }

    /// Whether two texts are the same scalars; `==` of strings takes canonical equivalents for equal.
    static func isSame(_ a: String, _ b: String) -> Bool { a.unicodeScalars.elementsEqual(b.unicodeScalars) }
}

@Suite struct NormalFormTests {
    /// Text and normal form, whatever the breaks policy.
    private static let anyBreaks: [(String, String)] = [
        ("", ""),
        ("索引", "索引"),
        ("依托5G网络", "依托⟨5g⟩网络"),
        ("Hello, World", "⟨hello⟩·⟨world⟩"),
        ("hello   world", "⟨hello⟩·⟨world⟩"),
        ("hello\nworld", "⟨hello⟩·⟨world⟩"),
        ("한국어 뉴스", "한국어·뉴스"),
        ("한국 국어", "한국·국어"),
        ("ＡＢＣ\u{3000}\u{FF11}\u{FF12}\u{FF13}", "⟨abc⟩·⟨123⟩"),
        ("ｶﾞｷﾞｸﾞ", "ガギグ"),
        ("ﾊﾟｰﾃｨ", "パーティ"),
        ("カーブ", "カーブ"),
        ("か\u{3099}", "が"),
        ("e\u{301}te\u{301}", "⟨été⟩"),
        ("\u{301}国", "⟨\u{301}⟩国"),
        ("ﬁne", "⟨fine⟩"),
        ("Straße", "⟨strasse⟩"),
        ("ΑΣΑΣ", "⟨ασασ⟩"),
        ("İstanbul", "⟨i\u{307}stanbul⟩"),
        ("Ⅷ章", "⟨viii⟩章"),
        ("㍻元年", "平成元年"),
        ("…国…际…", "国·际"),
        ("国。際", "国·際"),
        ("「引用」", "引用"),
        ("3400余", "⟨3400⟩余"),
        ("-5", "⟨5⟩"),
        ("A股", "⟨a⟩股"),
        ("𠮷野家", "𠮷野家"),
        ("😀国😀", "国"),
        ("国😀际", "国·际"),
        ("葛\u{E0100}飾", "葛飾"),
        ("a\u{200D}b", "⟨ab⟩"),
        ("a\u{AD}b", "⟨ab⟩"),
        ("国\u{200B}际", "国际"),
        ("々人々", "々人々"),
        ("〇一二", "〇一二"),
        ("①②", "⟨12⟩"),
        ("½", "⟨1⟩·⟨2⟩"),
        ("㎏", "⟨kg⟩"),
        ("ﷺ", "⟨صلى⟩·⟨الله⟩·⟨عليه⟩·⟨وسلم⟩"),
        ("\u{1100}\u{1161}\u{11A8}", "각"),
        ("각", "각"),
        ("C++ & C#", "⟨c⟩·⟨c⟩"),
        ("foo_bar", "⟨foo⟩·⟨bar⟩"),
        ("1,234.5", "⟨1⟩·⟨234⟩·⟨5⟩"),
        ("don't", "⟨don⟩·⟨t⟩"),
        ("“引”", "引"),
        ("①国", "⟨1⟩国"),
        ("ㄅㄆ", "ㄅㄆ"),
        ("ー", "ー"),
        ("\u{FEFF}国", "国"),
        ("ゟ", "より"),
        ("ヿ", "コト"),
        ("㋿", "令和"),
        ("ꡀ国", "⟨ꡀ⟩国"),
        ("ไทย", "⟨ไทย⟩"),
        ("ह\u{93F}न\u{94D}द\u{940}", "⟨ह\u{93F}न\u{94D}द\u{940}⟩"),
        ("ᾴ", "⟨άι⟩"),
        ("α\u{345}\u{301}", "⟨άι⟩"),
        ("ẛ\u{323}", "⟨ṩ⟩"),
        ("Å", "⟨å⟩"),
        ("K", "⟨k⟩"),
        ("ſ", "⟨s⟩"),
        ("ß国", "⟨ss⟩国"),
        ("国\u{301}际", "国⟨\u{301}⟩际"),
        ("한\u{302E}", "한\u{302E}"),
        ("\u{3164}国", "国"),
        ("\u{FFA0}", ""),
        ("国\u{1C}际", "国·际"),
        ("国\u{1F}际", "国·际"),
        ("国\u{180E}际", "国际"),
        ("   ", ""),
        ("国", "国"),
        ("hello, world", "⟨hello⟩·⟨world⟩"),
        ("hello  world", "⟨hello⟩·⟨world⟩"),
        ("「国」際", "国·際"),
        ("한국 어", "한국·어"),
        ("한국\n어", "한국·어"),
        ("2023年11月", "⟨2023⟩年⟨11⟩月"),
        ("ＡＢＣ\u{3000}\u{FF12}\u{FF10}\u{FF12}\u{FF13}", "⟨abc⟩·⟨2023⟩"),
        ("ｶﾞｷﾞﾊﾟ", "ガギパ"),
        ("か\u{3099}か\u{200D}\u{3099}", "がが"),
        ("e\u{301}a\u{323}\u{301}", "⟨éạ\u{301}⟩"),
        ("\u{1112}\u{1161}\u{11AB}\u{1100}", "한\u{1100}"),
        ("㎏㍿℃…①½Ⅲ", "⟨kg⟩株式会社·⟨c⟩·⟨11⟩·⟨2iii⟩"),
        ("ß ẞ ŉ ΣΑΣ ς", "⟨ss⟩·⟨ss⟩·⟨ʼn⟩·⟨σασ⟩·⟨σ⟩"),
        ("ᾳ\u{301}ᾴ\u{345}", "⟨άιάιι⟩"),
        ("ab\u{AD}c", "⟨abc⟩"),
        ("𠮷野家𡈽", "𠮷野家𡈽"),
        ("丽⾀0", "丽聿⟨0⟩"),
        ("ー々〇〆ㄅ", "ー々〇⟨〆⟩ㄅ"),
        ("😀国😀\u{FE0F}際", "国·際"),
        ("=\u{338}", ""),
        ("!?！？‼", ""),
        (". 国 .", "国"),
    ]

    /// Text and normal form under `soft`, `join` and `strict`.
    private static let byBreaks: [(String, String, String, String)] = [
        ("国 际 数 字", "国际数字", "国际数字", "国·际·数·字"),
        ("国\n际", "国际", "国际", "国·际"),
        ("国\n\n际", "国·际", "国际", "国·际"),
        ("国\r\n际", "国际", "国际", "国·际"),
        ("国\r\n\r\n际", "国·际", "国际", "国·际"),
        ("国\r\r际", "国·际", "国际", "国·际"),
        ("国\n \t\n际", "国·际", "国际", "国·际"),
        ("国\u{2028}际", "国际", "国际", "国·际"),
        ("国\u{2028}\u{2029}际", "国·际", "国际", "国·际"),
        ("国\u{3000}\u{3000}际", "国际", "国际", "国·际"),
        ("依托 5G网络", "依托⟨5g⟩网络", "依托⟨5g⟩网络", "依托·⟨5g⟩网络"),
        ("한국 中国", "한국中国", "한국中国", "한국·中国"),
        ("中国 한국", "中国한국", "中国한국", "中国·한국"),
        ("한국 abc", "한국⟨abc⟩", "한국⟨abc⟩", "한국·⟨abc⟩"),
        ("abc 한국", "⟨abc⟩한국", "⟨abc⟩한국", "⟨abc⟩·한국"),
        ("a ー b", "⟨a⟩ー⟨b⟩", "⟨a⟩ー⟨b⟩", "⟨a⟩·ー·⟨b⟩"),
        ("か\u{309B}", "か⟨\u{3099}⟩", "か⟨\u{3099}⟩", "か·⟨\u{3099}⟩"),
        ("ｱ ｲ", "アイ", "アイ", "ア·イ"),
        ("国\u{85}际", "国际", "国际", "国·际"),
        ("国\u{B}\u{C}际", "国·际", "国际", "国·际"),
        ("国\u{A0}际", "国际", "国际", "国·际"),
        ("a\u{3000}国\n\nb", "⟨a⟩国·⟨b⟩", "⟨a⟩国⟨b⟩", "⟨a⟩·国·⟨b⟩"),
        ("国 际\n数\r\n字", "国际数字", "国际数字", "国·际·数·字"),
        ("国 \n \n 际", "国·际", "国际", "国·际"),
        ("한 字", "한字", "한字", "한·字"),
        ("a\u{2028}\u{2029}b 国\u{2028}\u{2029}際", "⟨a⟩·⟨b⟩国·際", "⟨a⟩·⟨b⟩国際", "⟨a⟩·⟨b⟩·国·際"),
        ("国\u{B}際\u{85}字\u{1F}文", "国際字·文", "国際字·文", "国·際·字·文"),
        ("\u{309B}国\u{309C}", "⟨\u{3099}⟩国⟨\u{309A}⟩", "⟨\u{3099}⟩国⟨\u{309A}⟩", "⟨\u{3099}⟩国·⟨\u{309A}⟩"),
        (" 5G 网络 ", "⟨5g⟩网络", "⟨5g⟩网络", "⟨5g⟩·网络"),
    ]

    @Test func vectors() throws {
        var all = Self.byBreaks
        for (text, normal) in Self.anyBreaks { all.append((text, normal, normal, normal)) }
        for (text, soft, join, strict) in all {
            for (breaks, expected) in [(BreaksPolicy.soft, soft), (.join, join), (.strict, strict)] {
                let found = try NormalForm.of(text, breaks)
                #expect(NormalForm.isSame(found, expected), "\(breaks) \(Array(text.unicodeScalars)): \(found)")
            }
        }
    }

    /// A scalar whose normalisation depends on its neighbours sends a text through the slow path: it must agree with
    /// the fast one about every other text.
    @Test func slowPathAgreesWithTheFastOne() throws {
        var random = SeededRandom(seed: 41)
        let units = UnitBuffer()
        for round in 0..<3_000 {
            let text = TextMaker.text(40, &random)
            let breaks = BreaksPolicy.allCases[round % 3]
            try Array(text.utf8).withUnsafeBufferPointer { bytes in
                try SlowNormalizer(breaks: breaks).normalize(bytes, into: units, offsets: true)
            }
            let slow = NormalForm.readable(units)
            let fast = try NormalForm.of(text, breaks)
            #expect(NormalForm.isSame(slow, fast), "\(Array(text.unicodeScalars))")
        }
    }

    /// A normal form is its own normal form, once its gaps and word ends are written as separators.
    @Test func normalFormIsStable() throws {
        var random = SeededRandom(seed: 42)
        for _ in 0..<2_000 {
            let normal = try NormalForm.of(TextMaker.text(30, &random))
            let spelled = String(
                String.UnicodeScalarView(
                    normal.unicodeScalars.compactMap { $0 == "·" ? "," : $0 == "⟨" || $0 == "⟩" ? nil : $0 }))
            // Words that stood beside each other are one now; that only concerns words parted by nothing but "⟩⟨".
            if normal.contains("⟩⟨") { continue }
            #expect(NormalForm.isSame(try NormalForm.of(spelled), normal), "\(Array(normal.unicodeScalars))")
        }
    }

    @Test(
        arguments: [
            ([0x80], 0), ([0xE5, 0x9B, 0xBD, 0x80], 3), ([0x61, 0xC0, 0x80], 1), ([0xC1, 0xBF], 0), ([0xC3], 0),
            ([0xC3, 0x28], 0), ([0xE0, 0x9F, 0xBF], 0), ([0xE5, 0x9B], 0), ([0x61, 0xE5, 0x9B, 0x61], 1),
            ([0xED, 0xA0, 0x80], 0), ([0xED, 0xBF, 0xBF], 0), ([0xF0, 0x8F, 0xBF, 0xBF], 0), ([0xF0, 0xA0, 0xAE], 0),
            ([0xF4, 0x90, 0x80, 0x80], 0), ([0xF5, 0x80, 0x80, 0x80], 0), ([0xFF], 0), ([0xFE, 0xFE], 0),
            ([0xE5, 0x9B, 0xBD, 0xE5, 0x9B, 0xBD, 0xE5, 0x9B], 6), ([0xE5, 0x9B, 0xBD, 0xE5, 0x9B, 0x41, 0x41], 3),
            ([0xE5, 0x9B, 0xBD, 0xE5, 0x41, 0xBD, 0x41], 3), ([0xE3, 0x81, 0x8B, 0xCC, 0x81, 0xE3, 0x81], 5),
        ] as [([UInt8], Int)])
    func invalidUTF8IsNamedByItsOffset(bytes: [UInt8], offset: Int) {
        for kind in [AnalyzerKind.cjk, .words, .keyword, .ngram(2)] {
            #expect(throws: TextError.invalidUTF8(byteOffset: offset)) {
                try NormalForm.of(bytes, Analyzer(kind: kind, breaks: .soft))
            }
        }
    }

    /// Random bytes are refused or accepted as the standard library does, at the same place.
    @Test func randomBytesAreJudgedAsTheStandardLibraryDoes() throws {
        var random = SeededRandom(seed: 43)
        let pieces: [[UInt8]] = [
            [0x61], [0xE5, 0x9B, 0xBD], [0xE3, 0x80, 0x82], [0xF0, 0xA0, 0xAE, 0xB7], [0xC3, 0xA9], [0xEA, 0xB0, 0x80],
            [0x80], [0xBF], [0xE5], [0xE5, 0x9B], [0xF0, 0xA0], [0xED, 0xA0, 0x80], [0xC0, 0xAF], [0xE0, 0x80, 0x80],
        ]
        for _ in 0..<5_000 {
            let bytes = (0..<random.below(7)).flatMap { _ in
                random.below(3) > 0 ? pieces[random.below(6)] : pieces[random.below(pieces.count)]
            }
            var expected: Int?
            var good = 0
            // The longest valid beginning ends where the first wrong sequence begins.
            if String(validating: bytes, as: UTF8.self) == nil {
                for length in 1...bytes.count where String(validating: bytes[..<length], as: UTF8.self) != nil {
                    good = length
                }
                expected = good
            }
            do {
                _ = try NormalForm.of(bytes, Analyzer(kind: .cjk, breaks: .soft))
                #expect(expected == nil, "\(bytes) was taken")
            } catch let error as TextError {
                #expect(expected.map { .invalidUTF8(byteOffset: $0) } == error, "\(bytes): \(error)")
            }
        }
    }

    /// Source ranges of units: ascending, on scalar boundaries, and what they cover folds to the unit.
    @Test func offsetsLeadBackToTheText() throws {
        let cases: [(String, [String])] = [
            ("国 际,数", ["国", "际", "数"]), ("ＡＢ、ｶﾞx", ["ＡＢ", "ｶﾞ", "x"]), ("  𠮷野 ab ", ["𠮷", "野", "ab"]),
            ("e\u{301}t 国", ["e\u{301}t", "国"]), ("㍻a", ["㍻", "㍻", "a"]), ("a\u{200D}b国", ["a\u{200D}b", "国"]),
            ("か\u{3099}き", ["か\u{3099}", "き"]), ("한국\n\n语", ["한", "국", "语"]),
        ]
        for (text, expected) in cases {
            let units = UnitBuffer()
            let bytes = Array(text.utf8)
            try bytes.withUnsafeBufferPointer {
                try Analyzer(kind: .cjk, breaks: .soft).normalize($0, into: units, offsets: true)
            }
            let found = (0..<units.count).map { i in
                String(decoding: bytes[Int(units.sourceStart[i])..<Int(units.sourceEnd[i])], as: UTF8.self)
            }
            #expect(found.count == expected.count && zip(found, expected).allSatisfy(NormalForm.isSame), "\(found)")
        }
    }
}

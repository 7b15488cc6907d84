// What the tests of the text room see of an analyzed text.

import SakuinTestSupport

@testable import SakuinEngine

/// The normal form of a text by the engine, copied out of its buffer.
struct AnalyzedText: Equatable {
    struct Unit: Equatable {
        let unit: NaiveUnit
        let isHangul: Bool
        let source: Range<Int>?
    }

    /// Units and gaps.
    var normal: [NaiveUnit] = []
    var units: [Unit] = []

    init(_ bytes: [UInt8], _ analyzer: Analyzer, offsets: Bool = false, buffer: UnitBuffer = UnitBuffer()) throws {
        try bytes.withUnsafeBufferPointer { bytes throws(TextError) in
            try analyzer.normalize(bytes, into: buffer, offsets: offsets)
        }
        self.init(buffer, offsets: offsets)
    }

    init(_ text: String, _ breaks: BreaksPolicy, offsets: Bool = false) throws {
        try self.init(Array(text.utf8), Analyzer(kind: .cjk, breaks: breaks), offsets: offsets)
    }

    init(_ buffer: UnitBuffer, offsets: Bool) {
        for i in 0..<buffer.count {
            let code = buffer.codes[i]
            if code & UnitBuffer.gapBit != 0 { normal.append(.gap) }
            let unit: NaiveUnit =
                code & UnitBuffer.wordBit != 0
                ? .word(String(decoding: buffer.word(Int(code & UnitBuffer.wordMask)), as: UTF8.self))
                : .character(Unicode.Scalar(code & UnitBuffer.scalarMask) ?? "\u{FFFD}")
            normal.append(unit)
            let source = offsets ? Int(buffer.sourceStart[i])..<Int(buffer.sourceEnd[i]) : nil
            units.append(
                Unit(
                    unit: unit, isHangul: code & UnitBuffer.wordBit == 0 && code & UnitBuffer.hangulBit != 0,
                    source: source))
        }
    }

    /// As `oracle.py normal` prints it: words in ⟨⟩, gaps as ·.
    var readable: String {
        normal.map { unit in
            switch unit {
            case .character(let scalar): String(scalar)
            case .word(let word): "⟨\(word)⟩"
            case .gap: "·"
            }
        }.joined()
    }
}

/// Texts in which everything that folds in its own way meets everything else. No syllable without a final stands here:
/// Foundation does not compose one with a final behind it (U+AC00 U+11A8), which the fixed vectors cover.
enum FoldingTexts {
    static let pieces: [String] = [
        "国", "际", "𠮷", "々", "〇", "\u{2F800}", "\u{F900}", "あ", "カ", "か", "は", "ー", "・", "ｶ", "ﾊ", "ｱ", "ﾞ", "ﾟ",
        "゛", "\u{3099}", "\u{309A}", "한", "글", "각", "ᄀ", "ᅡ", "ᆨ", "ㄱ", "ﾡ", "ￂ", "ㄅ", "a", "B", "ｚ", "Ａ", "é",
        "1", "２", "①", "½", "℃", "㎡", "㍿", "…", "ﬁ", "Ⅲ", "ﷺ", "\u{301}", "\u{323}", "\u{338}", "\u{327}",
        "\u{200D}", "\u{AD}", "\u{FE0F}", "\u{34F}", "\u{1160}", "=", "，", "。", ".", "-", "!", "😀", "\u{1D400}", " ",
        "\u{3000}", "\t", "\n", "\n", "\r\n", "\r", "\n\n", "\n \n", "\u{A0}", "\u{0B}", "\u{85}", "\u{2028}", "\u{1F}",
    ]

    static func text(_ count: Int, _ random: inout SeededRandom) -> String {
        // A string of scalars: pieces put together as strings could be taken for one character, not changed.
        var text = String.UnicodeScalarView()
        for _ in 0..<random.below(count + 1) {
            text.append(contentsOf: pieces[random.below(pieces.count)].unicodeScalars)
        }
        return String(text)
    }
}

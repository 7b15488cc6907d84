// The normal form: random texts against the brute-force oracle, and texts made to be hard.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct NormalFormPropertyTests {
    @Test(arguments: BreaksPolicy.allCases) func randomTextsAgreeWithTheOracle(_ breaks: BreaksPolicy) throws {
        let seed: UInt64 = 20_261_123
        print("normal form property: seed \(seed) \(breaks)")
        var random = SeededRandom(seed: seed)
        let analyzer = Analyzer(kind: .cjk, breaks: breaks)
        let buffer = UnitBuffer()
        for round in 0..<8_000 {
            let text = round % 2 == 0 ? FoldingTexts.text(14, &random) : TextMaker.text(20, &random)
            let found = try AnalyzedText(Array(text.utf8), analyzer, buffer: buffer).normal
            let expected = NaiveText.normal(text, breaks)
            // Strings compare by equivalence, which would hide a mark that was left uncomposed.
            guard Self.scalars(found) == Self.scalars(expected) else {
                Issue.record("round \(round): \(Array(text.unicodeScalars)) is \(found), expected \(expected)")
                return
            }
        }
    }

    private static func scalars(_ units: [NaiveUnit]) -> [[UInt32]] {
        units.map { unit in
            switch unit {
            case .character(let scalar): [1, scalar.value]
            case .word(let word): [2] + word.unicodeScalars.map(\.value)
            case .gap: [0]
            }
        }
    }

    /// Foundation leaves this syllable and final apart, so the random texts do not hold them (UAX #15 composes them).
    @Test func aSyllableTakesAFinal() throws {
        let found = try AnalyzedText("\u{AC00}\u{11A8}", .soft)
        #expect(found.normal == [.character("\u{AC01}")])
    }

    /// A mark composes past marks of a smaller class only (UAX #15, "blocked").
    @Test func marksBlockMarksOfTheirClass() throws {
        #expect(Self.scalars(try AnalyzedText("a\u{305}\u{301}", .soft).normal) == [[2, 0x61, 0x305, 0x301]])
        #expect(Self.scalars(try AnalyzedText("a\u{334}\u{301}", .soft).normal) == [[2, 0xE1, 0x334]])
    }

    /// A text and a spelling of it that is equivalent have one normal form, wherever U+0345 stands.
    @Test func equivalentSpellingsOfIotaBelow() throws {
        let spellings = [
            "\u{1FB4}", "\u{1FB3}\u{301}", "\u{3AC}\u{345}", "\u{3B1}\u{345}\u{301}", "\u{3B1}\u{301}\u{345}",
        ]
        for text in spellings { #expect(try AnalyzedText(text, .soft).readable == "⟨\u{3AC}\u{3B9}⟩") }
    }

    @Test func marksAreOrderedInLongClustersToo() throws {
        // Quadratic ordering of so many marks would take hours.
        let count = 150_000
        let text = "a" + String(repeating: "\u{301}\u{323}", count: count)
        let word =
            "\u{1EA1}" + String(repeating: "\u{323}", count: count - 1) + String(repeating: "\u{301}", count: count)
        let found = try AnalyzedText(text, .soft)
        let expected = Array(word.unicodeScalars)
        try #require(found.units.count == 1)
        guard case .word(let folded) = found.units[0].unit else {
            Issue.record("no word")
            return
        }
        #expect(Array(folded.unicodeScalars) == expected)
    }

    @Test(arguments: ["", "\u{301}"]) func expansionsFindRoom(_ mark: String) throws {
        // Three bytes become four words of 33 bytes; the mark sends the text along the slow path.
        let text = String(repeating: "ﷺ", count: 3_000) + "x国" + mark
        let found = try AnalyzedText(text, .soft, offsets: true)
        // The last word of each runs into the first of the next.
        #expect(found.units.count == 3 * 3_000 + (mark.isEmpty ? 2 : 3))
        #expect(found.units[0].source == 0..<3)
        #expect(found.units[9_001].source == 9_001..<(9_004 + mark.utf8.count))
    }
}

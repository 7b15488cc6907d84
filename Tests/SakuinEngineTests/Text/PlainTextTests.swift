// Texts that are taken to be their own normal form are.

import SakuinTypes
import Testing

@testable import SakuinEngine

@Suite struct PlainTextTests {
    private static let plain: [Unicode.Scalar] = (UInt32(0)..<0x32_000).compactMap { Unicode.Scalar($0) }.filter {
        PlainText.withScalars(String(Character($0))) { _ in true } ?? false
    }

    /// All of them in a row, so that each also stands beside others.
    @Test func everyPlainCharacterFoldsToItself() {
        #expect(Self.plain.count > 90_000)
        for first in stride(from: 0, to: Self.plain.count, by: 500) {
            let scalars = Self.plain[first..<min(first + 500, Self.plain.count)]
            var text = ""
            text.unicodeScalars.append(contentsOf: scalars)
            #expect(PlainText.withScalars(text) { Array($0) } == scalars.map(\.value))
            let pattern = TextPattern(text, analyzer: Analyzer(kind: .cjk, breaks: .soft), lastIsPrefix: false)
            let characters = pattern.elements.map { element -> UInt32? in
                if case .character(let scalar) = element.unit { scalar } else { nil }
            }
            #expect(characters == scalars.map(\.value))
            #expect(pattern.elements.map(\.position) == (0..<UInt32(scalars.count)).map { 2 * $0 })
        }
    }

    @Test(arguments: [
        "", "a", "国a", "国 际", "国，", "がは\u{3099}", "\u{3099}", "\u{F900}", "\u{2F800}", "\u{E0001}", "\u{10FFFF}", "한",
        "é", "\n",
        "𠮷a", "𠮷 野", "😀",
    ]) func othersAreNot(text: String) {
        #expect(PlainText.withScalars(text) { _ in true } == nil)
    }

    @Test(arguments: [
        ("国", [0x56FD]), ("𠮷", [0x20BB7]), ("㪇国", [0x3A87, 0x56FD]), ("国𠮷あ", [0x56FD, 0x20BB7, 0x3042]),
    ])
    func scalars(text: String, scalars: [UInt32]) {
        #expect(PlainText.withScalars(text) { Array($0) } == scalars)
    }
}

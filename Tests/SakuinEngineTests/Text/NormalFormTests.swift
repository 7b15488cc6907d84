// The normal form: against fixed vectors, the brute-force oracle, and Unicode's own data.

import Foundation
import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct NormalFormTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let text: String
        let expected: [BreaksPolicy: String]
        var testDescription: String { text.debugDescription }

        init(_ text: String, _ soft: String, join: String? = nil, strict: String? = nil) {
            self.text = text
            expected = [.soft: soft, .join: join ?? soft, .strict: strict ?? soft]
        }
    }

    /// What the acceptance oracle prints for these texts.
    static let vectors: [Vector] = [
        Vector("", ""),
        Vector("   ", ""),
        Vector("国", "国"),
        Vector("依托 5G网络", "依托⟨5g⟩网络", join: "依托⟨5g⟩网络", strict: "依托·⟨5g⟩网络"),
        Vector("国 际\u{A}数\u{D}\u{A}字", "国际数字", join: "国际数字", strict: "国·际·数·字"),
        Vector("国\u{A}\u{A}际", "国·际", join: "国际", strict: "国·际"),
        Vector("国\u{D}\u{A}际", "国际", join: "国际", strict: "国·际"),
        Vector("国\u{D}\u{D}际", "国·际", join: "国际", strict: "国·际"),
        Vector("国 \u{A} \u{A} 际", "国·际", join: "国际", strict: "国·际"),
        Vector("A股", "⟨a⟩股"),
        Vector("hello, world", "⟨hello⟩·⟨world⟩"),
        Vector("hello  world", "⟨hello⟩·⟨world⟩"),
        Vector("\u{300C}国\u{300D}際", "国·際"),
        Vector("한국 어", "한국·어"),
        Vector("한국\u{A}어", "한국·어"),
        Vector("한 字", "한字", join: "한字", strict: "한·字"),
        Vector("2023年11月", "⟨2023⟩年⟨11⟩月"),
        Vector("\u{FF21}\u{FF22}\u{FF23}\u{3000}\u{FF12}\u{FF10}\u{FF12}\u{FF13}", "⟨abc⟩·⟨2023⟩"),
        Vector("\u{FF76}\u{FF9E}\u{FF77}\u{FF9E}\u{FF8A}\u{FF9F}", "ガギパ"),
        Vector("か\u{3099}か\u{200D}\u{3099}", "がが"),
        Vector("e\u{301}a\u{323}\u{301}", "⟨é\u{1EA1}\u{301}⟩"),
        Vector("\u{1112}\u{1161}\u{11AB}\u{1100}", "한\u{1100}"),
        Vector(
            "\u{FDFA}",
            "⟨\u{635}\u{644}\u{649}⟩·⟨\u{627}\u{644}\u{644}\u{647}⟩·⟨\u{639}\u{644}\u{64A}\u{647}⟩·⟨\u{648}\u{633}\u{644}\u{645}⟩"
        ),
        Vector("㎏㍿\u{2103}\u{2026}\u{2460}½\u{2162}", "⟨kg⟩株式会社·⟨c⟩·⟨11⟩·⟨2iii⟩"),
        Vector("ß \u{1E9E} ŉ \u{3A3}\u{391}\u{3A3} \u{3C2}", "⟨ss⟩·⟨ss⟩·⟨\u{2BC}n⟩·⟨\u{3C3}\u{3B1}\u{3C3}⟩·⟨\u{3C3}⟩"),
        Vector("\u{1FB3}\u{301}\u{1FB4}\u{345}", "⟨\u{3AC}\u{3B9}\u{3AC}\u{3B9}\u{3B9}⟩"),
        Vector("ab\u{AD}c", "⟨abc⟩"),
        Vector("\u{20BB7}野家\u{2123D}", "\u{20BB7}野家\u{2123D}"),
        Vector("丽\u{2F80}0", "丽聿⟨0⟩"),
        Vector("1,234.5", "⟨1⟩·⟨234⟩·⟨5⟩"),
        Vector("a\u{2028}\u{2029}b 国\u{2028}\u{2029}際", "⟨a⟩·⟨b⟩国·際", join: "⟨a⟩·⟨b⟩国際", strict: "⟨a⟩·⟨b⟩·国·際"),
        Vector("国\u{B}際\u{85}字\u{1F}文", "国際字·文", join: "国際字·文", strict: "国·際·字·文"),
        Vector("ー\u{3005}\u{3007}\u{3006}ㄅ", "ー\u{3005}\u{3007}⟨\u{3006}⟩ㄅ"),
        Vector("゛国゜", "⟨\u{3099}⟩国⟨\u{309A}⟩", join: "⟨\u{3099}⟩国⟨\u{309A}⟩", strict: "⟨\u{3099}⟩国·⟨\u{309A}⟩"),
        Vector("\u{1F600}国\u{1F600}\u{FE0F}際", "国·際"),
        Vector("=\u{338}", ""),
        Vector("!?\u{FF01}\u{FF1F}\u{203C}", ""),
        Vector("3400余", "⟨3400⟩余"),
        Vector(". 国 .", "国"),
        Vector(" 5G 网络 ", "⟨5g⟩网络", join: "⟨5g⟩网络", strict: "⟨5g⟩·网络"),
    ]

    @Test(arguments: vectors) func vector(_ vector: Vector) throws {
        for (breaks, expected) in vector.expected {
            let found = try AnalyzedText(vector.text, breaks).readable
            #expect(Array(found.unicodeScalars) == Array(expected.unicodeScalars), "\(breaks): \(found)")
        }
    }

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

/// Unicode's data files, as Debian's package unicode-data installs them.
@Suite struct UnicodeDataTests {
    private static let folder = "/usr/share/unicode"

    /// Whether the files are there and of the version the tables were made from.
    private static let hasData: Bool = {
        guard let text = try? String(contentsOfFile: folder + "/ReadMe.txt", encoding: .utf8) else { return false }
        return text.contains("Version \(CharacterTable.version / 10_000).")
    }()

    private static func folded(_ text: String.UnicodeScalarView) throws -> [UInt32] {
        var out: [UInt32] = []
        try Array(String(text).utf8).withUnsafeBufferPointer { bytes throws(TextError) in
            try SlowNormalizer.forEachFolded(bytes) { scalar, _, _, _ in out.append(scalar) }
        }
        return out
    }

    private static func scalars(_ hex: some StringProtocol) -> String.UnicodeScalarView {
        var view = String.UnicodeScalarView()
        view.append(
            contentsOf: hex.split(separator: " ").compactMap { UInt32($0, radix: 16).flatMap(Unicode.Scalar.init) })
        return view
    }

    @Test(.enabled(if: hasData, "needs the package unicode-data of the tables' version"))
    func everyScalarFoldsAsUnicodeSays() throws {
        var expected: [UInt32: [UInt32]] = [:]
        let text = try String(contentsOfFile: Self.folder + "/DerivedNormalizationProps.txt", encoding: .utf8)
        for line in text.split(separator: "\n") {
            let parts = line.prefix { $0 != "#" }.split(separator: ";").map { $0.filter { $0 != " " } }
            guard parts.count >= 2, parts[1] == "NFKC_CF" else { continue }
            let mapping = line.prefix { $0 != "#" }.split(separator: ";", omittingEmptySubsequences: false)
            let target = mapping.count > 2 ? Self.scalars(mapping[2]).map(\.value) : []
            let ends = parts[0].split(separator: ".").compactMap { UInt32($0, radix: 16) }
            let first = try #require(ends.first)
            for scalar in first...(ends.last ?? first) { expected[scalar] = target }
        }
        try #require(expected.count > 10_000)
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let found = try Self.folded(String.UnicodeScalarView([scalar]))
            guard found == expected[value] ?? [value] else {
                Issue.record("U+\(String(value, radix: 16)) folds to \(found)")
                return
            }
        }
    }

    /// The forms a line of the test file calls equivalent fold to one.
    @Test(.enabled(if: hasData, "needs the package unicode-data of the tables' version"))
    func normalizationTestOfUnicode() throws {
        let unpack = Process()
        unpack.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        unpack.arguments = ["bzip2", "-dc", Self.folder + "/NormalizationTest.txt.bz2"]
        let pipe = Pipe()
        unpack.standardOutput = pipe
        try unpack.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        unpack.waitUntilExit()
        var lines = 0
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n") where !line.hasPrefix("@") {
            let columns = line.prefix { $0 != "#" }.split(separator: ";").prefix(5)
            guard columns.count == 5 else { continue }
            lines += 1
            let forms = try columns.map { try Self.folded(Self.scalars($0)) }
            guard forms.allSatisfy({ $0 == forms[0] }) else {
                Issue.record("\(line): \(forms)")
                return
            }
        }
        #expect(lines > 18_000)
    }
}

// Source ranges of units, the two paths of the normaliser, and texts that are not UTF-8.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct SourceRangeTests {
    private static let seed: UInt64 = 7_105

    @Test func rangesHoldTheirUnits() throws {
        print("source range property: seed \(Self.seed)")
        var random = SeededRandom(seed: Self.seed)
        for round in 0..<6_000 {
            let breaks = BreaksPolicy.allCases[round % 3]
            let text = FoldingTexts.text(16, &random)
            let bytes = Array(text.utf8)
            let found = try AnalyzedText(text, breaks, offsets: true)
            #expect(try AnalyzedText(text, breaks).normal == found.normal)
            var last = 0..<0
            for unit in found.units {
                let source = try #require(unit.source)
                // A range is shared by what one scalar or cluster became, and lies behind the one before otherwise.
                let isBehind = source.lowerBound >= last.upperBound || source.lowerBound >= last.lowerBound
                #expect(isBehind && source.lowerBound < source.upperBound && source.upperBound <= bytes.count)
                let slice = try #require(String(validating: bytes[source], as: UTF8.self))
                let again = try AnalyzedText(slice, breaks).units.map(\.unit)
                guard again.contains(unit.unit) || Self.isPart(unit.unit, of: again) else {
                    Issue.record("round \(round): \(Array(text.unicodeScalars)): \(unit.unit) in \(again)")
                    return
                }
                last = source
            }
        }
    }

    /// A word at the edge of an expansion is part of a longer one when its range is cut out.
    private static func isPart(_ unit: NaiveUnit, of units: [NaiveUnit]) -> Bool {
        guard case .word(let word) = unit else { return false }
        let wanted = Array(word.unicodeScalars)
        return units.contains { other in
            guard case .word(let longer) = other else { return false }
            return Array(longer.unicodeScalars).firstRange(of: wanted) != nil
        }
    }

    @Test func bothPathsAgree() throws {
        var random = SeededRandom(seed: Self.seed &+ 1)
        let (fast, slow) = (UnitBuffer(), UnitBuffer())
        for round in 0..<6_000 {
            let breaks = BreaksPolicy.allCases[round % 3]
            let bytes = Array((round % 2 == 0 ? FoldingTexts.text(16, &random) : TextMaker.text(30, &random)).utf8)
            try bytes.withUnsafeBufferPointer { bytes throws(TextError) in
                try Normalizer(breaks: breaks).normalize(bytes, into: fast, offsets: true)
                try SlowNormalizer(breaks: breaks).normalize(bytes, into: slow, offsets: true)
            }
            let same = AnalyzedText(fast, offsets: true) == AnalyzedText(slow, offsets: true)
            #expect(same, "round \(round): \(String(decoding: bytes, as: UTF8.self).unicodeScalars.map(\.value))")
        }
    }

    @Test(
        arguments: [
            ([0x80], 0), ([0x61, 0xFF], 1), ([0xC0, 0x80], 0), ([0xC1, 0xBF], 0), ([0xE0, 0x80, 0x80], 0),
            ([0xE0, 0x9F, 0xBF], 0), ([0xED, 0xA0, 0x80], 0), ([0xED, 0xBF, 0xBF], 0), ([0xF0, 0x80, 0x80, 0x80], 0),
            ([0xF0, 0x8F, 0xBF, 0xBF], 0), ([0xF4, 0x90, 0x80, 0x80], 0), ([0xF5, 0x80, 0x80, 0x80], 0),
            ([0xE5, 0x9B, 0xBD, 0xE5, 0x9B], 3), ([0xE5, 0x9B, 0xBD, 0xE5, 0x9B, 0x61], 3),
            ([0xE5, 0x9B, 0xBD, 0xE5], 3),
            ([0x61, 0xCC, 0x81, 0xCC], 3), ([0xF0, 0xA0, 0xAE], 0), ([0xE5, 0x9B, 0xBD, 0xE5, 0x61, 0x61], 3),
            ([0xE5, 0x9B, 0xBD, 0xE5, 0x9B, 0xFF], 3), ([0xE3, 0x81, 0x82, 0xE3, 0x81, 0xC2], 3),
        ] as [([UInt8], Int)]) func notUTF8(_ bytes: [UInt8], _ offset: Int)
    {
        for kind in [AnalyzerKind.cjk, .words, .keyword, .ngram(2)] {
            #expect(throws: TextError.invalidUTF8(byteOffset: offset)) {
                try AnalyzedText(bytes, Analyzer(kind: kind, breaks: .soft), offsets: true)
            }
        }
    }

    /// Changed, cut and random bytes: an error exactly where the standard library stops, and nothing worse.
    @Test func damagedTexts() {
        var random = SeededRandom(seed: Self.seed &+ 2)
        let buffer = UnitBuffer()
        for round in 0..<6_000 {
            var bytes = Array(FoldingTexts.text(10, &random).utf8)
            for _ in 0..<random.below(3) where !bytes.isEmpty {
                let place = random.below(bytes.count)
                if random.below(2) == 0 { bytes[place] = UInt8(random.below(256)) } else { bytes.remove(at: place) }
            }
            let analyzer = Analyzer(kind: round % 4 == 0 ? .keyword : .cjk, breaks: .soft)
            var found: Int?
            do { _ = try AnalyzedText(bytes, analyzer, offsets: true, buffer: buffer) } catch {
                if case .invalidUTF8(let offset)? = error as? TextError { found = offset }
            }
            guard found == Self.firstBad(bytes) else {
                Issue.record("round \(round): \(bytes): \(String(describing: found))")
                return
            }
        }
    }

    /// Length of the longest valid prefix that ends a scalar, nil when all is valid.
    private static func firstBad(_ bytes: [UInt8]) -> Int? {
        var at = 0
        while at < bytes.count {
            let length = (1...4).first { length in
                at + length <= bytes.count && String(validating: bytes[at..<(at + length)], as: UTF8.self) != nil
            }
            guard let length else { return at }
            at += length
        }
        return nil
    }
}

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
                // Units of one expansion share a range, so ranges ascend and need not part.
                #expect(source.lowerBound >= last.lowerBound && source.upperBound >= last.upperBound)
                #expect(source.lowerBound < source.upperBound && source.upperBound <= bytes.count)
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

    /// What vanishes is attached to the character before it where the standard library has the two as one character.
    @Test func whatVanishesBelongsToACharacterOrNot() {
        var count = 0
        for value in (UInt32(0)...0xE0FFF) {
            guard let scalar = Unicode.Scalar(value),
                CharacterTable.kind(CharacterTable.shared.entry(value)) == CharacterTable.Class.gone
            else { continue }
            var view = "国".unicodeScalars
            view.append(scalar)
            #expect(CharacterTable.isAttached(value) == (String(view).count == 1), "\(String(value, radix: 16))")
            count += 1
        }
        #expect(count > 4_000)
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

// Occurrences of patterns that repeat, in texts that do: against brute force over the oracle's normal form.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct RepeatSearchTests {
    private static let analyzer = Analyzer(kind: .cjk, breaks: .soft)

    private static func buffer(_ text: String) throws -> UnitBuffer {
        let units = UnitBuffer()
        let bytes = Array(text.utf8)
        try bytes.withUnsafeBufferPointer { bytes throws(TextError) in
            try analyzer.normalize(bytes, into: units, offsets: false)
        }
        return units
    }

    private static func all(_ pattern: TextPattern, _ units: UnitBuffer) -> [Int] {
        var found: [Int] = []
        pattern.forEachOccurrence(in: units) { found.append($0) }
        return found
    }

    @Test func bitsFindWhatBruteForceFinds() throws {
        let seed: UInt64 = 20_261_141
        var random = SeededRandom(seed: seed)
        let pieces = ["国", "字", "发", "髮", "，", "a ", "ab ", "b"]
        var count = 0
        for _ in 0..<400 {
            let used = 1 + random.below(pieces.count)
            func text(_ count: Int) -> String {
                (0..<count).map { _ in pieces[random.below(used)] }.joined()
            }
            let stretch = text(1 + random.below(4))
            let long = String(repeating: stretch, count: 40 + random.below(120)) + text(20)
            let part = String(repeating: stretch, count: 1 + random.below(80)) + text(random.below(3))
            let variants: VariantFolding = random.below(2) == 0 ? .all : []
            let units = try Self.buffer(long)
            let pattern = TextPattern(part, analyzer: Self.analyzer, variants: variants)
            if pattern.units.isEmpty { continue }
            let normal = NaiveText.normal(long, .soft)
            // The oracle's gaps are units.
            var numbers: [Int] = []
            for unit in normal { numbers.append((numbers.last ?? -1) + (unit == .gap ? 0 : 1)) }
            let expected = NaiveText.places(of: NaiveText.normal(part, .soft), in: normal, variants).map { numbers[$0] }
            var found: [Int] = []
            let search = try #require(RepeatSearch(pattern))
            search.forEachOccurrence(in: units, behind: -1) { found.append($0) }
            #expect(found == expected, "seed \(seed): \(part) in \(long)")
            #expect(Self.all(pattern, units) == expected, "seed \(seed): \(part) in \(long)")
            count += expected.count
        }
        #expect(count > 1_000)
    }

    @Test func theBeginningOfAWordIsLast() throws {
        let units = try Self.buffer(String(repeating: "a b ", count: 500) + "a bc")
        let pattern = TextPattern(
            String(repeating: "a b ", count: 200) + "a b", analyzer: Self.analyzer, lastIsPrefix: true)
        let search = try #require(RepeatSearch(pattern))
        var found: [Int] = []
        search.forEachOccurrence(in: units, behind: -1) { found.append($0) }
        #expect(found == (0...300).map { 2 * $0 })
        #expect(Self.all(pattern, units) == found)
    }

    /// What has no repeats would need bits without end.
    @Test func longTextsWithoutRepeatsHaveNoBits() {
        let text = String(String.UnicodeScalarView((0..<20_000).compactMap { Unicode.Scalar(0x4E00 + UInt32($0)) }))
        #expect(RepeatSearch(TextPattern(text, analyzer: Self.analyzer)) == nil)
        #expect(RepeatSearch(TextPattern("国字国字", analyzer: Self.analyzer)) != nil)
    }
}

// Phrases whose lists change places on the way: one that leaves hardly any candidates over is asked sooner.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct DecisiveListTests {
    private static let phrase = "甲乙丙丁"
    /// Fewer than make promoted grams, and a few blocks of each list.
    private static let documentCount = 500

    /// Texts that have all bigrams of the phrase, most of them one part of it: at first 甲乙丙 and 丙丁, then 甲乙 and 乙丙丁.
    private static func texts(_ random: inout SeededRandom) -> [String] {
        (0..<documentCount).map { number in
            let (early, late) = (["中甲乙丙中丙丁", "丙丁甲乙丙"], ["甲乙中乙丙丁", "乙丙丁中甲乙甲乙"])
            let usual = number < documentCount / 2 ? early : late
            switch random.below(40) {
            case 0: return "中甲乙丙丁"
            case 1: return "甲乙丙丁中" + usual[0] + "甲乙丙丁"
            case 2: return random.below(2) == 0 ? "甲乙" : "丙丁"
            case 3: return early[random.below(2)] + "中" + late[random.below(2)]
            default: return usual[random.below(2)] + String(repeating: "中", count: random.below(9))
            }
        }
    }

    @Test func answersStayWhatTheyAre() async throws {
        let seed: UInt64 = 20_261_128
        print("decisive lists: seed \(seed)")
        var random = SeededRandom(seed: seed)
        let texts = Self.texts(&random)
        let schema = Schema(fields: [FieldDefinition(name: "text")])
        let index = try SearchIndex.open(MemoryDirectory(), schema: schema, options: SearchFixture.options)
        _ = try await index.write(
            WriteBatch(texts.enumerated().map { .put(Document(key: "\($0)", ["text": .string($1)])) }))
        _ = try await index.refresh()
        func expected(_ parts: [String]) -> [String] {
            texts.indices.filter { number in parts.allSatisfy { texts[number].contains($0) } }.map(String.init).sorted()
        }
        for parts in [[Self.phrase], [Self.phrase, "中"], [Self.phrase, "丙丁中"], ["甲乙丙丁中"], ["乙丙丁甲"]] {
            let query = Query.and(parts.map { .text($0, fields: []) })
            var request = SearchRequest(.tree(query), limit: Self.documentCount)
            let answer = try index.searchNow(request)
            #expect(answer.hits.map(\.key).sorted() == expected(parts), "\(parts)")
            #expect(answer.total == Total(expected(parts).count))
            request.limit = 3
            request.total = .none
            #expect(try index.searchNow(request).hits == Array(answer.hits.prefix(3)), "\(parts)")
        }
        index.abandon()
    }

    @Test func aListThatDecidesIsAskedSooner() async throws {
        var random = SeededRandom(seed: 7)
        let schema = Schema(fields: [FieldDefinition(name: "text")])
        let index = try SearchIndex.open(MemoryDirectory(), schema: schema, options: SearchFixture.options)
        _ = try await index.write(
            WriteBatch(Self.texts(&random).enumerated().map { .put(Document(key: "\($0)", ["text": .string($1)])) }))
        _ = try await index.refresh()
        let plan = try QueryPlanner.plan(
            .text(Self.phrase, fields: []), filter: nil, index.searched, fields: [], highlights: false,
            proofs: [.positions])
        let memory = ScratchMemory()
        let scratch = memory.scratch
        let segment = try #require(index.store.snapshot.segments.first?.reader)
        let matcher = try #require(try SegmentQuery(plan, segment, scratch).matcher([]) as? PhraseMatcher)
        #expect(matcher.turned == nil)
        let batch = MatchBatch(scratch)
        var target: UInt32 = 0
        while case let count = try matcher.next(from: target, above: -.infinity, into: batch), count > 0 {
            target = batch.documents[count - 1] + 1
        }
        #expect(matcher.turned != nil)
        index.abandon()
    }
}

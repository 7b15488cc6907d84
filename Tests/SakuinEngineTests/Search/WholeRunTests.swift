// Long runs all of whose looked-up bigrams are frequent: those between are looked up too.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct WholeRunTests {
    private static let documentCount = 1_400

    private func index(isCompact: Bool, _ texts: [String]) async throws -> SearchIndex {
        let index = try SearchIndex.open(
            MemoryDirectory(), schema: Schema(fields: [FieldDefinition(name: "body")], compact: isCompact),
            options: SearchFixture.options)
        _ = try await index.write(
            WriteBatch(texts.enumerated().map { .put(Document(key: "\($0.offset)", ["body": .string($0.element)])) }))
        _ = try await index.compact(segments: 1)
        return index
    }

    private static func text(_ characters: [Character], _ length: Int, _ random: inout SeededRandom) -> String {
        String((0..<length).map { _ in characters[random.below(characters.count)] })
    }

    /// Whether the plan's tokens, and those between, are read in the only segment.
    private func readsWholeRuns(_ index: SearchIndex, _ text: String) throws -> Bool? {
        let plan = try QueryPlanner.plan(
            .text(text, fields: []), filter: nil, index.searched, fields: [], highlights: false, proofs: [.positions])
        let segment = try #require(index.store.snapshot.segments.first?.reader)
        let memory = ScratchMemory()
        let query = try SegmentQuery(plan, segment, memory.scratch)
        guard query.isWhole[0] else { return nil }
        return try query.wholeRuns(plan.phrases[0], query.tokens)?.isWhole
    }

    @Test func longRunsAgreeWithBruteForce() async throws {
        let seed: UInt64 = 20_261_127
        print("whole runs: seed \(seed)")
        var random = SeededRandom(seed: seed)
        // Rare characters among frequent ones, so that there is something to choose.
        let characters = Array("国国国国字字字际际中か" + "東")
        let texts = (0..<Self.documentCount).map { _ in Self.text(characters, 40 + random.below(60), &random) }
        let (index, compact) = (try await index(isCompact: false, texts), try await index(isCompact: true, texts))
        var (found, whole) = (0, 0)
        for number in 0..<300 {
            let length = 7 + random.below(number % 10 == 0 ? 70 : 9)
            var text = Self.text(characters, length, &random)
            if number % 3 > 0 {
                let source = Array(texts[random.below(texts.count)])
                let start = random.below(source.count)
                text = String(source[start..<min(source.count, start + length)])
            }
            let expected = texts.indices.filter { texts[$0].contains(text) }.map(String.init).sorted()
            var request = SearchRequest(.tree(.text(text, fields: [])), limit: Self.documentCount)
            let answer = try index.searchNow(request)
            #expect(answer.hits.map(\.key).sorted() == expected, "\(text)")
            #expect(answer.hits == (try compact.searchNow(request).hits), "\(text)")
            request.limit = 3
            request.total = .none
            #expect(try index.searchNow(request).hits == Array(answer.hits.prefix(3)), "\(text)")
            found += expected.count
            whole += try readsWholeRuns(index, text) == true ? 1 : 0
        }
        #expect(found > 150)
        #expect(whole > 100)
        index.abandon()
        compact.abandon()
    }

    /// A bigram that the plan leaves out is nowhere, and so is the phrase.
    @Test func aMissingBigramBetweenEndsTheSearch() async throws {
        let index = try await index(isCompact: false, (0..<700).map { "国字，际中，国字\($0)，中国字" })
        let text = "国字际中国字际中"
        #expect(try readsWholeRuns(index, text) == false)
        #expect(try index.searchNow(SearchRequest(.tree(.text(text, fields: [])), limit: 3)).total == Total(0))
        index.abandon()
    }
}

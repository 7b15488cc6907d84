// Phrases that have the same tokens many times.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct RepeatedTokenTests {
    @Test func placesEquallyFarApartAreOne() {
        #expect(PhraseRepeat.make([]).isEmpty)
        #expect(PhraseRepeat.make([7]) == [PhraseRepeat(offset: 7, step: 0, count: 1)])
        #expect(
            PhraseRepeat.make([2, 4, 6, 9, 12, 20]) == [
                PhraseRepeat(offset: 2, step: 2, count: 3), PhraseRepeat(offset: 9, step: 3, count: 2),
                PhraseRepeat(offset: 20, step: 0, count: 1),
            ])
        let repeated = Array(stride(from: UInt32(4), to: 40_000, by: 2))
        #expect(PhraseRepeat.make(repeated) == [PhraseRepeat(offset: 4, step: 2, count: repeated.count)])
    }

    @Test func whereRepeatsBegin() {
        let memory = ScratchMemory()
        let run = PositionBuffer(memory.scratch)
        let out = PositionBuffer(memory.scratch)
        for position: UInt32 in [1, 3, 4, 5, 7, 10, 12, 14, 16] { run.append(position) }
        func beginnings(_ step: UInt32, _ count: Int) -> [UInt32] {
            let found = PhraseRepeat(offset: 0, step: step, count: count).beginnings(in: run.run, into: out)
            return (0..<found.count).map { found.values[$0] }
        }
        #expect(beginnings(2, 1).count == 9)
        #expect(beginnings(2, 2) == [1, 3, 5, 10, 12, 14])
        #expect(beginnings(2, 3) == [1, 3, 10, 12])
        #expect(beginnings(3, 3) == [1, 4])
        #expect(beginnings(2, 5).isEmpty)
    }

    @Test func aListIsReadOnceForAllItsPlaces() {
        let tokens = (0..<20_000).map { i in
            PlanToken(term: .bigram(0x54C8, i % 2 == 0 ? 0x54C8 : 0x56FD), offset: UInt32(2 * i))
        }
        #expect(
            RepeatedToken.joined(tokens[2...]) == [
                RepeatedToken(number: 2, repeats: [PhraseRepeat(offset: 4, step: 4, count: 9_999)]),
                RepeatedToken(number: 3, repeats: [PhraseRepeat(offset: 6, step: 4, count: 9_999)]),
            ])
        #expect(RepeatedToken.joined(tokens[2..<3]) == [RepeatedToken(number: 2, repeats: [])])
    }

    @Test func stretchesThatComeAgainAreOne() {
        func steps(_ slots: [Int], _ distances: [UInt32] = []) -> [PhraseStep] {
            slots.indices.map { PhraseStep(slot: slots[$0], distance: $0 < distances.count ? distances[$0] : 0) }
        }
        #expect(TokenRun.make(steps([])).isEmpty)
        #expect(
            TokenRun.make(steps(Array(repeating: 0, count: 20_000))) == [
                TokenRun(steps: 0..<1, count: 20_000, distance: 0)
            ])
        // 国字国字国字国: the last half stays over.
        #expect(
            TokenRun.make(steps([0, 1, 0, 1, 0, 1, 0])) == [
                TokenRun(steps: 0..<2, count: 3, distance: 0), TokenRun(steps: 6..<7, count: 1, distance: 0),
            ])
        // Gaps between the times, and another one at the end; how the first hangs together says nothing.
        #expect(
            TokenRun.make(steps([5, 0, 1, 0, 1, 0, 1, 0], [0, 7, 0, 3, 0, 3, 0, 4])) == [
                TokenRun(steps: 0..<1, count: 1, distance: 0), TokenRun(steps: 1..<3, count: 3, distance: 3),
                TokenRun(steps: 7..<8, count: 1, distance: 0),
            ])
        // The most steps win over the shortest stretch.
        #expect(
            TokenRun.make(steps([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1])) == [
                TokenRun(steps: 0..<4, count: 3, distance: 0)
            ])
    }

    @Test func repeatsAreManyWhenATokenIs() {
        let tokens = (0..<60).map { PlanToken(term: .bigram(0x54C8, UInt32($0 % 4)), offset: UInt32(2 * $0)) }
        #expect(!TokenRun.areMany(tokens[...]))
        #expect(TokenRun.areMany((tokens + tokens[..<4])[...]))
    }

    private static let pieces = [
        ["哈"], ["哈", "哈", "哈", "哈", "国"], ["哈", "哈", "，"], ["a ", "a ", "b ", "哈"], ["哈国"],
    ]

    /// Long phrases of few characters find what contains them, as often as it does, in indexes of both kinds.
    @Test func longPhrasesOfFewCharacters() async throws {
        let seed: UInt64 = 20_261_132
        var random = SeededRandom(seed: seed)
        var found = 0
        for round in 0..<12 {
            let pieces = Self.pieces[round % Self.pieces.count]
            func text(_ count: Int) -> String {
                (0..<count).map { _ in pieces[random.below(pieces.count)] }.joined()
            }
            var texts = (0..<30).map { _ in text(random.below(200)) }
            texts += (0..<10).map { i in
                String(repeating: "哈", count: 40 + i) + text(i) + String(repeating: "哈国", count: 20 + i)
            }
            let indexes = try [false, true].map { isCompact in
                var schema = Schema(fields: [FieldDefinition(name: "text")])
                schema.compact = isCompact
                return try SearchIndex.open(MemoryDirectory(), schema: schema, options: SearchFixture.options)
            }
            let puts = texts.enumerated().map { WriteOperation.put(Document(key: "\($0)", ["text": .string($1)])) }
            for index in indexes {
                _ = try await index.write(WriteBatch(puts))
                _ = try await index.refresh()
            }
            let normals = texts.map { NaiveText.normal($0, .soft) }
            for _ in 0..<40 {
                let scalars = Array(texts[random.below(texts.count)].unicodeScalars)
                let from = random.below(scalars.count + 1)
                var view = String.UnicodeScalarView()
                view.append(contentsOf: scalars[from..<min(scalars.count, from + 10 + random.below(90))])
                let wanted = NaiveText.normal(String(view), .soft)
                if wanted.isEmpty { continue }
                let keys = normals.indices.filter { NaiveText.contains(normals[$0], wanted) }.map(String.init)
                found += keys.count
                var request = SearchRequest(.tree(.text(String(view), fields: [])))
                request.limit = 100
                let answers = try indexes.map { try $0.searchNow(request) }
                for answer in answers {
                    #expect(
                        answer.hits.map(\.key).sorted() == keys.sorted(),
                        "seed \(seed), round \(round): \(String(view))")
                }
                // The more often the higher; what else makes a score is the same for all of them.
                #expect(answers[0].hits.map(\.key) == answers[1].hits.map(\.key), "round \(round): \(String(view))")
            }
            for index in indexes { index.abandon() }
        }
        #expect(found > 500)
    }
}

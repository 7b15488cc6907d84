// What a matcher may leave out: with a bar, documents whose score is not above it, and no other.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct MatcherBarTests {
    private static let characters = (0..<12).map { Character(Unicode.Scalar(UInt32(0x4E00 + 7 * $0)) ?? " ") }
    /// Those that queries have.
    private static let soughtCount = 8

    /// Texts of one length with gaps at the same places, which have no character more than three times. A few have each one
    /// that is sought so often: they get all that the bounds of lists allow, so a bound that is the least too low loses them.
    private static func text(_ number: Int, _ random: inout SeededRandom) -> String {
        let isBest = number % 397 == 150
        var left = characters.indices.flatMap { [$0, $0, $0] }
        var text = ""
        for place in 0..<24 {
            if place % 4 == 0 || place > 16 { text += "，" }
            let drawn = left.remove(at: min(random.below(left.count), random.below(left.count)))
            text.append(characters[isBest ? place % soughtCount : drawn])
        }
        return text
    }

    /// One to six characters, some with a gap between.
    private static func leaf(_ random: inout SeededRandom) -> Query {
        let first = random.below(soughtCount)
        var text = ""
        for place in 0...(random.below(3) == 0 ? 0 : 1 + random.below(5)) {
            if place > 0, random.below(3) == 0 { text += "，" }
            text.append(characters[(first + place) % soughtCount])
        }
        return .boost(.text(text, fields: []), Float(1 + random.below(16)) / 4)
    }

    private static func tree(_ kind: Int, _ random: inout SeededRandom) -> Query {
        func leaves(_ count: Int) -> [Query] { (0..<count).map { _ in leaf(&random) } }
        return switch kind % 6 {
        case 0: .or(leaves(2 + random.below(4)))
        case 1: .and(leaves(2 + random.below(2)))
        case 2: .and(leaves(1) + [.and(leaves(2))])
        case 3: .or([.and(leaves(2)), .and(leaves(2))] + leaves(1))
        case 4: .and([.or(leaves(2)), .or(leaves(3))])
        default: .and([leaf(&random), .and([leaf(&random), .not(leaf(&random))])])
        }
    }

    /// The documents that a matcher hands out, with their scores.
    private func scores(
        _ plan: QueryPlan, _ segment: SegmentReader, above needed: Double
    ) throws -> [UInt32: Double] {
        let memory = ScratchMemory()
        let scratch = memory.scratch
        let query = try SegmentQuery(plan, segment, scratch)
        let model = BM25(k1: 1.2, b: 0.75, statistics: segment.meta.fields[0])
        let leaves = plan.phrases.enumerated().filter(\.element.scores)
            .map { WeightedPhrase(number: $0.offset, weight: $0.element.boost, model: model) }
        let (matcher, batch) = (try query.matcher(leaves), MatchBatch(scratch))
        var found: [UInt32: Double] = [:]
        var target: UInt32 = 0
        while case let count = try matcher.next(from: target, above: needed, into: batch), count > 0 {
            for i in 0..<count { found[batch.documents[i]] = batch.scores[i] }
            target = batch.documents[count - 1] + 1
        }
        return found
    }

    @Test(arguments: [4, 5] as [UInt32]) func allAboveABarAreHandedOut(version: UInt32) async throws {
        var random = SeededRandom(seed: 20_261_128)
        var options = SearchFixture.options
        options.analyzerVersion = version
        let schema = Schema(fields: [FieldDefinition(name: "text")])
        let index = try SearchIndex.open(MemoryDirectory(), schema: schema, options: options)
        let puts = (0..<1_200).map {
            WriteOperation.put(Document(key: "\($0)", ["text": .string(Self.text($0, &random))]))
        }
        _ = try await index.write(WriteBatch(puts))
        _ = try await index.refresh()
        let segment = try #require(index.store.snapshot.segments.first?.reader)
        let kind: ProofKinds = version == 4 ? .positions : .links
        for round in 0..<90 {
            let tree = Self.tree(round, &random)
            let plan = try QueryPlanner.plan(
                tree, filter: nil, index.searched, fields: [], highlights: false, proofs: kind)
            let all = try scores(plan, segment, above: -.infinity)
            let bars = Set(all.values).sorted(by: >)
            for place in [0, 1, 3, 10, bars.count / 2, bars.count * 3 / 4, bars.count - 1]
            where bars.indices.contains(place) {
                let bar = bars[place].nextDown
                let found = try scores(plan, segment, above: bar).filter { $0.value > bar }
                #expect(found == all.filter { $0.value > bar }, "above \(bar): \(tree)")
            }
        }
        index.abandon()
    }
}

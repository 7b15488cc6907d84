// The filter of a block tells the same as looking each document up.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct BlockFilterTests {
    /// Blocks that span fewer documents than the filter's table has slots, just as many, more, and nearly all numbers;
    /// one filter for all of them, so that what earlier blocks left behind is seen to do no harm.
    @Test func findsWhatBothHave() {
        var random = SeededRandom(seed: 71)
        let memory = ScratchMemory()
        let scratch = memory.scratch
        let filter = BlockFilter(scratch)
        let pairs = scratch.take(PlacePair.self, 128)
        let block = scratch.take(UInt32.self, 128)
        for round in 0..<4_000 {
            let step = [1, 3, 30, 32, 33, 64, 700, 30_000_000][round % 8]
            let first = round % 5 == 0 ? 0 : random.below(min(step * 200, 1 << 31))
            let documents = Self.ascending(1 + random.below(128), from: first, step: step, &random)
            block.update(from: documents, count: documents.count)
            var wanted = Self.ascending(1 + random.below(128), from: random.below(first + 1), step: step, &random)
            // Some of the block's own, so that there is something to find.
            wanted = Array(Set(wanted + documents.filter { _ in random.below(3) == 0 }).sorted().prefix(128))
            let from = random.below(wanted.count)
            filter.fill(block, documents.count)
            let found = filter.find(wanted, from, wanted.count, in: block, documents.count, into: pairs)
            let expected = (from..<wanted.count).filter { documents.contains(wanted[$0]) }
            #expect((0..<found).map { Int(pairs[$0].wanted) } == expected, "round \(round)")
            #expect((0..<found).allSatisfy { documents[Int(pairs[$0].place)] == wanted[Int(pairs[$0].wanted)] })
        }
    }

    private static func ascending(_ count: Int, from: Int, step: Int, _ random: inout SeededRandom) -> [UInt32] {
        var next = from
        return (0..<count).map { _ in
            defer { next = min(next + 1 + random.below(step), Int(UInt32.max) - 200) }
            return UInt32(next)
        }.reduce(into: []) { all, value in if all.last.map({ $0 < value }) ?? true { all.append(value) } }
    }

    /// Pieces of a scratch do not overlap, whatever their sizes, and are aligned.
    @Test func scratchHandsOutEachByteOnce() {
        var random = SeededRandom(seed: 72)
        for _ in 0..<20 {
            let memory = ScratchMemory()
            let scratch = memory.scratch
            var pieces: [(start: UnsafeMutablePointer<UInt8>, count: Int, mark: UInt8)] = []
            for number in 0..<60 {
                let count = [1, 64, 100, 9_000, 64 << 10, 200_000][random.below(6)]
                let piece = scratch.take(UInt8.self, count)
                #expect(UInt(bitPattern: piece) % 64 == 0)
                piece.update(repeating: UInt8(number), count: count)
                pieces.append((piece, count, UInt8(number)))
            }
            for piece in pieces {
                #expect(piece.start[0] == piece.mark && piece.start[piece.count - 1] == piece.mark)
            }
        }
    }
}

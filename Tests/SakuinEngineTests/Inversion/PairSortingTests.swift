// Pairs to their order, in parts of any size, against arrays that are sorted.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct PairSortingTests {
    private struct Pair: Equatable {
        var place: Int
        var word: Int
        var document: UInt32
        var position: UInt32
    }

    @Test(arguments: [1, 5, 100, 100_000]) func pairsAreSortedInParts(partCountMax: Int) throws {
        var random = SeededRandom(seed: UInt64(partCountMax))
        for count in [0, 1, 700] {
            // As they come: by word, then by document and position.
            let pairs = (0..<count).map { i in
                Pair(
                    place: 3 + random.below(40), word: i / 9, document: UInt32(i % 9 / 2), position: UInt32(2 * (i % 9))
                )
            }
            var sorting = PairSorting<LinkedPlace>(characterCount: 30, partCountMax: partCountMax)
            for pair in pairs { sorting.count(pair.place) }
            var found: [Pair] = []
            var lists = 0
            while sorting.beginPart() {
                for pair in pairs {
                    sorting.add(pair.place, word: pair.word, pair.document, link: pair.position / 2, pair.position)
                }
                try sorting.forEach { (place, word, places) throws(StorageError) in
                    lists += 1
                    for at in places {
                        #expect(at.first == at.second / 2)
                        found.append(Pair(place: place, word: word, document: at.document, position: at.second))
                    }
                }
            }
            let expected = pairs.enumerated().sorted { a, b in
                (a.element.place, a.offset) < (b.element.place, b.offset)
            }
            #expect(found == expected.map(\.element))
            #expect(lists == Set(pairs.map { "\($0.place) \($0.word)" }).count)
        }
    }

    @Test func placesAreInTheOrderOfKeys() {
        let scalars: [UInt32] = [0x3042, 0x56FD, 0x2_0BB7]
        let neighbours = (0..<6).map { PairOrder.neighbour($0, scalars).code }
        #expect(neighbours == neighbours.sorted())
        for rank in 0..<3 as Range<UInt32> {
            let scalar = scalars[Int(rank)]
            #expect(PairOrder.neighbour(PairOrder.place(rank, isBehind: false), scalars) == .before(scalar))
            #expect(PairOrder.neighbour(PairOrder.place(rank, isBehind: true), scalars) == .behind(scalar))
        }
    }
}

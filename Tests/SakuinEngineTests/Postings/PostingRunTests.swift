// Lists given as a whole are written as those given document by document.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct PostingRunTests {
    private struct List {
        var documents: [UInt32] = []
        var positions: [[UInt32]] = []

        /// With so many numbers of each occurrence.
        private let valueCount: Int

        func frequency(_ place: Int) -> UInt32 { UInt32(positions[place].count / valueCount) }

        init(_ count: Int, of characters: [UInt32], valueCount: Int, _ random: inout SeededRandom) {
            self.valueCount = max(valueCount, 1)
            documents = Array(characters.shuffled(using: &random)[..<count]).sorted()
            let isOnceEach = random.below(2) == 0
            for _ in documents {
                var next: UInt32 = 0
                positions.append(
                    (0..<(self.valueCount * (isOnceEach ? 1 : 1 + random.below(5)))).map { _ in
                        next += 1 + UInt32(random.below(40))
                        return next
                    })
            }
        }
    }

    private func sections(_ terms: inout TermSections) -> [[UInt8]] {
        terms.finish()
        return [terms.grams.buffer.array(), terms.postings.buffer.array(), terms.positions.buffer.array()]
    }

    /// Hands the list over as one run.
    private func add(_ list: List, ranksIn characters: [UInt32]?, to terms: inout TermSections) throws {
        let frequencies = list.positions.indices.map { list.frequency($0) }
        let ranks = try characters.map { all -> [UInt32] in
            let places = Dictionary(uniqueKeysWithValues: zip(all, all.indices))
            return try list.documents.map { document in UInt32(try #require(places[document])) }
        }
        try list.documents.withUnsafeBufferPointer { documents in
            try frequencies.withUnsafeBufferPointer { frequencies in
                try list.positions.flatMap { $0 }.withUnsafeBufferPointer { positions in
                    try (ranks ?? [0]).withUnsafeBufferPointer { ranks in
                        terms.add(
                            PostingRun(
                                count: documents.count, documents: try #require(documents.baseAddress),
                                frequencies: try #require(frequencies.baseAddress),
                                ranks: characters == nil ? nil : ranks.baseAddress,
                                rankLimit: characters?.count ?? 0, positions: positions.baseAddress))
                        // The run has to stay until the list is ended.
                        try terms.endGram()
                    }
                }
            }
        }
    }

    @Test(arguments: 0..<2 as Range<UInt64>, [false, true])
    func runsAreWrittenAsDocumentsAre(seed: UInt64, hasLinks: Bool) throws {
        var random = SeededRandom(seed: seed)
        let documentCount = 6_000
        let norms = (0..<documentCount).map { _ in UInt8(90 + random.below(20)) }
        try norms.withUnsafeBufferPointer { norms in
            let lengths = FieldLengths(norms: norms.baseAddress, documentCount: documentCount, lengthSum: 60_000)
            var one = TermSections(
                directory: MemoryDirectory(), name: "one", documentCount: documentCount, hasLinks: hasLinks)
            var run = TermSections(
                directory: MemoryDirectory(), name: "run", documentCount: documentCount, hasLinks: hasLinks)
            for size in [1, 2, 127, 128, 129, 256, 1_023, 1_500, 4_000] {
                let characters = Array((0..<UInt32(documentCount)).shuffled(using: &random)[..<(size + 500)]).sorted()
                for kind in [GramKey.Kind.character, .edge, .bigram] {
                    let isCharacter = kind == .character
                    let key = GramKey.make(field: 0, kind: kind, 0x4E00 + UInt32(size))
                    let list = List(
                        isCharacter ? characters.count : size, of: characters,
                        valueCount: GramKey.occurrences(key, hasLinks: hasLinks).valueCount, &random)
                    one.beginGram(key, lengths)
                    for (place, document) in list.documents.enumerated() {
                        list.positions[place].withUnsafeBufferPointer {
                            one.add(
                                document, frequency: list.frequency(place),
                                positions: isCharacter ? nil : $0.baseAddress)
                        }
                    }
                    try one.endGram()
                    run.beginGram(key, lengths)
                    try add(list, ranksIn: isCharacter ? nil : characters, to: &run)
                }
            }
            let (expected, found) = (sections(&one), sections(&run))
            #expect(found == expected, "seed \(seed)")
        }
    }
}

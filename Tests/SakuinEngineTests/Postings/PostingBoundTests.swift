// The score bounds of blocks: nothing in a block may have a higher frequency or a shorter length, wherever it stands.

import Testing

@testable import SakuinEngine

@Suite struct PostingBoundTests {
    /// A list of two blocks and a few documents, in which one document has more occurrences and fewer units than all others.
    private func bounds(
        _ key: UInt64, bestAt best: Int, _ body: (_ block: Int, _ frequency: UInt32, _ lengthCode: UInt8) throws -> Void
    ) throws {
        let count = 2 * PostingListWriter.blockCount + 5
        let norms = (0..<count).map { UInt8($0 == best ? 3 : 20) }
        try norms.withUnsafeBufferPointer { norms in
            let lengths = FieldLengths(norms: norms.baseAddress, documentCount: count, lengthSum: 20 * count)
            var terms = TermSections(directory: MemoryDirectory(), name: "list", documentCount: count, hasLinks: false)
            func add(_ key: UInt64) throws {
                let positions: [UInt32] = [1, 3, 5, 7, 9]
                terms.beginGram(key, lengths)
                for document in 0..<count {
                    positions.withUnsafeBufferPointer {
                        let hasPositions = !GramKey.isCharacter(key)
                        terms.add(
                            UInt32(document), frequency: document == best ? 5 : 1,
                            positions: hasPositions ? $0.baseAddress : nil)
                    }
                }
                try terms.endGram()
            }
            let character = GramKey.character(of: key)
            if key != character { try add(character) }
            try add(key)
            terms.finish()
            let source = PostingSource(
                postings: TestSection.view(terms.postings.buffer.array()),
                positions: TestSection.view(terms.positions.buffer.array()), documentCount: count, isOld: false)
            let grams = try GramDictionary(TestSection.view(terms.grams.buffer.array()), hasLinks: false)
            let memory = ScratchMemory()
            let scratch = memory.scratch
            let info = try #require(try grams.find(key))
            let cursor = try PostingCursor(info, source, character: try grams.find(character), lengths, scratch)
            for block in 0..<cursor.blockCount {
                let bound = try #require(cursor.bound(block))
                try body(block, bound.frequency, bound.lengthCode)
            }
        }
    }

    /// Of characters, whose list has a head, of edges, whose documents are ranks, and of bigrams, which have neither.
    @Test(arguments: [GramKey.Kind.character, .edge, .bigram]) func theBestCountsWhereverItStands(
        kind: GramKey.Kind
    ) throws {
        let key = GramKey.make(field: 0, kind: kind, 0x56FD, kind == .bigram ? 0x5BB6 : 0)
        let count = PostingListWriter.blockCount
        for best in [0, 1, count - 2, count - 1, count, count + 1, 2 * count - 1, 2 * count, 2 * count + 4] {
            var found: [Int] = []
            try bounds(key, bestAt: best) { block, frequency, lengthCode in
                if frequency >= 5, lengthCode <= 3 { found.append(block) }
            }
            #expect(found.contains(best / count), "best at \(best): \(found)")
        }
    }
}

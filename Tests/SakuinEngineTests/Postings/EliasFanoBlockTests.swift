// Elias–Fano blocks: documents come back whole, by place and by number, and any bytes give ascending documents or none.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct EliasFanoBlockTests {
    private func encoded(_ documents: [UInt32], _ first: UInt32) -> [UInt8] {
        var bits = BitWriter()
        documents.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            EliasFanoBlock.encode(from, count: documents.count, first: first, into: &bits)
        }
        return bits.bytes.array()
    }

    /// Hands the block to `body`; nil when there cannot be one of these bytes.
    private func withBlock<R>(
        _ bytes: [UInt8], _ count: Int, _ first: UInt32, _ last: UInt32, _ body: (EliasFanoBlock, Int) -> R
    ) -> R? {
        MappedFile(copying: bytes + [UInt8](repeating: 0xA5, count: 8)).withBytes { source in
            guard let from = source.baseAddress,
                let block = EliasFanoBlock(at: from, limit: from + bytes.count, count: count, first, last)
            else { return nil }
            return body(block, block.end - from)
        }
    }

    private func decoded(_ block: EliasFanoBlock, _ count: Int) -> [UInt32]? {
        var out = [UInt32](repeating: 0, count: 128)
        let isSound = out.withUnsafeMutableBufferPointer { $0.baseAddress.map { block.decode(into: $0) } ?? false }
        return isSound ? Array(out[..<count]) : nil
    }

    @Test(arguments: [1, 2, 3, 63, 64, 100, 127, 128]) func comesBack(count: Int) throws {
        var random = SeededRandom(seed: UInt64(count))
        for spread in [count, count + 1, 2 * count, 4 * count - 1, 4 * count, 1_000, 50_000, 1 << 30] {
            for first: UInt32 in [0, 12_345, 1 << 30] {
                var chosen: Set<UInt32> = []
                while chosen.count < count { chosen.insert(first + UInt32(random.below(max(spread, count)))) }
                let documents = chosen.sorted()
                let last = try #require(documents.last)
                let bytes = encoded(documents, first)
                let isRight = withBlock(bytes, count, first, last) { block, length in
                    #expect(length == bytes.count)
                    #expect(decoded(block, count) == documents)
                    var walk = EliasFanoBlock.Walk(block)
                    for (place, document) in documents.enumerated() {
                        var jump = EliasFanoBlock.Walk(block)
                        #expect(jump.document(at: place) == document)
                        #expect(walk.document(at: place) == document)
                    }
                    #expect(walk.document(at: count) == nil)
                    return true
                }
                #expect(isRight == true)
                #expect(withBlock(Array(bytes.dropLast()), count, first, last) { _, _ in true } == nil)
            }
        }
    }

    /// The example of Docs/FORMAT.md.
    @Test func bytesAreThoseOfTheFormat() { #expect(encoded([0, 1, 20], 0) == [0x83, 0x04]) }

    @Test func denseDocumentsAreASetOfBits() { #expect(encoded(Array(5..<133), 5).count == 16) }

    @Test func anyBytesGiveAscendingDocumentsOrNone() {
        var random = SeededRandom(seed: 8)
        var sound = 0
        for round in 0..<4_000 {
            let count = 1 + random.below(128)
            let first = UInt32(random.below(1_000))
            let last = first + UInt32(count - 1 + random.below(round % 2 == 0 ? 20 : 5_000))
            let bytes = (0..<600).map { _ in UInt8(truncatingIfNeeded: random.next() | random.next()) }
            withBlock(bytes, count, first, last) { block, _ in
                if let documents = decoded(block, count) {
                    sound += 1
                    #expect(zip(documents, documents.dropFirst()).allSatisfy { $0 < $1 })
                    #expect(documents.allSatisfy { $0 >= first && $0 <= last })
                }
                var walk = EliasFanoBlock.Walk(block)
                for place in [0, 1, count / 2, count - 1, count, 500] {
                    if let document = walk.document(at: place) { #expect(document >= first && document <= last) }
                }
            }
        }
        #expect(sound > 0)
    }

    @Test func whatCannotBeIsRefused() {
        let bytes = [UInt8](repeating: 0xFF, count: 64)
        #expect(withBlock(bytes, 128, 10, 9) { _, _ in true } == nil)
        #expect(withBlock(bytes, 128, 10, 136) { _, _ in true } == nil)
        #expect(withBlock(bytes, 128, 0, .max) { _, _ in true } == nil)
    }

    @Test func wordsAreCountedAndSearched() {
        var random = SeededRandom(seed: 9)
        for round in 0..<2_000 {
            let word = round == 0 ? .max : random.next() & (round % 3 == 0 ? random.next() : .max)
            let counted = Broadword(word)
            #expect(counted.count == word.nonzeroBitCount)
            var rank = 0
            for bit in 0..<64 where word >> UInt64(bit) & 1 == 1 {
                #expect(counted.place(of: rank) == bit)
                rank += 1
            }
        }
    }
}

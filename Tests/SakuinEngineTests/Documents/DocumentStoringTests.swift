// Documents stored by a helper against the same ones stored by whoever adds them.

import Testing

@testable import SakuinEngine

@Suite struct DocumentStoringTests {
    /// Some megabytes, so that all batches come into use; one document is larger than several of them.
    private func documents(seed: UInt64) -> [[UInt8]] {
        var random = StorageRandom(seed)
        return (0..<400).map { number in
            if number == 150 { return random.bytes(3 << 20) }
            return switch random.next(below: 6) {
            case 0: []
            case 1: random.bytes(random.next(below: 2_000))
            default: Array(random.text(random.next(below: 8_000)).utf8)
            }
        }
    }

    private struct Stored: Equatable {
        var blocks: [UInt8]
        var index: [UInt8]
        /// By document: bytes of blocks that were there once it was added, and of memory.
        var progress: [[Int]] = []
    }

    /// `helpedFrom`: the first document that a helper codes.
    private func store(_ documents: [[UInt8]], helpedFrom: Int) -> Stored {
        let storing = DocumentStoring(drainByteCount: 100_000)
        var section = ByteWriter()
        var index = ByteWriter()
        var progress: [[Int]] = []
        for (number, document) in documents.enumerated() {
            if number == helpedFrom { storing.askForHelp() }
            document.withUnsafeBytes { storing.add($0, to: &section) }
            progress.append([section.count, storing.byteCount])
        }
        storing.end(to: &section)
        storing.appendIndex(to: &index, firstDocument: 5, offset: 1_000)
        return Stored(blocks: section.array(), index: index.array(), progress: progress)
    }

    @Test(arguments: [0, 1, 160, 399]) func aHelperChangesNoByte(helpedFrom: Int) {
        let documents = documents(seed: 1)
        let alone = store(documents, helpedFrom: .max)
        let helped = store(documents, helpedFrom: helpedFrom)
        #expect(alone.blocks.count > 6 << 20)
        #expect(helped.blocks == alone.blocks)
        #expect(helped.index == alone.index)
    }

    @Test func blocksComeAtTheSameDocumentsInEveryRun() {
        let documents = documents(seed: 2)
        let first = store(documents, helpedFrom: 3)
        for _ in 0..<3 { #expect(store(documents, helpedFrom: 3) == first) }
    }

    @Test func whatIsDroppedIsLeft() {
        let documents = documents(seed: 3)
        for count in [0, 1, 100, 200] {
            let storing = DocumentStoring(drainByteCount: 100_000)
            storing.askForHelp()
            var section = ByteWriter()
            for document in documents[..<count] { document.withUnsafeBytes { storing.add($0, to: &section) } }
        }
    }

    @Test func endingTwiceAddsNothing() {
        let storing = DocumentStoring(drainByteCount: 1 << 20)
        storing.askForHelp()
        var section = ByteWriter()
        Array("文書".utf8).withUnsafeBytes { storing.add($0, to: &section) }
        storing.end(to: &section)
        let count = section.count
        #expect(count > 0)
        storing.end(to: &section)
        #expect(section.count == count)
    }
}

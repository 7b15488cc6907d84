// Posting lists: what was written comes back through the cursor, by blocks and by seeking, and through the reader.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

/// A list of documents with their positions, as a model and as sections.
private struct ListModel {
    let documents: [UInt32]
    /// Ascending positions by document.
    let positions: [[UInt32]]
    let norms: [UInt8]
    let documentCount: Int
    let hasPositions: Bool

    init(_ count: Int, spread: Int, hasPositions: Bool, _ random: inout SeededRandom) {
        var documents: [UInt32] = []
        var positions: [[UInt32]] = []
        var next: UInt32 = UInt32(random.below(spread))
        for _ in 0..<count {
            documents.append(next)
            next += 1 + UInt32(random.below(spread))
            if random.below(40) == 0 { next += 5_000 }
            var position = UInt32(random.below(50))
            var list: [UInt32] = []
            for _ in 0...(random.below(4) == 0 ? random.below(300) : 0) {
                list.append(position)
                position += 1 + UInt32(random.below(60))
            }
            positions.append(list)
        }
        self.documents = documents
        self.positions = positions
        self.hasPositions = hasPositions
        documentCount = Int(next) + 1
        norms = (0..<documentCount).map { _ in UInt8(random.below(40)) }
    }

    /// First position, then gaps minus one.
    func codes(_ place: Int) -> [UInt32] {
        let list = positions[place]
        return list.enumerated().map { $0.offset == 0 ? $0.element : $0.element - list[$0.offset - 1] - 1 }
    }

    struct Written {
        let postings: SectionView
        let positions: SectionView
        /// Keeps the bytes of the entry, which `info` may point into.
        let entry: MappedFile
        let info: TermInfo
    }

    func written() throws -> Written {
        var postings = SectionWriter(directory: nil, name: "postings")
        var places = SectionWriter(directory: nil, name: "positions")
        // Another list stands before it.
        postings.buffer.append(bytes: UnsafeRawBufferPointer(start: nil, count: 0))
        postings.buffer.append64(1)
        places.buffer.append32(2)
        var entries = ByteWriter()
        norms.withUnsafeBufferPointer { norms in
            var writer = PostingListWriter()
            writer.begin(hasPositions: hasPositions, norms: norms.baseAddress, postings: postings, positions: places)
            for (place, document) in documents.enumerated() {
                codes(place).withUnsafeBufferPointer {
                    writer.add(
                        document, frequency: UInt32($0.count), codes: $0.baseAddress, postings: &postings,
                        positions: &places)
                }
            }
            #expect(writer.finish(postings: &postings, positions: &places, entries: &entries) == !documents.isEmpty)
        }
        let entry = MappedFile(copying: entries.array())
        let bytes = entry.bytes
        var info = TermInfo()
        let start = try #require(bytes.baseAddress)
        var cursor = TermEntryCursor(
            cursor: RawCursor(start, end: start + bytes.count), postingsOffset: 8, positionsOffset: 4)
        #expect(cursor.next(hasPositions: hasPositions, into: &info))
        #expect(cursor.cursor.isAtEnd)
        return Written(
            postings: TestSection.view(postings.buffer.array()), positions: TestSection.view(places.buffer.array()),
            entry: entry, info: info)
    }

    func cursor(_ written: Written) throws -> PostingCursor {
        try PostingCursor(
            written.info, postings: written.postings, positions: written.positions, documentCount: documentCount)
    }
}

@Suite struct PostingListTests {
    private static let sizes = [1, 2, 3, 127, 128, 129, 255, 256, 257, 1_000, 5_000]

    @Test(arguments: [false, true], [1, 7, 900]) func blocksComeBack(hasPositions: Bool, spread: Int) throws {
        var random = SeededRandom(seed: 61 &+ UInt64(spread))
        for size in Self.sizes {
            let model = ListModel(size, spread: spread, hasPositions: hasPositions, &random)
            let written = try model.written()
            let cursor = try model.cursor(written)
            #expect(cursor.documentFrequency == size)
            var at = 0
            var places = CodeBuffer()
            while try cursor.loadNext() {
                let frequencies = try cursor.frequencies()
                for i in 0..<cursor.count {
                    #expect(cursor.documents[i] == model.documents[at])
                    #expect(Int(frequencies[i]) == model.positions[at].count)
                    if hasPositions, random.below(3) > 0 {
                        try cursor.positions(of: i, into: &places)
                        #expect(
                            Array(UnsafeBufferPointer(start: places.values, count: places.count)) == model.positions[at]
                        )
                    }
                    at += 1
                }
            }
            #expect(at == size)
            #expect(try !cursor.loadNext())
            try withExtendedLifetime(written) {
                try check(model, written, readBy: PostingListReader())
            }
        }
    }

    private func check(
        _ model: ListModel, _ written: ListModel.Written, readBy reader: consuming PostingListReader
    ) throws {
        var documents: [UInt32] = []
        var codes: [UInt32] = []
        var frequencies: [UInt32] = []
        try reader.read(
            written.info, postings: written.postings, positions: written.positions, documentCount: model.documentCount
        ) { block in
            documents += UnsafeBufferPointer(start: block.documents, count: block.count)
            frequencies += UnsafeBufferPointer(start: block.frequencies, count: block.count)
            codes += UnsafeBufferPointer(start: block.codes, count: block.codeCount)
        }
        #expect(documents == model.documents)
        #expect(frequencies == model.positions.map { UInt32($0.count) })
        #expect(codes == (model.hasPositions ? model.documents.indices.flatMap(model.codes) : []))
    }

    @Test(arguments: [1, 3, 200]) func seekingFindsTheFirstNotBelow(spread: Int) throws {
        var random = SeededRandom(seed: 62)
        var places = CodeBuffer()
        for size in Self.sizes {
            let model = ListModel(size, spread: spread, hasPositions: true, &random)
            let written = try model.written()
            for stride in [1, 50, 3_000] {
                let cursor = try model.cursor(written)
                var target: UInt32 = 0
                while true {
                    target += UInt32(random.below(stride * spread))
                    let expected = model.documents.firstIndex { $0 >= target }
                    guard try cursor.seek(target) else {
                        #expect(expected == nil)
                        break
                    }
                    let place = try #require(expected)
                    #expect(cursor.document == model.documents[place])
                    if random.below(4) == 0 {
                        try cursor.positions(of: cursor.index, into: &places)
                        #expect(places.count == model.positions[place].count)
                        #expect(places.values[0] == model.positions[place][0])
                        #expect(places.values[places.count - 1] == model.positions[place].last)
                    }
                    target = cursor.document + 1
                }
                #expect(try !cursor.seek(.max))
            }
            withExtendedLifetime(written) {}
        }
    }

    @Test func boundsHoldForEveryBlock() throws {
        var random = SeededRandom(seed: 63)
        let model = ListModel(1_000, spread: 3, hasPositions: true, &random)
        let written = try model.written()
        let cursor = try model.cursor(written)
        for block in 0..<cursor.blockCount {
            let bound = try #require(cursor.bound(block))
            for place in (block * 128)..<min(1_000, block * 128 + 128) {
                #expect(UInt32(model.positions[place].count) <= bound.frequency)
                #expect(model.norms[Int(model.documents[place])] >= bound.lengthCode)
            }
        }
    }

    /// Flipped bytes in the lists (with checksums that agree) are refused or give documents of the segment, ascending.
    @Test func damagedListsNeverTrap() throws {
        var random = SeededRandom(seed: 64)
        let model = ListModel(300, spread: 5, hasPositions: true, &random)
        let written = try model.written()
        let (postings, positions) = (Array(try written.postings.all()), Array(try written.positions.all()))
        for round in 0..<4_000 {
            var (first, second) = (postings, positions)
            if round % 2 == 0 {
                first[random.below(first.count)] = UInt8(truncatingIfNeeded: random.next())
            } else {
                second[random.below(second.count)] = UInt8(truncatingIfNeeded: random.next())
            }
            do {
                let cursor = try PostingCursor(
                    written.info, postings: TestSection.view(first), positions: TestSection.view(second),
                    documentCount: model.documentCount)
                var places = CodeBuffer()
                while try cursor.loadNext() {
                    for i in 0..<cursor.count {
                        #expect(Int(cursor.documents[i]) < model.documentCount)
                    }
                    try cursor.positions(of: random.below(cursor.count), into: &places)
                }
            } catch {
                continue
            }
        }
        withExtendedLifetime(written) {}
    }
}

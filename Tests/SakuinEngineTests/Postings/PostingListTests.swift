// Posting lists: what was written comes back through the cursor, by blocks and by seeking, and through the reader.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

/// A list of documents with the numbers of their occurrences, as a model and as sections. A ranked one comes behind the list of its
/// character, which has its documents and others.
private struct ListModel {
    let documents: [UInt32]
    /// Numbers of occurrences by document.
    let positions: [[UInt32]]
    let occurrences: OccurrenceKind
    let hasLinks: Bool
    let norms: [UInt8]
    let documentCount: Int
    let key: UInt64
    /// Documents of the character.
    let characters: [UInt32]

    static func key(_ kind: GramKey.Kind) -> UInt64 {
        GramKey.make(field: 0, kind: kind, 0x56FD, kind == .bigram ? 0x5BB6 : 0)
    }

    init(_ count: Int, spread: Int, _ kind: GramKey.Kind, hasLinks: Bool = true, _ random: inout SeededRandom) {
        key = Self.key(kind)
        self.hasLinks = hasLinks
        occurrences = GramKey.occurrences(key, hasLinks: hasLinks)
        let valueCount = max(occurrences.valueCount, 1)
        var documents: [UInt32] = []
        var positions: [[UInt32]] = []
        var next: UInt32 = UInt32(random.below(spread))
        for _ in 0..<count {
            documents.append(next)
            next += 1 + UInt32(random.below(spread))
            if random.below(40) == 0 { next += 5_000 }
            var (link, position) = (UInt32(random.below(2) * random.below(90)), UInt32(random.below(50)))
            var list: [UInt32] = []
            for _ in 0...(random.below(4) == 0 ? random.below(300) : 0) {
                if valueCount == 2 { list.append(link) }
                list.append(position)
                link += 1 + UInt32(random.below(3) * random.below(3))
                position += 1 + UInt32(random.below(60))
            }
            positions.append(list)
        }
        self.documents = documents
        self.positions = positions
        let total = Int(next) + 1
        documentCount = total
        var norms = (0..<total).map { _ in UInt8(random.below(40)) }
        for (document, list) in zip(documents, positions) {
            norms[Int(document)] = LengthCode.encode((list.last ?? 0) / 2 + 1)
        }
        self.norms = norms
        let others = (0..<(total / 3)).map { _ in UInt32(random.below(total)) }
        characters = Set(documents + others).sorted()
    }

    var hasPositions: Bool { occurrences != .none }
    /// The place of the first document not below one.
    func place(from document: UInt32) -> Int {
        var (low, high) = (0, documents.count)
        while low < high {
            let middle = (low + high) / 2
            (low, high) = documents[middle] < document ? (middle + 1, high) : (low, middle)
        }
        return low
    }
    /// The place of a document, if it is one.
    func place(of document: UInt32) -> Int? {
        let place = place(from: document)
        return place < documents.count && documents[place] == document ? place : nil
    }

    func frequency(_ place: Int) -> Int { positions[place].count / max(occurrences.valueCount, 1) }
    var isRanked: Bool { GramKey.isRanked(key, documentFrequency: documents.count) }

    struct Written {
        var postings: [UInt8]
        var positions: [UInt8]
        let grams: GramDictionary

        func source(_ documentCount: Int) -> PostingSource {
            PostingSource(
                postings: TestSection.view(postings), positions: TestSection.view(positions),
                documentCount: documentCount, isOld: false)
        }
    }

    /// The lengths as a list sees them; `norms` must stay where they are.
    func lengths(_ norms: UnsafeBufferPointer<UInt8>) -> FieldLengths {
        FieldLengths(norms: norms.baseAddress, documentCount: 1, lengthSum: 40)
    }

    func written() throws -> Written {
        var terms = TermSections(
            directory: MemoryDirectory(), name: "list", documentCount: documentCount, hasLinks: hasLinks)
        try norms.withUnsafeBufferPointer { norms in
            if isRanked {
                terms.beginGram(GramKey.character(of: key), lengths(norms))
                for document in characters { terms.add(document, frequency: 1, positions: nil) }
                try terms.endGram()
            }
            terms.beginGram(key, lengths(norms))
            for (place, document) in documents.enumerated() {
                positions[place].withUnsafeBufferPointer {
                    terms.add(document, frequency: UInt32(frequency(place)), positions: $0.baseAddress)
                }
            }
            try terms.endGram()
        }
        terms.finish()
        return Written(
            postings: terms.postings.buffer.array(), positions: terms.positions.buffer.array(),
            grams: try GramDictionary(TestSection.view(terms.grams.buffer.array()), hasLinks: hasLinks))
    }

    /// The cursor; `norms` are valid as long as `body` runs.
    func withCursor(_ written: Written, _ body: (PostingCursor) throws -> Void) throws {
        try norms.withUnsafeBufferPointer { norms in
            let source = written.source(documentCount)
            let info = try #require(try written.grams.find(key))
            let character = isRanked ? try written.grams.find(GramKey.character(of: key)) : nil
            let memory = ScratchMemory()
            try body(try PostingCursor(info, source, character: character, lengths(norms), memory.scratch))
        }
    }
}

@Suite struct PostingListTests {
    private func occurrences(_ cursor: PostingCursor, _ place: Int) throws -> [UInt32] {
        let read = PositionBuffer(cursor.scratch)
        try cursor.appendOccurrences(of: place, to: read)
        return Array(UnsafeBufferPointer(start: read.values, count: read.count))
    }

    private static let sizes = [1, 2, 3, 127, 128, 129, 255, 256, 257, 1_000, 5_000]

    @Test(arguments: GramKey.Kind.allCases, [1, 7, 900]) func blocksComeBack(
        kind: GramKey.Kind, spread: Int
    ) throws {
        var random = SeededRandom(seed: 61 &+ UInt64(spread))
        // Positions by lists of a few blocks.
        for (size, hasLinks) in Self.sizes.map({ ($0, true) }) + Self.sizes.prefix(9).map({ ($0, false) }) {
            let model = ListModel(size, spread: spread, kind, hasLinks: hasLinks, &random)
            let written = try model.written()
            try model.withCursor(written) { cursor in
                #expect(cursor.documentFrequency == size)
                var at = 0
                while try cursor.loadNext() {
                    let places = at..<min(at + cursor.count, size)
                    let frequencies = UnsafeBufferPointer(start: try cursor.frequencies(), count: cursor.count)
                    let documents = UnsafeBufferPointer(start: cursor.documents, count: cursor.count)
                    #expect(documents.elementsEqual(model.documents[places]))
                    #expect(frequencies.elementsEqual(places.map { UInt32(model.frequency($0)) }))
                    let read = model.hasPositions ? places.filter { _ in random.below(3) > 0 } : []
                    let found = try read.map { try occurrences(cursor, $0 - at) }
                    #expect(found == read.map { model.positions[$0] })
                    at += cursor.count
                }
                #expect(at == size)
                #expect(try !cursor.loadNext())
            }
            try check(model, written)
        }
    }

    private func check(_ model: ListModel, _ written: ListModel.Written) throws {
        var documents: [UInt32] = []
        var positions: [UInt32] = []
        var frequencies: [UInt32] = []
        var reader = PostingListReader()
        let info = try #require(try written.grams.find(model.key))
        try model.norms.withUnsafeBufferPointer { norms in
            try model.characters.withUnsafeBufferPointer { base in
                try reader.read(
                    info, written.source(model.documentCount), base: base, model.lengths(norms)
                ) { block in
                    documents += UnsafeBufferPointer(start: block.documents, count: block.count)
                    frequencies += UnsafeBufferPointer(start: block.frequencies, count: block.count)
                    positions += UnsafeBufferPointer(start: block.positions, count: block.positionCount)
                }
            }
        }
        #expect(documents == model.documents)
        #expect(frequencies == model.positions.indices.map { UInt32(model.frequency($0)) })
        #expect(positions == (model.hasPositions ? model.positions.flatMap { $0 } : []))
    }

    @Test(arguments: [GramKey.Kind.edge, .bigram], [1, 3, 200]) func seekingFindsTheFirstNotBelow(
        kind: GramKey.Kind, spread: Int
    ) throws {
        var random = SeededRandom(seed: 62)
        for size in Self.sizes {
            let model = ListModel(size, spread: spread, kind, &random)
            let written = try model.written()
            for stride in [1, 50, 3_000] {
                try model.withCursor(written) { cursor in
                    var target: UInt32 = 0
                    while true {
                        target += UInt32(random.below(stride * spread))
                        let place = model.place(from: target)
                        guard try cursor.seek(target) else {
                            #expect(place == size)
                            break
                        }
                        try #require(place < size)
                        #expect(cursor.document == model.documents[place])
                        if random.below(4) == 0 {
                            let found = try occurrences(cursor, cursor.index)
                            #expect(found == model.positions[place])
                        }
                        target = cursor.document + 1
                    }
                    #expect(try !cursor.seek(.max))
                }
            }
        }
    }

    /// `has` finds the same as looking the document up, by rank or not, and leaves the cursor at its positions.
    @Test(arguments: [GramKey.Kind.edge, .bigram], [1, 3, 200]) func hasTellsEveryDocument(
        kind: GramKey.Kind, spread: Int
    ) throws {
        var random = SeededRandom(seed: 65)
        for size in Self.sizes {
            let model = ListModel(size, spread: spread, kind, &random)
            let written = try model.written()
            for stride in [1, 40, 2_000] {
                try model.withCursor(written) { cursor in
                    var (found, expected): ([UInt32], [UInt32]) = ([], [])
                    var document = UInt32(random.below(stride))
                    while document < model.documentCount + 10 {
                        let place = model.place(of: document)
                        if place != nil { expected.append(document) }
                        if try cursor.has(document) {
                            found.append(document)
                            if let place, random.below(3) == 0 {
                                let read = try occurrences(cursor, cursor.index)
                                #expect(read == model.positions[place])
                            }
                        }
                        document += 1 + UInt32(random.below(stride))
                    }
                    #expect(found == expected)
                }
            }
        }
    }

    /// `findCommon` finds what looking each document up finds, in pieces of one block, few or many wanted at a time, and
    /// positions follow.
    @Test(arguments: [GramKey.Kind.edge, .bigram], [1, 3, 200]) func commonDocumentsAreFound(
        kind: GramKey.Kind, spread: Int
    ) throws {
        var random = SeededRandom(seed: 66)
        for size in Self.sizes {
            let model = ListModel(size, spread: spread, kind, &random)
            let written = try model.written()
            for stride in [1, 4, 40, 2_000] {
                let asked = (0..<(model.documentCount + 10)).filter { _ in random.below(stride) == 0 }.map {
                    UInt32($0)
                }
                try model.withCursor(written) { cursor in
                    var found: [UInt32] = []
                    for start in Swift.stride(from: 0, to: asked.count, by: 100) {
                        let part = Array(asked[start..<min(start + 100, asked.count)])
                        found += try common(part, cursor, model, checksPositions: random.below(3) == 0)
                    }
                    #expect(found == asked.filter { model.place(of: $0) != nil })
                }
            }
        }
    }

    private func common(
        _ wanted: [UInt32], _ cursor: PostingCursor, _ model: ListModel, checksPositions: Bool
    ) throws -> [UInt32] {
        let pairs = UnsafeMutablePointer<PlacePair>.allocate(capacity: 128)
        defer { pairs.deallocate() }
        var (found, at): ([UInt32], Int) = ([], 0)
        while at < wanted.count {
            let (count, next) = try cursor.findCommon(wanted, at, wanted.count, into: pairs)
            for k in 0..<count {
                let document = wanted[Int(pairs[k].wanted)]
                found.append(document)
                guard checksPositions, let place = model.place(of: document) else { continue }
                #expect(try occurrences(cursor, Int(pairs[k].place)) == model.positions[place])
            }
            #expect(next > at)
            at = next
        }
        return found
    }

    @Test(arguments: [GramKey.Kind.edge, .bigram]) func boundsHoldForEveryBlock(kind: GramKey.Kind) throws {
        var random = SeededRandom(seed: 63)
        let model = ListModel(1_000, spread: 3, kind, &random)
        try model.withCursor(try model.written()) { cursor in
            for block in 0..<cursor.blockCount {
                let bound = try #require(cursor.bound(block))
                for place in (block * 128)..<min(1_000, block * 128 + 128) {
                    #expect(UInt32(model.frequency(place)) <= bound.frequency)
                    #expect(model.norms[Int(model.documents[place])] >= bound.lengthCode)
                }
            }
        }
    }

    /// A gram in a document that its character is not in is refused: its rank could not be told.
    @Test func ranksOfOtherDocumentsAreRefused() throws {
        var terms = TermSections(directory: MemoryDirectory(), name: "list", documentCount: 10, hasLinks: false)
        let key = ListModel.key(.bigram)
        terms.beginGram(GramKey.character(of: key), FieldLengths())
        for document: UInt32 in [1, 4] { terms.add(document, frequency: 1, positions: nil) }
        try terms.endGram()
        terms.beginGram(key, FieldLengths())
        for document: UInt32 in [1, 5] { terms.add(document, frequency: 1, positions: [2]) }
        #expect(throws: StorageError.self) { try terms.endGram() }
    }

    /// Flipped bytes in the lists (with checksums that agree) are refused or give documents of the segment.
    @Test(arguments: [GramKey.Kind.edge, .bigram], [60, 300]) func damagedListsNeverTrap(
        kind: GramKey.Kind, size: Int
    ) throws {
        var random = SeededRandom(seed: 64)
        let model = ListModel(size, spread: 5, kind, &random)
        let written = try model.written()
        for round in 0..<2_000 {
            var damaged = written
            if round % 2 == 0 || damaged.positions.isEmpty {
                damaged.postings[random.below(written.postings.count)] = UInt8(truncatingIfNeeded: random.next())
            } else {
                damaged.positions[random.below(written.positions.count)] = UInt8(truncatingIfNeeded: random.next())
            }
            do {
                try model.withCursor(damaged) { cursor in
                    while try cursor.loadNext() {
                        let documents = UnsafeBufferPointer(start: cursor.documents, count: cursor.count)
                        #expect(documents.allSatisfy { $0 < model.documentCount })
                        _ = try occurrences(cursor, random.below(cursor.count))
                    }
                }
                try check(damaged, model)
            } catch {
                continue
            }
        }
    }

    /// A character's list whose skip data name a last document that the segment does not have (with checksums that agree)
    /// is refused where a ranked list looks only at the documents it needs.
    @Test func lastDocumentsBehindTheSegmentAreRefused() throws {
        var random = SeededRandom(seed: 67)
        let model = ListModel(90, spread: 5, .bigram, &random)
        var damaged = try model.written()
        let info = try #require(try damaged.grams.find(GramKey.character(of: model.key)))
        let last = try #require(model.documents.last)
        let trailer = damaged.postings[info.postingsOffset + info.postingsByteCount - 1]
        let widths = try #require(
            SkipData.Widths(trailer: trailer, documentCount: model.documentCount, hasPositions: false, isRanked: false))
        let source = damaged.source(model.documentCount)
        let at = try withExtendedLifetime(source) {
            let (start, _, skip) = try source.list(info)
            let known = try #require(skip)
            var block = 0
            while known.lastDocument(block) < last { block += 1 }
            return info.postingsOffset + (known.start - start) + block * widths.stride
        }
        for byte in 0..<widths.document { damaged.postings[at + byte] = 0xFF }
        try model.withCursor(damaged) { cursor in
            #expect(throws: StorageError.self) { try cursor.has(last) }
        }
        try model.withCursor(damaged) { cursor in #expect(throws: StorageError.self) { try cursor.loadNext() } }
    }

    /// Reads the damaged list whole; what comes out must be documents of the segment.
    private func check(_ damaged: ListModel.Written, _ model: ListModel) throws {
        var reader = PostingListReader()
        let info = try #require(try damaged.grams.find(model.key))
        try model.norms.withUnsafeBufferPointer { norms in
            try model.characters.withUnsafeBufferPointer { base in
                try reader.read(
                    info, damaged.source(model.documentCount), base: base, model.lengths(norms)
                ) { block in
                    for i in 0..<block.count { #expect(Int(block.documents[i]) < model.documentCount) }
                }
            }
        }
    }
}

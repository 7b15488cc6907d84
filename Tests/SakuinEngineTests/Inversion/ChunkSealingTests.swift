// Chunks sealed together, in parts on several threads, against one chunk of the same documents.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct ChunkSealingTests {
    private static let schema = Schema(fields: [
        FieldDefinition(name: "title"), FieldDefinition(name: "body"), FieldDefinition(name: "tag", type: .keyword),
        FieldDefinition(name: "year", type: .integer), FieldDefinition(name: "units", analyzer: .words),
    ])
    private let registry = FieldRegistry(schema: Self.schema, names: Self.schema.fields.map(\.name))

    private func documents(_ count: Int, _ random: inout SeededRandom) -> [Document] {
        (0..<count).map { i in
            var document = Document(key: "key-\(i / 3)-\(i)", fields: [])
            func add(_ name: String, _ value: FieldValue) { document.fields.append(Document.Field(name, value)) }
            add("body", .string(TextMaker.text(random.below(200), &random)))
            if random.below(3) > 0 { add("title", .string(TextMaker.text(random.below(10), &random))) }
            if random.below(2) > 0 { add("tag", .string("标\(random.below(9))")) }
            if random.below(2) > 0 { add("year", .integer(Int64(random.below(3_000)))) }
            if random.below(4) > 0 { add("units", .string(TextMaker.text(random.below(30), &random))) }
            return document
        }
    }

    private func inverter(
        _ documents: ArraySlice<Document>, _ registry: FieldRegistry? = nil,
        spillsTo directory: (any Directory)? = nil, spillName: String = "",
        spillByteCount: Int = SectionWriter.usualSpillByteCount, helpedByteCountMin: Int? = nil
    ) throws -> Inverter {
        let registry = registry ?? self.registry
        let inverter = Inverter(
            registry: registry, spillsTo: directory, spillName: spillName, spillByteCount: spillByteCount,
            helpedByteCountMin: helpedByteCountMin)
        if documents.isEmpty { return inverter }
        let batch = WriteBatch(documents.map { .put($0) })
        let encoded = try #require(try BatchEncoder.encode(batch, registry).batch)
        try encoded.forEach { (index, _, body) throws(StorageError) in
            try inverter.add(body, ordinal: UInt64(documents.startIndex + index), sequence: 7)
        }
        return inverter
    }

    /// Everything the segment says; lists as the bytes they are.
    private func contents(_ directory: MemoryDirectory, _ sealed: SealedSegment) throws -> [String] {
        let reader = try SegmentReader(directory, FileName.segment(sealed.id))
        try SegmentCheck.run(reader)
        var lines = ["\(sealed.ordinals) \(sealed.keyHashes) \(reader.meta)"]
        var cache = DocumentBlockCache()
        for document in 0..<UInt32(reader.meta.documentCount) {
            try reader.documents.document(document, &cache) { (bytes) throws(StorageError) in
                lines.append("\(try EncodedDocumentReader.decode(bytes, names: reader.meta.fieldNames, file: ""))")
            }
        }
        for entry in reader.columns.entries {
            let column = try reader.columns.column(entry)
            lines.append("\(entry.field) \((0..<UInt32(reader.meta.documentCount)).map { column.value($0) })")
        }
        var grams = reader.grams.iterator()
        while try grams.next() { lines.append("\(grams.key) \(grams.info)") }
        var words = reader.words.iterator()
        while try words.next() { lines.append("\(words.key) \(words.info)") }
        for view in [reader.postingSource.postings, reader.postingSource.positions] {
            lines.append("\(Array(try view.bytes(0, view.count)))")
        }
        return lines.map { line in
            // Where a reader of bits stands in memory is not what the segment says.
            line.replacing(/0x[0-9a-f]+/, with: "").replacing(/bit: [0-9]+/, with: "")
        }
    }

    /// Everything the segment of these chunks says, whose parts are written in any order.
    private func sealedContents(
        _ chunks: [Inverter], _ partCount: Int, _ directory: MemoryDirectory, _ random: inout SeededRandom
    ) throws -> [String] {
        let sealing = ChunkSealing(chunks, registry, partCount: partCount)
        for part in (0..<partCount).shuffled(using: &random) { try sealing.write(part: part, to: directory, id: 1) }
        return try contents(directory, try sealing.finish(directory, id: 1))
    }

    @Test(arguments: 1..<3 as Range<UInt64>) func chunksSealedTogetherAreOneChunk(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let documents = self.documents(150, &random)
        let whole = MemoryDirectory()
        let one = try #require(try inverter(documents[...]).seal(whole, id: 1, keepsMemory: true))
        let expected = try contents(whole, one)
        for partCount in [1, 2, 3, 7] {
            let cuts = [0, random.below(70), 70 + random.below(70), documents.count]
            let chunks = try (0..<3).map { try inverter(documents[cuts[$0]..<cuts[$0 + 1]]) }
            let directory = MemoryDirectory()
            let found = try sealedContents(chunks, partCount, directory, &random)
            #expect(found == expected, "seed \(seed), \(partCount) parts")
            #expect(try directory.list() == [FileName.segment(1)])
        }
    }

    /// The first chunk's file becomes the segment's, those of the others are copied.
    @Test(arguments: 1..<4 as Range<UInt64>) func documentsInFilesOfTheirOwn(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let documents = self.documents(600, &random)
        let whole = MemoryDirectory()
        let one = try #require(try inverter(documents[...]).seal(whole, id: 1, keepsMemory: true))
        let expected = try contents(whole, one)
        for (chunkCount, partCount) in [(1, 1), (3, 1), (3, 3)] {
            let directory = MemoryDirectory()
            let cuts = chunkCount == 1 ? [0, 600] : [0, random.below(300), 300 + random.below(200), 600]
            let chunks = try (0..<chunkCount).map {
                try inverter(
                    documents[cuts[$0]..<cuts[$0 + 1]], spillsTo: directory, spillName: "documents-\($0)",
                    spillByteCount: 1_000)
            }
            #expect(try !directory.list().isEmpty)
            let found = try sealedContents(chunks, partCount, directory, &random)
            #expect(found == expected, "seed \(seed), \(chunkCount) chunks, \(partCount) parts")
            #expect(try directory.list() == [FileName.segment(1)])
        }
    }

    @Test(arguments: 1..<4 as Range<UInt64>) func aHelperChangesNoByte(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let documents = self.documents(200, &random)
        let promoting = FieldRegistry(
            schema: Self.schema, names: registry.names,
            promotion: PromotionRule(thresholdMin: 3, wholeShareThreshold: 4))
        for (pieceWordCount, spillByteCount) in [(1, 1 << 20), (20, 1 << 20), (40, 2_000), (1_000, 1 << 20)] {
            let directory = MemoryDirectory()
            // With little to spill hardly more than one piece may be at hand, and windows are small.
            let whole = MemoryDirectory()
            let alone = try inverter(documents[...], promoting, spillByteCount: spillByteCount)
            _ = try alone.seal(whole, id: 1, keepsMemory: true)
            let expected = try whole.read(FileName.segment(1))
            let sections = try SegmentReader(whole, FileName.segment(1)).sectionSizes
            #expect(sections.contains { $0.name == "promotedPostings" && $0.byteCount > 0 })
            let chunk = try inverter(
                documents[...], promoting, spillByteCount: spillByteCount, helpedByteCountMin: 0)
            let sealing = ChunkSealing([chunk], promoting, partCount: 1, pieceWordCount: pieceWordCount)
            try sealing.write(part: 0, to: directory, id: 1, withHelper: true)
            _ = try sealing.finish(directory, id: 1, withHelper: true)
            #expect(try directory.read(FileName.segment(1)) == expected, "seed \(seed), pieces of \(pieceWordCount)")
            #expect(try directory.list() == [FileName.segment(1)])
        }
    }

    /// Wherever it comes: while grams are coded, beside the search for promoted ones, or when all are found.
    @Test func aFailureBesideHelpersIsThrown() throws {
        var random = SeededRandom(seed: 11)
        let documents = self.documents(60, &random)
        let promoting = FieldRegistry(
            schema: Self.schema, names: registry.names,
            promotion: PromotionRule(thresholdMin: 3, wholeShareThreshold: 4))
        let counting = FaultDirectory(MemoryDirectory(), FaultDirectory.Plan(first: .max, lasts: true))
        let whole = try inverter(documents[...], promoting, spillByteCount: 256, helpedByteCountMin: 0)
        _ = try whole.seal(counting, id: 1, keepsMemory: false)
        let callCount = counting.operationCount
        for first in Array(0..<8) + (8..<callCount).shuffled(using: &random).prefix(40) {
            let directory = FaultDirectory(MemoryDirectory(), FaultDirectory.Plan(first: first, lasts: true))
            let chunk = try inverter(documents[...], promoting, spillByteCount: 256, helpedByteCountMin: 0)
            let sealing = ChunkSealing([chunk], promoting, partCount: 1, pieceWordCount: 50)
            #expect(throws: StorageError.self, "call \(first) of \(callCount)") {
                try sealing.write(part: 0, to: directory, id: 1, withHelper: true)
                _ = try sealing.finish(directory, id: 1, withHelper: true)
            }
        }
    }

    /// Its documents may be in the file that could not be ended: a second try would make a segment without them.
    @Test func aChunkThatCouldNotBeSealedIsForgotten() throws {
        var random = SeededRandom(seed: 12)
        let documents = self.documents(300, &random)
        let counting = FaultDirectory(MemoryDirectory(), FaultDirectory.Plan(first: .max, lasts: true))
        let whole = try inverter(documents[...], spillsTo: counting, spillByteCount: 1_000)
        let spilledCount = counting.operationCount
        _ = try whole.seal(counting, id: 1, keepsMemory: true)
        #expect(spilledCount > 2)
        for first in spilledCount..<counting.operationCount {
            let directory = FaultDirectory(MemoryDirectory(), FaultDirectory.Plan(first: first, lasts: true))
            let chunk = try inverter(documents[...], spillsTo: directory, spillByteCount: 1_000)
            #expect(throws: StorageError.self) { try chunk.seal(directory, id: 1, keepsMemory: true) }
            #expect(try chunk.seal(MemoryDirectory(), id: 2, keepsMemory: true) == nil)
        }
    }

    /// `@unchecked Sendable`: each thread has a chunk of its own, see `SealMeeting`.
    private struct Box: @unchecked Sendable { let chunk: Inverter }

    /// What each lane gets of a meeting of these chunks.
    private func meet(_ chunks: [Inverter], _ directory: any Directory) -> [Result<SealedSegment?, StorageError>] {
        let meeting = SealMeeting(laneCount: chunks.count)
        let results = Monitor([Result<SealedSegment?, StorageError>]())
        let (registry, boxes) = (registry, chunks.map { Box(chunk: $0) })
        let threads = boxes.map { box in
            WorkerThread {
                let result: Result<SealedSegment?, StorageError>
                do throws(StorageError) {
                    result = .success(try meeting.seal(box.chunk, registry, directory) { 5 })
                } catch { result = .failure(error) }
                results.change { $0.append(result) }
            }
        }
        for thread in threads { thread.join() }
        return results.read { $0 }
    }

    @Test func oneLaneEndsTheMeeting() throws {
        var random = SeededRandom(seed: 9)
        for round in 0..<6 {
            let documents = self.documents(30, &random)
            let directory = MemoryDirectory()
            // Some lanes may have nothing.
            let cuts = [0, round % 3 == 0 ? 0 : 10, 10, 30]
            let chunks = try (0..<3).map { try inverter(documents[cuts[$0]..<cuts[$0 + 1]]) }
            let sealed = try meet(chunks, directory).compactMap { try $0.get() }
            #expect(sealed.count == 1)
            #expect(sealed.first?.ordinals.sorted() == (UInt64(cuts[0])..<30).map { $0 })
            try SegmentCheck.run(try SegmentReader(directory, FileName.segment(5)))
        }
    }

    @Test func lanesWithoutDocumentsSealNothing() throws {
        let directory = MemoryDirectory()
        let results = meet(try (0..<3).map { _ in try inverter([]) }, directory)
        #expect(try results.compactMap { try $0.get() }.isEmpty && results.count == 3)
        #expect(try directory.list() == [])
    }

    @Test func aFailureIsEveryLanes() throws {
        var random = SeededRandom(seed: 10)
        let documents = self.documents(30, &random)
        for first in 0..<3 {
            let directory = FaultDirectory(MemoryDirectory(), FaultDirectory.Plan(first: first, lasts: true))
            let chunks = try [documents[..<9], documents[9..<20], documents[20...]].map { try inverter($0) }
            for result in meet(chunks, directory) {
                #expect(throws: StorageError.self) { try result.get() }
            }
        }
    }
}

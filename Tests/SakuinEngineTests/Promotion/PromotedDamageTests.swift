// Promoted grams whose bytes say something else than they should, under checksums that match.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct PromotedDamageTests {
    private let registry = FieldRegistry(
        schema: Schema(fields: [FieldDefinition(name: "body")]), names: ["body"],
        promotion: PromotionRule(thresholdMin: 4, postingShareMax: 100, wholeShareThreshold: 1))
    private let name = FileName.segment(1)

    /// A segment in which all grams of a few characters are frequent, and some lists have several blocks.
    private func directory() throws -> MemoryDirectory {
        var random = SeededRandom(seed: 5)
        let inverter = Inverter(registry: registry)
        let documents = (0..<400).map { i in
            let text = (0..<12).map { _ in ["国", "际", "数", "，"][random.below(4)] }.joined()
            return Document(key: "\(i)", ["body": .string(text)])
        }
        let batch = try BatchEncoder.encode(WriteBatch(documents.map { .put($0) }), registry).batch
        try #require(batch).forEach { (index, _, body) throws(StorageError) in
            try inverter.add(body, ordinal: UInt64(index), sequence: 1)
        }
        let directory = MemoryDirectory()
        _ = try inverter.seal(directory, id: 1, keepsMemory: false)
        return directory
    }

    private func section(_ id: SegmentLayout.Section, _ directory: MemoryDirectory) throws -> [UInt8] {
        let view = try SegmentFooter(try directory.open(name), name).section(id)
        let bytes = Array(try view.all())
        return withExtendedLifetime(view) { bytes }
    }

    /// The segment with other bytes in some sections.
    private func copy(
        _ directory: MemoryDirectory, _ changed: [SegmentLayout.Section: [UInt8]]
    ) throws -> MemoryDirectory {
        let meta = try SegmentReader(directory, name).meta
        let copy = MemoryDirectory()
        var file = try SegmentFileWriter(try copy.create(name))
        for id in SegmentLayout.Section.allCases {
            var bytes = ByteWriter()
            for byte in try changed[id] ?? section(id, directory) { bytes.append(byte) }
            try file.append(id) { (sink) throws(StorageError) in
                try bytes.withBytes { (bytes) throws(StorageError) in try sink.write(bytes) }
            }
        }
        _ = try file.finish(meta)
        return copy
    }

    /// How many documents a phrase is in.
    private func count(_ text: String, _ segment: SegmentReader) throws -> Int {
        let plan = try QueryPlanner.plan(
            .text(text, fields: []), filter: nil, SearchedFields(registry), fields: [], highlights: false,
            proofs: [.positions])
        let memory = ScratchMemory()
        let scratch = memory.scratch
        let query = try SegmentQuery(plan, segment, scratch)
        if let count = query.plainDocumentFrequency { return count }
        let matcher = try query.matcher([])
        let batch = MatchBatch(scratch)
        var (count, target) = (0, UInt32(0))
        while true {
            let found = try matcher.next(from: target, above: -.infinity, into: batch)
            if found == 0 { return count }
            count += found
            target = batch.documents[found - 1] &+ 1
        }
    }

    @Test func anyBytesAreFoundOrAnswered() throws {
        let good = try directory()
        try SegmentCheck.run(try SegmentReader(try copy(good, [:]), name))
        var random = SeededRandom(seed: 6)
        for round in 0..<600 {
            let id: SegmentLayout.Section = round % 2 == 0 ? .promoted : .promotedPostings
            var bytes = try section(id, good)
            switch round % 6 {
            case 0, 1: bytes.removeLast(random.below(bytes.count))
            case 2, 3: bytes[bytes.count - 1 - random.below(40)] = UInt8(random.below(256))
            default: for _ in 0..<3 { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            }
            do {
                let segment = try SegmentReader(try copy(good, [id: bytes]), name)
                for text in ["国际数", "数数数", "国际数国", "际国数际国", "国国国国国国国国国"] {
                    do { _ = try count(text, segment) } catch is StorageError {} catch is SearchError {}
                }
                try SegmentCheck.run(segment)
            } catch let error as StorageError {
                guard case .corrupt = error else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
    }

    /// Writes the promoted grams again, each list as `change` leaves it.
    private func rewritten(
        _ directory: MemoryDirectory,
        _ change: (_ gram: [UInt32], inout [(document: UInt32, frequency: UInt32)]) -> Void
    ) throws -> MemoryDirectory {
        let segment = try SegmentReader(directory, name)
        let promoted = try #require(segment.promoted)
        let lengths = try segment.lengths(0)
        let rest = MemoryDirectory()
        var sections = PromotedSections(directory: rest, name: "x", documentCount: 400, spillByteCount: 1 << 20)
        var grams = promoted.dictionary.iterator()
        var reader = PostingListReader()
        while try grams.next() {
            let gram = try #require(PromotedGrams.gram(of: grams.key)).characters
            var postings: [(document: UInt32, frequency: UInt32)] = []
            try reader.read(
                grams.info, segment.promotedSource, base: UnsafeBufferPointer(start: nil, count: 0), lengths
            ) { (block) in
                for i in 0..<block.count { postings.append((block.documents[i], block.frequencies[i])) }
            }
            change(gram, &postings)
            var documents = CodeBuffer()
            var frequencies = CodeBuffer()
            for posting in postings {
                documents.append(posting.document)
                frequencies.append(posting.frequency)
            }
            try sections.append(
                field: 0, gram,
                PostingRun(count: postings.count, documents: documents.values, frequencies: frequencies.values),
                lengths)
        }
        let field = try #require(promoted.fields[0])
        sections.end(field: 0, field)
        var file = try SegmentFileWriter(try rest.create(name))
        try sections.finish(to: &file)
        _ = try file.finish(segment.meta)
        return try copy(
            directory,
            [
                .promoted: try section(.promoted, rest), .promotedPostings: try section(.promotedPostings, rest),
            ])
    }

    @Test func aListThatSaysOtherThanTheBigramsIsFound() throws {
        let good = try directory()
        let same = try SegmentReader(try rewritten(good) { _, _ in }, name)
        try SegmentCheck.run(same)
        #expect(try count("国际数", same) == count("国际数", try SegmentReader(good, name)))
        // The first gram is one of those compared.
        var isFirst = true
        let less = try rewritten(good) { _, postings in
            if isFirst { postings.removeLast() }
            isFirst = false
        }
        #expect(throws: StorageError.self) { try SegmentCheck.run(try SegmentReader(less, name)) }
        isFirst = true
        let more = try rewritten(good) { _, postings in
            if isFirst { postings[3].frequency += 1 }
            isFirst = false
        }
        #expect(throws: StorageError.self) { try SegmentCheck.run(try SegmentReader(more, name)) }
    }

    @Test func segmentsWithoutFrequentBigramsHaveNoSection() throws {
        let inverter = Inverter(registry: registry)
        let batch = try BatchEncoder.encode(
            WriteBatch([.put(Document(key: "a", ["body": "国际数字"]))]), registry
        ).batch
        try #require(batch).forEach { (_, _, body) throws(StorageError) in
            try inverter.add(body, ordinal: 1, sequence: 1)
        }
        let directory = MemoryDirectory()
        _ = try inverter.seal(directory, id: 1, keepsMemory: false)
        let segment = try SegmentReader(directory, name)
        #expect(segment.promoted == nil && !segment.sectionSizes.contains { $0.name.hasPrefix("promoted") })
        #expect(try count("国际数", segment) == 1)
    }
}

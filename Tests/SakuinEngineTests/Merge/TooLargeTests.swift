// Keys or keywords with more bytes than the format's offsets can say: the merge or the flush is refused, and what there was
// stays.

import Testing

@testable import SakuinEngine

@Suite struct TooLargeTests {
    private static let schema = Schema(fields: [FieldDefinition(name: "tag", type: .keyword)])

    private static func document(_ number: Int, keyByteCount: Int, tagByteCount: Int) -> Document {
        func text(_ byteCount: Int) -> String { "\(100 + number)" + String(repeating: "x", count: byteCount - 3) }
        return Document(key: text(keyByteCount), ["tag": .string(text(tagByteCount))])
    }

    /// Which of both is too large, and a limit that the other keeps.
    private static let cases = [(100, 3, "keys", 400), (3, 100, "keywords of a field", 400)]

    @Test(arguments: cases)
    func merges(keyByteCount: Int, tagByteCount: Int, part: String, limit: Int) async throws {
        let memory = MemoryDirectory()
        let index = try SearchIndex.open(memory, schema: Self.schema, options: SearchFixture.options)
        for first in [0, 20] {
            let documents = (first..<(first + 20)).map {
                Self.document($0, keyByteCount: keyByteCount, tagByteCount: tagByteCount)
            }
            _ = try await index.write(WriteBatch(documents.map { .put($0) }))
            _ = try await index.commit()
        }
        let inputs = index.store.snapshot.segments.enumerated().map { number, segment in
            MergeInput(segment.reader, live: segment.live, firstDocument: UInt32(20 * number))
        }
        let files = memory.everyFile
        let error = #expect(throws: StorageError.self) {
            try SegmentMerger(
                inputs, index.registry, directory: memory, MergeControl(), index.memory.shares, offsetMax: limit
            ).run(id: 9)
        }
        guard case .tooLarge(part, _, limit)? = error else { throw SakuinError(.internalError, "\(error as Any)") }
        #expect(memory.everyFile == files)
        #expect(error?.isDamage == false)
        index.abandon()
    }

    @Test(arguments: cases)
    func flushes(keyByteCount: Int, tagByteCount: Int, part: String, limit: Int) throws {
        let registry = FieldRegistry(schema: Self.schema, names: [])
        let inverter = Inverter(registry: registry, offsetMax: limit)
        let batch = try #require(
            try BatchEncoder.encode(
                WriteBatch(
                    (0..<40).map {
                        .put(Self.document($0, keyByteCount: keyByteCount, tagByteCount: tagByteCount))
                    }), registry
            ).batch)
        try batch.forEach { (number, _, body) throws(StorageError) in
            try inverter.add(body, ordinal: UInt64(number), sequence: 1)
        }
        let error = #expect(throws: StorageError.self) {
            try inverter.seal(MemoryDirectory(), id: 1, keepsMemory: false)
        }
        guard case .tooLarge(part, _, limit)? = error else { throw SakuinError(.internalError, "\(error as Any)") }
    }
}

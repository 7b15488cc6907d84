// Damage in the middle of a journal is not taken for a torn tail.

import Testing

@testable import SakuinEngine

@Suite struct JournalGapTests {
    @Test func missingBatchesAreNamedAndTheIndexIsReadOnly() async throws {
        let directory = MemoryDirectory()
        var options = IndexOptions()
        options.refreshIntervalMilliseconds = 0
        options.commitIntervalMilliseconds = 0
        let index = try SearchIndex.open(directory, schema: .standard, options: options)
        for i in 1...5 {
            _ = try await index.write(WriteBatch([.put(Document(key: "a\(i)", ["body": .string("第\(i)篇")]))]))
        }
        index.abandon()
        let first = try #require(try Journal.files(in: directory).first)
        var bytes = try directory.read(first)
        // The journal as it would be with two files: the later one, then damage in the earlier one.
        let again = try SearchIndex.open(directory.copyAfterKill(), schema: nil, options: options)
        #expect(again.statisticsNow().documents == 5)
        again.abandon()
        var later = ByteWriter()
        JournalFormat.appendHeader(firstSequence: 6, to: &later)
        let payload = try #require(
            try BatchEncoder.encode(
                WriteBatch([.put(Document(key: "b", ["body": "后来"]))]), FieldRegistry(schema: .standard, names: [])
            ).batch)
        payload.withBytes { body in
            later.append32(UInt32(body.count))
            later.append32(JournalFormat.checksum(JournalFormat.Kind.batch.rawValue, 6, body))
            later.append(JournalFormat.Kind.batch.rawValue)
            later.append64(6)
            later.append(bytes: body)
        }
        directory.overwrite(FileName.journal(6), with: later.array())
        bytes[bytes.count / 2] ^= 0xFF
        directory.overwrite(first, with: bytes)
        let damaged = try SearchIndex.open(directory, schema: nil, options: options)
        let response = try damaged.searchNow(SearchRequest("后来"))
        #expect(response.total.value == 1)
        #expect(!response.complete)
        #expect(response.notes.contains { $0.contains("lacks batches") })
        await #expect(throws: SakuinError.self) { try await damaged.write(WriteBatch([.delete("b")])) }
        try damaged.close()
        #expect(try directory.read(first) == bytes, "nothing is changed")
    }

    private static func open(_ directory: MemoryDirectory, _ schema: Schema? = nil) throws -> SearchIndex {
        try SearchIndex.open(directory, schema: schema, options: SearchFixture.options)
    }

    /// A file begins behind the batches that were written before it, so it tells that they are missing though it has none.
    @Test func aMissingFileIsToldByTheNext() async throws {
        let directory = MemoryDirectory()
        let index = try Self.open(directory, .standard)
        for i in 1...3 { _ = try await index.write(WriteBatch([.put(Document(key: "a\(i)", ["body": "一"]))])) }
        index.abandon()
        try directory.remove(try #require(try Journal.files(in: directory).first))
        try JournalWriter(directory, firstSequence: 4).close()
        let damaged = try Self.open(directory)
        let response = try damaged.searchNow(SearchRequest("一"))
        #expect(response.total == Total(0) && !response.complete)
        #expect(response.notes.contains { $0.contains("lacks batches 1 to 3") })
        await #expect(throws: SakuinError.self) { try await damaged.write(WriteBatch([.delete("a1")])) }
        try damaged.close()
    }

    /// The names of fields that are still there are those of their fields, though names before them are lost.
    @Test func namesBehindLostOnesStay() async throws {
        let directory = MemoryDirectory()
        let index = try Self.open(directory, .standard)
        let first = try await index.write(WriteBatch([.put(Document(key: "a", ["body": "一", "author": "甲"]))]))
        _ = try await index.write(WriteBatch([.put(Document(key: "b", ["body": "二", "place": "乙"]))]))
        index.abandon()
        let name = FileName.journal(first.sequence)
        var bytes = try directory.read(name)
        bytes[JournalFormat.headerByteCount + JournalFormat.recordHeaderByteCount] ^= 1
        directory.overwrite(name, with: bytes)
        let damaged = try Self.open(directory)
        var request = SearchRequest("二")
        request.returnFields = .all
        let response = try damaged.searchNow(request)
        #expect(response.hits.first?.fields.map(\.name).sorted() == ["body", "place"])
        #expect(response.notes.contains { $0.contains("names of 1 fields are missing; they are called 'lost-field-") })
        try damaged.close()
    }

    /// While not all of an index can be read, files that no manifest names may be all there is of something: what is replayed
    /// goes to other ones.
    @Test func whatNoManifestNamesIsNotWrittenOver() async throws {
        let directory = MemoryDirectory()
        let index = try Self.open(directory, .standard)
        _ = try await index.write(WriteBatch([.put(Document(key: "a", ["body": "一"]))]))
        _ = try await index.commit()
        _ = try await index.write(WriteBatch([.put(Document(key: "b", ["body": "二"]))]))
        index.abandon()
        let manifest = try #require(try Manifest.newest(directory))
        try directory.remove(FileName.segment(try #require(manifest.segments.first?.id)))
        let unnamed = (0..<4).map { FileName.segment(manifest.nextSegmentID + $0) }
        for name in unnamed { directory.overwrite(name, with: [1, 2, 3]) }
        let damaged = try Self.open(directory)
        let response = try damaged.searchNow(SearchRequest("二"))
        #expect(response.total == Total(1) && !response.complete)
        try damaged.close()
        for name in unnamed { #expect(try directory.read(name) == [1, 2, 3]) }
    }
}

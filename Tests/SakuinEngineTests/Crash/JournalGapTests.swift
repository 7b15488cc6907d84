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
}

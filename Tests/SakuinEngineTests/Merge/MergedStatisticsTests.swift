// What a merged segment says of its documents as a whole: numbers that scores come from.

import Testing

@testable import SakuinEngine

@Suite struct MergedStatisticsTests {
    /// Lengths of documents are only known in codes, so dead ones are taken off in proportion.
    @Test func deadDocumentsAreTakenOffInProportion() async throws {
        let schema = Schema(fields: [FieldDefinition(name: "title"), FieldDefinition(name: "body")])
        let index = try SearchIndex.open(MemoryDirectory(), schema: schema, options: SearchFixture.options)
        for part in 0..<2 {
            let documents = (0..<100).map { i in
                var document = Document(key: "\(part)-\(i)", ["body": .string("國際數字經濟")])
                if i % 2 == 0 { document.fields.append(Document.Field("title", .string("大會"))) }
                return document
            }
            _ = try await index.write(WriteBatch(documents.map { .put($0) }))
            _ = try await index.refresh()
        }
        _ = try await index.write(WriteBatch((0..<50).map { .delete("0-\($0)") }))
        _ = try await index.commit()
        let before = index.store.snapshot.segments.map(\.reader.meta)
        #expect(before.map(\.documentCount) == [100, 100])
        _ = try await index.compact(segments: 1)
        let after = index.store.snapshot.segments.map(\.reader.meta)
        let meta = try #require(after.first)
        #expect(after.count == 1 && meta.documentCount == 150)
        #expect(meta.fields.map(\.documentCount) == [75, 150])
        for field in 0..<2 {
            let sums = before.map { $0.fields[field].lengthSum }
            #expect(meta.fields[field].lengthSum == sums[0] / 2 + sums[1] && sums[1] > 0)
        }
        #expect(meta.textByteCount == before[0].textByteCount / 2 + before[1].textByteCount)
        #expect(meta.firstSequence == before[0].firstSequence && meta.lastSequence == before[1].lastSequence)
        #expect(meta.tableVersion == CharacterTable.version && meta.analyzerVersion == before[0].analyzerVersion)
        index.abandon()
    }
}

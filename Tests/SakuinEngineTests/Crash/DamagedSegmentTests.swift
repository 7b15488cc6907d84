import Testing

@testable import SakuinEngine

@Suite struct DamagedSegmentTests {
    @Test func aDamagedSegmentIsKept() async throws {
        let directory = MemoryDirectory()
        var options = IndexOptions()
        options.refreshIntervalMilliseconds = 0
        options.commitIntervalMilliseconds = 0
        options.mergesInBackground = false
        do {
            let index = try SearchIndex.open(directory, schema: .standard, options: options)
            for key in ["a", "b"] {
                _ = try await index.write(WriteBatch([.put(Document(key: key, ["title": "全文検索"]))]))
                _ = try await index.commit()
            }
            try index.close()
        }
        let segments = try directory.list().filter { $0.hasPrefix("segment-") }
        #expect(segments.count == 2)
        var bytes = try directory.read(segments[0])
        let good = bytes
        bytes[bytes.count - 30] ^= 1
        directory.overwrite(segments[0], with: bytes)
        for _ in 0..<2 {
            let index = try SearchIndex.open(directory, schema: nil, options: options)
            let failure = await #expect(throws: SakuinError.self) {
                try await index.write(WriteBatch([.put(Document(key: "c", ["title": "全文"]))]))
            }
            #expect(failure?.code == .failedPrecondition)
            #expect(failure?.message.contains(segments[0]) == true)
            #expect(index.statisticsNow().quarantined.count == 1)
            let response = try index.searchNow(SearchRequest("検索"))
            #expect(!response.complete)
            #expect(response.total.value == 1)
            // What is not found may be in what is missing: a reply that does not say so would be a lie.
            let fetched = try index.fetchNow(["a", "b"])
            #expect(!fetched.complete && fetched.missing.count == 1 && fetched.missing[0].contains(segments[0]))
            #expect(fetched.documents.map { $0?.key } == [nil, "b"])
            let pages = try await index.export()
            #expect(!pages.complete && pages.missing == fetched.missing)
            #expect(try await pages.nextPage()?.map(\.key) == ["b"])
            try index.close()
            #expect(try directory.exists(segments[0]), "nothing is deleted because it could not be read")
        }
        directory.overwrite(segments[0], with: good)
        let index = try SearchIndex.open(directory, schema: nil, options: options)
        #expect(try index.searchNow(SearchRequest("検索")).total.value == 2)
        #expect(try index.fetchNow(["a"]).complete)
        #expect(try await index.export().complete)
        try index.close()
    }
}

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

    /// Two segments, and a document of the first is deleted.
    private func folder() async throws -> MemoryDirectory {
        let directory = MemoryDirectory()
        let index = try SearchIndex.open(directory, schema: .standard, options: SearchFixture.options)
        for keys in [["a", "c"], ["b"]] {
            let puts = keys.map { WriteOperation.put(Document(key: $0, ["title": "全文検索"])) }
            _ = try await index.write(WriteBatch(puts))
            _ = try await index.commit()
        }
        _ = try await index.write(WriteBatch([.delete("c")]))
        _ = try await index.commit()
        try index.close()
        return directory
    }

    /// No bit of a version field, in the header, in the trailer or of living documents, keeps the other segment from
    /// being served, and a repair saves what there is.
    @Test func aDamagedVersionIsDamage() async throws {
        let directory = try await folder()
        let files = try directory.list().sorted()
        let segment = try #require(files.first { $0.hasPrefix("segment-") })
        let live = try #require(files.first { $0.hasPrefix("live-") })
        let trailer = try directory.read(segment).count - 12
        for (file, places) in [(segment, [8..<12, trailer..<(trailer + 4)]), (live, [8..<12])] {
            for bit in places.flatMap({ ($0.lowerBound * 8)..<($0.upperBound * 8) }) {
                let copy = MemoryDirectory(files: directory.everyFile)
                var bytes = try copy.read(file)
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                copy.overwrite(file, with: bytes)
                let index = try SearchIndex.open(copy, schema: nil, options: SearchFixture.options)
                let response = try index.searchNow(SearchRequest("検索"))
                #expect(response.hits.map(\.key) == ["b"] && !response.complete, "bit \(bit) of \(file)")
                try index.close()
                let report = try IndexCheck.run(copy)
                #expect(report.problems.count == 1 && !report.isOfLaterFormat, "\(report.problems)")
            }
        }
    }

    /// A segment that verifies and says another format in both places is none that may be left out.
    @Test(arguments: [SegmentLayout.oldestFormatVersion - 1, SegmentLayout.formatVersion + 1])
    func anotherFormatIsNoDamage(version: UInt32) async throws {
        let directory = try await folder()
        let segment = try #require(try directory.list().sorted().first { $0.hasPrefix("segment-") })
        var bytes = try directory.read(segment)
        for place in [8, bytes.count - 12] {
            bytes.replaceSubrange(place..<(place + 4), with: withUnsafeBytes(of: version.littleEndian) { [UInt8]($0) })
        }
        directory.overwrite(segment, with: bytes)
        let error = #expect(throws: SakuinError.self) {
            try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        }
        #expect(error?.code == .failedPrecondition)
        let range = "formats \(SegmentLayout.oldestFormatVersion) to \(SegmentLayout.formatVersion)"
        #expect(error?.message.contains(range) == true, "\(error?.message ?? "")")
        #expect(try IndexCheck.run(directory).isOfLaterFormat)
    }

    @Test func aCheckSaysThatAManifestIsMissing() async throws {
        let directory = try await folder()
        #expect(try IndexCheck.run(directory).notes.isEmpty)
        let manifests = try directory.list().filter { $0.hasPrefix("manifest-") }
        #expect(manifests.count == 2)
        for name in manifests {
            let copy = MemoryDirectory(files: directory.everyFile)
            try copy.remove(name)
            let report = try IndexCheck.run(copy)
            #expect(report.problems.isEmpty && report.notes.count == 1, "\(report)")
            #expect(report.notes.first?.hasPrefix(name + ",") == true, "\(report)")
        }
    }
}

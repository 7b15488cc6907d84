// A segment that turns out damaged while the index is open is served no more; the rest is, and every reply says so.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct QuarantineTests {
    /// Two segments of 200 documents, "a…" and "b…", and nothing in the journal.
    private func folder(noiseByteCount: Int = 0) async throws -> MemoryDirectory {
        let directory = MemoryDirectory()
        var random = SeededRandom(seed: 20_261_130)
        let index = try SearchIndex.open(directory, schema: .standard, options: SearchFixture.options)
        for name in ["a", "b"] {
            let puts = (0..<200).map { number in
                // Stored without being indexed, and too much for one checked block.
                let noise = String(
                    (0..<noiseByteCount).map { _ in Character(Unicode.Scalar(UInt8(33 + random.below(90)))) })
                return WriteOperation.put(
                    Document(
                        key: "\(name)\(number)",
                        ["title": .string("全文検索 第\(number)篇"), "tag": .string(name), "noise": .string(noise)]))
            }
            _ = try await index.write(WriteBatch(puts))
            _ = try await index.commit()
        }
        try index.close()
        return directory
    }

    private func segments(_ directory: MemoryDirectory) throws -> [String] {
        try directory.list().filter { $0.hasPrefix("segment-") }
    }

    /// Every 97th byte of a segment, damaged before the index is opened: a search answers rightly or says what is
    /// missing, and finds all of the other segment.
    @Test func searchesGoRound() async throws {
        let directory = try await folder()
        let name = try segments(directory)[0]
        let good = try directory.read(name)
        var quarantined = 0
        for place in stride(from: 0, to: good.count, by: 97) {
            var bytes = good
            bytes[place] ^= 0x20
            directory.overwrite(name, with: bytes)
            let copy = MemoryDirectory(files: directory.everyFile)
            let index = try SearchIndex.open(copy, schema: nil, options: SearchFixture.options)
            var request = SearchRequest("検索", limit: 500)
            request.returnFields = .all
            let response = try index.searchNow(request)
            let keys = Set(response.hits.map(\.key))
            #expect(keys.isSuperset(of: (0..<200).map { "b\($0)" }), "byte \(place)")
            #expect(response.complete ? keys.count == 400 : keys.count == 200, "byte \(place)")
            let fetched = try index.fetchNow(["a7", "b7"])
            #expect(fetched.documents[1] != nil && (fetched.documents[0] != nil || !fetched.complete))
            if !response.complete {
                quarantined += 1
                #expect(response.notes.contains { $0.contains(name) })
                let refused = await #expect(throws: SakuinError.self) {
                    try await index.write(WriteBatch([.delete("b1")]))
                }
                #expect(refused?.code == .failedPrecondition && refused?.message.contains(name) == true)
                let statistics = index.statisticsNow()
                #expect(!statistics.complete && statistics.slowness.contains(name))
                #expect(try await !index.export().complete)
            }
            try index.close()
            #expect(try copy.read(name) == bytes, "the file is kept as it is")
            #expect(try Manifest.newest(copy)?.segments.count == 2, "the manifest goes on naming it")
        }
        #expect(quarantined > good.count / 97 / 4, "\(quarantined) of \(good.count / 97)")
    }

    /// An index over a folder of which a block of stored documents of the first segment is damaged, which opening does not
    /// notice.
    private func damaged() async throws -> (MemoryDirectory, String) {
        let (directory, name, _) = try await damagedAndGood()
        return (directory, name)
    }

    /// The same with what the file held before.
    private func damagedAndGood() async throws -> (MemoryDirectory, String, [UInt8]) {
        let directory = try await folder(noiseByteCount: 600)
        let name = try segments(directory)[0]
        let good = try directory.read(name)
        for place in stride(from: good.count - 1, to: 0, by: -8_191) {
            var bytes = good
            bytes[place] ^= 1
            directory.overwrite(name, with: bytes)
            let index = try SearchIndex.open(
                MemoryDirectory(files: directory.everyFile), schema: nil, options: SearchFixture.options)
            defer { index.abandon() }
            var request = SearchRequest("検索", limit: 500)
            guard try index.searchNow(request).complete else { continue }
            request.returnFields = .all
            if try !index.searchNow(request).complete { return (directory, name, good) }
        }
        throw SakuinError(.internalError, "There is no block of documents in \(name).")
    }

    @Test func merges() async throws {
        let (directory, name) = try await damaged()
        let index = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        #expect(try index.searchNow(SearchRequest("検索")).complete, "nobody has met it yet")
        await #expect(throws: SakuinError.self) { try await index.compact(segments: 1) }
        let response = try index.searchNow(SearchRequest("検索"))
        #expect(!response.complete && response.total == Total(200) && response.notes[0].contains(name))
        index.abandon()
    }

    @Test func checks() async throws {
        let (directory, name) = try await damaged()
        let index = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        let job = try await index.startCheck(bytesPerSecond: nil)
        while index.jobsNow().first(where: { $0.number == job.number })?.state.isFinal != true { await Task.yield() }
        #expect(index.writeFailure?.message.contains(name) == true)
        #expect(try index.searchNow(SearchRequest("検索")).total == Total(200))
        index.abandon()
    }

    @Test func exportsEndAndTheNextGoesRound() async throws {
        let (directory, name) = try await damaged()
        let index = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        let first = try await index.export()
        #expect(first.complete)
        await #expect(throws: SakuinError.self) { while try await first.nextPage() != nil {} }
        let second = try await index.export()
        #expect(second.missing.count == 1 && second.missing[0].contains(name))
        var count = 0
        while let page = try await second.nextPage() { count += page.count }
        #expect(count == 200)
        index.abandon()
    }

    /// What was begun before goes on without it, and says so.
    @Test func pointsInTimeGoRound() async throws {
        let (directory, name) = try await damaged()
        let index = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        var request = SearchRequest("検索", limit: 300)
        request.pointInTime = try index.openPointInTimeNow(leaseMilliseconds: 60_000).token
        #expect(try index.searchNow(request).complete)
        request.returnFields = .all
        let response = try index.searchNow(request)
        #expect(!response.complete && response.hits.count == 200 && response.notes[0].contains(name))
        index.abandon()
    }

    /// What was found damaged is not served by the next process either, until a repair has read it.
    @Test func itIsRememberedOverARestart() async throws {
        let (directory, name) = try await damaged()
        var request = SearchRequest("検索", limit: 500)
        request.returnFields = .all
        let first = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        let met = try first.searchNow(request)
        #expect(!met.complete)
        let afterPowerLoss = try SearchIndex.open(
            directory.copyAfterCrash(), schema: nil, options: SearchFixture.options)
        #expect(afterPowerLoss.isReadOnly, "the mark was durable at once")
        try afterPowerLoss.close()
        try first.close()
        let second = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        request.returnFields = .none
        let response = try second.searchNow(request)
        #expect(!response.complete && response.hits.count == 200 && response.notes == met.notes)
        #expect(second.isReadOnly)
        try second.close()
        #expect(try IndexCheck.run(directory).problems.contains { $0.contains(name) })
        _ = try IndexRepair.run(directory, options: SearchFixture.options).get()
        #expect(try IndexCheck.run(directory).problems == [])
        let third = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        #expect(try third.searchNow(request).complete && !third.isReadOnly)
        third.abandon()
    }

    /// Another index may have its folder.
    @Test func anIndexThatEndedRemembersNothing() async throws {
        let (directory, _) = try await damaged()
        let index = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        let pages = try await index.export()
        index.abandon()
        let files = try directory.list()
        await #expect(throws: SakuinError.self) { while try await pages.nextPage() != nil {} }
        #expect(try directory.list() == files)
    }

    /// A segment that reads well again, the memory having been at fault, is served again by a repair.
    @Test func aSegmentThatReadsWellComesBack() async throws {
        let (directory, name, good) = try await damagedAndGood()
        let index = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        await #expect(throws: SakuinError.self) { try await index.compact(segments: 1) }
        try index.close()
        let mark = try #require(try directory.list().first { $0.hasPrefix("damaged-") })
        directory.overwrite(mark, with: [])
        let other = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        #expect(try !other.searchNow(SearchRequest("検索")).complete, "a mark that cannot be read is one")
        try other.close()
        directory.overwrite(name, with: good)
        #expect(try IndexCheck.run(directory).problems.count == 1)
        let report = try IndexRepair.run(directory, options: SearchFixture.options).get()
        #expect(report.actions.count == 1 && report.lostDocuments == 0)
        let again = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        let response = try again.searchNow(SearchRequest("検索"))
        #expect(response.complete && response.total == Total(400))
        again.abandon()
    }
}

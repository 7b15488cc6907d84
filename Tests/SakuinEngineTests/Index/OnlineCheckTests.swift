// An index that is open is checked beside searches and writes; damage of any of its files is found and named.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct OnlineCheckTests {
    /// Three segments, deletions that are committed and one that is not, and batches in the journal.
    private func filled(_ directory: MemoryDirectory) async throws -> SearchIndex {
        let index = try SearchIndex.open(directory, schema: .standard, options: SearchFixture.options)
        for part in 0..<3 {
            let documents = (0..<40).map { Document(key: "\(part)-\($0)", ["title": .string("国际数字 \($0)")]) }
            _ = try await index.write(WriteBatch(documents.map { .put($0) }))
            _ = try await index.refresh()
        }
        _ = try await index.write(WriteBatch([.delete("0-1"), .delete("1-1")]))
        _ = try await index.commit()
        for number in 0..<4 {
            _ = try await index.write(WriteBatch([.put(Document(key: "j\(number)", ["title": "数字"]))]))
        }
        _ = try await index.write(WriteBatch([.delete("2-1")]))
        _ = try await index.refresh()
        return index
    }

    private func ended(_ number: UInt64, _ index: SearchIndex) async throws -> JobStatus {
        while true {
            let status = try #require(index.jobsNow().first { $0.number == number })
            if status.state.isFinal { return status }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    private func check(_ index: SearchIndex) async throws -> JobStatus {
        try await ended(try await index.startCheck(bytesPerSecond: nil).number, index)
    }

    @Test func aGoodIndexIsGood() async throws {
        let directory = MemoryDirectory()
        let index = try await filled(directory)
        let files = try directory.list()
        let status = try await check(index)
        #expect(status.kind == .check && status.state == .done && status.findings.problems == [])
        #expect(status.findings.segments == 4 && status.findings.documents == 124 && status.findings.terms > 0)
        #expect(status.findings.deletedDocuments == 3)
        #expect(status.bytesRead > 0 && status.percent == 100 && status.bytesWritten == 0)
        #expect(try directory.list() == files, "a check leaves nothing behind")
        index.abandon()
        // The last deletion is in the journal alone.
        let report = try IndexCheck.run(directory)
        #expect(report.documents == 120 && report.deletedDocuments == 2, "\(report)")
        let again = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        #expect(again.jobsNow().allSatisfy { $0.kind != .check }, "a check does not go on over a restart")
        again.abandon()
    }

    @Test func writesAndCompactionsGoOnMeanwhile() async throws {
        let index = try await filled(MemoryDirectory())
        let slow = try await index.startCheck(bytesPerSecond: 1)
        while index.jobsNow().last?.bytesTotal == 0 { try await Task.sleep(for: .milliseconds(1)) }
        let statistics = index.statisticsNow()
        let segments = index.store.snapshot.segments.reduce(0) { $0 + $1.byteCount }
        #expect(index.jobsNow().last?.bytesTotal == 2 * segments + statistics.journalBytes)
        #expect(try await index.startCheck(bytesPerSecond: nil).state == .queued, "one check at a time")
        _ = try await index.write(WriteBatch([.put(Document(key: "new", ["title": "数字"]))]))
        let report = try await index.compact(segments: 1)
        #expect(report.segmentsAfter == 1)
        #expect(try index.searchNow(SearchRequest("数字", limit: 0)).total.value == 122)
        #expect(try index.controlNow(job: slow.number, .pause).state == .paused)
        #expect(try index.controlNow(job: slow.number, .cancel).number == slow.number)
        let status = try await ended(slow.number, index)
        #expect(status.state == .cancelled)
        let second = try await ended(slow.number + 1, index)
        #expect(second.state == .done && second.findings.problems == [] && second.findings.segments == 1)
        index.abandon()
    }

    @Test(arguments: ["segment-", "live-", "manifest-", "journal-"]) func damageIsNamed(prefix: String) async throws {
        let directory = MemoryDirectory()
        let index = try await filled(directory)
        let name = try #require(try directory.list().first { $0.hasPrefix(prefix) })
        var bytes = try directory.read(name)
        bytes[bytes.count / 2] ^= 0x20
        directory.overwrite(name, with: bytes)
        let status = try await check(index)
        #expect(status.state == .done)
        #expect(status.findings.problems.contains { $0.contains(name) }, "\(status.findings.problems)")
        #expect(try directory.read(name) == bytes, "nothing is changed")
        index.abandon()
    }

    @Test func aMissingFileIsNamed() async throws {
        let directory = MemoryDirectory()
        let index = try await filled(directory)
        let name = try #require(try directory.list().first { $0.hasPrefix("segment-") })
        try directory.remove(name)
        let status = try await check(index)
        #expect(status.state == .done && status.findings.problems.contains { $0.contains(name) })
        index.abandon()
    }

    /// An index that takes no writes because it was damaged when it was opened can be checked, and nothing is changed.
    @Test func aReadOnlyIndexIsChecked() async throws {
        let directory = MemoryDirectory()
        try await filled(directory).close()
        let name = try #require(try directory.list().first { $0.hasPrefix("segment-") })
        var bytes = try directory.read(name)
        bytes[bytes.count - 30] ^= 1
        directory.overwrite(name, with: bytes)
        let files = try directory.list()
        let index = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        let status = try await check(index)
        #expect(status.state == .done && status.findings.problems.contains { $0.contains(name) })
        #expect(status.findings.segments == 3, "the others are read all the same")
        await #expect(throws: SakuinError.self) { try await index.compact(segments: 1) }
        index.abandon()
        #expect(try directory.list() == files)
    }

    @Test func whatCannotBeIsRefused() async throws {
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: SearchFixture.options)
        let error = await #expect(throws: SakuinError.self) { try await index.startCheck(bytesPerSecond: 0) }
        #expect(error?.code == .invalidArgument && error?.field == "bytesPerSecond")
        try index.close()
        let closed = await #expect(throws: SakuinError.self) { try await index.startCheck(bytesPerSecond: nil) }
        #expect(closed?.code == .unavailable)
    }
}

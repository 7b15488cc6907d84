// Compactions as jobs: progress, pause, cancel, throttle, over a restart, and without room on the disk.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct CompactionJobTests {
    private static let segmentCount = 4

    /// An index of several segments in which every fifth document was deleted.
    private func filled(_ directory: MemoryDirectory = MemoryDirectory()) async throws -> SearchIndex {
        let index = try SearchIndex.open(directory, schema: .standard, options: SearchFixture.options)
        for part in 0..<Self.segmentCount {
            let documents = (0..<50).map { Document(key: "\(part)-\($0)", ["title": .string("国际数字 \($0)")]) }
            _ = try await index.write(WriteBatch(documents.map { .put($0) }))
            _ = try await index.refresh()
        }
        let dead = (0..<Self.segmentCount).flatMap { part in (0..<10).map { WriteOperation.delete("\(part)-\($0 * 5)") }
        }
        _ = try await index.write(WriteBatch(dead))
        _ = try await index.refresh()
        return index
    }

    /// Waits for the end of a job.
    private func ended(_ number: UInt64, _ index: SearchIndex) async throws -> JobStatus {
        while true {
            let status = try #require(index.jobsNow().first { $0.number == number })
            if status.state.isFinal { return status }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    /// So slow that it never ends by itself.
    private let stalled = CompactionOptions(bytesPerSecond: 1)

    @Test func aCompactionTellsWhatItDid() async throws {
        let index = try await filled()
        let estimate = try await index.estimateCompaction(CompactionOptions())
        #expect(estimate.segmentsBefore == Self.segmentCount && estimate.segmentsAfter == 1)
        #expect(estimate.deadDocuments == 40 && estimate.bytesWritten < estimate.bytesRead)
        #expect(index.statisticsNow().segments == Self.segmentCount, "a dry run does nothing")
        let job = try await index.startCompaction(CompactionOptions())
        let status = try await ended(job.number, index)
        #expect(status.state == .done && status.percent == 100)
        #expect(status.segmentsBefore == Self.segmentCount && status.segmentsAfter == 1)
        #expect(status.deadBytesBefore > 0 && status.deadBytesAfter == 0)
        #expect(status.bytesRead > 0 && status.bytesWritten > 0)
        #expect(status.bytesTotal == status.bytesRead && status.bytesToWrite == status.bytesWritten)
        let statistics = index.statisticsNow()
        #expect(statistics.documents == 160 && statistics.deletedDocuments == 0)
        #expect(statistics.mergedBytes > 0 && statistics.writeAmplification > 1)
        index.abandon()
    }

    @Test func onlyDeletesLeavesTheRest() async throws {
        let index = try await filled()
        _ = try await index.write(WriteBatch([.put(Document(key: "new", ["title": "国"]))]))
        _ = try await index.refresh()
        let job = try await index.startCompaction(CompactionOptions(onlyDeletes: true))
        let status = try await ended(job.number, index)
        #expect(status.state == .done && status.segmentsAfter == Self.segmentCount + 1)
        #expect(index.statisticsNow().deletedDocuments == 0 && index.statisticsNow().documents == 161)
        index.abandon()
    }

    @Test func aCancelledJobLeavesTheIndexAsItWas() async throws {
        let index = try await filled()
        let first = try await index.startCompaction(stalled)
        let second = try await index.startCompaction(CompactionOptions())
        #expect(second.number == first.number + 1)
        #expect(try index.controlNow(job: second.number, .cancel).state == .cancelled, "one that waits ends at once")
        _ = try index.controlNow(job: first.number, .cancel)
        #expect(try await ended(first.number, index).state == .cancelled)
        #expect(index.statisticsNow().segments == Self.segmentCount)
        #expect(try index.searchNow(SearchRequest("国际")).total == Total(160))
        let error = try #require(throws: SakuinError.self) { try index.controlNow(job: first.number, .pause) }
        #expect(error.code == .notFound && error.field == "job")
        #expect(throws: SakuinError.self) { try index.controlNow(job: 99, .pause) }
        index.abandon()
    }

    @Test func aPausedJobGoesOn() async throws {
        let index = try await filled()
        let job = try await index.startCompaction(stalled)
        #expect(try index.controlNow(job: job.number, .pause).state == .paused)
        _ = try index.controlNow(job: job.number, .throttle(bytesPerSecond: nil))
        #expect(index.jobsNow().last?.state == .paused)
        #expect(throws: SakuinError.self) { try index.controlNow(job: job.number, .throttle(bytesPerSecond: 0)) }
        // Writes and searches go on meanwhile; what dies meanwhile is dead in the result.
        _ = try await index.write(WriteBatch([.delete("0-1"), .put(Document(key: "x", ["title": "国际"]))]))
        _ = try await index.refresh()
        #expect(try index.searchNow(SearchRequest("国际")).total == Total(160))
        _ = try index.controlNow(job: job.number, .resume)
        #expect(try await ended(job.number, index).state == .done)
        #expect(try index.searchNow(SearchRequest("国际")).total == Total(160))
        index.abandon()
    }

    /// Under steady replacements a compaction would otherwise never end.
    @Test func whatDiesMeanwhileIsNotMergedAgain() async throws {
        let index = try await filled()
        let job = try await index.startCompaction(stalled)
        while index.jobsNow().last?.bytesRead == 0 { try await Task.sleep(for: .milliseconds(1)) }
        _ = try await index.write(WriteBatch((0..<20).map { .delete("1-\($0)") }))
        _ = try await index.refresh()
        _ = try index.controlNow(job: job.number, .throttle(bytesPerSecond: nil))
        let status = try await ended(job.number, index)
        #expect(status.state == .done && status.bytesRead <= status.bytesTotal)
        #expect(index.statisticsNow().deletedDocuments == 16, "four of the twenty were dead before")
        #expect(try index.searchNow(SearchRequest("国际")).total == Total(144))
        index.abandon()
    }

    /// A segment that dies wholly has left the index before what it became is put in its place.
    @Test func aSegmentThatDiesMeanwhileStaysDead() async throws {
        let index = try await filled()
        let job = try await index.startCompaction(stalled)
        while index.jobsNow().last?.bytesRead == 0 { try await Task.sleep(for: .milliseconds(1)) }
        _ = try await index.write(WriteBatch((0..<50).map { .delete("1-\($0)") }))
        _ = try await index.refresh()
        _ = try index.controlNow(job: job.number, .throttle(bytesPerSecond: nil))
        #expect(try await ended(job.number, index).state == .done)
        #expect(try index.searchNow(SearchRequest("国际")).total == Total(120))
        #expect(try index.getNow(["1-1", "2-1"]).map { $0?.key } == [nil, "2-1"])
        index.abandon()
    }

    @Test func aJobSurvivesARestart() async throws {
        let directory = MemoryDirectory()
        var index = try await filled(directory)
        let running = try await index.startCompaction(stalled)
        let paused = try await index.startCompaction(CompactionOptions(segments: 3, onlyDeletes: true))
        _ = try index.controlNow(job: paused.number, .pause)
        index.abandon()
        index = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        let jobs = index.jobsNow().filter { $0.number > 0 }
        #expect(jobs.map(\.number) == [running.number, paused.number])
        #expect(jobs.first?.options == stalled && jobs.last?.options.onlyDeletes == true)
        #expect(jobs.last?.state == .paused)
        _ = try index.controlNow(job: running.number, .throttle(bytesPerSecond: nil))
        #expect(try await ended(running.number, index).state == .done)
        _ = try index.controlNow(job: paused.number, .cancel)
        #expect(try index.searchNow(SearchRequest("国际")).total == Total(160))
        try index.close()
        index = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        #expect(index.jobsNow().map(\.number) == [0], "what has ended does not come again")
        let next = try await index.startCompaction(stalled)
        #expect(next.number > paused.number, "numbers are not used twice")
        index.abandon()
    }

    @Test func anUnreadableListOfJobsKeepsNothingFromOpening() async throws {
        let directory = MemoryDirectory()
        let index = try await filled(directory)
        try index.close()
        for text in ["", "{", "[]", #"{"next": -4, "jobs": [{"number": 0}, {"segments": -1}, 7]}"#] {
            let file = try directory.create(JobFile.name)
            try Array(text.utf8).withUnsafeBytes { try file.append($0) }
            try file.close()
            let again = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
            #expect(again.jobsNow().count == 1)
            again.abandon()
        }
    }

    @Test func backgroundMergingCanBePausedAndThrottled() async throws {
        let index = try await filled()
        #expect(try index.controlNow(job: 0, .pause).state == .paused)
        #expect(try index.controlNow(job: 0, .throttle(bytesPerSecond: 1_000)).options.bytesPerSecond == 1_000)
        #expect(try index.controlNow(job: 0, .throttle(bytesPerSecond: nil)).options.bytesPerSecond == nil)
        #expect(try index.controlNow(job: 0, .resume).state == .queued)
        #expect(throws: SakuinError.self) { try index.controlNow(job: 0, .cancel) }
        index.abandon()
    }

    @Test func withoutRoomNoCompactionBegins() async throws {
        let directory = MemoryDirectory()
        let index = try await filled(directory)
        directory.setSpace(SpaceReading(free: 1_000, total: 1 << 40))
        let error = await #expect(throws: SakuinError.self) { _ = try await index.compact(segments: 1) }
        #expect(error?.code == .resourceExhausted && error?.field == "disk")
        #expect(index.statisticsNow().segments == Self.segmentCount)
        index.abandon()
    }

    @Test func writesStopAtTheLowWaterMarkAndComeBack() async throws {
        let directory = MemoryDirectory()
        let time = Monitor(UInt64(1))
        let disk = DiskSpace(directory, mergeMark: 500, writeMark: 100) { time.read { $0 } }
        func pass() { time.change { $0 += 1_000_000_000 } }
        #expect(disk.refusal(.writes) == nil && disk.refusal(.merges) == nil)
        directory.setSpace(SpaceReading(free: 300, total: 1 << 20))
        #expect(disk.refusal(.merges) == nil, "a reading serves for a while")
        pass()
        #expect(disk.refusal(.merges)?.code == .resourceExhausted && disk.refusal(.writes) == nil)
        directory.setSpace(SpaceReading(free: 99, total: 1 << 20))
        pass()
        let error = try #require(disk.refusal(.writes))
        #expect(error.limit == "100" && error.value == "99" && error.retryAfterMilliseconds != nil)
        directory.setSpace(SpaceReading(free: 600, total: 1 << 20))
        pass()
        #expect(disk.refusal(.writes) == nil && disk.refusal(.merges) == nil)
        #expect(disk.refusal(.merges, for: 101) != nil)
        // A small disk has small marks, but not so small that what is under way would not fit.
        directory.setSpace(SpaceReading(free: 75, total: 300))
        pass()
        #expect(disk.refusal(.writes) == nil && disk.refusal(.merges)?.limit == "150")
        directory.setSpace(SpaceReading(free: 74, total: 300))
        pass()
        #expect(disk.refusal(.writes)?.limit == "75")
        let small = DiskSpace(directory, mergeMark: 512 << 20, writeMark: 128 << 20)
        for (total, merges, writes) in [(256 << 20, 128 << 20, 64 << 20), (2 << 30, 512 << 20, 128 << 20)] {
            let reading = SpaceReading(free: 0, total: total)
            #expect(small.mark(.merges, of: reading) == merges && small.mark(.writes, of: reading) == writes)
        }
    }

    /// What was acknowledged and is in no segment yet needs its room above the mark too: a small disk would be full
    /// before the mark is seen.
    @Test func whatIsPendingCountsAsWritten() async throws {
        let directory = MemoryDirectory()
        directory.setSpace(SpaceReading(free: 128 << 20 + 11 << 19, total: 1 << 40))
        let index = try SearchIndex.open(directory, schema: .standard, options: SearchFixture.options)
        let text = String(repeating: "x", count: 1 << 20)
        func put(_ key: String) async throws {
            _ = try await index.write(WriteBatch([.put(Document(key: key, ["noise": .string(text)]))]))
        }
        for key in ["a", "b", "c", "d"] { try await put(key) }
        let error = try await #require(throws: SakuinError.self) { try await put("e") }
        #expect(error.code == .resourceExhausted && error.field == "disk", "\(error)")
        _ = try await index.refresh()
        try await put("e")
        try index.close()
    }

    @Test func manyBatchesMakeAReadingOld() {
        let directory = MemoryDirectory()
        let disk = DiskSpace(directory, mergeMark: 500, writeMark: 100) { 1 }
        directory.setSpace(SpaceReading(free: 300, total: 6_400))
        #expect(disk.reading()?.free == 300)
        directory.setSpace(SpaceReading(free: 99, total: 6_400))
        disk.took(100)
        #expect(disk.reading()?.free == 300)
        disk.took(1)
        #expect(disk.reading()?.free == 99)
    }

    /// Below the mark: no write, every search; above it writes come back by themselves.
    @Test func aFullDiskStopsWritesOnly() async throws {
        let directory = MemoryDirectory()
        let index = try SearchIndex.open(directory, schema: .standard, options: SearchFixture.options)
        func put(_ key: String) async throws {
            _ = try await index.write(WriteBatch([.put(Document(key: key, ["title": "全文検索"]))]))
        }
        try await put("a")
        _ = try await index.refresh()
        directory.setSpace(SpaceReading(free: 1 << 20, total: 1 << 40))
        var refusal: SakuinError?
        while refusal == nil {
            // The last reading of the disk serves for a moment.
            do { try await put("b") } catch { refusal = error as? SakuinError }
        }
        #expect(
            refusal?.code == .resourceExhausted && refusal?.field == "disk" && refusal?.retryAfterMilliseconds == 1_000)
        #expect(index.statisticsNow().slowness == refusal?.message)
        #expect(try index.searchNow(SearchRequest("検索")).hits.contains { $0.key == "a" })
        #expect(try index.getNow(["a"])[0] != nil)
        directory.setSpace(SpaceReading(free: 1 << 39, total: 1 << 40))
        while refusal != nil {
            do {
                try await put("c")
                refusal = nil
            } catch { await Task.yield() }
        }
        _ = try await index.refresh()
        #expect(try index.getNow(["c"])[0] != nil && index.writeFailure == nil)
        try index.close()
    }
}

// Waiting for a write to be seen: no thread stands still, refreshes come when somebody waits, nobody waits in vain.

import Synchronization
import Testing

@testable import SakuinEngine

@Suite struct VisibilityTests {
    private static let hour = 3_600_000

    /// An index whose regular refreshes never come.
    private func index(_ directory: any Directory = MemoryDirectory(), refresh: Int = hour) throws -> SearchIndex {
        var options = SearchFixture.options
        options.refreshIntervalMilliseconds = refresh
        return try SearchIndex.open(directory, schema: .standard, options: options)
    }

    private func write(_ index: SearchIndex, _ key: String) async throws -> UInt64 {
        try await index.write(WriteBatch([.put(Document(key: key, ["title": "全文検索"]))])).sequence
    }

    private func request(_ sequence: UInt64, wait: Int = ReadMoment.waitLimitMillisecondsMax) -> SearchRequest {
        var request = SearchRequest("検索")
        request.moment = ReadMoment(minSequence: sequence, waitLimitMilliseconds: wait)
        return request
    }

    // MARK: What is due

    private func queue(_ change: (inout IndexWriter.Queue) -> Void) -> IndexWriter.Queue {
        var queue = IndexWriter.Queue()
        queue.sequence = 5
        queue.lastCutSequence = 4
        queue.pendingSince = 1_000_000_000
        queue.uncommittedSince = 1_000_000_000
        change(&queue)
        return queue
    }

    private func plan(
        _ queue: IndexWriter.Queue, refresh: Int = 0, commit: Int = 0, isAwaited: Bool = false, isWanted: Bool = false,
        now: UInt64 = 1_000_000_000
    ) -> RefreshPlan {
        var options = IndexOptions()
        options.refreshIntervalMilliseconds = refresh
        options.commitIntervalMilliseconds = commit
        return RefreshPlan(queue, options, isAwaited: isAwaited, isWanted: isWanted, now: now)
    }

    @Test func refreshesAreDueAtTheirMoment() {
        let written = queue { _ in }
        #expect(plan(written).next == nil)
        let early = plan(written, refresh: 600_000, now: 1_000_000_001)
        #expect(!early.refreshes && early.next == 601_000_000_000)
        #expect(plan(written, refresh: 600_000, now: 601_000_000_000).refreshes)
        #expect(plan(written, refresh: 600_000, isWanted: true).refreshes)
        let paused = plan(queue { $0.nextRefresh = 9_000_000_000 }, refresh: 100, now: 2_000_000_000)
        #expect(!paused.refreshes && paused.next == 9_000_000_000)
        #expect(plan(queue { $0.ticketIsOpen = true }, refresh: 1, now: 2_000_000_000).next == nil)
    }

    /// Whoever waits for a write does not wait for a refresh that is far off, and for one that is near as others do.
    @Test func whoWaitsBringsTheRefresh() {
        let written = queue { _ in }
        #expect(plan(written, refresh: Self.hour, isAwaited: true).refreshes)
        #expect(plan(written, isAwaited: true).refreshes)
        let near = plan(written, refresh: 200, isAwaited: true)
        #expect(!near.refreshes && near.next == 1_200_000_000)
        // Refreshes that would take too much of the time come no sooner.
        let paused = plan(queue { $0.nextRefresh = 3_000_000_000 }, refresh: Self.hour, isAwaited: true)
        #expect(!paused.refreshes && paused.next == 3_000_000_000)
        #expect(!plan(queue { $0.pendingSince = nil }, isAwaited: true).refreshes)
    }

    /// However long the refresh interval is, or when there is none.
    @Test func commitsAreDueAtTheirMoment() {
        let written = queue { _ in }
        for refresh in [0, 200, 600_000] {
            let early = plan(written, refresh: refresh, commit: 30_000, now: 30_999_999_999)
            #expect(!early.commits)
            if refresh != 200 { #expect(early.next == 31_000_000_000) }
            #expect(plan(written, refresh: refresh, commit: 30_000, now: 31_000_000_000).commits)
        }
        #expect(plan(queue { $0.uncommittedByteCount = 9 << 20 }).commits)
    }

    // MARK: Waiters

    @Test func waitersAreCalledOnce() {
        let waiters = VisibilityWaiters(visible: 3)
        let calls = Mutex<[String]>([])
        func wait(_ name: String, _ sequence: UInt64) -> VisibilityTicket {
            let ticket = waiters.newTicket()
            waiters.wait(ticket, for: sequence) { result in
                let end = (try? result.get()).map { "\($0)" } ?? "failed"
                calls.withLock { $0.append("\(name) \(end)") }
            }
            return ticket
        }
        _ = wait("seen", 3)
        _ = wait("five", 5)
        _ = wait("nine", 9)
        let late = wait("late", 7)
        let gone = wait("gone", 7)
        #expect(waiters.waiterCount == 4)
        #expect(waiters.isAwaited(above: 3, upTo: 5) && !waiters.isAwaited(above: 5, upTo: 6))
        waiters.publish(6)
        waiters.end(late, with: SakuinError(.deadlineExceeded, ""))
        waiters.end(late, with: SakuinError(.deadlineExceeded, ""))
        waiters.forget(gone)
        waiters.publish(8)
        waiters.end(with: SakuinError(.unavailable, ""))
        waiters.publish(20)
        _ = wait("behind", 21)
        #expect(calls.withLock { $0 } == ["seen 3", "five 6", "late failed", "nine failed", "behind failed"])
        #expect(waiters.waiterCount == 0)
    }

    /// Also those that were there before the write.
    @Test func aLongRefreshIntervalKeepsNobodyWaiting() async throws {
        for refresh in [0, Self.hour] {
            let index = try index(refresh: refresh)
            for key in ["a", "b", "c"] {
                let next = index.writer.sequence + 1
                async let early = index.search(request(next))
                while index.writer.waiters.waiterCount == 0 { await Task.yield() }
                let sequence = try await write(index, key)
                #expect(sequence == next)
                #expect(try await early.sequence >= next)
            }
            let sequence = try await write(index, "d")
            #expect(try index.searchNow(request(sequence)).total == Total(4))
            #expect(try await index.fetch(["d"], at: request(sequence).moment).documents[0] != nil)
            try index.close()
        }
    }

    /// More waiters than the system has threads for tasks: writes and their refreshes go on beside them.
    @Test func waitingTakesNoThread() async throws {
        let index = try index()
        try await withThrowingTaskGroup(of: UInt64.self) { group in
            for _ in 0..<64 { group.addTask { try await index.search(request(2)).sequence } }
            while index.writer.waiters.waiterCount < 64 { await Task.yield() }
            _ = try await write(index, "a")
            _ = try await write(index, "b")
            for try await sequence in group { #expect(sequence >= 2) }
        }
        try index.close()
    }

    @Test func nobodyWaitsForWhatCannotCome() async throws {
        let directory = MemoryDirectory()
        let index = try index(directory)
        let closing = Task { try await index.search(request(99)) }
        while index.writer.waiters.waiterCount == 0 { await Task.yield() }
        try index.close()
        await #expect(throws: SakuinError.self) { try await closing.value }
        let behind = await #expect(throws: SakuinError.self) { try await index.search(request(99)) }
        #expect(behind?.code == .unavailable)

        let failing = try self.index(directory)
        let failed = Task { try await failing.search(request(99)) }
        while failing.writer.waiters.waiterCount == 0 { await Task.yield() }
        failing.writer.fail(.cancelled, during: "testing")
        let error = await #expect(throws: SakuinError.self) { try await failed.value }
        #expect(error?.message.contains("takes no more writes") == true)
        #expect(throws: SakuinError.self) { try failing.searchNow(request(99)) }
        #expect(try failing.searchNow(SearchRequest("検索")).total == Total(0))
        failing.abandon()
    }

    @Test func waitingEndsWithTheTaskAndTheLimit() async throws {
        let index = try index()
        let task = Task { try await index.search(request(99)) }
        while index.writer.waiters.waiterCount == 0 { await Task.yield() }
        task.cancel()
        let cancelled = await #expect(throws: SakuinError.self) { try await task.value }
        #expect(cancelled?.code == .cancelled)
        for wait in [0, 1] {
            let late = await #expect(throws: SakuinError.self) { try await index.search(request(99, wait: wait)) }
            #expect(late?.code == .deadlineExceeded && late?.limit == "\(wait) ms")
        }
        #expect(ReadMoment(waitLimitMilliseconds: .max).waitLimit(callLimitMilliseconds: 0) == 60_000)
        #expect(ReadMoment(waitLimitMilliseconds: 500).waitLimit(callLimitMilliseconds: 20) == 20)
        #expect(index.writer.waiters.waiterCount == 0)
        try index.close()
    }

    @Test func aPointInTimeBehindAWrite() async throws {
        let index = try index()
        let sequence = try await write(index, "a")
        let moment = ReadMoment(minSequence: sequence)
        let point = try await index.openPointInTime(leaseMilliseconds: 600_000, at: moment)
        #expect(point.sequence >= sequence)
        _ = try await write(index, "b")
        _ = try await index.refresh()
        let past = ReadMoment(pointInTime: point.token)
        #expect(try await index.count(.text("検索"), at: past) == 1)
        #expect(try await index.fetch(["a", "b"], at: past).documents.map { $0?.key } == ["a", nil])
        try index.close()
    }
}

// Points in time: what they show, how long, and that files stay as long as someone reads them, and no longer.

import Synchronization
import Testing

@testable import SakuinEngine

@Suite struct PointInTimeTests {
    private func index(_ directory: any Directory, _ keys: ClosedRange<Int>) async throws -> SearchIndex {
        let index = try SearchIndex.open(directory, schema: .standard, options: SearchFixture.options)
        for key in keys {
            try await put(index, "k\(key)")
            _ = try await index.commit()
        }
        return index
    }

    private func put(_ index: SearchIndex, _ key: String) async throws {
        _ = try await index.write(WriteBatch([.put(Document(key: key, ["title": "全文検索"]))]))
    }

    private func segments(_ directory: any Directory) throws -> [String] {
        try directory.list().filter { $0.hasSuffix(".seg") }
    }

    private func error(_ body: () throws -> Void) -> SakuinError? {
        do { try body() } catch { return error as? SakuinError }
        return nil
    }

    @Test func pagesStayThemselves() async throws {
        let index = try await index(MemoryDirectory(), 1...6)
        let point = try index.openPointInTimeNow(leaseMilliseconds: 600_000)
        var request = SearchRequest("検索", limit: 2)
        request.sort = [SortKey("_key")]
        request.pointInTime = point.token
        var pages: [[String]] = []
        for page in 0..<3 {
            // Before each page something that moves all of it.
            try await put(index, "a\(page)")
            _ = try await index.write(WriteBatch([.delete("k\(page + 1)")]))
            _ = try await index.compact(segments: 1)
            request.offset = 2 * page
            let response = try index.searchNow(request)
            #expect(response.sequence == point.sequence && response.total == Total(6))
            pages.append(response.hits.map(\.key))
        }
        #expect(pages == [["k1", "k2"], ["k3", "k4"], ["k5", "k6"]])
        var exported: Set<String> = []
        for try await page in try await index.export(pointInTime: point.token) { exported.formUnion(page.map(\.key)) }
        #expect(exported == ["k1", "k2", "k3", "k4", "k5", "k6"])
        #expect(try index.searchNow(SearchRequest("検索")).total == Total(6))
        #expect(try index.searchNow(SearchRequest("検索")).sequence > point.sequence)
        request.minSequence = point.sequence
        _ = try index.searchNow(request)
        request.minSequence += 1
        #expect(error { _ = try index.searchNow(request) }?.code == .failedPrecondition)
        try index.close()
        #expect(error { _ = try index.openPointInTimeNow(leaseMilliseconds: 1) }?.code == .unavailable)
    }

    @Test func leases() throws {
        let time = Mutex<UInt64>(5)
        let points = PointsInTime(countMax: 2) { time.withLock { $0 } }
        func pass(_ milliseconds: UInt64) { time.withLock { $0 += milliseconds * 1_000_000 } }
        for lease in [0, -1, 600_001, Int.max] {
            let refused = error { _ = try points.open(IndexSnapshot(), leaseMilliseconds: lease) }
            #expect(refused?.code == .invalidArgument && refused?.limit == "600000")
        }
        let short = try points.open(IndexSnapshot(), leaseMilliseconds: 1000)
        let long = try points.open(IndexSnapshot(), leaseMilliseconds: 600_000)
        #expect(short.token != long.token && short.token.utf8.count == 32)
        pass(400)
        let full = error { _ = try points.open(IndexSnapshot(), leaseMilliseconds: 1) }
        #expect(full?.code == .resourceExhausted && full?.limit == "2" && full?.retryAfterMilliseconds == 601)
        for _ in 0..<5 {
            _ = try points.use(short.token)
            pass(999)
        }
        #expect(points.readerCount == 2)
        pass(1)
        let ended = error { _ = try points.use(short.token) }
        #expect(ended?.code == .notFound && ended?.field == "pointInTime" && ended?.nextStep != nil)
        #expect(points.readerCount == 1)
        _ = try points.open(IndexSnapshot(), leaseMilliseconds: 1)
        try points.close(long.token)
        #expect(error { try points.close(long.token) }?.code == .notFound)
        #expect(error { _ = try points.use("nonsense") }?.code == .notFound)
        points.closeAll()
        #expect(points.readerCount == 0)
    }

    /// What a merge has replaced goes when the last of a point in time, an export and a search lets go of it.
    @Test func filesGoWithTheLastReader() async throws {
        let memory = MemoryDirectory()
        let index = try await index(memory, 1...3)
        let before = try segments(memory)
        #expect(before.count == 3)
        let point = try index.openPointInTimeNow(leaseMilliseconds: 600_000)
        var export: DocumentPages? = try await index.export(pointInTime: point.token)
        #expect(try await export?.nextPage()?.count == 1)
        var search: IndexSnapshot? = index.store.snapshot
        _ = try await index.compact(segments: 1)
        #expect(try segments(memory).count == 4)
        var statistics = index.statisticsNow()
        #expect(statistics.openReaders == 2 && statistics.heldBytes > 0)
        #expect(try statistics.heldBytes == before.reduce(0) { try $0 + memory.size($1) })
        search = nil
        try index.closePointInTimeNow(point.token)
        #expect(try segments(memory).count == 4 && index.statisticsNow().openReaders == 1)
        #expect(try await export?.nextPage()?.count == 1)
        export = nil
        statistics = index.statisticsNow()
        #expect(statistics.openReaders == 0 && statistics.heldBytes == 0)
        #expect(try segments(memory).count == 1 && Set(segments(memory)).isDisjoint(with: before))
        #expect(search == nil)
        try index.close()
    }

    /// A lease that has ended lets go of the files without anybody asking.
    @Test func endedLeasesLetGo() async throws {
        let memory = MemoryDirectory()
        let index = try await index(memory, 1...2)
        let long = try index.openPointInTimeNow(leaseMilliseconds: 600_000)
        // Ends before the one the thread waits for.
        _ = try index.openPointInTimeNow(leaseMilliseconds: 1)
        _ = try await index.compact(segments: 1)
        try index.closePointInTimeNow(long.token)
        while try segments(memory).count > 1 { await Task.yield() }
        _ = try index.openPointInTimeNow(leaseMilliseconds: 600_000)
        try await put(index, "k3")
        _ = try await index.compact(segments: 1)
        #expect(try segments(memory).count == 2)
        try index.close()
        #expect(try segments(memory).count == 1)
    }

    /// Whoever reads on behind the end of the index removes nothing of what has the folder then.
    @Test func readersOfAClosedIndexRemoveNothing() async throws {
        for closes in [true, false] {
            let memory = MemoryDirectory()
            let first = try await index(memory, 1...2)
            let kept = Mutex<IndexSnapshot?>(first.store.snapshot)
            try await put(first, "k3")
            _ = try await first.refresh()
            let later = Mutex<IndexSnapshot?>(first.store.snapshot)
            if closes { try first.close() } else { first.abandon() }
            let second = try SearchIndex.open(memory, schema: nil, options: SearchFixture.options)
            _ = try await second.compact(segments: 1)
            let files = try memory.list()
            kept.withLock { $0 = nil }
            later.withLock { $0 = nil }
            #expect(try memory.list() == files)
            #expect(try second.searchNow(SearchRequest("検索")).total == Total(3))
            try second.close()
        }
    }

    @Test func sizeAloneMakesARefresh() async throws {
        var options = SearchFixture.options
        options.refreshByteCount = 4000
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: options)
        let small = try await index.write(WriteBatch([.put(Document(key: "a", ["title": "全文検索"]))]))
        #expect(!index.isVisible(small.sequence))
        let text = FieldValue.string(String(repeating: "全文検索", count: 400))
        let large = try await index.write(WriteBatch([.put(Document(key: "b", ["title": text]))]))
        while !index.isVisible(large.sequence) { await Task.yield() }
        #expect(try index.searchNow(SearchRequest("検索")).total == Total(2))
        try index.close()
        options.refreshByteCount = -1
        #expect(error { try options.validate() }?.field == "refreshByteCount")
    }

    /// Whatever keeps a refresh from succeeding: what can be seen is exported, and what cannot is told of.
    @Test func anIndexThatCannotRefreshIsExported() async throws {
        let index = try await index(MemoryDirectory(), 1...2)
        try await put(index, "k3")
        index.writer.fail(.io(operation: "write", path: "somewhere", errno: 5), during: "testing")
        let pages = try await index.export()
        var keys: Set<String> = []
        for try await page in pages { keys.formUnion(page.map(\.key)) }
        #expect(keys == ["k1", "k2"])
        #expect(pages.missing.count == 1 && pages.missing[0].hasPrefix("Writes 3 to 3 cannot be made visible: "))
        index.abandon()
        let whole = try await self.index(MemoryDirectory(), 1...2)
        try await put(whole, "k3")
        #expect(try await whole.export().complete)
        try whole.close()
        await #expect(throws: SakuinError.self) { try await whole.export() }
    }

    /// As many keys as there may be take longer than that.
    @Test func aFetchEndsAtItsDeadline() async throws {
        let index = try await index(MemoryDirectory(), 1...1)
        let keys = (0..<SearchRequest.windowMax).map { "\($0)" }
        let late = error { _ = try index.fetchNow(keys, limitMilliseconds: 1) }
        #expect(late?.code == .deadlineExceeded)
        try index.close()
    }

    /// The deadline of a search holds for its waiting, too.
    @Test func waitingEndsAtTheDeadline() async throws {
        let index = try await index(MemoryDirectory(), 1...1)
        var request = SearchRequest("検索")
        request.minSequence = 99
        request.waitLimitMilliseconds = 3_600_000
        let late = error { _ = try index.searchNow(request, limitMilliseconds: 1) }
        #expect(late?.code == .deadlineExceeded && late?.limit == "1 ms" && late?.field == "minSequence")
        try index.close()
    }
}

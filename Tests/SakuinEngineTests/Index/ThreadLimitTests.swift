// The system gives no more threads: what needs them is refused until there are, and nothing of it is left running.

import Testing

@testable import SakuinEngine

@Suite struct ThreadLimitTests {
    /// Options with which only so many threads are to be had.
    private func options(_ count: Int) -> IndexOptions { options(Monitor(count)) }

    private func options(_ left: Monitor<Int>) -> IndexOptions {
        var options = SearchFixture.options
        options.mergesInBackground = true
        options.threads = ThreadHook {
            left.change { left in
                left -= 1
                return left >= 0
            }
        }
        return options
    }

    /// A writer of one lane has three threads.
    private static let writerCount = 3

    private func isOfThreads(_ error: SakuinError?) -> Bool {
        error?.code == .resourceExhausted && error?.field == "threads" && error?.nextStep != nil
    }

    @Test func anIndexThatIsOnlyReadNeedsNone() async throws {
        let memory = MemoryDirectory()
        let first = try SearchIndex.open(memory, schema: .standard, options: SearchFixture.options)
        _ = try await first.write(WriteBatch([.put(Document(key: "a", ["title": "全文検索"]))]))
        try first.close()
        let index = try SearchIndex.open(memory, schema: nil, options: options(0))
        #expect(try await index.search(SearchRequest("検索")).total.value == 1)
        #expect(try index.getNow(["a"])[0] != nil)
        try index.close()
    }

    @Test func whatIsWrittenWaitsUntilThereAreAll() async throws {
        let left = Monitor(0)
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: options(left))
        let batch = WriteBatch([.put(Document(key: "a", ["title": "全文検索"]))])
        for count in 0..<Self.writerCount {
            left.change { $0 = count }
            let error = await #expect(throws: SakuinError.self, "\(count)") { try await index.write(batch) }
            #expect(isOfThreads(error) && error?.retryAfterMilliseconds != nil)
            left.change { $0 = count }
            #expect(isOfThreads(await #expect(throws: SakuinError.self) { try await index.refresh() }))
        }
        #expect(index.writer.sequence == 0)
        left.change { $0 = Self.writerCount }
        #expect(try await index.write(batch).sequence == 1)
        _ = try await index.refresh()
        #expect(try index.getNow(["a"])[0] != nil)
        // The jobs have a thread of their own, and it is missing.
        let error = await #expect(throws: SakuinError.self) { try await index.startCompaction(CompactionOptions()) }
        #expect(isOfThreads(error))
        try index.close()
    }

    @Test func aJournalIsReplayedWithAllOrTheIndexIsNotOpened() async throws {
        let memory = MemoryDirectory()
        let first = try SearchIndex.open(memory, schema: .standard, options: SearchFixture.options)
        _ = try await first.write(WriteBatch([.put(Document(key: "a", ["title": "全文検索"]))]))
        first.abandon()
        for count in 0..<Self.writerCount {
            let error = #expect(throws: SakuinError.self, "\(count)") {
                try SearchIndex.open(memory, schema: nil, options: options(count))
            }
            #expect(isOfThreads(error))
        }
        // The folder was let go, and what was acknowledged is there.
        let index = try SearchIndex.open(memory, schema: nil, options: options(Self.writerCount))
        #expect(try index.getNow(["a"])[0] != nil)
        try index.close()
    }

    @Test func anIndexOfACatalogIsOpenedWhenThereAreThreads() async throws {
        let memory = MemoryDirectory()
        let left = Monitor(2 * Self.writerCount)
        let catalog = try IndexCatalog(memory, options: options(left))
        let batch = WriteBatch([.put(Document(key: "a", ["title": "全文検索"]))])
        for name in ["i", "j", "k"] { try catalog.createNow(name, .standard) }
        for name in ["i", "j"] { _ = try await catalog.indexNow(name).write(batch) }
        let third = try catalog.indexNow("k")
        #expect(isOfThreads(await #expect(throws: SakuinError.self) { try await third.write(batch) }))
        // What was written stays in the journals.
        for name in ["i", "j"] { try catalog.indexNow(name).abandon() }
        try? catalog.close()
        left.change { $0 = 2 * Self.writerCount - 1 }
        let again = try IndexCatalog(memory, options: options(left))
        #expect(again.listNow().map(\.problems.isEmpty) == [true, false, true])
        left.change { $0 = Self.writerCount }
        again.reopenWhereThereIsRoom()
        #expect(again.listNow().map(\.problems.isEmpty) == [true, true, true])
        try again.close()
    }

    /// Those that were there before the one that was not end without having done anything.
    @Test func threadsBeginTogether() {
        let begun = Monitor(0)
        let work: @Sendable () -> Void = { begun.change { $0 += 1 } }
        let left = Monitor(2)
        let hook = ThreadHook {
            left.change { left in
                left -= 1
                return left >= 0
            }
        }
        #expect(throws: StorageError.noThread(needed: 3)) {
            try WorkerThread.all(Array(repeating: (.normal, work), count: 3), hook)
        }
        #expect(begun.read { $0 } == 0)
    }
}

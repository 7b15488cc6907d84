// The system gives no more threads: an index is not opened, and nothing of it is left running.

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

    /// A writer of one lane has three threads, merging six.
    private static let countMin = 9

    @Test func anIndexIsOpenedWithAllOfItsThreadsOrNotAtAll() async throws {
        let memory = MemoryDirectory()
        let first = try SearchIndex.open(memory, schema: .standard, options: SearchFixture.options)
        _ = try await first.write(WriteBatch([.put(Document(key: "a", ["title": "全文検索"]))]))
        first.abandon()
        for count in 0..<Self.countMin {
            for schema in [Schema?.none, .standard] {
                let folder = schema == nil ? memory : MemoryDirectory()
                let error = #expect(throws: SakuinError.self, "\(count)") {
                    try SearchIndex.open(folder, schema: schema, options: options(count))
                }
                #expect(error?.code == .resourceExhausted && error?.field == "threads" && error?.nextStep != nil)
            }
        }
        // The folder was let go, and what was acknowledged is there.
        let index = try SearchIndex.open(memory, schema: nil, options: options(Self.countMin))
        #expect(try index.getNow(["a"])[0] != nil)
        try index.close()
    }

    @Test func anIndexOfACatalogIsOpenedWhenThereAreThreads() async throws {
        let memory = MemoryDirectory()
        let left = Monitor(2 * Self.countMin)
        let catalog = try IndexCatalog(memory, options: options(left))
        for name in ["i", "j"] { try catalog.createNow(name, .standard) }
        let error = #expect(throws: SakuinError.self) { try catalog.createNow("k", .standard) }
        #expect(error?.code == .resourceExhausted)
        #expect(try memory.folders("indexes") == ["i", "j"] && catalog.listNow().map(\.name) == ["i", "j"])
        try catalog.close()
        left.change { $0 = 2 * Self.countMin - 1 }
        let again = try IndexCatalog(memory, options: options(left))
        #expect(again.listNow().map(\.problems.isEmpty) == [true, false])
        left.change { $0 = Self.countMin }
        again.reopenWhereThereIsRoom()
        #expect(again.listNow().map(\.problems.isEmpty) == [true, true])
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

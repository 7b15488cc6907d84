import SakuinTestSupport
import Synchronization
import Testing

@testable import SakuinEngine

@Suite struct MemoryBudgetTests {
    private static let mebibyte = 1 << 20

    @Test func searchesKeepTheirShare() throws {
        let all = 64 * Self.mebibyte
        let budget = MemoryBudget(byteCountMax: all)
        let most = budget.writingMax
        #expect(most > all / 2 && most + budget.shares.mergeByteCount == all - all / 8)
        #expect(budget.takeForWriting(most))
        #expect(!budget.isTight)
        #expect(!budget.takeForWriting(1))
        // Known to be needed already.
        budget.change(by: 1)
        #expect(budget.isTight)
        // Over the whole, and still the last eighth is for searches.
        budget.change(by: all - most)
        #expect(budget.takeForSearch(all / 16))
        #expect(!budget.takeForSearch(all / 16 + 1))
        budget.giveBackFromSearch(all / 16)
        #expect(budget.takeForSearch(all / 8))
        budget.giveBackFromSearch(all / 8)
        budget.change(by: -all - 1)
        #expect(budget.takeForSearch(all))
        #expect(!budget.takeForSearch(1))
        budget.giveBackFromSearch(all)
        #expect(budget.used == 0 && budget.peak == all + 1 + all / 8)
    }

    @Test func aMergeThatIsAloneAlwaysRuns() throws {
        let budget = MemoryBudget(byteCountMax: 64 * Self.mebibyte)
        let most = budget.mergeByteCountMax
        try budget.takeForMerge(most) { () throws(StorageError) in }
        // Beside it another one waits for it, not for what lanes hold.
        budget.change(by: 1)
        var looks = 0
        #expect(throws: StorageError.cancelled) {
            try budget.takeForMerge(most) { () throws(StorageError) in
                looks += 1
                #expect(!budget.isWanted && (looks == 1 || budget.isTight))
                if looks == 3 { throw .cancelled }
            }
        }
        budget.giveBackFromMerge(most)
        // Lanes hold so much that it waits; it runs when they have given it back.
        budget.change(by: 60 * Self.mebibyte)
        looks = 0
        try budget.takeForMerge(most) { () throws(StorageError) in
            looks += 1
            #expect(budget.isWanted == (looks > 1))
            if looks == 3 { budget.change(by: -60 * Self.mebibyte - 1) }
        }
        #expect(looks == 3 && !budget.isWanted)
        try budget.takeForMerge(600) { () throws(StorageError) in }
        budget.giveBackFromMerge(600)
        budget.giveBackFromMerge(most)
        #expect(budget.used == 0)
        #expect(throws: StorageError.noMemory(needed: most + 1, limit: most)) {
            try budget.takeForMerge(most + 1) { () throws(StorageError) in }
        }
    }

    @Test func aHoldEndsWithItsObject() {
        let budget = MemoryBudget(byteCountMax: 64 * Self.mebibyte)
        var hold: MemoryHold? = MemoryHold(budget, 70)
        withExtendedLifetime(hold) { #expect(budget.used == 70) }
        #expect(MemoryHold(taking: budget.writingMax, of: budget) == nil && budget.used == 70)
        hold = nil
        #expect(hold == nil && budget.used == 0)
    }

    /// What the process has besides what was counted keeps others from it, and is asked back.
    @Test func whatNobodyCountedCountsToo() {
        let mebibyte = Self.mebibyte
        let process = HookedProcess(byteCount: 10 * mebibyte)
        let budget = process.budget()
        #expect(budget.takeForWriting(5 * mebibyte))
        #expect(budget.used == 15 * mebibyte)
        // Of the 40 it has, 5 were counted.
        process.bytes.store(40 * mebibyte, ordering: .relaxed)
        #expect(budget.takeForWriting(5 * mebibyte))
        #expect(budget.used == 20 * mebibyte, "it was looked at just now")
        process.now.add(10_000_000, ordering: .relaxed)
        #expect(!budget.takeForWriting(20 * mebibyte))
        #expect(budget.used == 40 * mebibyte && process.releases.load(ordering: .relaxed) == 0)
        process.bytes.store(49 * mebibyte, ordering: .relaxed)
        process.now.add(10_000_000, ordering: .relaxed)
        #expect(!budget.takeForWriting(5 * mebibyte))
        #expect(process.releases.load(ordering: .relaxed) == 1)
        process.now.add(10_000_000, ordering: .relaxed)
        #expect(!budget.takeForWriting(5 * mebibyte))
        #expect(process.releases.load(ordering: .relaxed) == 1, "not again at once")
        // With nothing written, writing always begins.
        budget.change(by: -10 * mebibyte)
        process.bytes.store(63 * mebibyte, ordering: .relaxed)
        process.now.add(10_000_000, ordering: .relaxed)
        #expect(budget.takeForWriting(mebibyte))
        #expect(!budget.takeForWriting(1))
    }

    /// What the allocator keeps is asked back before a search is refused for it, also when it is below what makes the
    /// budget ask by itself; and who reads what is used sees what has been given back.
    @Test func slackRefusesNoSearch() {
        let mebibyte = Self.mebibyte
        let process = HookedProcess(byteCount: 45 * mebibyte)
        let budget = process.budget { $0.bytes.store(10 * mebibyte, ordering: .relaxed) }
        #expect(budget.takeForSearch(20 * mebibyte))
        #expect(process.releases.load(ordering: .relaxed) == 1 && budget.used == 30 * mebibyte)
        #expect(!budget.takeForSearch(40 * mebibyte))
        #expect(process.releases.load(ordering: .relaxed) == 1, "not again at once")
        budget.giveBackFromSearch(20 * mebibyte)
        process.bytes.store(2 * mebibyte, ordering: .relaxed)
        process.now.add(10_000_000, ordering: .relaxed)
        #expect(budget.used == 10 * mebibyte && budget.usedNow == 2 * mebibyte)
    }

    /// However much is written at once: what is counted never passes the budget, and everything that was not refused is
    /// there.
    @Test(arguments: [1, 2]) func anIndexStaysInItsBudget(laneCount: Int) async throws {
        var options = IndexOptions()
        options.memoryBudgetBytes = 16 * Self.mebibyte
        options.laneCount = laneCount
        options.refreshIntervalMilliseconds = 0
        options.commitIntervalMilliseconds = 0
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: options)
        var random = SeededRandom(seed: 7)
        let texts = (0..<40).map { _ in TextMaker.text(2_000, &random) }
        var written: Set<String> = []
        var refused = 0
        for round in 0..<60 {
            let receipts = Monitor<[(Int, Bool)]>([])
            // Eight at once, so that they wait for each other.
            for part in 0..<8 {
                let puts = (0..<10).map { number in
                    let key = "\(round % 6)-\(part)-\(number)"
                    return WriteOperation.put(Document(key: key, ["body": .string(texts[random.below(texts.count)])]))
                }
                index.submit(WriteBatch(puts, acknowledge: .memory)) { result in
                    let isDone = if case .success = result { true } else { false }
                    receipts.change { $0.append((part, isDone)) }
                }
            }
            for (part, isDone) in receipts.wait({ $0.count == 8 ? $0 : nil }) ?? [] {
                if isDone { (0..<10).forEach { written.insert("\(round % 6)-\(part)-\($0)") } } else { refused += 1 }
            }
            _ = try? index.searchNow(SearchRequest("国"))
            if round % 9 == 8 { _ = try await index.refresh() }
        }
        _ = try await index.refresh()
        #expect(index.memory.peak <= options.memoryBudgetBytes, "\(index.memory.peak)")
        #expect(index.memory.peak > options.memoryBudgetBytes / 4)
        #expect(index.statisticsNow().documents == written.count)
        _ = try await index.compact(segments: 1)
        #expect(index.memory.peak <= options.memoryBudgetBytes, "\(index.memory.peak)")
        #expect(index.memory.used == 0, "all was given back")
        index.abandon()
    }

    @Test func aBatchThatNeverFitsIsRefusedForGood() async throws {
        var options = SearchFixture.options
        options.memoryBudgetBytes = 16 * Self.mebibyte
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: options)
        let body = String(repeating: "国", count: 1 << 20)
        let error = await #expect(throws: SakuinError.self) {
            try await index.write(WriteBatch([.put(Document(key: "a", ["body": .string(body)]))]))
        }
        #expect(error?.code == .resourceExhausted && error?.retryAfterMilliseconds == nil)
        index.abandon()
    }
}

/// A process whose memory and time are the test's to say.
private final class HookedProcess: Sendable {
    let bytes: Atomic<Int>
    let releases = Atomic(0)
    let now = Atomic<UInt64>(1_000_000_000)

    init(byteCount: Int) { bytes = Atomic(byteCount) }

    /// A budget of 64 MiB that looks at it; `release` is what asking the allocator back changes.
    func budget(release: @escaping @Sendable (HookedProcess) -> Void = { _ in }) -> MemoryBudget {
        let hook = MemoryHook {
            self.bytes.load(ordering: .relaxed)
        } release: {
            self.releases.add(1, ordering: .relaxed)
            release(self)
        }
        return MemoryBudget(byteCountMax: 64 << 20, process: hook) { self.now.load(ordering: .relaxed) }
    }
}

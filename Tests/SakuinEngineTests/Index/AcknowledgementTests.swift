// Levels, sequence numbers and idempotency keys of writes.

import Testing

@testable import SakuinEngine

@Suite struct AcknowledgementTests {
    private static var options: IndexOptions {
        var options = IndexOptions()
        options.refreshIntervalMilliseconds = 0
        options.commitIntervalMilliseconds = 0
        options.mergesInBackground = false
        return options
    }

    private func put(_ key: String, _ level: AcknowledgementLevel = .disk, idempotencyKey: String? = nil) -> WriteBatch
    {
        WriteBatch(
            [.put(Document(key: key, ["title": "全文検索"]))], acknowledge: level, idempotencyKey: idempotencyKey)
    }

    private func keys(_ directory: MemoryDirectory, among keys: [String]) throws -> [String] {
        let index = try SearchIndex.open(directory, schema: nil, options: Self.options)
        defer { index.abandon() }
        return try zip(keys, index.getNow(keys)).filter { $0.1 != nil }.map(\.0)
    }

    @Test func aLevelIsWhatItSays() async throws {
        let memory = MemoryDirectory()
        let index = try SearchIndex.open(memory, schema: .standard, options: Self.options)
        for (number, level) in [AcknowledgementLevel.disk, .log, .memory].enumerated() {
            let receipt = try await index.write(put(level.rawValue, level))
            #expect(receipt.level == level && receipt.sequence == UInt64(number + 1) && receipt.applied == 1)
        }
        let all = AcknowledgementLevel.allCases.map(\.rawValue)
        #expect(try keys(memory.copyAfterCrash(), among: all) == ["disk"])
        #expect(try keys(memory.copyAfterKill(), among: all) == ["log", "disk"])
        _ = try await index.commit()
        #expect(try keys(memory.copyAfterCrash(), among: all) == ["memory", "log", "disk"])
        try index.close()
    }

    /// For bulk loads: what a commit covers is there after a crash, and nothing else; the next to open the index has a journal
    /// again if it wants one.
    @Test func withoutAJournalACommitKeepsWhatThereIs() async throws {
        let memory = MemoryDirectory()
        var options = Self.options
        options.keepsJournal = false
        let index = try SearchIndex.open(memory, schema: .standard, options: options)
        for level in [AcknowledgementLevel.log, .disk] {
            let error = await #expect(throws: SakuinError.self) { try await index.write(put("a", level)) }
            #expect(error?.code == .failedPrecondition && error?.field == "acknowledge")
        }
        #expect(try await index.write(put("a", .memory, idempotencyKey: "one")).sequence == 1)
        #expect(try keys(memory.copyAfterKill(), among: ["a"]) == [])
        _ = try await index.commit()
        #expect(try await index.write(put("b", .memory, idempotencyKey: "two")).sequence == 2)
        for folder in [memory.copyAfterKill(), memory.copyAfterCrash()] {
            #expect(try IndexCheck.run(folder).problems.isEmpty)
            #expect(try keys(folder, among: ["a", "b"]) == ["a"])
            let again = try SearchIndex.open(folder, schema: nil, options: Self.options)
            #expect(again.statisticsNow().complete)
            #expect(try await again.write(put("a", idempotencyKey: "one")).isRepeat, "committed with what it is of")
            #expect(try await again.write(put("b", idempotencyKey: "two")).sequence == 2, "lost with what it is of")
            #expect(try keys(folder.copyAfterCrash(), among: ["a", "b"]) == ["a", "b"])
            again.abandon()
        }
        // Closing commits.
        try index.close()
        #expect(try keys(memory.copyAfterCrash(), among: ["a", "b"]) == ["a", "b"])
    }

    /// Batches that wait while a sync runs share the next one.
    @Test func writersShareASync() async throws {
        let disk = SlowDisk()
        let directory = FaultDirectory(MemoryDirectory()) { _ in disk.spend() }
        let index = try SearchIndex.open(directory, schema: .standard, options: Self.options)
        let before = directory.operationCount
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 { group.addTask { _ = try await index.write(put("k\(number)")) } }
            try await group.waitForAll()
        }
        // Alone each batch is a write, a sync and a mark.
        #expect(directory.operationCount - before < 300)
        try index.close()
    }

    @Test func aRepeatedBatchIsAppliedOnce() async throws {
        let memory = MemoryDirectory()
        let index = try SearchIndex.open(memory, schema: .standard, options: Self.options)
        let first = try await index.write(put("a", idempotencyKey: "one"))
        #expect(!first.isRepeat)
        _ = try await index.write(WriteBatch([.delete("a")]))
        let second = try await index.write(put("a", idempotencyKey: "one"))
        #expect(second.isRepeat && second.sequence == first.sequence && second.applied == 1)
        _ = try await index.refresh()
        #expect(try index.getNow(["a"])[0] == nil, "not put again behind the deletion")
        let error = await #expect(throws: SakuinError.self) { try await index.write(put("b", idempotencyKey: "one")) }
        #expect(error?.code == .failedPrecondition && error?.field == "idempotencyKey")
        // Replayed from the journal, kept over a commit, a clean close, and a power loss.
        var folders = [memory.copyAfterCrash()]
        _ = try await index.commit()
        folders.append(memory.copyAfterCrash())
        try index.close()
        folders.append(memory.copyAfterCrash())
        for folder in folders {
            for _ in 0..<2 {
                let again = try SearchIndex.open(folder, schema: nil, options: Self.options)
                let receipt = try await again.write(put("a", idempotencyKey: "one"))
                #expect(receipt.isRepeat && receipt.sequence == first.sequence)
                #expect(try again.getNow(["a"])[0] == nil)
                again.abandon()
            }
        }
    }

    /// Without a call a write is committed after its time, so that a crash leaves little to replay.
    @Test func anIdleIndexCommits() async throws {
        let memory = MemoryDirectory()
        var options = Self.options
        options.refreshIntervalMilliseconds = 10
        options.commitIntervalMilliseconds = 20
        let committed = Monitor(false)
        let directory = FaultDirectory(memory) { _ in
            if (try? Manifest.newest(memory))??.committedSequence == 1 { committed.change { $0 = true } }
        }
        let index = try SearchIndex.open(directory, schema: .standard, options: options)
        _ = try await index.write(put("a"))
        #expect(committed.wait(milliseconds: 20_000) { $0 ? true : nil } == true)
        index.abandon()
    }

    @Test func theOldestKeysAreForgotten() throws {
        var keys = RecentKeys()
        let count = RecentKeys.countMax
        for number in 0..<(3 * count + 7) {
            keys.insert(.init(text: "k\(number)", checksum: UInt32(number)), sequence: UInt64(number))
        }
        #expect(keys.find("k\(2 * count + 6)") == nil)
        #expect(keys.find("k\(2 * count + 7)")?.sequence == UInt64(2 * count + 7))
        var restored = RecentKeys()
        try keys.encode().withUnsafeBytes { try restored.restore($0, file: "test") }
        #expect(restored.find("k\(2 * count + 6)") == nil)
        #expect(restored.find("k\(3 * count)")?.checksum == UInt32(3 * count))
        #expect(restored.encode() == keys.encode())
    }

    @Test func badKeysAreRefused() async throws {
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: Self.options)
        for key in ["", String(repeating: "k", count: 65)] {
            let error = await #expect(throws: SakuinError.self) { try await index.write(put("a", idempotencyKey: key)) }
            #expect(error?.code == .invalidArgument && error?.limit == "64")
        }
        try index.close()
    }

    /// After a sync that failed nothing is acknowledged, though later syncs would return without an error.
    @Test func nothingIsAcknowledgedAfterAFailedSync() async throws {
        let memory = MemoryDirectory()
        let index = try SearchIndex.open(memory, schema: .standard, options: Self.options)
        _ = try await index.write(put("a"))
        try index.close()
        let directory = FaultDirectory(memory, .init(first: 4, kinds: [.sync], errno: 5))
        let faulty = try SearchIndex.open(directory, schema: nil, options: Self.options)
        var acknowledged: [String] = []
        for number in 0..<6 {
            if (try? await faulty.write(put("b\(number)"))) != nil { acknowledged.append("b\(number)") }
        }
        #expect(directory.hasFailed && acknowledged.count < 6)
        #expect(faulty.writeFailure?.code == .failedPrecondition)
        #expect(try keys(memory.copyAfterCrash(), among: ["a"] + acknowledged) == ["a"] + acknowledged)
        faulty.abandon()
        let mended = try SearchIndex.open(memory, schema: nil, options: Self.options)
        #expect(mended.writeFailure == nil)
        _ = try await mended.write(put("c"))
        try mended.close()
    }
}

/// Makes operations long enough for others to queue up behind them.
private final class SlowDisk: Sendable {
    func spend() {
        let end = Clock.nanoseconds() + 200_000
        while Clock.nanoseconds() < end {}
    }
}

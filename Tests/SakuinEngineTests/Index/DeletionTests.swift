// Deletion by query: what it deletes, what it leaves, where it stops and what it says.

import Testing

@testable import SakuinEngine

@Suite struct DeletionTests {
    private static let schema = Schema(fields: [
        FieldDefinition(name: "title"), FieldDefinition(name: "tag", type: .keyword),
        FieldDefinition(name: "year", type: .integer),
    ])

    private static let titles = [
        "a": "国际数字经济", "b": "国际新闻", "c": "經濟發展", "d": "数字新闻", "e": "カタカナ", "f": "全文検索",
    ]

    private func put(_ key: String, _ title: String? = nil, year: Int64 = 2023) -> WriteOperation {
        .put(
            Document(
                key: key,
                [
                    "title": .string(title ?? Self.titles[key] ?? key), "tag": .string("t\(key)"),
                    "year": .integer(year),
                ]))
    }

    /// An index of the six documents, half of which no search sees yet.
    private func open(
        _ directory: any Directory = MemoryDirectory(), options: IndexOptions = SearchFixture.options
    ) async throws -> SearchIndex {
        let index = try SearchIndex.open(directory, schema: Self.schema, options: options)
        _ = try await index.write(WriteBatch(["a", "b", "c"].map { put($0) }))
        _ = try await index.refresh()
        _ = try await index.write(WriteBatch(["d", "e", "f"].map { put($0, year: 2024) }, acknowledge: .memory))
        return index
    }

    private func keys(_ index: SearchIndex) async throws -> String {
        _ = try await index.refresh()
        return try index.searchNow(SearchRequest("*:*", limit: 100)).hits.map(\.key).sorted().joined()
    }

    @Test func whatMatchesIsDeleted() async throws {
        let queries: [(DeletionRequest, left: String)] = [
            (DeletionRequest("国际"), "cdef"), (DeletionRequest("新闻 -国际"), "abcef"),
            (DeletionRequest("year:2024"), "abc"),
            (with("新闻") { $0.filter = .text("year:[2024 TO *]") }, "abcef"),
            (with("発展") { $0.variants = .han }, "abdef"),
            (with("かたかな") { $0.variants = .all }, "abcdf"), (with("td") { $0.fields = ["tag"] }, "abcef"),
            (with("国际経済 検索") { $0.mode = .smart }, "cde"),
            (DeletionRequest(.tree(.or([.equals(field: "tag", "ta"), .prefix("カタ", fields: [])]))), "bcdf"),
            (DeletionRequest("*:*"), ""), (DeletionRequest(.tree(.all)), ""),
            (with("*:*") { $0.filter = .text("*:*") }, ""),
            (with("*:*") { $0.filter = .text("国际") }, "cdef"), (DeletionRequest("NOT 国际"), "ab"),
        ]
        for (request, left) in queries {
            let index = try await open()
            let receipt = try await index.delete(matching: request)
            #expect(receipt.matched == 6 - left.count && receipt.deleted == receipt.matched, "\(request)")
            #expect(receipt.skipped == 0 && receipt.level == .disk && receipt.sequence == 3)
            #expect(try await keys(index) == left, "\(request)")
            index.abandon()
        }
    }

    private func with(_ text: String, _ change: (inout DeletionRequest) -> Void) -> DeletionRequest {
        var request = DeletionRequest(text)
        change(&request)
        return request
    }

    @Test func nothingMatchedIsNoError() async throws {
        let index = try await open()
        let receipt = try await index.delete(matching: DeletionRequest("広告"))
        #expect(receipt == DeletionReceipt(matched: 0, sequence: 2, level: .disk, notes: receipt.notes))
        #expect(try await keys(index) == "abcdef" && index.writer.sequence == 2)
        // The same again deletes nothing more.
        #expect(try await index.delete(matching: DeletionRequest("国际")).deleted == 2)
        #expect(try await index.delete(matching: DeletionRequest("国际")).matched == 0)
        index.abandon()
    }

    @Test func aDryRunCounts() async throws {
        let index = try await open()
        let receipt = try await index.delete(matching: with("新闻") { $0.isDryRun = true })
        #expect(receipt == DeletionReceipt(matched: 2, sequence: 2, level: .disk))
        #expect(try await keys(index) == "abcdef")
        index.abandon()
    }

    @Test func everythingIsDeletedOnlyWhenItIsSaid() async throws {
        let index = try await open()
        for request in [
            DeletionRequest(""), DeletionRequest("  "), DeletionRequest("*:* OR 国际"), DeletionRequest("NOT \"!!\""),
            DeletionRequest("!!"), DeletionRequest("新闻 -\"...\""), DeletionRequest(.tree(.and([]))),
            DeletionRequest(.tree(.not(.or([])))), DeletionRequest(.tree(.and([.all, .all]))),
            with("*:*") { $0.filter = .tree(.not(.not(.all))) }, with("国") { $0.fields = ["n"] },
        ] {
            let error = await #expect(throws: SakuinError.self, "\(request)") {
                try await index.delete(matching: request)
            }
            #expect(error?.code == .invalidArgument && error?.field != nil && error?.nextStep != nil, "\(request)")
        }
        #expect(try await keys(index) == "abcdef" && index.writer.sequence == 2)
        index.abandon()
    }

    /// Writes that come between the snapshot and the deletion: what they leave is not deleted, and the journal holds a batch of
    /// ordinary deletions, which a replay carries out as it stands.
    @Test(arguments: [false, true]) func whatIsWrittenMeanwhileStays(leavesSome: Bool) async throws {
        let memory = MemoryDirectory()
        let index = try await open(memory)
        index.writer.keep(WritePace(stops: true))
        // They wait in the queue, numbered by nobody, while the deletion begins and gets in line behind them.
        var operations = [put("a", "もう別の文"), .delete("b")]
        if !leavesSome { operations.append(put("d", "数字新闻")) }
        let written = Monitor<Result<WriteReceipt, SakuinError>?>(nil)
        index.submit(WriteBatch(operations)) { result in written.change { $0 = result } }
        let deletion = Task { try await index.delete(matching: DeletionRequest("国际 OR 新闻")) }
        while index.writer.queue.read({ $0.submissions.count }) < 2 { await Task.yield() }
        index.writer.keep(WritePace())
        let receipt = try await deletion.value
        #expect(try written.wait { $0 }?.get().sequence == 3)
        #expect(
            receipt.matched == 3 && receipt.deleted == (leavesSome ? 1 : 0) && receipt.skipped == (leavesSome ? 2 : 3))
        #expect(receipt.sequence == (leavesSome ? 4 : 2) && index.writer.sequence == (leavesSome ? 4 : 3))
        let left = leavesSome ? "acef" : "acdef"
        #expect(try await keys(index) == left)
        #expect(try index.getNow(["a"])[0]?["title"] == .string("もう別の文"))
        let replayed = try SearchIndex.open(memory.copyAfterKill(), schema: nil, options: SearchFixture.options)
        #expect(try await keys(replayed) == left)
        replayed.abandon()
        index.abandon()
    }

    // MARK: Several batches

    /// An index of 3,000 documents with keys so long that deleting them takes three batches.
    private func openLarge(_ directory: any Directory = MemoryDirectory()) async throws -> SearchIndex {
        var options = SearchFixture.options
        options.memoryBudgetBytes = 16 << 20
        let index = try SearchIndex.open(directory, schema: Self.schema, options: options)
        for part in 0..<3 {
            _ = try await index.write(WriteBatch((0..<1_000).map { put(Self.key(part * 1_000 + $0), "新闻") }))
            _ = try await index.refresh()
        }
        return index
    }

    private static func key(_ number: Int) -> String { "\(number)-" + String(repeating: "k", count: 1_000) }

    @Test func manyGoInBatches() async throws {
        let index = try await openLarge()
        let receipt = try await index.delete(matching: DeletionRequest("新闻"))
        #expect(receipt.matched == 3_000 && receipt.deleted == 3_000 && receipt.skipped == 0)
        #expect(receipt.sequence == 3 + 3 && index.writer.sequence == 6)
        #expect(try await keys(index) == "")
        index.abandon()
    }

    /// Cancelled while the first batch goes through the journal: that one is whole, the second is not begun.
    @Test func itStopsBetweenBatches() async throws {
        let place = Monitor<(index: SearchIndex, cancellation: SearchCancellation)?>(nil)
        let directory = FaultDirectory(MemoryDirectory()) { _ in
            guard let (index, cancellation) = place.read({ $0 }), index.writer.sequence == 4 else { return }
            cancellation.cancel()
        }
        let index = try await openLarge(directory)
        let cancellation = SearchCancellation()
        place.change { $0 = (index, cancellation) }
        let error = await #expect(throws: SakuinError.self) {
            try await index.delete(
                matching: DeletionRequest("新闻"), limitMilliseconds: 0, cancellation: cancellation)
        }
        place.change { $0 = nil }
        #expect(error?.code == .cancelled && error?.nextStep?.contains("Delete again") == true)
        _ = try await index.refresh()
        let left = index.statisticsNow().documents
        #expect(left > 0 && left < 3_000 && index.writer.sequence == 4)
        #expect(error?.message.contains("Of 3000 documents that matched \(3_000 - left) were deleted") == true)
        #expect(try await index.delete(matching: DeletionRequest("新闻")).deleted == left)
        #expect(index.writer.watches.read { $0.count } == 0)
        index.abandon()
    }

    @Test func aDeadlineAndACancelledTaskEndIt() async throws {
        let index = try await open()
        let gone = SearchCancellation()
        gone.cancel()
        let cancelled = await #expect(throws: SakuinError.self) {
            try await index.delete(matching: DeletionRequest("国际"), limitMilliseconds: 0, cancellation: gone)
        }
        #expect(cancelled?.code == .cancelled)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await index.delete(matching: DeletionRequest("国际"))
        }
        let ended = await #expect(throws: SakuinError.self) { try await task.value }
        #expect(ended?.code == .cancelled)
        #expect(try await keys(index) == "abcdef" && index.writer.watches.read { $0.count } == 0)
        index.abandon()
    }

    // MARK: What keeps writes out

    @Test func itFailsAsOtherWritesDo() async throws {
        let directory = FaultDirectory(MemoryDirectory())
        let index = try await openLarge(directory)
        // A batch does not get into the journal.
        directory.arm(.init(first: 3, lasts: true, kinds: [.write, .sync], errno: 5))
        let failed = await #expect(throws: SakuinError.self) {
            try await index.delete(matching: DeletionRequest("新闻"))
        }
        #expect(failed?.code == .failedPrecondition)
        directory.mend()
        let again = await #expect(throws: SakuinError.self) { try await index.delete(matching: DeletionRequest("新闻")) }
        #expect(again == index.writeFailure && again != nil)
        index.abandon()
        let closed = await #expect(throws: SakuinError.self) { try await index.delete(matching: DeletionRequest("新闻")) }
        #expect(closed?.code == .unavailable)
    }

    @Test func aFullQueueKeepsTheFirstBatchOut() async throws {
        var options = SearchFixture.options
        options.queueByteCountMax = 1 << 20
        let index = try await open(options: options)
        index.writer.keep(WritePace(stops: true))
        let body = String(repeating: "国", count: 300_000)
        index.submit(WriteBatch([put("x", body)])) { _ in }
        index.writer.queue.change { $0.byteCount += 1 << 20 }
        let full = await #expect(throws: SakuinError.self) { try await index.delete(matching: DeletionRequest("国际")) }
        #expect(full?.code == .resourceExhausted && full?.field == "queueByteCountMax")
        #expect(full?.retryAfterMilliseconds != nil)
        index.writer.queue.change { $0.byteCount -= 1 << 20 }
        index.writer.keep(WritePace())
        #expect(try await index.delete(matching: DeletionRequest("数字新闻")).deleted == 1)
        index.abandon()
    }

    @Test func soManyMayBeUnderWay() throws {
        var watches = WriteWatches()
        let memory = MemoryBudget(byteCountMax: 16 << 20)
        let all = (0..<WriteWatches.countMax).map { _ in WriteWatch(memory) }
        for watch in all {
            try watches.reserve()
            watches.begin(watch)
        }
        let error = #expect(throws: SakuinError.self) { try watches.reserve() }
        #expect(error?.code == .resourceExhausted && error?.retryAfterMilliseconds != nil)
        #expect(watches.others(all[0]).count == WriteWatches.countMax - 1)
        watches.end(all[1])
        watches.end(nil)
        try watches.reserve()
        #expect(watches.others(nil).count == WriteWatches.countMax - 1)
    }

    // MARK: The watch

    private func deletions(_ keys: some Sequence<String>) -> EncodedBatch {
        var bodies = ByteWriter()
        var count = 0
        for key in keys {
            Array(key.utf8).withUnsafeBytes { EncodedBatch.append(.delete, $0, to: &bodies) }
            count += 1
        }
        return EncodedBatch(operations: bodies, count: count)
    }

    private func keys(_ batch: EncodedBatch?) throws -> [String] {
        var keys: [String] = []
        try batch?.forEachKey { keys.append(String(decoding: $0, as: UTF8.self)) }
        return keys
    }

    @Test func aWatchLeavesOutWhatItNoted() throws {
        let memory = MemoryBudget(byteCountMax: 16 << 20)
        do {
            let watch = WriteWatch(memory)
            let all = deletions(["a", "b", "c"])
            #expect(try watch.remaining(all) === all)
            let registry = FieldRegistry(schema: .standard, names: ["title", "body"])
            let batch = try BatchEncoder.encode(
                WriteBatch([.put(Document(key: "b", ["title": "a"])), .delete("x")]), registry)
            try watch.note(#require(batch.batch))
            #expect(try keys(watch.remaining(all)) == ["a", "c"])
            try watch.note(deletions(["c", "a"]))
            #expect(try watch.remaining(all) == nil)
            #expect(try watch.remaining(deletions(["d"])).map { try keys($0) } == ["d"])
            #expect(memory.used > 0)
        }
        #expect(memory.used == 0)
    }

    /// Without memory for the keys nothing is deleted any more, and the index goes on.
    @Test func aWatchWithoutMemoryKnowsNothing() throws {
        let memory = MemoryBudget(byteCountMax: 1 << 20)
        do {
            let watch = WriteWatch(memory)
            for part in 0..<40 { try watch.note(deletions((0..<1_000).map { "\(part)-\($0)" })) }
            let error = #expect(throws: SakuinError.self) { try watch.remaining(deletions(["z"])) }
            #expect(error?.code == .resourceExhausted && error?.retryAfterMilliseconds != nil)
            #expect(memory.used <= memory.searchByteCountMax)
        }
        #expect(memory.used == 0)
    }
}

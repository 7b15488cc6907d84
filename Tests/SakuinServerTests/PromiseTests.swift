// What acknowledgements, idempotency keys and points in time promise, over the wire and over a restart of the server.

import NIOConcurrencyHelpers
import SakuinClient
import SakuinProtocol
import SakuinServer
import Testing

@testable import SakuinEngine

@Suite struct PromiseTests {
    private func put(_ key: String, _ text: String = "全文検索") -> WriteOperation {
        .put(Document(key: key, ["body": .string(text)]))
    }

    @Test func receiptsSayLevelAndSequence() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        let index = try await client.index("i")
        for (number, level) in [AcknowledgementLevel.memory, .log, .disk].enumerated() {
            let receipt = try await index.write(WriteBatch([put("a")], acknowledge: level))
            #expect(receipt.level == level && receipt.sequence == UInt64(number + 1) && !receipt.isRepeat)
        }
        for (number, level) in [AcknowledgementLevel.memory, .log, .disk].enumerated() {
            let stream = try await index.stream(acknowledge: level)
            try await stream.send([put("b"), .delete("a")])
            try await stream.finish()
            var receipts: [WriteReceipt] = []
            for try await receipt in stream.receipts { receipts.append(receipt) }
            #expect(receipts.map(\.level) == [level] && receipts.map(\.sequence) == [UInt64(number + 4)])
            #expect(receipts[0].applied == 2)
        }
        await client.close()
        try await server.stop()
    }

    /// Batches that wait while the log is synced share the next sync, whatever connection they came on.
    @Test func connectionsShareASync() async throws {
        let syncs = NIOLockedValueBox(0)
        let call = SystemCall { operation, path, _ in
            if operation == "fdatasync", path.contains("journal-") { syncs.withLockedValue { $0 += 1 } }
            return nil
        }
        var options = RunningServer.options
        options.mergesInBackground = false
        // A commit syncs the journal too.
        options.commitIntervalMilliseconds = 0
        let server = try await RunningServer.start(options: options, call: call)
        let clients = (0..<8).map { _ in server.client() }
        try await clients[0].create(index: "i", schema: .standard)
        let writer = try server.catalog.indexNow("i").writer
        _ = try await clients[0].index("i").write(WriteBatch([put("first")]))
        syncs.withLockedValue { $0 = 0 }
        _ = try await clients[0].index("i").write(WriteBatch([put("alone")]))
        let alone = syncs.withLockedValue { $0 }
        #expect(alone > 0)
        syncs.withLockedValue { $0 = 0 }
        // They come while the writing thread is busy.
        writer.keep(WritePace(stops: true))
        let receipts = clients.enumerated().map { number, client in
            Task { try await client.index("i").write(WriteBatch([put("k\(number)")])) }
        }
        while writer.queue.read({ $0.submissions.count }) < clients.count { await Task.yield() }
        writer.keep(WritePace())
        var sequences: Set<UInt64> = []
        for receipt in receipts { sequences.insert(try await receipt.value.sequence) }
        #expect(sequences == Set(3...10) && syncs.withLockedValue { $0 } == alone)
        for client in clients { await client.close() }
        try await server.stop()
    }

    /// The receipt of a batch of which nothing is left is there before the worker is done with the batch.
    @Test(.timeLimit(.minutes(30))) func anImportEndsWhateverComesFirst() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        await client.close()
        let open = WireCodec.encode(
            WireRequest(.importStream(index: "i", acknowledge: .disk, rejection: .eachOperation)))
        let keyless = WireCodec.encode([.putJSON(Array("{\"body\":\"無\"}".utf8), keyField: "id")])
        let frames = try await server.exchange(
            ContractTests.hello + FrameHeader.frame(.request, stream: 1, open)
                + FrameHeader.frame(.data, flags: FrameHeader.endFlag, stream: 1, keyless), frameCount: 3)
        #expect(frames.map(\.header.kind) == [.welcome, .data, .reply])
        let receipt = try #require(
            try frames.dropFirst().first?.payload.withUnsafeBytes { try WireCodec.decodeReceipt($0) })
        #expect(receipt.applied == 0 && receipt.rejections.count == 1)
        try await server.stop()
    }

    /// Writes, deletions and batches of imports, on other connections and behind a restart too.
    @Test func repeatedBatchesAreAppliedOnce() async throws {
        let folder = RunningServer.freshFolder
        var server = try await RunningServer.start(folder: folder)
        var client = server.client()
        try await client.create(index: "i", schema: .standard)
        func sendAll(_ index: RemoteIndex) async throws -> [WriteReceipt] {
            var receipts = [
                try await index.write(WriteBatch([put("a"), put("b")], idempotencyKey: "w")),
                try await index.write(WriteBatch([.delete("a")], idempotencyKey: "d")),
            ]
            let stream = try await index.stream()
            try await stream.send([put("c"), .delete("b")], idempotencyKey: "i")
            try await stream.finish()
            for try await receipt in stream.receipts { receipts.append(receipt) }
            return receipts
        }
        let first = try await sendAll(try await client.index("i"))
        #expect(first.map(\.sequence) == [1, 2, 3] && first.allSatisfy { !$0.isRepeat })
        // Were the batches applied again these would be gone.
        _ = try await client.index("i").write(WriteBatch([put("a", "後"), put("b", "後")]))
        for restarts in [false, true] {
            if restarts {
                await client.close()
                try await server.stop(keepsFolder: true)
                server = try await RunningServer.start(folder: folder)
            }
            client = server.client()
            let index = try await client.index("i")
            let again = try await sendAll(index)
            #expect(again.map(\.sequence) == [1, 2, 3] && again.allSatisfy(\.isRepeat))
            _ = try await index.refresh()
            #expect(try await index.count(.text("後")) == 2)
            let other = await #expect(throws: SakuinError.self) {
                try await index.write(WriteBatch([.delete("c")], idempotencyKey: "d"))
            }
            #expect(other?.code == .failedPrecondition && other?.field == "idempotencyKey")
        }
        await client.close()
        try await server.stop()
    }

    @Test func pointsInTimeEndWithLeaseAndServer() async throws {
        let folder = RunningServer.freshFolder
        let server = try await RunningServer.start(folder: folder)
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        let index = try await client.index("i")
        _ = try await index.write(WriteBatch([put("a")]))
        let short = try await index.openPointInTime(leaseMilliseconds: 1)
        while try await index.statistics().openReaders > 0 { await Task.yield() }
        func isGone(_ token: String, _ index: RemoteIndex) async throws {
            let past = ReadMoment(pointInTime: token)
            for error in [
                await #expect(throws: SakuinError.self) { try await index.count(.text("検索"), at: past) },
                await #expect(throws: SakuinError.self) { try await index.fetch(["a"], at: past) },
                await #expect(throws: SakuinError.self) { try await index.export(pointInTime: token) },
                await #expect(throws: SakuinError.self) { try await index.closePointInTime(token) },
            ] { #expect(error?.code == .notFound && error?.field == "pointInTime") }
        }
        try await isGone(short.token, index)
        let long = try await index.openPointInTime(leaseMilliseconds: 600_000)
        await client.close()
        try await server.stop(keepsFolder: true)
        let next = try await RunningServer.start(folder: folder)
        let again = next.client()
        try await isGone(long.token, try await again.index("i"))
        #expect(try await again.index("i").count(.text("検索")) == 1)
        await again.close()
        try await next.stop()
    }
}

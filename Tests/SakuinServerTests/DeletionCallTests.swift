// Deletion by query over the wire: as that of the index itself, with its deadline, and given up by CANCEL between batches.

import SakuinClient
import SakuinProtocol
import SakuinServer
import Testing

@testable import SakuinEngine

@Suite struct DeletionCallTests {
    private static func puts(_ count: Int, keyByteCount: Int = 1) -> [WriteOperation] {
        (0..<count).map { number in
            .put(
                Document(
                    key: "\(number)" + String(repeating: "k", count: keyByteCount),
                    ["title": .string(number % 3 == 0 ? "国际新闻" : "数字经济"), "n": .integer(Int64(number))]))
        }
    }

    /// The same calls on an index in the process and on one of a server.
    @Test func remoteIsAsEmbedded() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        var receipts: [[DeletionReceipt]] = []
        var left: [[String]] = []
        for name in ["here", "there"] {
            try await client.create(index: name, schema: .standard)
            let remote = try await client.index(name)
            let embedded = try server.catalog.indexNow(name)
            let index: any SearchService = name == "here" ? embedded : remote
            _ = try await index.write(WriteBatch(Self.puts(60)))
            var filtered = DeletionRequest("*:*")
            filtered.filter = .text("n:[50 TO *]")
            filtered.acknowledge = .log
            var dry = DeletionRequest(.tree(.text("新聞", fields: ["title"])))
            dry.variants = .han
            dry.isDryRun = true
            var smart = DeletionRequest("国际体育")
            smart.mode = .smart
            smart.fields = ["title"]
            smart.acknowledge = .memory
            var done: [DeletionReceipt] = []
            for request in [DeletionRequest("体育"), dry, filtered, smart, smart] {
                done.append(try await index.delete(matching: request))
            }
            receipts.append(done)
            _ = try await index.refresh()
            left.append(try await index.search(SearchRequest("*:*", limit: 100)).hits.map(\.key).sorted())
        }
        #expect(receipts[0] == receipts[1] && left[0] == left[1] && left[0].count == 33)
        #expect(receipts[0].map(\.matched) == [0, 20, 10, 17, 0])
        #expect(receipts[0].map(\.deleted) == [0, 0, 10, 17, 0] && receipts[0].map(\.sequence) == [1, 1, 2, 3, 3])
        #expect(receipts[0].map(\.level) == [.disk, .disk, .log, .memory, .memory])
        #expect(receipts[0][3].notes.contains { $0.contains("smart") })
        await client.close()
        try await server.stop()
    }

    @Test func anIndexThatIsNotThere() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        let error = await #expect(throws: SakuinError.self) {
            try await client.index("nowhere").delete(matching: DeletionRequest("国"))
        }
        #expect(error?.code == .notFound)
        await client.close()
        try await server.stop()
    }

    /// CANCEL comes while the first of three batches waits to be written: that one goes through, the others are not begun.
    @Test func cancelStopsBetweenBatches() async throws {
        var options = RunningServer.options
        // Merges would say how fast writes may come.
        options.mergesInBackground = false
        let server = try await RunningServer.start(options: options)
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        let embedded = try server.catalog.indexNow("i")
        for part in 0..<3 {
            let puts = Self.puts(3_000, keyByteCount: 1_000)[(part * 1_000)..<((part + 1) * 1_000)]
            _ = try await embedded.write(WriteBatch(Array(puts)))
        }
        embedded.writer.keep(WritePace(stops: true))
        let index = try await client.index("i")
        let deletion = Task { try await index.delete(matching: DeletionRequest("*:*")) }
        while embedded.writer.queue.read({ $0.submissions.isEmpty }) { await Task.yield() }
        deletion.cancel()
        let error = await #expect(throws: SakuinError.self) { try await deletion.value }
        #expect(error?.code == .cancelled)
        // Behind CANCEL on the same connection.
        try await client.ping()
        embedded.writer.keep(WritePace())
        while embedded.writer.watches.read({ $0.count }) > 0 { await Task.yield() }
        #expect(embedded.writer.sequence == 4)
        _ = try await index.refresh()
        let left = try await index.count(.text("*:*"))
        #expect(left > 0 && left < 3_000)
        #expect(try await index.delete(matching: DeletionRequest("*:*")).deleted == left)
        await client.close()
        try await server.stop()
    }
}

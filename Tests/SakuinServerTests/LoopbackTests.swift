// Server and client joined over loopback, on a real catalog.

import SakuinClient
import SakuinEngine
import SakuinServer
import Testing

@Suite struct LoopbackTests {
    @Test func theLifeOfAnIndex() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        let schema = Schema(fields: [FieldDefinition(name: "body"), FieldDefinition(name: "kind", type: .keyword)])
        try await client.create(index: "news", schema: schema)
        let index = try await client.index("news")
        let receipt = try await index.write(
            WriteBatch([
                .put(Document(key: "1", ["body": "依托 5G网络 的产业", "kind": "a"])),
                .putJSON(Array(#"{"id":2,"body":"全文検索エンジン","n":3}"#.utf8), keyField: "id"),
                .put(Document(key: "3", ["body": "5G网络", "kind": "b"])),
            ]))
        #expect(receipt.applied == 3)
        #expect(receipt.level == .disk)

        var request = SearchRequest("5G网络")
        request.minSequence = receipt.sequence
        request.returnFields = .all
        request.spans = true
        let response = try await index.search(request)
        #expect(response.total == Total(2))
        #expect(Set(response.hits.map(\.key)) == ["1", "3"])
        let hit = try #require(response.hits.first { $0.key == "3" })
        #expect(hit.fields.contains(.init("body", "5G网络")))
        #expect(hit.spans == [FieldSpans(field: "body", spans: [TextSpan(start: 0, end: 8)])])
        #expect(try await index.count(.tree(.equals(field: "kind", "b"))) == 1)

        let documents = try await index.get(["2", "nobody", "1"])
        #expect(documents.map { $0?.key } == ["2", nil, "1"])
        #expect(documents[0]?["n"] == .integer(3))

        try await client.alias("latest", to: "news")
        let listing = try #require(try await client.list().first)
        #expect(listing.name == "news")
        #expect(listing.aliases == ["latest"])
        #expect(try await client.index("latest").count(.text("検索")) == 1)

        _ = try await index.write(WriteBatch([.delete("1")]))
        #expect(try await index.refresh() >= receipt.sequence)
        #expect(try await index.commit() >= receipt.sequence)
        let report = try await index.compact(segments: 1)
        #expect(report.segmentsAfter == 1)
        #expect(try await index.segments().count == 1)
        let statistics = try await index.statistics()
        #expect(statistics.documents == 2)
        #expect(statistics.schema.fields.map(\.name).prefix(2) == ["body", "kind"])

        var keys: Set<String> = []
        for try await page in try await index.export() { keys.formUnion(page.map(\.key)) }
        #expect(keys == ["2", "3"])

        let made = try await client.createSnapshot(of: "latest", name: "s")
        #expect(made.index == "news" && made.documents == 2 && made.problem == nil)
        #expect(try await client.createSnapshot(of: "news", name: nil).created.hasSuffix("Z"))
        try await client.drop(index: "news")
        #expect(try await client.list().isEmpty)
        #expect(try await client.listSnapshots(of: nil).count == 2)
        #expect(try await client.listSnapshots(of: "other").isEmpty)
        let restored = try await client.restoreSnapshot("s", of: "news", as: "again")
        #expect(restored.name == "again" && restored.documents == 2)
        #expect(try await client.index("again").count(.text("検索")) == 1)
        try await client.deleteSnapshot("s", of: "news")
        let gone = await #expect(throws: SakuinError.self) { try await client.deleteSnapshot("s", of: "news") }
        #expect(gone?.code == .notFound && gone?.field == "snapshot")
        await client.close()
        try await server.stop()
    }

    @Test func aPointInTimeOverConnections() async throws {
        let server = try await RunningServer.start()
        let (one, two) = (server.client(), server.client())
        try await one.create(index: "i", schema: .standard)
        let index = try await one.index("i")
        _ = try await index.write(WriteBatch([.put(Document(key: "a", ["body": "全文検索"]))]))
        _ = try await index.refresh()
        let point = try await index.openPointInTime(leaseMilliseconds: 600_000)
        let receipt = try await index.write(WriteBatch([.put(Document(key: "b", ["body": "全文検索"]))]))
        let other = try await two.index("i")
        var request = SearchRequest("検索")
        request.minSequence = receipt.sequence
        #expect(try await other.search(request).total == Total(2))
        request.minSequence = 0
        request.pointInTime = point.token
        let response = try await other.search(request)
        #expect(response.total == Total(1) && response.sequence == point.sequence)
        var keys: [String] = []
        for try await page in try await other.export(pointInTime: point.token) { keys += page.map(\.key) }
        #expect(keys == ["a"])
        #expect(try await index.statistics().openReaders >= 1)
        try await other.closePointInTime(point.token)
        let gone = await #expect(throws: SakuinError.self) { _ = try await index.search(request) }
        #expect(gone?.code == .notFound && gone?.field == "pointInTime")
        await one.close()
        await two.close()
        try await server.stop()
    }

    @Test func manyBatchesUnderWay() async throws {
        // So little credit that the client has to wait for it.
        let server = try await RunningServer.start { $0.streamCredit = 2_000 }
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        let index = try await client.index("i")
        let stream = try await index.stream(acknowledge: .log, rejection: .eachOperation)
        async let receipts = stream.receipts.reduce(into: [WriteReceipt]()) { $0.append($1) }
        for batch in 0..<100 {
            var operations = (0..<10).map { n in
                WriteOperation.putJSON(Array("{\"id\":\(batch * 10 + n),\"body\":\"第\(n)号\"}".utf8), keyField: "id")
            }
            if batch == 50 { operations.append(.putJSON(Array("{\"body\":\"无\"}".utf8), keyField: "id")) }
            try await stream.send(operations)
        }
        try await stream.finish()
        let all = try await receipts
        #expect(all.count == 100)
        #expect(all.map(\.sequence) == all.map(\.sequence).sorted())
        #expect(all.reduce(0) { $0 + $1.applied } == 1000)
        #expect(all[50].rejections.map(\.index) == [10])
        _ = try await index.refresh()
        #expect(try await index.count(.text("第7号")) == 100)

        var count = 0
        for try await page in try await index.export() { count += page.count }
        #expect(count == 1000)
        await client.close()
        try await server.stop()
    }

    @Test func aBadBatchEndsAnImport() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        let stream = try await client.index("i").stream(acknowledge: .log, rejection: .wholeBatch)
        try await stream.send([.putJSON(Array("{\"id\":1}".utf8), keyField: "id")])
        try await stream.send([.putJSON(Array("no json".utf8), keyField: "id")])
        var applied = 0
        let error = await #expect(throws: SakuinError.self) {
            for try await receipt in stream.receipts { applied += receipt.applied }
        }
        #expect(error?.code == .invalidArgument)
        #expect(applied == 1)
        // The connection goes on.
        #expect(try await client.list().count == 1)
        await client.close()
        try await server.stop()
    }

    @Test func errorsKeepTheirParticulars() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        let missing = await #expect(throws: SakuinError.self) {
            _ = try await client.index("nothing").search(SearchRequest("一"))
        }
        #expect(missing?.code == .notFound)
        #expect(missing?.value == "nothing")
        #expect(missing?.nextStep != nil)
        try await client.create(index: "i", schema: .standard)
        let twice = await #expect(throws: SakuinError.self) { try await client.create(index: "i", schema: .standard) }
        #expect(twice?.code == .alreadyExists)
        let far = await #expect(throws: SakuinError.self) {
            _ = try await client.index("i").search(SearchRequest("一", limit: 10, offset: 1_000_000))
        }
        #expect(far?.limit == "\(SearchRequest.windowMax)")
        await client.close()
        try await server.stop()
    }

    @Test func manySearchesAtOnce() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        let index = try await client.index("i")
        _ = try await index.write(
            WriteBatch((0..<100).map { .put(Document(key: "\($0)", ["body": .string("文書\($0)番")])) }))
        _ = try await index.refresh()
        try await withThrowingTaskGroup(of: (Int, [String]).self) { group in
            for n in 0..<300 {
                group.addTask { (n % 100, try await index.search(SearchRequest("文書\(n % 100)番")).hits.map(\.key)) }
            }
            for try await (n, keys) in group { #expect(keys == ["\(n)"]) }
        }
        await client.close()
        try await server.stop()
    }

    @Test func firstCallsAtOnceShareAConnection() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 { group.addTask { try await client.list().count } }
            for try await count in group { #expect(count == 0) }
        }
        await client.close()
        try await server.stop()
    }

    @Test func anEmptyBatchIsRefusedBeforeItIsSent() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        let stream = try await client.index("i").stream()
        let error = await #expect(throws: SakuinError.self) { try await stream.send([]) }
        #expect(error?.code == .invalidArgument)
        try await stream.finish()
        for try await _ in stream.receipts { Issue.record("There was no batch.") }
        await client.close()
        try await server.stop()
    }

    @Test func aStoppedServerIsUnavailableAndComesBack() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        try await server.stop()
        let error = await #expect(throws: SakuinError.self) { _ = try await client.list() }
        #expect(error?.code == .unavailable)
        let next = try await RunningServer.start { [port = server.port] in
            $0.addresses = [.tcp(host: "127.0.0.1", port: port)]
        }
        #expect(try await client.list().isEmpty)
        await client.close()
        try await next.stop()
    }
}

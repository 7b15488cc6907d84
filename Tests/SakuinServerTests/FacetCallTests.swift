// Facets over the wire: those of the index itself, within what the client takes.

import SakuinClient
import SakuinProtocol
import SakuinServer
import Testing

@testable import SakuinEngine

@Suite struct FacetCallTests {
    /// A server with an index `i` of 300 documents in two segments.
    private func start() async throws -> RunningServer {
        let server = try await RunningServer.start()
        let client = server.client()
        let schema = Schema(fields: [
            FieldDefinition(name: "body"), FieldDefinition(name: "tag", type: .keyword),
            FieldDefinition(name: "n", type: .integer), FieldDefinition(name: "day", type: .date),
        ])
        try await client.create(index: "i", schema: schema)
        let index = try await client.index("i")
        for part in 0..<2 {
            let puts = (0..<150).map { number -> WriteOperation in
                let key = part * 150 + number
                return .put(
                    Document(
                        key: "\(key)",
                        [
                            "body": "全文検索", "tag": .string("値 \(key % 7)"), "n": .integer(Int64(key % 40)),
                            "day": .string("2023-11-\(10 + key % 3)"),
                        ]))
            }
            _ = try await index.write(WriteBatch(puts))
            _ = try await index.commit()
        }
        await client.close()
        return server
    }

    @Test func remoteIsAsEmbedded() async throws {
        let server = try await start()
        let client = server.client()
        var request = SearchRequest("検索", limit: 3)
        request.facets = [
            FacetRequest("tag", limit: 2), FacetRequest("n", limit: 100), FacetRequest("day"),
            FacetRequest("n", ranges: [FacetRange("low", to: "10"), FacetRange("high", from: "30")]),
        ]
        let remote = try await client.index("i").search(request)
        let embedded = try server.catalog.indexNow("i").searchNow(request)
        #expect(remote.facets == embedded.facets && remote.hits == embedded.hits && remote.total == Total(300))
        #expect(remote.facets[0].values == [FacetCount(.keyword("値 0"), 43), FacetCount(.keyword("値 1"), 43)])
        #expect(remote.facets[0].distinctCount == 7 && remote.facets[0].otherCount == 214)
        #expect(remote.facets[1].values.count == 40)
        #expect(remote.facets[2].values.map(\.value.text) == ["2023-11-10", "2023-11-11", "2023-11-12"])
        #expect(remote.facets[3].ranges == [FacetRangeCount("low", 80), FacetRangeCount("high", 70)])
        // Without facets nothing is said of them.
        request.facets = []
        #expect(try await client.index("i").search(request).facets.isEmpty)

        request.facets = [FacetRequest("body")]
        let text = await #expect(throws: SakuinError.self) { try await client.index("i").search(request) }
        #expect(text?.code == .invalidArgument && text?.field == "body" && text?.nextStep != nil)
        request.facets = [FacetRequest("tag", limit: FacetRequest.limitMax + 1)]
        let limit = await #expect(throws: SakuinError.self) { try await client.index("i").search(request) }
        #expect(limit?.limit == "\(FacetRequest.limitMax)")
        await client.close()
        try await server.stop()
    }

    /// Several values of a field, from the schema to the facets, and the errors of others.
    @Test func severalValuesAreAsEmbedded() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        let schema = Schema(fields: [
            FieldDefinition(name: "body"), FieldDefinition(name: "tags", type: .keyword, multiple: true),
        ])
        try await client.create(index: "i", schema: schema)
        let index = try await client.index("i")
        let put = WriteOperation.put(Document(key: "a", ["tags": .strings(["政治", "经济"]), "body": "检索"]))
        let json = WriteOperation.putJSON(Array(#"{"id":"b","tags":["经济" , "体育"]}"#.utf8), keyField: "id")
        let receipt = try await index.write(WriteBatch([put, json]))
        #expect(try await index.statistics().schema == schema)
        var request = SearchRequest("tags:经* tags:[体育 TO 政治]", limit: 9)
        request.filter = .text("-tags:无")
        request.sort = [SortKey("tags")]
        request.facets = [FacetRequest("tags")]
        request.minSequence = receipt.sequence
        request.waitLimitMilliseconds = 10_000
        request.returnFields = .named(["tags"])
        let found = try await index.search(request)
        #expect(found.hits.map(\.key) == ["b", "a"] && found.total == Total(2))
        #expect(found.hits[0].fields.map(\.value) == [.json(#"["经济" , "体育"]"#)])
        #expect(found.facets[0].values.map(\.count) == [2, 1, 1] && found.facets[0].missingCount == 0)
        #expect(try await index.get(["a"])[0]?["tags"] == .json(#"["政治","经济"]"#))
        let bad = WriteBatch([.put(Document(key: "c", ["tags": .json("[1]")]))])
        let error = await #expect(throws: SakuinError.self) { try await index.write(bad) }
        #expect(error?.code == .invalidArgument && error?.field == "tags" && error?.value == "an integer")
        await client.close()
        try await server.stop()
    }

    @Test func facetsAreNotLongerThanTheClientTakes() async throws {
        let server = try await start()
        var request = SearchRequest("検索", limit: 0)
        request.facets = [FacetRequest](repeating: FacetRequest("n", limit: 40), count: 32)
        var few = request
        few.facets.removeLast(31)
        var bytes = FrameHeader.frame(
            .hello, stream: 0, WireCodec.encode(Hello(client: "test", frameByteCountMax: 4_000, streamCredit: 1 << 20)))
        for (number, search) in [request, few].enumerated() {
            bytes += FrameHeader.frame(
                .request, stream: UInt32(number + 1), WireCodec.encode(WireRequest(.search(index: "i", search))))
        }
        let frames = try await server.exchange(bytes, frameCount: 3)
        let kinds = Dictionary(grouping: frames.dropFirst(), by: \.header.stream).mapValues { $0.map(\.header.kind) }
        #expect(kinds == [1: [.error], 2: [.reply]])
        let refused = try #require(frames.first { $0.header.kind == .error })
        let error = try refused.payload.withUnsafeBytes { try WireCodec.decodeStatus($0) }
        #expect(error.code == .resourceExhausted && error.field == "frameByteCountMax" && error.limit == "4000")
        try await server.stop()
    }
}

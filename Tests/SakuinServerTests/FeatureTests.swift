// Servers from before facets and variants: nothing is sent to them that they would pass over.

import NIOConcurrencyHelpers
import SakuinClient
import SakuinProtocol
import Testing

@testable import SakuinEngine

@Suite struct FeatureTests {
    private static func frame(_ header: FrameHeader, _ reply: WireReply) -> [UInt8] {
        FrameHeader.frame(.reply, stream: header.stream, WireCodec.encode(reply))
    }

    /// Runs `body` with an index of a server that names `features` and finds seven documents, whatever it is asked.
    private static func with(
        _ features: [ProtocolFeature], _ requests: NIOLockedValueBox<Int>, _ body: (RemoteIndex) async throws -> Void
    ) async throws {
        try await ScriptedServer.with(features: features) { header, _ in
            requests.withLockedValue { $0 += 1 }
            return frame(header, .search(SearchResponse(hits: [], total: Total(7), sequence: 1, tookMicroseconds: 1)))
        } _: { client in
            try await body(try await client.index("i"))
        }
    }

    @Test func whatAServerDoesNotNameIsNotSent() async throws {
        let requests = NIOLockedValueBox(0)
        try await Self.with([ProtocolFeature(rawValue: 300)], requests) { index in
            var request = SearchRequest("発展")
            request.facets = [FacetRequest("tag")]
            let facets = await #expect(throws: SakuinError.self) { try await index.search(request) }
            #expect(facets?.code == .unimplemented && facets?.field == "facets")
            let variants = await #expect(throws: SakuinError.self) {
                try await index.count(.text("発展"), variants: .han)
            }
            #expect(
                variants?.description
                    == "UNIMPLEMENTED: The server is from before variants and would find less without a word. "
                    + "(field variants) Update the server, or search without variants.")
            let deletion = await #expect(throws: SakuinError.self) {
                try await index.delete(matching: DeletionRequest("発展"))
            }
            #expect(
                deletion?.description
                    == "UNIMPLEMENTED: The server is from before deletion by query and cannot do it. (field query) "
                    + "Update the server, or delete by key.")
            #expect(requests.withLockedValue { $0 } == 0)
            // The connection goes on, and everything else is asked.
            let found = try await index.count(.text("発展"))
            #expect(found == 7)
            #expect(requests.withLockedValue { $0 } == 1)
        }
    }

    @Test func whatAServerNamesIsSent() async throws {
        let requests = NIOLockedValueBox(0)
        try await Self.with([.variants], requests) { index in
            let found = try await index.count(.text("発展"), variants: .all)
            #expect(found == 7)
            var request = SearchRequest("発展")
            request.facets = [FacetRequest("tag")]
            request.variants = .all
            let facets = await #expect(throws: SakuinError.self) { try await index.search(request) }
            #expect(facets?.field == "facets")
        }
        #expect(requests.withLockedValue { $0 } == 1)
    }

    @Test func theServerNamesAllItHeeds() async throws {
        let server = try await RunningServer.start()
        let hello = WireCodec.encode(Hello(client: "test", frameByteCountMax: 1 << 20, streamCredit: 1 << 20))
        let frames = try await server.exchange(FrameHeader.frame(.hello, stream: 0, hello), frameCount: 1)
        let payload = try #require(frames.first).payload
        let welcome = try payload.withUnsafeBytes { try WireCodec.decodeWelcome($0) }
        #expect(welcome.features == [.facets, .variants, .deleteMatching] && ProtocolFeature.known == welcome.features)

        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        let index = try await client.index("i")
        let texts = ["经济发展", "經濟發展"]
        let puts = texts.enumerated().map { WriteOperation.put(Document(key: "\($0)", ["body": .string($1)])) }
        let receipt = try await index.write(WriteBatch(puts))
        let moment = ReadMoment(minSequence: receipt.sequence)
        #expect(try await index.count(.text("発展"), at: moment) == 0)
        #expect(try await index.count(.text("発展"), variants: .han, at: moment) == 2)
        await client.close()
        try await server.stop()
    }
}

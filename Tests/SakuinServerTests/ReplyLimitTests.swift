// Replies that are long: what the client and the memory budget cannot take is refused on its stream; exports that nobody
// reads end.

import SakuinClient
import SakuinProtocol
import SakuinServer
import Testing

@testable import SakuinEngine

@Suite struct ReplyLimitTests {
    private static let title = "検索"

    /// A server with an index `i` of so many documents with texts of that many characters.
    private func start(
        _ count: Int, length: Int, _ change: (inout ServerConfiguration) -> Void = { _ in }
    ) async throws -> RunningServer {
        let server = try await RunningServer.start(change)
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        let index = try await client.index("i")
        let body = FieldValue.string(String(repeating: "文", count: length))
        // An import waits for memory, which a fast disk leaves too little of for writes.
        let stream = try await index.stream()
        for key in 0..<count {
            try await stream.send([.put(Document(key: "\(key)", ["title": .string(Self.title), "body": body]))])
        }
        try await stream.finish()
        for try await _ in stream.receipts {}
        _ = try await index.commit()
        await client.close()
        return server
    }

    private func frames(
        _ server: RunningServer, frameByteCountMax: UInt32 = 10_000, credit: UInt32 = 1 << 20, _ calls: [WireCall],
        count: Int
    ) async throws -> [(header: FrameHeader, payload: [UInt8])] {
        var bytes = FrameHeader.frame(
            .hello, stream: 0,
            WireCodec.encode(Hello(client: "test", frameByteCountMax: frameByteCountMax, streamCredit: credit)))
        for (i, call) in calls.enumerated() {
            bytes += FrameHeader.frame(.request, stream: UInt32(i + 1), WireCodec.encode(WireRequest(call)))
        }
        return try await server.exchange(bytes, frameCount: count)
    }

    @Test func noReplyIsLongerThanTheClientTakes() async throws {
        let server = try await start(20, length: 1_000)
        var all = SearchRequest(Self.title, limit: 20)
        all.returnFields = .all
        var few = all
        few.limit = 2
        let keys = (0..<20).map { "\($0)" }
        let got = try await frames(
            server,
            [
                .search(index: "i", all), .search(index: "i", few), .get(index: "i", keys: keys, ReadMoment()),
                .get(index: "i", keys: ["1"], ReadMoment()),
            ], count: 5)
        let kinds = Dictionary(grouping: got.dropFirst(), by: \.header.stream).mapValues { $0.map(\.header.kind) }
        #expect(kinds == [1: [.error], 2: [.reply], 3: [.error], 4: [.reply]])
        for frame in got where frame.header.kind == .error {
            let error = try frame.payload.withUnsafeBytes { try WireCodec.decodeStatus($0) }
            #expect(error.code == .resourceExhausted && error.limit == "10000" && error.retryAfterMilliseconds == nil)
        }
        try await server.stop()
    }

    @Test func pagesOfAnExportAreNoLongerEither() async throws {
        let server = try await start(12, length: 1_000)
        let export = WireCall.export(index: "i", pointInTime: nil)
        var documents = 0
        for frame in try await frames(server, frameByteCountMax: 4_000, [export], count: 14) {
            #expect(frame.payload.count <= 4_000)
            guard frame.header.kind == .data else { continue }
            documents += try frame.payload.withUnsafeBytes { try WireCodec.decodePage($0).documents.count }
        }
        #expect(documents == 12)
        let last = try #require(try await frames(server, frameByteCountMax: 2_000, [export], count: 2).last)
        let error = try last.payload.withUnsafeBytes { try WireCodec.decodeStatus($0) }
        #expect(error.code == .resourceExhausted && error.message.hasPrefix("Document '"))
        try await server.stop()
    }

    /// Each reply takes a good part of the budget: all of it comes back.
    @Test func memoryComesBackWithEachReply() async throws {
        let server = try await start(10, length: 30_000)
        let client = server.client()
        var request = SearchRequest(Self.title)
        request.returnFields = .all
        for _ in 0..<20 { #expect(try await client.index("i").search(request).hits.count == 10) }
        await client.close()
        try await server.stop()
    }

    @Test func anExportWithoutCreditEnds() async throws {
        let server = try await start(200, length: 1_000) { $0.exportIdleMilliseconds = 1 }
        let got = try await frames(
            server, frameByteCountMax: 1 << 20, credit: 1, [.export(index: "i", pointInTime: nil)], count: 3)
        #expect(got.map(\.header.kind) == [.welcome, .data, .error])
        let error = try #require(try got.last?.payload.withUnsafeBytes { try WireCodec.decodeStatus($0) })
        #expect(error.code == .deadlineExceeded && error.field == "credit")
        while try server.catalog.indexNow("i").statisticsNow().openReaders > 0 { await Task.yield() }
        try await server.stop()
    }

    /// More than the client has credit for, so that the export stays on its way until the client gives it up.
    @Test(.timeLimit(.minutes(30))) func anExportThatIsDroppedIsCancelled() async throws {
        let server = try await start(40, length: 100_000)
        let client = server.client()
        let index = try await client.index("i")
        var pages: DocumentPages? = try await index.export()
        #expect(try await pages?.nextPage()?.isEmpty == false)
        #expect(try await index.statistics().openReaders == 1)
        pages = nil
        while try await index.statistics().openReaders > 0 { await Task.yield() }
        await client.close()
        try await server.stop()
    }
}

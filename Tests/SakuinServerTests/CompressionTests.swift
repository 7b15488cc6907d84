// Compressed frames between client and server, and byte by byte.

import NIOConcurrencyHelpers
import NIOCore
import SakuinClient
import SakuinProtocol
import Testing

@testable import SakuinEngine
@testable import SakuinServer

@Suite struct CompressionTests {
    typealias Frame = (header: FrameHeader, payload: [UInt8])

    private static func hello(_ compressions: [FrameCompression] = [.lz4]) -> [UInt8] {
        FrameHeader.frame(
            .hello, stream: 0,
            WireCodec.encode(
                Hello(
                    client: "test", frameByteCountMax: 1 << 20, streamCredit: 1 << 20, compressions: compressions)))
    }

    /// A frame that is compressed, whatever that saves.
    private static func compressed(
        _ kind: FrameHeader.Kind, stream: UInt32, _ content: [UInt8], flags: UInt8 = 0
    ) throws -> [UInt8] {
        let payload = FramePayload(content).compressed(by: .lz4)
        try #require(payload.isCompressed)
        return FrameHeader.frame(kind, flags: flags | payload.flags, stream: stream, payload.bytes)
    }

    /// A compressed frame of which only what it says of itself is right.
    private static func damaged(_ kind: FrameHeader.Kind, stream: UInt32, declared: Int) -> [UInt8] {
        let block = [UInt8](repeating: 0xFF, count: declared / 255 + 1)
        let payload = withUnsafeBytes(of: UInt32(declared).littleEndian) { Array($0) } + block
        return FrameHeader.frame(kind, flags: FrameHeader.compressedFlag, stream: stream, payload)
    }

    private static func decode<R>(_ frame: Frame, _ body: (UnsafeRawBufferPointer) throws(SakuinError) -> R) throws -> R
    {
        try frame.payload.withUnsafeBytes { FramePayload(frame.header, $0) }.decoded(body)
    }

    private static func keys(_ count: Int) -> WireCall {
        .get(index: "i", keys: (0..<count).map { "key-of-a-document-\($0)" }, ReadMoment())
    }

    /// A server with an index `i` of documents with long texts, and two with keys that are long too.
    private func start(_ change: (inout ServerConfiguration) -> Void = { _ in }) async throws -> RunningServer {
        let server = try await RunningServer.start(change)
        try server.catalog.createNow("i", .standard)
        let index = try server.catalog.indexNow("i")
        let body = FieldValue.string(String(repeating: "全文検索", count: 200))
        let tail = String(repeating: "k", count: 1_000)
        let documents = (0..<30).map { Document(key: "\($0)" + ($0 < 10 ? "" : tail), ["title": "索引", "body": body]) }
        _ = try await index.write(WriteBatch(documents.map { .put($0) }))
        _ = try await index.refresh()
        return server
    }

    // MARK: What both sides do

    @Test func aCompressedConnectionAnswersAsAPlainOne() async throws {
        let server = try await RunningServer.start()
        let (plain, packed) = (server.client(), server.client(compresses: true))
        try await packed.create(index: "i", schema: .standard)
        let (one, other) = (try await plain.index("i"), try await packed.index("i"))
        let stream = try await other.stream(acknowledge: .memory)
        for batch in 0..<20 {
            try await stream.send(
                (0..<20).map { number in
                    let text = String(repeating: "全文検索と索引 \(batch * number)。", count: 1 + number * 9)
                    return .put(Document(key: "\(batch)-\(number)", ["title": "索引", "body": .string(text)]))
                })
        }
        try await stream.finish()
        var receipts = 0
        for try await receipt in stream.receipts { receipts += receipt.applied }
        #expect(receipts == 400)
        _ = try await other.refresh()
        // Longer than what is dealt with on an event loop, both ways.
        let long = Document(key: "long", ["body": .string(String(repeating: "長い文書の全文。", count: 9_000))])
        let receipt = try await other.write(WriteBatch([.put(long)]))
        var request = SearchRequest("索引 全文", limit: 100)
        // A merge between the two would put equal scores in another order.
        request.pointInTime = try await one.openPointInTime(
            leaseMilliseconds: PointInTime.leaseMillisecondsMax, at: ReadMoment(minSequence: receipt.sequence)
        ).token
        request.returnFields = .all
        request.spans = true
        let (answer, same) = (try await one.search(request), try await other.search(request))
        #expect(answer.total == Total(400) && answer.hits == same.hits)
        let keys = (0..<100).map { "\($0 % 25)-\($0 % 20)" } + ["long"]
        let fetched = try await other.fetch(keys)
        #expect(fetched == (try await one.fetch(keys)))
        #expect(fetched.documents.last == long)
        var pages: [[Document]] = []
        for index in [one, other] {
            var documents: [Document] = []
            for try await page in try await index.export() { documents += page }
            pages.append(documents.sorted { $0.key < $1.key })
        }
        #expect(pages[0].count == 401 && pages[0] == pages[1])
        await plain.close()
        await packed.close()
        try await server.stop()
    }

    @Test func whatIsLongIsCompressedForWhoAsks() async throws {
        let server = try await start()
        var full = SearchRequest("全文", limit: 3)
        full.returnFields = .all
        // Answered on the event loop, and too long to be compressed there.
        let quick = SearchRequest("全文", limit: 30)
        let calls: [WireCall] = [.search(index: "i", full), .search(index: "i", quick), .listIndexes]
        var bytes: [UInt8] = []
        for (i, call) in calls.enumerated() {
            bytes += FrameHeader.frame(.request, stream: UInt32(i + 1), WireCodec.encode(WireRequest(call)))
        }
        let export = WireCodec.encode(WireRequest(.export(index: "i", pointInTime: nil)))
        bytes += FrameHeader.frame(.request, stream: 9, export)
        for isAsked in [true, false] {
            let frames = try await server.exchange(
                Self.hello(isAsked ? [.lz4] : []) + bytes, frameCount: 6)
            let welcome = try Self.decode(try #require(frames.first), WireCodec.decodeWelcome)
            #expect(welcome.compression == (isAsked ? .lz4 : nil))
            let packed = Set(frames.filter(\.header.isCompressed).map(\.header.stream))
            #expect(packed == (isAsked ? [1, 2, 9] : []))
            for frame in frames where frame.header.kind == .reply && frame.header.stream < 3 {
                guard case .search(let response) = try Self.decode(frame, WireCodec.decodeReply) else {
                    Issue.record("no search")
                    continue
                }
                #expect(response.hits.count == (frame.header.stream == 1 ? 3 : 30))
            }
            let page = try #require(frames.first { $0.header.kind == .data })
            #expect(try Self.decode(page, WireCodec.decodePage).documents.count == 30)
        }
        try await server.stop()
    }

    @Test func unknownOffersAreIgnored() async throws {
        let other = FrameCompression(rawValue: 9)
        for (offered, isAllowed, chosen) in [
            ([other, .lz4], true, .lz4), ([other], true, nil), ([.lz4], false, nil),
        ] as [([FrameCompression], Bool, FrameCompression?)] {
            let server = try await start { $0.compresses = isAllowed }
            let frames = try await server.exchange(Self.hello(offered), frameCount: 1)
            #expect(try Self.decode(frames[0], WireCodec.decodeWelcome).compression == chosen)
            // The client does without, too.
            let client = server.client(compresses: true)
            #expect(try await client.index("i").fetch((0..<3_000).map { "\($0)" }).documents[3] != nil)
            await client.close()
            try await server.stop()
        }
    }

    // MARK: Breaches

    @Test func whatCannotBeCostsTheConnection() async throws {
        let server = try await start()
        let neighbour = server.client(compresses: true)
        let request = try Self.compressed(.request, stream: 1, WireCodec.encode(WireRequest(Self.keys(100))))
        var longer = request
        longer.replaceSubrange(12..<16, with: [0xFF, 0xFF, 0xFF, 0x7F])
        var zero = request
        zero.replaceSubrange(12..<16, with: [0, 0, 0, 0])
        var shorter = request
        shorter.replaceSubrange(12..<16, with: [9, 0, 0, 0])
        let breaches: [(name: String, bytes: [UInt8], code: SakuinError.Code, field: String)] = [
            ("not agreed", ContractTests.hello + request, .invalidArgument, "flags"),
            (
                "on HELLO", try Self.compressed(.hello, stream: 0, [UInt8](repeating: 0, count: 1_024)),
                .invalidArgument, "flags"
            ),
            (
                "on CREDIT",
                Self.hello() + (try Self.compressed(.credit, stream: 1, [UInt8](repeating: 0, count: 1_024))),
                .invalidArgument, "flags"
            ),
            ("longer than the server takes", Self.hello() + longer, .resourceExhausted, "length"),
            ("nothing", Self.hello() + zero, .invalidArgument, "decompressedLength"),
            ("not shorter", Self.hello() + shorter, .invalidArgument, "decompressedLength"),
            (
                "no block", Self.hello() + FrameHeader.frame(.data, flags: 2, stream: 1, [1, 0, 0, 0]),
                .invalidArgument,
                "decompressedLength"
            ),
        ]
        for breach in breaches {
            let error = try ContractTests.reason(try await server.exchange(breach.bytes))
            #expect(error.code == breach.code && error.field == breach.field, "\(breach.name): \(error)")
        }
        #expect(try await neighbour.list().count == 1)
        await neighbour.close()
        try await server.stop()
    }

    /// Of requests and batches, short and long.
    @Test func aDamagedBlockCostsItsStreamOnly() async throws {
        let server = try await start()
        let open = WireCodec.encode(
            WireRequest(.importStream(index: "i", acknowledge: .memory, rejection: .wholeBatch)))
        var bytes = Self.hello() + Self.damaged(.request, stream: 1, declared: 2_000)
        bytes += Self.damaged(.request, stream: 2, declared: 1 << 20)
        bytes += FrameHeader.frame(.request, stream: 3, open) + Self.damaged(.data, stream: 3, declared: 100_000)
        bytes += FrameHeader.frame(.request, stream: 4, ContractTests.list)
        let frames = try await server.exchange(bytes, frameCount: 5)
        let kinds = Dictionary(grouping: frames.dropFirst(), by: \.header.stream).mapValues { $0.map(\.header.kind) }
        #expect(kinds == [1: [.error], 2: [.error], 3: [.error], 4: [.reply]])
        for frame in frames where frame.header.kind == .error {
            let error = try Self.decode(frame, WireCodec.decodeStatus)
            #expect(error.code == .invalidArgument && error.field == "payload")
        }
        try await server.stop()
    }

    /// As many bytes as without compression: what is under way stays as small in memory.
    @Test func creditCountsWhatComesOut() async throws {
        let server = try await start { $0.streamCredit = 2_000 }
        let open = WireCodec.encode(WireRequest(.importStream(index: "i", acknowledge: .disk, rejection: .wholeBatch)))
        let text = String(repeating: "一", count: 1_000)
        let content = WireCodec.encode([.putJSON(Array("{\"id\":1,\"body\":\"\(text)\"}".utf8), keyField: "id")])
        let batch = try Self.compressed(.data, stream: 1, content)
        #expect(2 * batch.count < 2_000)
        let frames = try await server.exchange(
            Self.hello() + FrameHeader.frame(.request, stream: 1, open) + batch + batch)
        let error = try ContractTests.reason(frames)
        #expect(error.code == .resourceExhausted && error.field == "credit")
        try await server.stop()
    }

    // MARK: Long requests

    @Test func longRequestsAreDecompressedByWorkers() async throws {
        let server = try await start()
        let request = WireCodec.encode(WireRequest(Self.keys(5_000)))
        #expect(request.count > FramePayload.quickByteCountMax)
        let frames = try await server.exchange(
            Self.hello() + (try Self.compressed(.request, stream: 1, request)), frameCount: 2)
        let reply = try #require(frames.first { $0.header.kind == .reply })
        guard case .documents(let fetched) = try Self.decode(reply, WireCodec.decodeReply) else {
            Issue.record("no documents")
            return
        }
        #expect(reply.header.stream == 1 && fetched.documents.count == 5_000)
        // A number cannot come again, though no request was decoded yet.
        let again = try await server.exchange(
            Self.hello() + (try Self.compressed(.request, stream: 1, request))
                + (try Self.compressed(.request, stream: 1, request)))
        #expect(try ContractTests.reason(again).code == .failedPrecondition)
        try await server.stop()
    }

    /// By CANCEL, or with the connection: its memory comes back, and nobody is answered.
    @Test func longRequestsThatAreGivenUpHoldNothing() async throws {
        let server = try await start()
        let memory = server.catalog.memory
        let used = memory.used
        // All workers wait.
        let gate = ConditionLock(value: 0)
        for _ in 0..<2 {
            server.server.context.work.run(0) {
                gate.lock(whenValue: 1)
                gate.unlock()
            }
        }
        let request = WireCodec.encode(WireRequest(Self.keys(5_000)))
        let frames = try await server.exchange(
            Self.hello() + (try Self.compressed(.request, stream: 1, request))
                + (try Self.compressed(.request, stream: 2, request)) + FrameHeader.frame(.cancel, stream: 2, [])
                + FrameHeader.frame(.ping, stream: 0, []), frameCount: 2)
        #expect(frames.map(\.header.kind) == [.welcome, .pong])
        #expect(memory.used >= used + 2 * request.count)
        gate.lock()
        gate.unlock(withValue: 1)
        while memory.used > used { await Task.yield() }
        try await server.stop()
    }

    /// It would be known too late which stream it opens.
    @Test func noLongRequestOpensAStreamOfData() async throws {
        let server = try await start()
        // A field that no version knows.
        let padding: [UInt8] = [0xFA, 0x7F, 0xA0, 0x8D, 0x06] + [UInt8](repeating: 1, count: 100_000)
        let open = WireCodec.encode(WireRequest(.importStream(index: "i", acknowledge: .disk, rejection: .wholeBatch)))
        let bytes = Self.hello() + (try Self.compressed(.request, stream: 1, open + padding))
        let frames = try await server.exchange(bytes, frameCount: 2)
        let error = try Self.decode(try #require(frames.last), WireCodec.decodeStatus)
        #expect(error.code == .invalidArgument && error.field == "length")
        // A short one does.
        let short = try Self.compressed(
            .request, stream: 1, open + [0xFA, 0x7F, 0xD0, 0x0F] + [UInt8](repeating: 1, count: 2_000))
        let receipt = try await server.exchange(
            Self.hello() + short
                + (try Self.compressed(
                    .data, stream: 1,
                    WireCodec.encode([
                        .put(Document(key: "new", ["body": .string(String(repeating: "文", count: 2_000))]))
                    ]),
                    flags: FrameHeader.endFlag)),
            frameCount: 3)
        #expect(receipt.map(\.header.kind) == [.welcome, .data, .reply])
        try await server.stop()
    }

    @Test func aLongRequestNeedsMemoryAndAPlace() async throws {
        let server = try await start { $0.queueCountMax = 0 }
        let bytes =
            Self.hello() + (try Self.compressed(.request, stream: 1, WireCodec.encode(WireRequest(Self.keys(5_000)))))
        let busy = try Self.decode(
            try #require(try await server.exchange(bytes, frameCount: 2).last), WireCodec.decodeStatus)
        #expect(busy.code == .resourceExhausted && busy.field == "queueCountMax")
        let memory = server.catalog.memory
        let (used, all) = (memory.used, memory.byteCountMax - memory.used)
        #expect(memory.takeForSearch(all))
        let error = try Self.decode(
            try #require(try await server.exchange(bytes, frameCount: 2).last), WireCodec.decodeStatus)
        #expect(error.code == .resourceExhausted && error.field == "memoryBudgetBytes")
        #expect(error.retryAfterMilliseconds == 100)
        memory.giveBackFromSearch(all)
        #expect(memory.used == used)
        try await server.stop()
    }
}

/// The client of a server that breaks the contract.
@Suite struct ClientCompressionTests {
    @Test func whatWasNotOfferedIsRefused() async throws {
        for compresses in [false, true] {
            let chosen: FrameCompression = compresses ? FrameCompression(rawValue: 9) : .lz4
            try await ScriptedServer.with(compresses: compresses, compression: chosen) { _, _ in
                []
            } _: { client in
                let error = await #expect(throws: SakuinError.self) { try await client.connect() }
                #expect(error?.message.hasPrefix("The server broke the protocol") == true)
            }
        }
    }

    @Test func aDamagedReplyCostsItsCallOnly() async throws {
        let reply = FramePayload(
            WireCodec.encode(
                .indexes((0..<100).map { IndexListing(name: "index-\($0)", aliases: [], documents: $0, bytes: 0) }))
        )
        .compressed(by: .lz4)
        #expect(reply.isCompressed)
        try await ScriptedServer.with(compresses: true, compression: .lz4) { header, _ in
            var bytes = reply.bytes
            if header.stream == 1 { bytes.removeLast() }
            return FrameHeader.frame(.reply, flags: reply.flags, stream: header.stream, bytes)
        } _: { client in
            let error = await #expect(throws: SakuinError.self) { try await client.list() }
            #expect(error?.field == "payload" && error?.message.hasPrefix("The server broke the protocol") == true)
            let indexes = try await client.list()
            #expect(indexes.count == 100)
        }
    }

    @Test func aPlainConnectionTakesNothingCompressed() async throws {
        try await ScriptedServer.with { header, _ in
            FrameHeader.frame(.reply, flags: FrameHeader.compressedFlag, stream: header.stream, [9, 0, 0, 0, 0])
        } _: { client in
            let error = await #expect(throws: SakuinError.self) { try await client.list() }
            #expect(error?.field == "flags")
        }
    }
}

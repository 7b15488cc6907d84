// What a server does with connections that break the contract of PROTOCOL.md, byte by byte.

import SakuinClient
import SakuinProtocol
import SakuinServer
import SakuinTypes
import Testing

@Suite struct ContractTests {
    static let hello = FrameHeader.frame(
        .hello, stream: 0, WireCodec.encode(Hello(client: "test", frameByteCountMax: 1 << 20, streamCredit: 1 << 16)))
    static let list = WireCodec.encode(WireRequest(.listIndexes))

    /// The last frame, which says why the connection ended.
    static func reason(_ frames: [(header: FrameHeader, payload: [UInt8])]) throws -> SakuinError {
        let last = try #require(frames.last)
        #expect(last.header.kind == .error)
        #expect(last.header.stream == 0)
        return try last.payload.withUnsafeBytes { try WireCodec.decodeStatus($0) }
    }

    @Test func breachesCostTheConnection() async throws {
        let server = try await RunningServer.start()
        let ping33 = FrameHeader.frame(.ping, stream: 0, [UInt8](repeating: 1, count: 33))
        let request1 = FrameHeader.frame(.request, stream: 1, Self.list)
        let breaches: [(name: String, bytes: [UInt8], code: SakuinError.Code)] = [
            ("no Sakuin", Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), .invalidArgument),
            ("request before hello", request1, .failedPrecondition),
            ("hello twice", Self.hello + Self.hello, .failedPrecondition),
            ("reply from a client", Self.hello + FrameHeader.frame(.reply, stream: 1, []), .failedPrecondition),
            ("stream number again", Self.hello + request1 + request1, .failedPrecondition),
            ("long ping", Self.hello + ping33, .resourceExhausted),
            ("credit of 3 bytes", Self.hello + FrameHeader.frame(.credit, stream: 1, [1, 2, 3]), .invalidArgument),
            (
                "long hello",
                Array(FrameHeader.frame(.hello, stream: 0, [UInt8](repeating: 0, count: 4097)).prefix(12)),
                .resourceExhausted
            ),
        ]
        for breach in breaches {
            let error = try Self.reason(try await server.exchange(breach.bytes))
            #expect(error.code == breach.code, "\(breach.name): \(error)")
        }
        try await server.stop()
    }

    @Test func noCommonVersion() async throws {
        let server = try await RunningServer.start()
        let hello = Hello(
            versionMin: 7, versionMax: 9, client: "test", frameByteCountMax: 1 << 20, streamCredit: 1 << 16)
        let error = try Self.reason(
            try await server.exchange(FrameHeader.frame(.hello, stream: 0, WireCodec.encode(hello))))
        #expect(error.code == .failedPrecondition)
        #expect(error.value == "7 to 9")
        try await server.stop()
    }

    @Test func aBadRequestCostsItsStreamOnly() async throws {
        let server = try await RunningServer.start()
        let frames = try await server.exchange(
            Self.hello + FrameHeader.frame(.request, stream: 1, [0xFF]) + FrameHeader.frame(.request, stream: 2, [])
                + FrameHeader.frame(.request, stream: 5, Self.list) + FrameHeader.frame(.ping, stream: 0, [7]),
            frameCount: 5)
        #expect(frames.first?.header.kind == .welcome)
        let kinds = Dictionary(grouping: frames.dropFirst(), by: \.header.stream).mapValues { $0.map(\.header.kind) }
        #expect(kinds == [1: [.error], 2: [.error], 5: [.reply], 0: [.pong]])
        #expect(frames.first { $0.header.kind == .pong }?.payload == [7])
        try await server.stop()
    }

    @Test func framesOnStreamsThatEndedAreDropped() async throws {
        let server = try await RunningServer.start()
        let frames = try await server.exchange(
            Self.hello + FrameHeader.frame(.data, stream: 9, [1]) + FrameHeader.frame(.cancel, stream: 9, [])
                + FrameHeader.frame(.credit, stream: 9, [0, 0, 0, 1]) + FrameHeader.frame(.ping, stream: 0, []),
            frameCount: 2)
        #expect(frames.map(\.header.kind) == [.welcome, .pong])
        try await server.stop()
    }

    @Test func dataWithoutCreditCostsTheConnection() async throws {
        let server = try await RunningServer.start { $0.streamCredit = 10 }
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        await client.close()
        let open = WireCodec.encode(WireRequest(.importStream(index: "i", acknowledge: .disk, rejection: .wholeBatch)))
        let batch = FrameHeader.frame(
            .data, stream: 1, WireCodec.encode([.putJSON(Array("{\"id\":1}".utf8), keyField: "id")]))
        let frames = try await server.exchange(
            Self.hello + FrameHeader.frame(.request, stream: 1, open) + batch + batch)
        #expect(try Self.reason(frames).code == .resourceExhausted)
        try await server.stop()
    }

    @Test func creditBeyondTheMostCostsTheConnection() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        await client.close()
        let open = WireCodec.encode(WireRequest(.export(index: "i", pointInTime: nil)))
        let credit = FrameHeader.frame(.credit, stream: 1, [0xFF, 0xFF, 0xFF, 0xFF])
        let frames = try await server.exchange(Self.hello + FrameHeader.frame(.request, stream: 1, open) + credit)
        let error = try Self.reason(frames)
        #expect(error.code == .resourceExhausted && error.field == "credit" && error.limit == "2147483647")
        try await server.stop()
    }

    /// In an index without writes the receipt has no field to say, and an empty DATA frame is a breach.
    @Test func theReceiptOfAnEmptyBatchIsNoEmptyFrame() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        await client.close()
        let open = WireCodec.encode(WireRequest(.importStream(index: "i", acknowledge: .disk, rejection: .wholeBatch)))
        // A batch with a key field and nothing else.
        let batch = FrameHeader.frame(.data, flags: 1, stream: 1, [1 << 3 | 2, 2, 0x69, 0x64])
        let frames = try await server.exchange(
            Self.hello + FrameHeader.frame(.request, stream: 1, open) + batch, frameCount: 3)
        let receipt = try #require(frames.first { $0.header.kind == .data })
        #expect(receipt.payload == [1 << 3, 0])
        #expect(frames.last?.header.kind == .reply)
        try await server.stop()
    }

    @Test func tooManyStreamsAreRefused() async throws {
        let server = try await RunningServer.start { $0.streamCountMax = 2 }
        var bytes = Self.hello
        for stream in 1...3 { bytes += FrameHeader.frame(.request, stream: UInt32(stream), Self.list) }
        let frames = try await server.exchange(bytes, frameCount: 4)
        let refused = try #require(frames.first { $0.header.kind == .error })
        #expect(refused.header.stream == 3)
        let error = try refused.payload.withUnsafeBytes { try WireCodec.decodeStatus($0) }
        #expect(error.code == .resourceExhausted)
        #expect(error.retryAfterMilliseconds != nil)
        try await server.stop()
    }
}

// How the client waits for an answer: PING and PONG, and deadlines that the server does not mind.

import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SakuinProtocol
import Testing

@testable import SakuinClient

/// Greets, and answers with what `answer` says.
final class ScriptedServer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private var reader = FrameReader(lengthMax: 1 << 20)
    private let compression: FrameCompression?
    private let features: [ProtocolFeature]
    private let answer: @Sendable (FrameHeader, [UInt8]) -> [UInt8]

    init(
        _ compression: FrameCompression?, _ features: [ProtocolFeature],
        _ answer: @escaping @Sendable (FrameHeader, [UInt8]) -> [UInt8]
    ) {
        self.compression = compression
        self.features = features
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var answers: [UInt8] = []
        unwrapInboundIn(data).withUnsafeReadableBytes { bytes in
            try? reader.read(bytes) { (header, payload, _) throws(WireError) in
                guard header.kind == .hello else {
                    answers += answer(header, Array(payload))
                    return
                }
                let welcome = Welcome(
                    server: "test", frameByteCountMax: 1 << 20, streamCredit: 1 << 20, streamCountMax: 10,
                    compression: compression, features: features)
                answers += FrameHeader.frame(.welcome, stream: 0, WireCodec.encode(welcome))
            }
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: answers)), promise: nil)
    }

    /// Runs `body` with a client of such a server, whose calls have so long, and which offers to compress.
    static func with(
        deadlineMilliseconds: UInt32 = 0, compresses: Bool = false, compression: FrameCompression? = nil,
        features: [ProtocolFeature] = [],
        _ answer: @escaping @Sendable (FrameHeader, [UInt8]) -> [UInt8],
        _ body: (SakuinClient) async throws -> Void
    ) async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ScriptedServer(compression, features, answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        var configuration = SakuinClient.Configuration(
            host: "127.0.0.1", port: try #require(listener.localAddress?.port))
        configuration.deadlineMilliseconds = deadlineMilliseconds
        configuration.compresses = compresses
        let client = SakuinClient(configuration)
        try await body(client)
        await client.close()
        try await listener.close()
    }
}

@Suite struct ClientCallTests {
    @Test func aServerAnswersPings() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<100 { group.addTask { try await client.ping() } }
            try await group.waitForAll()
        }
        // Calls on the thread of the connection, and calls after pings, whose numbers have gaps then.
        #expect(try await client.onConnectionThread { try await client.list() }.isEmpty)
        try await client.onConnectionThread { try await client.ping() }
        await client.close()
        try await server.stop()
    }

    @Test func connectionsCanShareAThread() async throws {
        let server = try await RunningServer.start()
        var configuration = server.client().configuration
        configuration.sharesThread = true
        var loops: Set<ObjectIdentifier> = []
        for _ in 0..<4 {
            let client = SakuinClient(configuration)
            loops.insert(ObjectIdentifier(try await client.connection().loop))
            try await client.ping()
            await client.close()
        }
        #expect(loops.count == 1)
        try await server.stop()
    }

    @Test func pongsFindTheirPings() async throws {
        // The first PING is answered behind the second; a PONG for nobody and other frames in between do no harm.
        let first = NIOLockedValueBox<[UInt8]?>(nil)
        try await ScriptedServer.with(deadlineMilliseconds: 0) { header, payload in
            guard header.kind == .ping else { return [] }
            guard let held = first.withLockedValue({ $0 }) else {
                first.withLockedValue { $0 = payload }
                return FrameHeader.frame(.pong, stream: 0, [0xFF, 0xFF, 0xFF, 0x7F])
            }
            return FrameHeader.frame(.pong, stream: 0, payload) + FrameHeader.frame(.pong, stream: 0, held)
        } _: { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 { group.addTask { try await client.ping() } }
                try await group.waitForAll()
            }
        }
        try await ScriptedServer.with(deadlineMilliseconds: 0) { header, _ in
            header.kind == .ping ? FrameHeader.frame(.pong, stream: 0, [1]) : []
        } _: { client in
            let error = await #expect(throws: SakuinError.self) { try await client.ping() }
            #expect(error?.message.hasPrefix("The server broke the protocol") == true)
        }
    }

    @Test func aSilentServerIsGivenUpAtTheDeadline() async throws {
        let cancelled = NIOLockedValueBox(0)
        try await ScriptedServer.with(deadlineMilliseconds: 1) { header, _ in
            if header.kind == .cancel { cancelled.withLockedValue { $0 += 1 } }
            return []
        } _: { client in
            let index = try await client.index("i")
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        let error = await #expect(throws: SakuinError.self) {
                            if number % 2 == 0 { return try await client.ping() }
                            _ = try await index.count(.text("a"))
                        }
                        #expect(error?.code == .deadlineExceeded)
                    }
                }
            }
            // A call behind those that were given up has a timer again.
            let error = await #expect(throws: SakuinError.self) { try await client.ping() }
            #expect(error?.code == .deadlineExceeded)
        }
        // Streams are cancelled, pings have no stream.
        #expect(cancelled.withLockedValue { $0 } == 10)
    }

    @Test func quickCallsHaveTheDeadlineOfTheClient() async throws {
        let deadlines = NIOLockedValueBox<[UInt32]>([])
        try await ScriptedServer.with(deadlineMilliseconds: 7_654) { header, payload in
            guard let request = try? payload.withUnsafeBytes({ try WireCodec.decodeRequest($0) }) else { return [] }
            deadlines.withLockedValue { $0.append(request.deadlineMilliseconds) }
            return FrameHeader.frame(.reply, stream: header.stream, WireCodec.encode(WireReply.done))
        } _: { client in
            let index = try await client.index("i")
            _ = try? await index.search(SearchRequest("検索"))
            _ = try? await index.fetch(["a"])
            _ = try? await index.openPointInTime(leaseMilliseconds: 1)
            _ = try? await index.refresh()
        }
        #expect(deadlines.withLockedValue { $0 } == [7_654, 7_654, 7_654, 0])
    }

    @Test func aConnectionWithoutNumbersIsReplaced() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        let connection = try await client.connection()
        try await connection.onLoop { $0.nextStream = .max - 1 }
        try await client.ping()
        let error = await #expect(throws: SakuinError.self) { try await client.ping() }
        #expect(error?.code == .unavailable)
        try await connection.onLoop { _ in }
        #expect(!connection.isActive)
        try await client.ping()
        #expect(try await client.list().isEmpty)
        await client.close()
        try await server.stop()
    }

    @Test func cancellingATaskEndsItsCall() async throws {
        let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
        var arrival = arrivals.makeAsyncIterator()
        try await ScriptedServer.with(deadlineMilliseconds: 0) { header, _ in
            if header.kind == .ping { arrived.yield() }
            return []
        } _: { client in
            try await client.connect()
            for _ in 0..<2 {
                let call = Task { try await client.ping() }
                await arrival.next()
                call.cancel()
                let error = await #expect(throws: SakuinError.self) { try await call.value }
                #expect(error?.code == .cancelled)
            }
        }
    }
}

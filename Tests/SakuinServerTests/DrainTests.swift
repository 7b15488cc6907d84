// What a connection ends with at shutdown arrives as a whole.

import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import SakuinProtocol
import Testing

@testable import SakuinEngine
@testable import SakuinServer

@Suite(.timeLimit(.minutes(30))) struct DrainTests {
    /// Closing drops what is still to be written, and a long reply takes its time.
    @Test func aReplyThatIsBeingWrittenIsWrittenToItsEnd() async throws {
        let network = SlowNetwork()
        let connection = try await LooseConnection(before: [network])
        try await connection.send(LooseConnection.request(1, .listIndexes))
        _ = try await connection.frames(until: .reply, on: 1)
        try await connection.look { $0.drain() }
        #expect(connection.channel.isActive)
        network.takeAll()
        try await connection.channel.closeFuture.get()
        #expect(try await connection.frames().map(\.header.kind) == [.welcome, .reply, .goAway])
        try await connection.close()
    }

    @Test func aStreamThatEndsWhileDrainingIsWrittenToItsEnd() async throws {
        let network = SlowNetwork()
        let connection = try await LooseConnection(documentCount: 3, before: [network])
        connection.setReads(false)
        try await connection.send(LooseConnection.request(1, .export(index: "i", pointInTime: nil)))
        while try await connection.look({ $0.exportTurns.isEmpty }) { await Task.yield() }
        try await connection.look { $0.drain() }
        network.takeAll()
        #expect(connection.channel.isActive)
        connection.setReads(true)
        _ = try await connection.frames(until: .reply, on: 1)
        #expect(connection.channel.isActive)
        network.takeAll()
        try await connection.channel.closeFuture.get()
        try await connection.close()
    }

    @Test func whoSendsNoMoreWhileDrainingGetsWhatIsUnderWay() async throws {
        let server = try await RunningServer.start()
        try server.catalog.createNow("i", .standard)
        let imports = (1...3).flatMap { stream in
            LooseConnection.request(
                UInt32(stream), .importStream(index: "i", acknowledge: .disk, rejection: .eachOperation))
        }
        let batch = WireCodec.encode([.put(Document(key: "a", ["title": "全文検索"]))])
        let frames = try await server.exchange(ContractTests.hello + imports) { channel in
            for connection in server.connections.all() {
                let loop = connection.channel.eventLoop
                while try await loop.submit({ connection.handler.value.streams.count }).get() < 3 {
                    await Task.yield()
                }
                try await loop.submit { connection.handler.value.drain() }.get()
            }
            // One that is ended, one that is not, and one without a batch.
            let last = FrameHeader.frame(.data, flags: FrameHeader.endFlag, stream: 1, batch)
            try await channel.writeAndFlush(ByteBuffer(bytes: last + FrameHeader.frame(.data, stream: 2, batch)))
            try await channel.close(mode: .output)
        }
        func kinds(_ stream: UInt32) -> [FrameHeader.Kind] {
            frames.map(\.header).filter { $0.stream == stream && $0.kind != .credit }.map(\.kind)
        }
        #expect(kinds(1) == [.data, .reply] && kinds(2) == [.data, .reply] && kinds(3) == [.reply])
        try await server.stop()
    }

    /// Before the drain a client that has gone and one that sends no more cannot be told apart.
    @Test func onlyADrainingConnectionOutlivesTheClientsHalf() async throws {
        let connection = try await LooseConnection()
        #expect(!connection.channel.allowRemoteHalfClosure)
        try await connection.look { $0.drain() }
        try await connection.channel.closeFuture.get()
        #expect(connection.channel.allowRemoteHalfClosure)
        try await connection.close()
    }

    @Test func aConnectionWithoutStreamsClosesBehindItsLastFrame() async throws {
        let network = SlowNetwork()
        let connection = try await LooseConnection(before: [network])
        try await connection.look { $0.drain() }
        try await connection.send(FrameHeader.frame(.ping, stream: 0, [7]))
        #expect(connection.channel.isActive)
        network.takeAll()
        try await connection.channel.closeFuture.get()
        #expect(try await connection.frames().map(\.header.kind) == [.welcome, .goAway, .pong])
        try await connection.close()
    }
}

/// What is written has left the process when the test says so.
private final class SlowNetwork: ChannelOutboundHandler, Sendable {
    typealias OutboundIn = ByteBuffer
    private let underWay = NIOLockedValueBox<[EventLoopPromise<Void>]>([])

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if let promise { underWay.withLockedValue { $0.append(promise) } }
        context.write(data, promise: nil)
    }

    func takeAll() {
        let promises = underWay.withLockedValue { underWay in
            defer { underWay = [] }
            return underWay
        }
        for promise in promises { promise.succeed() }
    }
}

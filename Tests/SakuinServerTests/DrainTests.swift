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

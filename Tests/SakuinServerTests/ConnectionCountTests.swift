// More connections than there may be.

import NIOCore
import NIOPosix
import SakuinClient
import SakuinProtocol
import Testing

@testable import SakuinServer

@Suite(.timeLimit(.minutes(30))) struct ConnectionCountTests {
    @Test func whoComesTooLateIsToldWhenToComeAgain() async throws {
        let server = try await RunningServer.start { $0.connectionCountMax = 2 }
        let clients = (0..<3).map { _ in server.client() }
        for client in clients[..<2] { try await client.ping() }
        let error = await #expect(throws: SakuinError.self) { try await clients[2].ping() }
        #expect(error?.code == .resourceExhausted && error?.field == "connectionCountMax")
        #expect(error?.limit == "2" && error?.retryAfterMilliseconds == 1_000)
        // What came with HELLO is not looked at.
        let frames = try await server.exchange(
            ContractTests.hello + FrameHeader.frame(.request, stream: 1, ContractTests.list))
        #expect(frames.map(\.header.kind) == [.error])
        for client in clients[..<2] { try await client.ping() }
        await clients[0].close()
        while server.connections.all().count > 1 { await Task.yield() }
        try await clients[2].ping()
        for client in clients { await client.close() }
        try await server.stop()
    }

    /// A client that was forgotten takes none for longer than what it has open.
    @Test func aClientThatIsGoneLeavesNoConnection() async throws {
        let server = try await RunningServer.start()
        try await server.client().create(index: "i", schema: .standard)
        let stream = try await server.client().index("i").stream()
        for _ in 0..<3 { _ = try await server.client().list() }
        while server.connections.all().count > 1 { await Task.yield() }
        try await stream.send([.delete("a")])
        try await stream.finish()
        var receipts = 0
        for try await _ in stream.receipts { receipts += 1 }
        #expect(receipts == 1)
        while server.connections.all().count > 0 { await Task.yield() }
        try await server.stop()
    }

    /// Those who say nothing take no more descriptors than the few that wait to be told.
    @Test func aCrowdIsSentAwayWithoutAWord() async throws {
        let server = try await RunningServer.start { $0.connectionCountMax = 1 }
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        var open: [any Channel] = []
        for _ in 0..<65 { open.append(try await bootstrap.connect(host: "127.0.0.1", port: server.port).get()) }
        while server.connections.all().count < 65 { await Task.yield() }
        try await bootstrap.connect(host: "127.0.0.1", port: server.port).get().closeFuture.get()
        #expect(open.allSatisfy { $0.isActive })
        for channel in open { try await channel.close() }
        try await server.stop()
    }
}

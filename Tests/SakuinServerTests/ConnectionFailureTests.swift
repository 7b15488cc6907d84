// What a user is told when a connection cannot be made, or breaks: where to, why, and what to do.

import NIOCore
import NIOPosix
import SakuinServer
import SakuinTypes
import Testing

@testable import SakuinClient

@Suite struct ConnectionFailureTests {
    private func refusal(_ address: ServerAddress) async -> SakuinError? {
        let client = SakuinClient(SakuinClient.Configuration(address))
        let error = await #expect(throws: SakuinError.self) { try await client.connect() }
        await client.close()
        return error
    }

    private func expect(
        _ error: SakuinError?, _ address: ServerAddress, _ reason: String, nextStep: String
    ) {
        #expect(error?.code == .unavailable && error?.field == "server" && error?.value == "\(address)")
        #expect(
            error?.message.contains("\(address)") == true && error?.message.contains(reason) == true,
            "\(error?.message ?? "")")
        #expect(error?.nextStep?.contains(nextStep) == true)
    }

    @Test func nobodyIsThere() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        try await listener.close()
        let closed = ServerAddress.tcp(host: "127.0.0.1", port: port)
        expect(await refusal(closed), closed, "nothing listens there", nextStep: "Start sakuind")
        let missing = ServerAddress.unix(path: "/nowhere/sakuin.socket")
        expect(await refusal(missing), missing, "there is no such socket", nextStep: "--listen")
        // A part of a name has at most 63 bytes, so nobody is asked for this one.
        let nameless = ServerAddress.tcp(host: String(repeating: "x", count: 64) + ".invalid", port: 1)
        expect(await refusal(nameless), nameless, "was not resolved", nextStep: "Correct the name")
    }

    @Test func theServerGoes() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { $0.close() }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = ServerAddress.tcp(host: "127.0.0.1", port: try #require(listener.localAddress?.port))
        let error = await refusal(address)
        #expect(
            error?.code == .unavailable && error?.value == "\(address)" && error?.nextStep != nil, "\(error as Any)")
        #expect(error?.message.contains("descriptor") == false)
        try await listener.close()
    }

    @Test func anotherServerIsThere() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { $0.pipeline.addHandler(WebServer()) }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = ServerAddress.tcp(host: "127.0.0.1", port: try #require(listener.localAddress?.port))
        let error = await refusal(address)
        #expect(error?.code == .failedPrecondition && error?.value == "\(address)")
        #expect(error?.message == "What listens at \(address) does not speak Sakuin's protocol.")
        try await listener.close()
    }

    @Test func theNetworkFails() {
        let address = ServerAddress.tcp(host: "10.0.0.1", port: 7705)
        for (code, reason) in [
            (ECONNRESET, "was reset"), (EPIPE, "was reset"), (ETIMEDOUT, "timed out"), (EHOSTUNREACH, "no way"),
        ] {
            let error = ConnectionFailure.broken(to: address, IOError(errnoCode: code, reason: "read(descriptor:)"))
            expect(error, address, reason, nextStep: "Try again")
            #expect(!error.message.contains("descriptor"))
        }
        let other = ConnectionFailure.broken(to: address, IOError(errnoCode: ENOBUFS, reason: "read(descriptor:)"))
        #expect(!other.message.contains("descriptor"))
        expect(
            ConnectionFailure.connecting(to: address, ChannelError.connectTimeout(.milliseconds(70))), address,
            "no answer within 70 ms", nextStep: "firewall")
        expect(
            ConnectionFailure.connecting(to: address, IOError(errnoCode: EACCES, reason: "connect")), address,
            "this user may not", nextStep: "permissions")
    }
}

/// Says to whatever comes that it is no request.
private final class WebServer: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(
            wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n")), promise: nil)
    }
}

// What the client makes of a server that answers something else than it was asked.

import NIOCore
import NIOPosix
import SakuinClient
import SakuinProtocol
import Testing

/// Greets, and answers every request with the same reply.
private final class OneReply: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private var reader = FrameReader(lengthMax: 1 << 20)
    private let reply: WireReply

    init(_ reply: WireReply) { self.reply = reply }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var answers: [UInt8] = []
        unwrapInboundIn(data).withUnsafeReadableBytes { bytes in
            try? reader.read(bytes) { (header, _, _) throws(WireError) in
                switch header.kind {
                case .hello:
                    let welcome = Welcome(
                        server: "test", frameByteCountMax: 1 << 20, streamCredit: 1 << 20, streamCountMax: 10)
                    answers += FrameHeader.frame(.welcome, stream: 0, WireCodec.encode(welcome))
                case .request:
                    answers += FrameHeader.frame(.reply, stream: header.stream, WireCodec.encode(reply))
                default: break
                }
            }
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: answers)), promise: nil)
    }
}

@Suite struct ClientContractTests {
    @Test func asManyDocumentsAsKeys() async throws {
        for documents in [[], [nil, nil]] as [[Document?]] {
            let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            OneReply(.documents(FetchedDocuments(documents))))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            let client = SakuinClient(.init(host: "127.0.0.1", port: try #require(listener.localAddress?.port)))
            let error = await #expect(throws: SakuinError.self) { try await client.index("i").fetch(["a"]) }
            #expect(error?.code == .internalError)
            await client.close()
            try await listener.close()
        }
    }
}

// A connection on which nobody says who he is does not stay.

import Foundation
import Logging
import NIOCore
import NIOEmbedded
import SakuinEngine
import SakuinProtocol
import Testing

@testable import SakuinServer

@Suite struct HandshakeTimeTests {
    @Test func whoSaysNothingIsSentAway() async throws {
        let folder = RunningServer.freshFolder
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let catalog = try IndexCatalog(path: folder)
        var configuration = ServerConfiguration(workerCount: 1)
        configuration.handshakeSeconds = 3
        let context = ServerContext(catalog: catalog, configuration: configuration, logger: Logger(label: "test"))
        try Self.check(context)
        try await context.end()
    }

    /// The time is that of the test.
    private static func check(_ context: ServerContext) throws {
        let half = Array(ContractTests.hello.prefix(20))
        for (said, stays) in [([], false), (half, false), (ContractTests.hello, true)] as [([UInt8], Bool)] {
            let channel = EmbeddedChannel(handler: ConnectionHandler(context))
            channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
            try channel.writeInbound(ByteBuffer(bytes: said))
            channel.embeddedEventLoop.advanceTime(by: .milliseconds(2_999))
            #expect(channel.isActive)
            channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
            #expect(channel.isActive == stays)
            let bytes = try #require(try channel.readOutbound(as: ByteBuffer.self))
            var kinds: [FrameHeader.Kind] = []
            var reader = FrameReader(lengthMax: 1 << 20)
            try bytes.withUnsafeReadableBytes { raw in
                try reader.read(raw) { (header, payload, _) throws(WireError) in
                    kinds.append(header.kind)
                    let error = header.kind == .error ? try? WireCodec.decodeStatus(payload) : nil
                    #expect(stays || error?.code == .deadlineExceeded)
                }
            }
            #expect(kinds == [stays ? .welcome : .error])
            _ = try channel.finish(acceptAlreadyClosed: true)
        }
    }
}

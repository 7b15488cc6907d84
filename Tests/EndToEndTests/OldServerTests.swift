// The real command line and a server from before facets, variants and deletion by query, which says what stands in the vectors.

import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SakuinProtocol
import Testing

/// Greets as `welcome-old` and answers every request as `search-reply`; both are for the first stream.
private final class OldServer: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    let requests = NIOLockedValueBox(0)
    private let reader = NIOLockedValueBox(FrameReader(lengthMax: 1 << 20))
    private let welcome: [UInt8]
    private let reply: [UInt8]

    init() throws {
        welcome = try Self.vector("welcome-old")
        reply = try Self.vector("search-reply")
    }

    private static func vector(_ name: String) throws -> [UInt8] {
        let file = Binaries.root.appendingPathComponent("Protocol/vectors/accept/\(name).txt")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { !$0.contains(":") }
        return try lines.flatMap { $0.split(separator: " ") }.map { try #require(UInt8($0, radix: 16)) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var answers: [UInt8] = []
        unwrapInboundIn(data).withUnsafeReadableBytes { bytes in
            reader.withLockedValue { reader in
                try? reader.read(bytes) { (header, _, _) throws(WireError) in
                    if header.kind == .hello { answers += welcome }
                    guard header.kind == .request else { return }
                    requests.withLockedValue { $0 += 1 }
                    answers += reply
                }
            }
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: answers)), promise: nil)
    }
}

@Suite(.serialized, .enabled(if: Binaries.areBuilt)) struct OldServerTests {
    /// Runs `sakuin` with a server of before, and returns how many requests that got.
    private func ask(
        _ setting: CommandLineTests.Setting, _ words: [String]
    ) async throws -> (answer: CommandLineTests.Answer, requestCount: Int) {
        let server = try OldServer()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(server) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        let answer = try setting.run(["--server", "127.0.0.1:\(port)"] + words)
        try await listener.close()
        return (answer, server.requests.withLockedValue { $0 })
    }

    @Test func itIsAskedOnlyForWhatItKnows() async throws {
        let setting = try CommandLineTests.Setting()
        let (plain, asked) = try await ask(setting, ["count", "t", "5G网络"])
        #expect(plain.code == 0 && plain.text == "3\n" && asked == 1, "\(plain)")
        let queries = try setting.file("q.tsv", "発展\n")
        for (words, field) in [
            (["load", "t", "--queries", queries, "--requests", "9", "--variants", "all"], "variants"),
            (["count", "t", "発展", "--variants", "han"], "variants"),
            (["search", "t", "発展", "--variants", "all"], "variants"),
            (["search", "t", "発展", "--facet", "tag"], "facets"),
            (["delete", "t", "--query", "発展"], "query"),
        ] {
            let (refused, asked) = try await ask(setting, words)
            #expect(refused.code == 2 && refused.text.isEmpty && asked == 0, "\(refused)")
            let said = refused.warnings
            #expect(said.contains("UNIMPLEMENTED") && said.contains("field \(field)"), "\(said)")
            #expect(said.contains("Update the server"), "\(said)")
        }
    }
}

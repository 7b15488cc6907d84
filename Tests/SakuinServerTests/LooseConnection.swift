// A connection without a socket: what time it is and whether the client reads is the test's to say.

import Foundation
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import SakuinProtocol

@testable import SakuinEngine
@testable import SakuinServer

final class LooseConnection: Sendable {
    typealias Frame = (header: FrameHeader, payload: [UInt8])

    let channel: NIOAsyncTestingChannel
    let catalog: IndexCatalog
    private let server: ServerContext
    private let handler: NIOLoopBound<ConnectionHandler>
    private let folder: String
    private let reader = NIOLockedValueBox(FrameReader(FrameLimits(lengthMax: 1 << 26, compression: .lz4)))
    private let read = NIOLockedValueBox<[Frame]>([])

    /// One that has shaken hands, to a catalog with an index `i` of documents `0`, `1`, …; `before` handlers stand between
    /// it and the channel.
    init(
        hello: [UInt8] = ContractTests.hello, documentCount: Int = 0, text: String = "全文検索",
        before: [any ChannelHandler & Sendable] = [],
        _ change: (inout ServerConfiguration) -> Void = { _ in }
    ) async throws {
        folder = RunningServer.freshFolder
        catalog = try IndexCatalog(
            try DiskDirectory(folder, create: true, SystemCall()), options: RunningServer.options)
        try catalog.createNow("i", .standard)
        let index = try catalog.indexNow("i")
        for number in 0..<documentCount {
            _ = try await index.write(WriteBatch([.put(Document(key: "\(number)", ["body": .string(text)]))]))
        }
        _ = try await index.refresh()
        var configuration = ServerConfiguration(workerCount: 1)
        configuration.handshakeSeconds = 1 << 20
        change(&configuration)
        let server = ServerContext(catalog: catalog, configuration: configuration, logger: Logger(label: "test"))
        self.server = server
        let channel = NIOAsyncTestingChannel()
        self.channel = channel
        handler = try await channel.testingEventLoop.executeInContext {
            let handler = ConnectionHandler(server)
            try channel.pipeline.syncOperations.addHandlers(before)
            try channel.pipeline.syncOperations.addHandler(handler)
            return NIOLoopBound(handler, eventLoop: channel.eventLoop)
        }
        try await channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1)).get()
        try await send(hello)
    }

    func send(_ bytes: [UInt8]) async throws { try await channel.writeInbound(ByteBuffer(bytes: bytes)) }

    static func request(_ stream: UInt32, _ call: WireCall) -> [UInt8] {
        FrameHeader.frame(.request, stream: stream, WireCodec.encode(WireRequest(call)))
    }

    /// The client begins to read, or ends to.
    func setReads(_ reads: Bool) {
        channel.isWritable = reads
        channel.pipeline.fireChannelWritabilityChanged()
    }

    /// Every frame that was written so far.
    func frames() async throws -> [Frame] {
        while let buffer = try await channel.readOutbound(as: ByteBuffer.self) {
            try buffer.withUnsafeReadableBytes { bytes in
                try reader.withLockedValue { reader in
                    try reader.read(bytes) { (header, payload, _) throws(WireError) in
                        read.withLockedValue { $0.append((header, Array(payload))) }
                    }
                }
            }
        }
        return read.withLockedValue { $0 }
    }

    /// The frames, when there is one of this kind on this stream.
    func frames(until kind: FrameHeader.Kind, on stream: UInt32) async throws -> [Frame] {
        while true {
            let frames = try await frames()
            if frames.contains(where: { $0.header.kind == kind && $0.header.stream == stream }) { return frames }
            await Task.yield()
        }
    }

    /// What `body` makes of the handler, on its loop.
    func look<R: Sendable>(_ body: @escaping @Sendable (ConnectionHandler) -> R) async throws -> R {
        let handler = handler
        return try await channel.testingEventLoop.executeInContext { body(handler.value) }
    }

    func close() async throws {
        try? await channel.close().get()
        try await server.end()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

// A server over a catalog in a temporary folder, on a port of its own.

import Foundation
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SakuinClient
import SakuinProtocol

@testable import SakuinEngine
@testable import SakuinServer

struct RunningServer: Sendable {
    let port: Int
    let folder: String
    let catalog: IndexCatalog
    let connections: OpenConnections
    let server: SakuinServer
    private let task: Task<Void, any Error>

    static var freshFolder: String {
        FileManager.default.temporaryDirectory.appending(path: "sakuin-server-\(UUID().uuidString)").path
    }

    static var options: IndexOptions {
        var options = IndexOptions()
        options.memoryBudgetBytes = 32 << 20
        return options
    }

    /// Over the data folder `folder`, a new one if none is named; its system calls go through `call`, and what it counts to
    /// `metrics`.
    static func start(
        folder: String = freshFolder, options: IndexOptions = options, call: SystemCall = SystemCall(),
        metrics: ServerMetrics = ServerMetrics(),
        _ change: (inout ServerConfiguration) -> Void = { _ in }
    ) async throws -> RunningServer {
        let catalog = try IndexCatalog(try DiskDirectory(folder, create: true, call), options: options)
        var configuration = ServerConfiguration(workerCount: 2)
        configuration.addresses = [.tcp(host: "127.0.0.1", port: 0)]
        configuration.drainSeconds = 5
        // Tests wait for threads as long as it takes, and their clients with them.
        configuration.handshakeSeconds = 3_600
        change(&configuration)
        let (listening, continuation) = AsyncStream<[ServerAddress]>.makeStream()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let server = SakuinServer(
            catalog: catalog, configuration: configuration, logger: logger, metrics: metrics
        ) { continuation.yield($0) }
        let task = Task {
            defer { continuation.finish() }
            try await server.run()
        }
        for await addresses in listening {
            guard case .tcp(_, let port)? = addresses.first else { break }
            return RunningServer(
                port: port, folder: folder, catalog: catalog, connections: server.context.connections, server: server,
                task: task)
        }
        try await task.value
        throw SakuinError(.unavailable, "The server ended before it listened.")
    }

    func client(compresses: Bool = false) -> SakuinClient {
        var configuration = SakuinClient.Configuration(host: "127.0.0.1", port: port)
        configuration.compresses = compresses
        return SakuinClient(configuration)
    }

    /// Stops as a signal would, and waits for the end.
    func stop(keepsFolder: Bool = false) async throws {
        task.cancel()
        try await task.value
        if !keepsFolder { try? FileManager.default.removeItem(atPath: folder) }
    }

    /// Sends bytes on a connection of their own; returns the frames that come back until the server closes, or until
    /// `frameCount` have come. `then` goes on with the connection.
    func exchange(
        _ bytes: [UInt8], frameCount: Int = .max, then: (any Channel) async throws -> Void = { _ in }
    ) async throws -> [(header: FrameHeader, payload: [UInt8])] {
        let collector = FrameCollector(frameCount: frameCount)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(collector) }
            }
            .connect(host: "127.0.0.1", port: port).get()
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
        try await then(channel)
        try await channel.closeFuture.get()
        return collector.frames.withLockedValue { $0 }
    }
}

/// Gathers what a server sends, compressed or not.
private final class FrameCollector: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    let frames = NIOLockedValueBox<[(header: FrameHeader, payload: [UInt8])]>([])
    private let reader = NIOLockedValueBox(FrameReader(FrameLimits(lengthMax: 1 << 20, compression: .lz4)))
    private let frameCount: Int

    init(frameCount: Int) { self.frameCount = frameCount }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        unwrapInboundIn(data).withUnsafeReadableBytes { bytes in
            reader.withLockedValue { reader in
                try? reader.read(bytes) { (header, payload, _) throws(WireError) in
                    frames.withLockedValue { $0.append((header, Array(payload))) }
                }
            }
        }
        if frames.withLockedValue({ $0.count }) >= frameCount { context.close(promise: nil) }
    }
}

// One address that is listened on.

import Foundation
import NIOCore
import NIOPosix
import SakuinAccess
import SakuinTypes

/// A socket that takes connections.
struct Listener: Sendable {
    /// Where clients find it, with the port that was picked.
    let address: ServerAddress
    private let channel: any Channel

    /// Listens on `address` and gives every connection its handlers. Throws `unavailable` when it cannot be had.
    static func open(_ address: ServerAddress, _ context: ServerContext) async throws -> Listener {
        do {
            switch address {
            case .tcp(let host, let port):
                let bootstrap = KeepAlive.options.reduce(bootstrap(context, speaksTLS: true)) {
                    $0.childChannelOption($1.option, value: $1.value)
                }
                let channel = try await bootstrap.serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
                    .bind(host: host, port: port).get()
                let picked = channel.localAddress?.port ?? port
                return Listener(address: .tcp(host: host, port: picked), channel: channel)
            case .unix(let path):
                try await clear(path)
                let channel = try await bootstrap(context, speaksTLS: false).bind(unixDomainSocketPath: path).get()
                return Listener(address: address, channel: channel)
            }
        } catch {
            throw ListenFailure.error(error, at: address, field: "listen")
        }
    }

    /// Connections beyond the limit that are told so.
    private static let refusedCountMax = 64

    /// Takes no more connections; those that are open stay. The file of a socket is removed.
    func close() async { try? await channel.close().get() }

    /// What passes through the file of a socket stays in the machine: there is nothing for TLS to hide.
    private static func bootstrap(_ context: ServerContext, speaksTLS: Bool) -> ServerBootstrap {
        ServerBootstrap(group: ServerContext.eventLoops)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 256 << 10, high: 1 << 20))
            .childChannelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 65536, maximum: 1 << 20)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if speaksTLS, let tls = context.access.currentTLS {
                        try channel.pipeline.syncOperations.addHandlers([PlaintextGuard(), tls.handler()])
                    }
                    let handler = ConnectionHandler(context)
                    try channel.pipeline.syncOperations.addHandler(handler)
                    let count = context.connections.add(
                        channel, NIOLoopBound(handler, eventLoop: channel.eventLoop))
                    let excess = count - context.configuration.connectionCountMax
                    // A few learn why, when they have said HELLO; more than that would be bounded by nothing.
                    handler.isOneTooMany = excess > 0
                    if excess > refusedCountMax { channel.close(promise: nil) }
                }
            }
    }

    /// Takes the file away that a server left behind which was killed. One that somebody listens on, or that is no socket,
    /// stays, and binding fails.
    private static func clear(_ path: String) async throws {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            attributes[.type] as? FileAttributeType == .typeSocket
        else { return }
        do {
            let found = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: path).get()
            try? await found.close().get()
        } catch let error as IOError where error.errnoCode == ECONNREFUSED {
            try FileManager.default.removeItem(atPath: path)
        }
    }
}

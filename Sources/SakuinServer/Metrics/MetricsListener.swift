// `GET /metrics` over HTTP, as text for Prometheus; each connection has one request.

import NIOCore
import NIOHTTP1
import NIOPosix
public import SakuinEngine
import SakuinTypes
public import ServiceLifecycle

/// Tells the metrics of this process, and those of the indexes of a catalog, to whoever asks.
public struct MetricsListener: Service {
    public let host: String
    /// The one that was picked.
    public let port: Int
    private let listener: any Channel

    /// Who does not ask within this time is cut off.
    private static let patience = TimeAmount.seconds(10)

    /// Answers from now on, and until `run` ends. Throws `unavailable` when the address cannot be had.
    public static func open(
        host: String, port: Int, registry: PrometheusRegistry, catalog: IndexCatalog
    ) async throws -> MetricsListener {
        let gauges = IndexGauges(registry)
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(
                        MetricsHandler {
                            gauges.refresh(catalog)
                            return registry.text
                        })
                    let late = channel.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
                    channel.closeFuture.whenComplete { _ in late.cancel() }
                }
            }
        do {
            let listener = try await bootstrap.bind(host: host, port: port).get()
            return MetricsListener(host: host, port: listener.localAddress?.port ?? port, listener: listener)
        } catch {
            throw ListenFailure.error(error, at: .tcp(host: host, port: port), field: "metrics")
        }
    }

    /// Waits for graceful shutdown.
    public func run() async throws {
        // Cancellation without grace stops in the same way.
        try? await gracefulShutdown()
        try? await listener.close().get()
    }
}

/// One request, one answer.
private final class MetricsHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let text: @Sendable () -> String
    private var request: HTTPRequestHead?

    init(_ text: @escaping @Sendable () -> String) { self.text = text }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): request = request ?? head
        case .body: break
        case .end:
            guard let head = request else { return }
            let isKnown = head.uri == "/metrics" || head.uri.hasPrefix("/metrics?")
            if !isKnown { return answer(context, .notFound, "There is /metrics.\n") }
            if head.method != .GET { return answer(context, .methodNotAllowed, "GET it.\n") }
            let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
            // Statistics may wait for a commit: not on the loop.
            NIOThreadPool.singleton.runIfActive(eventLoop: context.eventLoop, text).whenSuccess { text in
                bound.value.handler.answer(bound.value.context, .ok, text)
            }
        }
    }

    private func answer(_ context: ChannelHandlerContext, _ status: HTTPResponseStatus, _ text: String) {
        guard context.channel.isActive else { return }
        var head = HTTPResponseHead(version: .http1_1, status: status)
        head.headers.add(name: "content-type", value: "text/plain; version=0.0.4; charset=utf-8")
        head.headers.add(name: "content-length", value: "\(text.utf8.count)")
        head.headers.add(name: "connection", value: "close")
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

// A Service: listens, serves, drains, stops.
//
// 1. `run` opens its listeners, says where they listen, and they hand every connection to a `ConnectionHandler`.
// 2. On graceful shutdown it accepts no more, every connection gets GOAWAY and ends when its streams have.
// 3. After `drainSeconds` what is left is cut off; then the catalog is closed.

public import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
public import SakuinAccess
public import SakuinEngine
import SakuinProtocol
public import SakuinTypes
public import ServiceLifecycle

/// The server of a catalog of indexes.
public struct SakuinServer: Service {
    public static let version = SakuinVersion.text

    let context: ServerContext
    private let onListening: @Sendable (_ addresses: [ServerAddress]) -> Void

    /// The server closes the catalog when it stops. `onListening` is called once, when clients can connect, with the addresses
    /// of the configuration and the ports that were picked.
    public init(
        catalog: IndexCatalog, configuration: ServerConfiguration, logger: Logger,
        onListening: @escaping @Sendable (_ addresses: [ServerAddress]) -> Void = { _ in }
    ) {
        self.init(
            catalog: catalog, configuration: configuration, logger: logger, metrics: ServerMetrics(),
            onListening: onListening)
    }

    init(
        catalog: IndexCatalog, configuration: ServerConfiguration, logger: Logger, metrics: ServerMetrics,
        onListening: @escaping @Sendable (_ addresses: [ServerAddress]) -> Void
    ) {
        context = ServerContext(catalog: catalog, configuration: configuration, logger: logger, metrics: metrics)
        self.onListening = onListening
    }

    /// Serves until graceful shutdown; throws `unavailable` when an address cannot be had.
    public func run() async throws {
        var listeners: [Listener] = []
        do {
            for address in context.configuration.addresses {
                listeners.append(try await Listener.open(address, context))
            }
        } catch {
            for listener in listeners { await listener.close() }
            try? await context.end()
            throw error
        }
        let addresses = listeners.map(\.address)
        for address in addresses { context.logger.info("listening", metadata: ["address": "\(address)"]) }
        onListening(addresses)
        // Cancellation without grace stops in the same way.
        try? await gracefulShutdown()
        context.logger.info("stopping")
        for listener in listeners { await listener.close() }
        await drain()
        try await context.end()
        context.logger.info("stopped")
    }

    /// Takes other tokens, and another certificate for connections to come. Who shows a token that is not known any more is cut
    /// off; the others have the role that is theirs now. A server that asked for no tokens, or spoke without TLS, goes on so.
    public func reload(tokens: TokenFile?, tls: ServerTLS?) {
        context.access.replace(tokens, tls)
        for connection in context.connections.all() {
            connection.channel.eventLoop.execute { connection.handler.value.readmit() }
        }
    }

    private func drain() async {
        let open = context.connections.all()
        for connection in open {
            connection.channel.eventLoop.execute { connection.handler.value.drain() }
        }
        let limit = TimeAmount.seconds(Int64(context.configuration.drainSeconds))
        // The time is that of all connections together.
        let late = open.map { connection in
            connection.channel.eventLoop.scheduleTask(in: limit) { connection.channel.close(promise: nil) }
        }
        for (connection, late) in zip(open, late) {
            try? await connection.channel.closeFuture.get()
            late.cancel()
        }
    }
}

/// What all connections of a server share.
struct ServerContext: Sendable {
    let name = "sakuind/\(SakuinServer.version)"
    let catalog: IndexCatalog
    let configuration: ServerConfiguration
    let logger: Logger
    let metrics: ServerMetrics
    let router: RequestRouter
    let work: WorkQueue
    /// For calls that wait for the disk, beside which searches have their workers.
    let diskWork: WorkQueue
    let access: AccessControl
    let connections = OpenConnections()
    let bursts = BurstAnswers(ServerContext.eventLoops)
    /// Those of all connections.
    static let eventLoops = MultiThreadedEventLoopGroup.singleton

    init(
        catalog: IndexCatalog, configuration: ServerConfiguration, logger: Logger,
        metrics: ServerMetrics = ServerMetrics()
    ) {
        self.catalog = catalog
        self.configuration = configuration
        self.logger = logger
        self.metrics = metrics
        diskWork = WorkQueue(workerCount: configuration.diskThreadCount, countMax: configuration.diskCallCountMax)
        router = RequestRouter(
            catalog: catalog, metrics: metrics, diskWork: diskWork, diskCallCountMax: configuration.diskCallCountMax)
        access = AccessControl(configuration.tokens, configuration.tls)
        work = WorkQueue(workerCount: configuration.workerCount, countMax: configuration.queueCountMax)
    }

    /// Ends all calls and closes the catalog.
    func end() async throws {
        await work.shutdown()
        // The catalog ends what waits for the disk, and waits for that itself.
        let closing = Result { () throws(SakuinError) in try catalog.close() }
        await diskWork.shutdown()
        try closing.get()
    }
}

/// The connections that are open, for their number and the drain.
final class OpenConnections: Sendable {
    struct Connection: Sendable {
        let channel: any Channel
        let handler: NIOLoopBound<ConnectionHandler>
    }

    private let open = NIOLockedValueBox<[ObjectIdentifier: Connection]>([:])

    /// Returns how many are open with it.
    func add(_ channel: any Channel, _ handler: NIOLoopBound<ConnectionHandler>) -> Int {
        let id = ObjectIdentifier(channel)
        let count = open.withLockedValue { open in
            open[id] = Connection(channel: channel, handler: handler)
            return open.count
        }
        channel.closeFuture.whenComplete { [open] _ in open.withLockedValue { $0[id] = nil } }
        return count
    }

    func all() -> [Connection] { open.withLockedValue { Array($0.values) } }
}

import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
public import SakuinAccess
import SakuinProtocol
public import SakuinTypes

/// A client of a Sakuin server: the same calls as the embedded engine, over one connection with many streams.
///
/// A connection that broke, or that the server wants to be rid of, is replaced by the next call. Safe to use from any task.
public final class SakuinClient: CatalogService {
    /// Where and how to connect.
    public struct Configuration: Sendable {
        public var address: ServerAddress
        /// How long connecting and shaking hands may take.
        public var connectTimeoutMilliseconds: Int64 = 5_000
        /// How long a search, another quick call, or a deletion by query may take; 0: no limit.
        public var deadlineMilliseconds: UInt32 = 0
        /// Whether the connection shares one thread with all others that say so; else threads, one a core, take turns.
        /// Where a server runs on the same cores that leaves it some to itself.
        public var sharesThread = false
        /// Shown to the server when a connection begins. Without TLS everybody on the way can read it.
        public var token: AccessToken?
        /// Nil: without TLS. A Unix socket needs none and takes none.
        public var tls: ClientTLS?
        /// Whether requests, replies and documents that are long and get shorter are compressed on their way, if the server
        /// does so too. It takes processor time on both sides and pays where the network is slow.
        public var compresses = false

        public init(_ address: ServerAddress = .standard) { self.address = address }

        public init(host: String, port: Int) { self.init(.tcp(host: host, port: port)) }

        /// `HOST:PORT`, `HOST`, `[IPV6]:PORT` or `unix:PATH`; throws `invalidArgument` for anything else.
        public init(server: String) throws(SakuinError) { self.init(try ServerAddress(connectingTo: server)) }
    }

    public let configuration: Configuration
    private let current = NIOLockedValueBox<Task<ClientConnection, any Error>?>(nil)

    public init(_ configuration: Configuration = Configuration()) { self.configuration = configuration }

    /// Whoever forgets `close` leaves no connection behind; what is open on it goes on to its end.
    deinit {
        guard let task = current.withLockedValue({ $0 }) else { return }
        Task { if let connection = try? await task.value { connection.leave() } }
    }

    /// Connects now instead of at the first call. Throws `unavailable` when there is no server, `unauthenticated` when it asks
    /// for another token or a certificate, `failedPrecondition` when one side speaks TLS and the other does not or does not
    /// trust it.
    public func connect() async throws { _ = try await connection() }

    /// Closes the connection; calls that wait fail with `unavailable`.
    public func close() async {
        let task = current.withLockedValue { current in
            defer { current = nil }
            return current
        }
        if let connection = try? await task?.value { await connection.close() }
    }

    /// The open connection, or a new one.
    func connection() async throws -> ClientConnection {
        let known = current.withLockedValue { $0 }
        if let known, let connection = try? await known.value, connection.isActive { return connection }
        let configuration = configuration
        let task = current.withLockedValue { current in
            // Of the callers that found it broken the first one connects.
            if let current, current != known { return current }
            let task = Task {
                let group = MultiThreadedEventLoopGroup.singleton
                var loops = group.makeIterator()
                let shared = configuration.sharesThread ? loops.next() : nil
                return try await ClientConnection.connect(configuration, shared ?? group.next())
            }
            current = task
            return task
        }
        return try await task.value
    }

    func call(_ call: WireCall, hasDeadline: Bool = false) async throws -> WireReply {
        try await connection().call(
            WireRequest(call, deadlineMilliseconds: hasDeadline ? configuration.deadlineMilliseconds : 0))
    }

    /// Asks the server for nothing but a sign of life, and returns when it came. It touches no index and waits for no
    /// worker: this is what the way there and back takes. Throws `unavailable` or `deadlineExceeded` when none came.
    public func ping() async throws {
        try await connection().ping(deadlineMilliseconds: configuration.deadlineMilliseconds)
    }

    static func unexpected() -> SakuinError {
        SakuinError(.internalError, "The server answered with another kind of reply.", nextStep: "Use like versions.")
    }

    public func create(index name: String, schema: Schema) async throws {
        _ = try await call(.createIndex(name: name, schema: schema))
    }

    public func list() async throws -> [IndexListing] {
        guard case .indexes(let indexes) = try await call(.listIndexes) else { throw Self.unexpected() }
        return indexes
    }

    public func drop(index name: String) async throws { _ = try await call(.dropIndex(name: name)) }

    public func reopen(index name: String) async throws -> IndexListing {
        guard case .indexes(let indexes) = try await call(.reopenIndex(name: name)), let reopened = indexes.first else {
            throw Self.unexpected()
        }
        return reopened
    }

    public func alias(_ name: String, to target: String) async throws {
        _ = try await call(.aliasIndex(name: name, target: target))
    }

    public func jobs() async throws -> [JobStatus] {
        guard case .jobs(let jobs) = try await call(.listJobs(index: "")) else { throw Self.unexpected() }
        return jobs
    }

    public func createSnapshot(of index: String, name: String?) async throws -> SnapshotListing {
        guard case .snapshot(let listing) = try await call(.createSnapshot(index: index, name: name)) else {
            throw Self.unexpected()
        }
        return listing
    }

    public func listSnapshots(of index: String?) async throws -> [SnapshotListing] {
        guard case .snapshots(let listings) = try await call(.listSnapshots(index: index)) else {
            throw Self.unexpected()
        }
        return listings
    }

    public func restoreSnapshot(
        _ name: String, of index: String, as newName: String?
    ) async throws -> IndexListing {
        let reply = try await call(.restoreSnapshot(index: index, name: name, newName: newName))
        guard case .indexes(let indexes) = reply, let restored = indexes.first else { throw Self.unexpected() }
        return restored
    }

    public func deleteSnapshot(_ name: String, of index: String) async throws {
        _ = try await call(.deleteSnapshot(index: index, name: name))
    }

    /// A handle; whether the index exists shows when it is used.
    public func index(_ name: String) async throws -> RemoteIndex { RemoteIndex(name, of: self) }
}

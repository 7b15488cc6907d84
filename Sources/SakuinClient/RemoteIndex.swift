import SakuinProtocol
public import SakuinTypes

/// One index on a server. A search with facets or variants that asks a server from before them, which would pass over them
/// without a word, throws `unimplemented` and is not sent; so does a deletion by query.
public struct RemoteIndex: SearchService {
    public let name: String
    private let client: SakuinClient

    init(_ name: String, of client: SakuinClient) {
        self.name = name
        self.client = client
    }

    public func write(_ batch: WriteBatch) async throws -> WriteReceipt {
        guard case .receipt(let receipt) = try await client.call(.write(index: name, batch)) else {
            throw SakuinClient.unexpected()
        }
        return receipt
    }

    /// Heeds the deadline of the client, as a search does.
    public func delete(matching request: DeletionRequest) async throws -> DeletionReceipt {
        let reply = try await client.call(.deleteMatching(index: name, request), hasDeadline: true)
        guard case .deletion(let receipt) = reply else { throw SakuinClient.unexpected() }
        return receipt
    }

    public func search(_ request: SearchRequest) async throws -> SearchResponse {
        let reply = try await client.call(.search(index: name, request), hasDeadline: true)
        guard case .search(let response) = reply else { throw SakuinClient.unexpected() }
        return response
    }

    /// Throws `unimplemented` when the server is from before something that `request` asks for, as a search does; it asks the
    /// server for nothing.
    public func check(_ request: SearchRequest) async throws {
        try await client.connection().check(.search(index: name, request))
    }

    public func fetch(_ keys: [String], at moment: ReadMoment) async throws -> FetchedDocuments {
        let reply = try await client.call(.get(index: name, keys: keys, moment), hasDeadline: true)
        guard case .documents(let fetched) = reply, fetched.documents.count == keys.count else {
            throw SakuinClient.unexpected()
        }
        return fetched
    }

    public func refresh() async throws -> UInt64 { try await sequence(.refresh(index: name)) }
    public func commit() async throws -> UInt64 { try await sequence(.commit(index: name)) }

    private func sequence(_ call: WireCall) async throws -> UInt64 {
        guard case .sequence(let sequence) = try await client.call(call) else { throw SakuinClient.unexpected() }
        return sequence
    }

    public func statistics() async throws -> IndexStatistics {
        guard case .statistics(let statistics) = try await client.call(.statistics(index: name)) else {
            throw SakuinClient.unexpected()
        }
        return statistics
    }

    public func segments() async throws -> [SegmentStatistics] {
        guard case .segments(let segments) = try await client.call(.segments(index: name)) else {
            throw SakuinClient.unexpected()
        }
        return segments
    }

    public func compact(segments: Int) async throws -> CompactionReport {
        guard case .compaction(let report) = try await client.call(.compact(index: name, segments: segments)) else {
            throw SakuinClient.unexpected()
        }
        return report
    }

    public func startCompaction(_ options: CompactionOptions) async throws -> JobStatus {
        try await job(.startCompaction(index: name, options))
    }

    public func estimateCompaction(_ options: CompactionOptions) async throws -> CompactionEstimate {
        guard case .estimate(let estimate) = try await client.call(.estimateCompaction(index: name, options)) else {
            throw SakuinClient.unexpected()
        }
        return estimate
    }

    public func startCheck(bytesPerSecond: Int?) async throws -> JobStatus {
        try await job(.startCheck(index: name, bytesPerSecond: bytesPerSecond))
    }

    public func jobs() async throws -> [JobStatus] {
        guard case .jobs(let jobs) = try await client.call(.listJobs(index: name)) else {
            throw SakuinClient.unexpected()
        }
        return jobs
    }

    public func control(job number: UInt64, _ action: JobAction) async throws -> JobStatus {
        try await job(.controlJob(index: name, number: number, action))
    }

    private func job(_ call: WireCall) async throws -> JobStatus {
        guard case .job(let status) = try await client.call(call) else { throw SakuinClient.unexpected() }
        return status
    }

    public func openPointInTime(leaseMilliseconds: Int, at moment: ReadMoment) async throws -> PointInTime {
        let call = WireCall.openPointInTime(index: name, leaseMilliseconds: leaseMilliseconds, moment)
        guard case .pointInTime(let point) = try await client.call(call, hasDeadline: true) else {
            throw SakuinClient.unexpected()
        }
        return point
    }

    public func closePointInTime(_ token: String) async throws {
        _ = try await client.call(.closePointInTime(index: name, token: token))
    }

    public func export(pointInTime: String?) async throws -> DocumentPages {
        let connection = try await client.connection()
        let (payloads, continuation) = AsyncThrowingStream<FramePayload, any Error>.makeStream()
        let request = WireRequest(.export(index: name, pointInTime: pointInTime))
        let stream = try await connection.openExport(request, continuation)
        let source = PageSource(payloads) { connection.release(stream, $0) }
        // The first page says what will not come.
        let missing = try await source.missing()
        return DocumentPages(missing: missing) { try await source.next() }
    }

    /// A stream of batches with several under way; each is acknowledged at `acknowledge`, in order.
    public func stream(
        acknowledge: AcknowledgementLevel = .disk, rejection: RejectionPolicy = .eachOperation
    ) async throws -> WriteStream {
        let connection = try await client.connection()
        let (receipts, continuation) = AsyncThrowingStream<WriteReceipt, any Error>.makeStream()
        let stream = try await connection.openImport(
            WireRequest(.importStream(index: name, acknowledge: acknowledge, rejection: rejection)), continuation)
        return WriteStream(connection, stream, receipts)
    }
}

/// The pages of an export as they came, one task at a time.
private actor PageSource {
    private var iterator: AsyncThrowingStream<FramePayload, any Error>.AsyncIterator
    private let release: @Sendable (Int) -> Void
    /// The first page, until it is asked for.
    private var first: WirePage?

    init(
        _ payloads: AsyncThrowingStream<FramePayload, any Error>,
        release: @escaping @Sendable (_ byteCount: Int) -> Void
    ) {
        iterator = payloads.makeAsyncIterator()
        self.release = release
    }

    /// Waits for the first page; once, before `next`.
    func missing() async throws -> [String] {
        first = try await page()
        return first?.missing ?? []
    }

    func next() async throws -> [Document]? {
        // The first page may only say what is missing.
        if let documents = first?.documents, !documents.isEmpty {
            first = nil
            return documents
        }
        return try await page()?.documents
    }

    private func page() async throws -> WirePage? {
        var iterator = iterator
        defer { self.iterator = iterator }
        guard let payload = try await iterator.next(isolation: self) else {
            // A stream whose reader is cancelled just ends.
            if Task.isCancelled { throw SakuinError(.cancelled, "Cancelled.") }
            return nil
        }
        release(payload.contentByteCount)
        return try payload.decodedFromServer(WireCodec.decodePage)
    }
}

/// Batches on their way to a server: send them one after another, read their receipts beside.
public struct WriteStream: Sendable {
    private let connection: ClientConnection
    private let number: UInt32
    /// One receipt a batch, in order; ends after `finish`, throws when the import failed.
    public let receipts: AsyncThrowingStream<WriteReceipt, any Error>

    init(
        _ connection: ClientConnection, _ number: UInt32, _ receipts: AsyncThrowingStream<WriteReceipt, any Error>
    ) {
        self.connection = connection
        self.number = number
        self.receipts = receipts
    }

    /// The longest JSON that the server takes as a batch of one put under this key field.
    public func jsonByteCountMax(keyField: String) -> Int {
        // The length of that JSON takes up to three bytes more than that of none.
        connection.frameByteCountMax - WireCodec.encode([.putJSON([], keyField: keyField)]).count - 3
    }

    /// Sends a batch; waits while the server has too much under way. With an idempotency key the batch may be sent again,
    /// in another import too, when its receipt did not come. Throws `cancelled`, and the batch is not sent, when the task is
    /// cancelled while it waits.
    public func send(_ operations: [WriteOperation], idempotencyKey: String? = nil) async throws {
        if operations.isEmpty { throw SakuinError.invalid("A batch needs an operation.", field: "operations") }
        try WriteBatch.check(idempotencyKey: idempotencyKey)
        try await connection.send(number, WireCodec.encode(operations, idempotencyKey: idempotencyKey), isEnd: false)
    }

    /// Says that this was all; `receipts` ends after the last receipt.
    public func finish() async throws { try await connection.send(number, [], isEnd: true) }

    /// Gives the import up; batches without a receipt may or may not be applied.
    public func cancel() { connection.cancel(number) }
}

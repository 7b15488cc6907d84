import Synchronization

/// A full-text index in a folder: write, search, maintain, close. Safe to use from any thread.
///
/// The synchronous calls (`searchNow`, `getNow`, `submit`) do their work on the calling thread or return at once; the
/// asynchronous ones are those of `SearchService`, so that the same code runs against an index on a server.
public final class SearchIndex: SearchService {
    let registry: FieldRegistry
    let searched: SearchedFields
    let store: SegmentStore
    let writer: IndexWriter
    let points: PointsInTime
    private let merges: Monitor<MergeScheduler?>
    private let isClosed = Atomic(false)
    let memory: MemoryBudget
    let disk: DiskSpace
    private let lock: any FileLock
    private let options: IndexOptions
    /// The folder of the index.
    public let path: String

    /// Opens the index in the folder `path`, which is made when it is missing; what was acknowledged before a crash is
    /// there again when this returns.
    ///
    /// - Parameter schema: needed to make a new index; for one that exists it must be nil or the same.
    /// - Throws: `SakuinError`: `failedPrecondition` when another process has the folder or the schema differs,
    ///   `notFound` when there is no index and no schema, `dataLoss` when no manifest can be read.
    public static func open(
        path: String, schema: Schema? = nil, options: IndexOptions = IndexOptions()
    ) throws(SakuinError) -> SearchIndex {
        try options.validate()
        return try open(path: path, schema: schema, options: options, memory: nil)
    }

    /// The same with a memory budget that it shares.
    static func open(
        path: String, schema: Schema?, options: IndexOptions, memory: MemoryBudget?
    ) throws(SakuinError) -> SearchIndex {
        let directory: DiskDirectory
        do throws(StorageError) {
            directory = try DiskDirectory(path, create: schema != nil)
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
        return try open(directory, schema: schema, options: options, memory: memory)
    }

    /// The same over any directory.
    static func open(
        _ directory: any Directory, schema: Schema?, options: IndexOptions, memory: MemoryBudget? = nil
    ) throws(SakuinError) -> SearchIndex {
        try Recovery(directory, options: options, memory: memory).open(schema: schema)
    }

    init(_ parts: RecoveredIndex, path: String, options: IndexOptions) {
        registry = parts.registry
        searched = SearchedFields(parts.registry)
        store = parts.store
        lock = parts.lock
        memory = parts.memory
        disk = DiskSpace(
            parts.store.directory, mergeMark: options.diskMergeMarkBytes, writeMark: options.diskWriteMarkBytes)
        self.options = options
        self.path = path
        points = PointsInTime(countMax: options.pointInTimeCountMax)
        merges = Monitor(nil)
        let merges = merges
        writer = IndexWriter(
            journal: parts.journal, recentKeys: parts.recentKeys, lanes: parts.lanes, registry: parts.registry,
            store: parts.store, options: options, memory: memory, disk: disk, sequence: parts.sequence
        ) { merges.read { $0 }?.wake() }
    }

    /// Starts merging; once, after the journal was replayed. `onlyChecks`: an index in which nothing may be changed. When
    /// it throws the index has ended.
    func startMerging(onlyChecks: Bool = false) throws(StorageError) {
        var policy = MergePolicy(options.merge)
        // Half of it, so that a compaction and small merges have room beside a large one.
        policy.memoryByteCountMax = max(1 << 20, memory.mergeByteCountMax / 2 - memory.shares.mergeByteCount)
        do throws(StorageError) {
            let scheduler = try MergeScheduler(
                self, policy: policy, limits: MergeLimits(memory), inBackground: options.mergesInBackground,
                budget: options.mergeBudget ?? MergeBudget(bytesPerSecond: options.mergeBytesPerSecond), disk: disk,
                directory: store.directory, onlyChecks: onlyChecks, threads: options.threads)
            merges.change { $0 = scheduler }
        } catch {
            abandon()
            throw error
        }
    }

    /// What merges; throws when the index is closed or read-only.
    func scheduler() throws(SakuinError) -> MergeScheduler {
        if let failure = writer.failure { throw failure }
        guard let scheduler = merges.read({ $0 }) else { throw Self.closed }
        return scheduler
    }

    /// What merges and checks, also in an index that takes no writes; nil when it is closed.
    var schedulerNow: MergeScheduler? { merges.read { $0 } }

    public var schema: Schema { registry.schema }

    /// Why the index takes no writes: something could not be read when it was opened, or the disk has failed since. nil
    /// while all is well.
    public var writeFailure: SakuinError? { writer.failure }

    /// Whether something could not be read, so that nothing may be changed.
    var isReadOnly: Bool { !store.snapshot.damage.isEmpty }

    /// Commits and closes. Later calls throw `unavailable`; searches that run go on, and so do exports.
    public func close() throws(SakuinError) {
        defer {
            // While the folder is still its own: files that points in time held go with them.
            retire()
            releaseFolder()
        }
        try end()
    }

    /// The same, but what can be read goes on to be, as it was last, until `retire`.
    func stop() throws(SakuinError) {
        defer { releaseFolder() }
        try end()
    }

    private func end() throws(SakuinError) {
        let keeps = isReadOnly
        merges.read { $0 }?.close()
        merges.change { $0 = nil }
        if keeps {
            writer.abandon()
            store.files.removeUncommitted()
        } else {
            try writer.close()
        }
    }

    /// Ends without committing.
    func abandon() {
        merges.read { $0 }?.close()
        merges.change { $0 = nil }
        writer.abandon()
        retire()
        releaseFolder()
    }

    /// Later calls throw `unavailable`, and points in time end.
    func retire() {
        isClosed.store(true, ordering: .releasing)
        points.closeAll()
    }

    private func releaseFolder() {
        store.releaseFolder()
        lock.release()
    }

    static var closed: SakuinError {
        SakuinError(.unavailable, "The index is closed.", nextStep: "Open it again.")
    }

    /// Throws when the index is closed: another may have the folder, and what could be seen grows old.
    func checkOpen() throws(SakuinError) { if isClosed.load(ordering: .acquiring) { throw Self.closed } }

    // MARK: Writing

    /// Queues a batch and returns at once; `completion` is called on a thread of the index when the batch is at its
    /// acknowledgement level, or could not be applied.
    public func submit(
        _ batch: WriteBatch, completion: @escaping @Sendable (Result<WriteReceipt, SakuinError>) -> Void
    ) {
        if let refusal = offer(batch, completion: completion) { completion(.failure(refusal)) }
    }

    /// The same, but when there is no room at the moment returns the error, which says when to try again, and does
    /// nothing.
    public func offer(
        _ batch: WriteBatch, completion: @escaping @Sendable (Result<WriteReceipt, SakuinError>) -> Void
    ) -> SakuinError? {
        do throws(SakuinError) {
            let (encoded, rejections) = try BatchEncoder.encode(batch, registry)
            let applied = batch.operations.count - rejections.count
            if let failure = writer.failure { throw failure }
            guard let encoded else {
                // Nothing was written: what it names is on the disk, whatever the level.
                completion(
                    .success(
                        WriteReceipt(
                            sequence: store.committed.sequence, level: batch.acknowledge, applied: 0,
                            rejections: rejections)))
                return nil
            }
            let refusal = writer.submit(encoded, key: batch.idempotencyKey, level: batch.acknowledge) { result in
                completion(
                    result.map {
                        WriteReceipt(
                            sequence: $0.sequence, level: batch.acknowledge, applied: applied, rejections: rejections,
                            isRepeat: $0.isRepeat)
                    })
            }
            switch refusal {
            case nil: return nil
            case .forNow(let error): return error
            case .now(let error): throw error
            }
        } catch {
            completion(.failure(error))
            return nil
        }
    }

    /// What `offer` would most likely return for a batch of so many bytes; for who has yet to make the batch.
    public func refusalForNow(byteCount: Int) -> SakuinError? { writer.fullness(byteCount) }

    public func write(_ batch: WriteBatch) async throws -> WriteReceipt {
        try await withCheckedThrowingContinuation { continuation in
            submit(batch) { continuation.resume(with: $0) }
        }
    }

    public func refresh() async throws -> UInt64 {
        if isReadOnly { return writer.visibleSequence }
        return try await withCheckedThrowingContinuation { continuation in
            writer.cut(commits: false) { continuation.resume(with: $0) }
        }
    }

    public func commit() async throws -> UInt64 {
        try await withCheckedThrowingContinuation { continuation in
            writer.cut(commits: true) { continuation.resume(with: $0) }
        }
    }
}

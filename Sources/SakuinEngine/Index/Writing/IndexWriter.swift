// The one write path: queue → journal → lanes → tickets → publisher.
//
// 1. `submit` queues an encoded batch. One thread takes what is queued by all writers, numbers it, appends it to the
//    journal if the index keeps one, flushes and syncs once for all of it, acknowledges each batch when its level is reached, and hands the
//    batches to the lanes. A batch whose idempotency key is known is acknowledged and not applied again.
// 2. A refresh is a ticket through all lanes. The publisher thread waits for the lanes, publishes their segments, and
//    commits when the ticket says so; a commit lets the journal files before the ticket go.
// 3. Of a batch that belongs to a deletion by query the writing thread leaves out what was written meanwhile (`WriteWatch`).

final class IndexWriter: Sendable {
    typealias Completion = @Sendable (Result<UInt64, SakuinError>) -> Void
    /// What has become of a batch: its sequence number, whether it was applied before, and how many operations were. When a
    /// watch has left none of them there is no number.
    struct Applied {
        var sequence: UInt64
        var isRepeat = false
        var operationCount: Int
    }
    typealias WriteCompletion = @Sendable (Result<Applied, SakuinError>) -> Void

    struct Submission {
        var batch: EncodedBatch
        let key: RecentKeys.Key?
        let level: AcknowledgementLevel
        /// Counts the batch until a lane has it in its own books.
        let hold: MemoryHold
        /// Of the deletion by query that the batch belongs to.
        var watch: WriteWatch?
        let completion: WriteCompletion
    }
    struct Cut {
        let commits: Bool
        /// Begins here.
        var watch: WriteWatch?
        let completion: Completion
    }
    struct Queue {
        var submissions: [Submission] = []
        var byteCount = 0
        var cuts: [Cut] = []
        var failure: SakuinError?
        var isClosing = false
        var sequence: UInt64 = 0
        /// The last that was acknowledged since the index was opened.
        var acknowledgedSequence: UInt64 = 0
        var ordinal: UInt64 = 0
        var journalByteCount = 0
        /// Bytes of batches behind the last commit, and of those that the commit on its way covers: what a start after a
        /// crash replays.
        var uncommittedByteCount = 0
        var committingByteCount = 0
        var pendingSince: UInt64?
        /// Bytes of batches since the last cut.
        var pendingByteCount = 0
        var ticketIsOpen = false
        /// No periodic refresh before.
        var nextRefresh: UInt64 = 0
        /// Something has changed that the writing thread may have to act on.
        var hasNews = false
        var lastCutSequence: UInt64 = 0
        var lastCommitSequence: UInt64 = 0
        /// When the first write behind the last commit came.
        var uncommittedSince: UInt64?
        var rate = TokenBucket(bytesPerSecond: nil, now: 0)
        /// No batch is taken before.
        var nextWrite: UInt64 = 0
        /// What merges can bear.
        var pace = WritePace()
    }
    struct PublisherQueue {
        var tickets: [(RefreshTicket, [Completion])] = []
        var isClosing = false
    }

    let queue: Monitor<Queue>
    let publisherQueue = Monitor(PublisherQueue())
    /// nil in an index that is read-only.
    let journal: Journal?
    let recentKeys: Monitor<RecentKeys>
    let watches = Monitor(WriteWatches())
    let lanes: [Lane]
    let store: SegmentStore
    let options: IndexOptions
    let waiters: VisibilityWaiters
    let memory: MemoryBudget
    let disk: DiskSpace
    let onPublish: @Sendable () -> Void
    private let registry: FieldRegistry
    /// The writing thread, those of the lanes, the publishing one; started when there is first something to write, since an
    /// index that is only read, as most of many are, needs none.
    private let threads: LateThreads<Int>

    /// `sequence` is the last number given out before.
    init(
        journal: Journal?, recentKeys: RecentKeys, lanes: [Lane], registry: FieldRegistry, store: SegmentStore,
        options: IndexOptions, memory: MemoryBudget, disk: DiskSpace, sequence: UInt64,
        onPublish: @escaping @Sendable () -> Void
    ) {
        self.journal = journal
        self.registry = registry
        self.recentKeys = Monitor(recentKeys)
        self.lanes = lanes
        self.store = store
        self.options = options
        self.memory = memory
        self.disk = disk
        self.onPublish = onPublish
        threads = LateThreads(options.threads)
        waiters = VisibilityWaiters(visible: store.snapshot.sequence)
        var queue = Queue()
        queue.sequence = sequence
        queue.lastCutSequence = sequence
        queue.lastCommitSequence = sequence
        self.queue = Monitor(queue)
    }

    /// Starts the threads if they do not run yet: all of them, or none and `noThread`.
    func start() throws(StorageError) {
        try threads.start(0..<(lanes.count + 2)) { number in
            switch number {
            case 0: (.normal, { [self] in writeLoop() })
            case lanes.count + 1: (.normal, { [self] in publishLoop() })
            default: (.normal, lanes[number - 1].work(registry))
            }
        }
    }

    /// The same, unless no write is taken any more; what a write or a refresh is refused with when there are no threads.
    private func refusalToStart() -> SakuinError? {
        if failure != nil { return nil }
        do throws(StorageError) { try start() } catch { return ErrorMapping.sakuinError(error) }
        return nil
    }

    var sequence: UInt64 { queue.read { $0.sequence } }
    var visibleSequence: UInt64 { waiters.visibleSequence }
    var journalByteCount: Int { queue.read { $0.journalByteCount } }
    var pendingOperationCount: Int { Int(clamping: sequence - min(visibleSequence, sequence)) }

    /// Why no write is taken any more; nil while all is well.
    var failure: SakuinError? { queue.read { $0.failure } }

    /// Whether the index is being closed, or is.
    var isClosing: Bool { queue.read { $0.isClosing } }

    /// The idempotency keys of batches up to `sequence`, as a journal holds them.
    func recentKeys(upTo sequence: UInt64) -> [UInt8] { recentKeys.read { $0.encode(upTo: sequence) } }

    /// From now on every write is refused with this error.
    func refuse(with error: SakuinError) {
        queue.change { $0.failure = $0.failure ?? error }
        waiters.end(with: error)
        noteGap()
    }

    /// After a failure nothing more is refreshed: what was acknowledged and is not seen by then is missing from every
    /// reply, until the index has been opened again.
    func noteGap() {
        let (failure, acknowledged) = queue.read { ($0.failure, $0.acknowledgedSequence) }
        if let failure { store.reportGap(upTo: acknowledged, failure.message) }
    }

    /// The same because of a segment that the error is of, which is served no more; other errors do nothing.
    func quarantine(_ error: StorageError) {
        if let damage = store.quarantine(error) { refuse(with: Recovery.readOnly(damage)) }
    }

    /// Why a batch was not queued.
    enum Refusal {
        case now(SakuinError)
        /// There is no room at the moment.
        case forNow(SakuinError)
    }

    /// Queues a batch; `completion` gets its sequence number once it is at `level`. When it is refused `completion` is
    /// never called. With a `watch` it is of deletions, and those of what was written since are left out.
    func submit(
        _ batch: EncodedBatch, key: String?, level: AcknowledgementLevel, watch: WriteWatch? = nil,
        completion: @escaping WriteCompletion
    ) -> Refusal? {
        let key = key.map { text in
            RecentKeys.Key(text: text, checksum: batch.withBytes { CRC32C.checksum($0) })
        }
        guard level == .memory || options.keepsJournal else { return .now(Self.noJournal(level)) }
        let space = disk.reading()
        if let refusal = refusalToStart() { return .forNow(refusal) }
        return queue.change { queue -> Refusal? in
            if let failure = queue.failure { return .now(failure) }
            if queue.isClosing { return .now(SakuinError(.unavailable, "The index is closing.")) }
            // What is queued goes into the journal and into a segment, what is pending into a segment.
            let unwritten = 2 * (queue.byteCount + batch.byteCount) + queue.pendingByteCount
            if let full = disk.refusal(ofWritesBeside: unwritten, space) {
                // What was taken before will soon be written, and may be smaller.
                let waits =
                    queue.byteCount + queue.pendingByteCount > 0 && disk.refusal(ofWritesBeside: 0, space) == nil
                return waits ? .forNow(full) : .now(full)
            }
            if let refusal = Self.refusal(batch, memory.shares) { return .now(refusal) }
            if let refusal = fullness(queue, batch.byteCount) { return .forNow(refusal) }
            guard let hold = MemoryHold(taking: batch.memoryByteCount, of: memory) else {
                return .forNow(noMemory(batch.memoryByteCount))
            }
            queue.submissions.append(
                Submission(batch: batch, key: key, level: level, hold: hold, watch: watch, completion: completion))
            queue.byteCount += batch.byteCount
            disk.took(batch.byteCount)
            return nil
        }
    }

    /// Why a batch of so many bytes would be refused for now; nil when it most likely would not.
    func fullness(_ byteCount: Int) -> SakuinError? {
        queue.read { fullness($0, byteCount) } ?? (memory.hasRoomForWriting(byteCount) ? nil : noMemory(byteCount))
    }

    private func fullness(_ queue: Queue, _ byteCount: Int) -> SakuinError? {
        let limit = min(options.queueByteCountMax, memory.shares.queueByteCountMax)
        // One that is alone always has a place.
        if queue.byteCount == 0 || queue.byteCount + byteCount <= limit { return nil }
        return SakuinError(
            .resourceExhausted,
            "The write queue is full." + (queue.pace.reason.isEmpty ? "" : " " + queue.pace.reason),
            field: "queueByteCountMax", limit: "\(limit)", value: "\(queue.byteCount)",
            nextStep: "Try again a little later.", retryAfterMilliseconds: 50)
    }

    private static func noJournal(_ level: AcknowledgementLevel) -> SakuinError {
        SakuinError(
            .failedPrecondition, "The index was opened without a journal: batches are acknowledged at memory alone.",
            field: "acknowledge", limit: AcknowledgementLevel.memory.rawValue, value: level.rawValue,
            nextStep: "Acknowledge at memory and commit, or open the index with 'keepsJournal'.")
    }

    private func noMemory(_ byteCount: Int) -> SakuinError {
        SakuinError(
            .resourceExhausted, "There is no memory for the batch.", field: "memoryBudgetBytes",
            limit: "\(memory.byteCountMax)", value: "\(memory.used + byteCount)",
            nextStep: "Try again a little later.", retryAfterMilliseconds: 50)
    }

    /// A batch that would never get the memory it needs.
    private static func refusal(_ batch: EncodedBatch, _ shares: MemoryShares) -> SakuinError? {
        if batch.byteCount <= shares.batchByteCountMax { return nil }
        return SakuinError(
            .resourceExhausted,
            "The batch has \(batch.byteCount) bytes; with this memory budget one may have \(shares.batchByteCountMax).",
            field: "memoryBudgetBytes", limit: "\(shares.batchByteCountMax)", value: "\(batch.byteCount)",
            nextStep: "Send smaller batches, or give the index more memory.")
    }

    /// Takes batches, and refreshes, no faster than this from now on.
    func keep(_ pace: WritePace) {
        queue.change { queue in
            queue.pace = pace
            if queue.rate.bytesPerSecond == pace.bytesPerSecond { return }
            queue.rate.bytesPerSecond = pace.bytesPerSecond
            queue.nextWrite = 0
        }
    }

    /// Why writes are held up; empty while they are not.
    var slowness: String { queue.read { $0.pace.reason } }

    /// Makes everything acknowledged so far visible, and with `commits` durable in segments. `watch` begins with it: when
    /// `completion` is called, the snapshot that is served has everything from before the watch, and nothing else.
    func cut(commits: Bool, watch: WriteWatch? = nil, completion: @escaping Completion) {
        if let refusal = refusalToStart() { return completion(.failure(refusal)) }
        let refused: SakuinError? = queue.change { queue in
            if let failure = queue.failure { return failure }
            if queue.isClosing { return SakuinError(.unavailable, "The index is closing.") }
            queue.cuts.append(Cut(commits: commits, watch: watch, completion: completion))
            return nil
        }
        if let refused { completion(.failure(refused)) }
    }

    /// The same, waiting for it.
    func cutNow(commits: Bool) throws(SakuinError) -> UInt64 {
        let done = Monitor<Result<UInt64, SakuinError>?>(nil)
        cut(commits: commits) { result in done.change { $0 = result } }
        guard let result = done.wait({ $0 }) else { throw SakuinError(.internalError, "The index has ended.") }
        return try result.get()
    }

    /// Calls `completion` when `sequence` can be seen, or never will be; at most once. A write that is not behind a cut
    /// yet gets one when the next refresh is far off.
    func whenVisible(
        _ sequence: UInt64, _ ticket: VisibilityTicket, completion: @escaping VisibilityWaiters.Completion
    ) {
        waiters.wait(ticket, for: sequence, completion: completion)
        if sequence > visibleSequence { queue.change { $0.hasNews = true } }
    }

    /// Something has changed that a commit may be due for.
    func lookAgain() {
        // When there is no thread the next write or refresh gets one, or the error.
        _ = refusalToStart()
        queue.change { $0.hasNews = true }
    }

    /// Feeds a batch from the journal to the lanes, which run; before any `submit`.
    func replay(_ batch: EncodedBatch, sequence: UInt64) {
        let ordinal = queue.change { queue in
            queue.sequence = max(queue.sequence, sequence)
            queue.ordinal += UInt64(batch.operationCount)
            return queue.ordinal - UInt64(batch.operationCount)
        }
        dispatch(batch, sequence, ordinal, MemoryHold(memory, batch.memoryByteCount))
    }

    /// Commits and ends the threads. The journal is closed.
    func close() throws(SakuinError) {
        var failure: SakuinError?
        // Without threads nothing was written.
        if !threads.areNone {
            do throws(SakuinError) { _ = try cutNow(commits: true) } catch { failure = error }
        }
        endThreads()
        journal?.close()
        if let failure { throw failure }
    }

    /// Ends the threads without committing.
    func abandon() {
        endThreads()
        journal?.close()
    }

    /// Ends the threads in the order of the data, so that whatever was accepted is completed.
    private func endThreads() {
        queue.change { $0.isClosing = true }
        defer { waiters.end(with: SakuinError(.unavailable, "The index is closing.")) }
        let threads = threads.end()
        threads.first?.join()
        for lane in lanes { lane.stop() }
        for thread in threads.dropFirst().dropLast() { thread.join() }
        publisherQueue.change { $0.isClosing = true }
        threads.last?.join()
    }
}

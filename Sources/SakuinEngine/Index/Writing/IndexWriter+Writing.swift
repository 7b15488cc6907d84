// The writing thread: batches out of the queue into the journal, acknowledged at their levels, and on to the lanes.

extension IndexWriter {
    enum Work {
        case batches([Submission])
        case cuts([Cut])
        /// Nothing but a look at what is due.
        case look
        case end
    }

    func writeLoop() {
        var next: UInt64?
        while true {
            let work = queue.wait(milliseconds: patience(next)) { queue -> Work? in
                if let batches = take(&queue, now: Clock.nanoseconds()) { return .batches(batches) }
                if !queue.cuts.isEmpty {
                    defer { queue.cuts = [] }
                    return .cuts(queue.cuts)
                }
                if queue.isClosing && queue.submissions.isEmpty { return .end }
                defer { queue.hasNews = false }
                return queue.hasNews ? .look : nil
            }
            switch work {
            case .batches(let batches): write(batches)
            case .cuts(let cuts): open(cuts)
            case .end: return
            case .look, nil: break
            }
            next = refreshIfDue()
        }
    }

    /// How long the writing thread may wait for work, in milliseconds, when something is due at `next`; nil: until it is
    /// told, so that an index in which nothing happens takes nothing of the processor.
    private func patience(_ next: UInt64?) -> Int? {
        let limit: Int? = queue.read { queue in
            // Nobody tells when a merge wants the memory that a refresh gives back.
            queue.rate.bytesPerSecond != nil ? 5 : queue.pendingSince != nil ? 100 : nil
        }
        guard let next else { return limit }
        let now = Clock.nanoseconds()
        return min(limit ?? .max, next > now ? Int(clamping: (next - now) / 1_000_000 + 1) : 0)
    }

    /// The batches to write now: all that wait, as far as there is room before the next commit, or while writes are held
    /// up as many as the rate allows.
    func take(_ queue: inout Queue, now: UInt64) -> [Submission]? {
        if queue.submissions.isEmpty { return nil }
        if !queue.isClosing, queue.pace.stops || now < queue.nextWrite { return nil }
        var limit = Int.max
        if !queue.isClosing, queue.failure == nil {
            // A commit is on its way: it goes on when that is done.
            limit = 2 * options.journalByteCountMax - queue.uncommittedByteCount - queue.committingByteCount
            if limit <= 0 { return nil }
            if queue.rate.bytesPerSecond != nil { limit = min(limit, Self.slowGroupByteCount) }
        }
        var count = 0
        var bytes = 0
        while count < queue.submissions.count, bytes < limit {
            bytes += queue.submissions[count].batch.byteCount
            count += 1
        }
        queue.nextWrite = queue.rate.bytesPerSecond == nil ? 0 : now &+ queue.rate.take(bytes, now: now)
        queue.byteCount -= bytes
        defer { queue.submissions.removeFirst(count) }
        return Array(queue.submissions[..<count])
    }

    /// Batches are taken in groups of about this many bytes while they are held up.
    private static let slowGroupByteCount = 256 << 10

    /// Refreshes and commits when it is time to; returns when to look again.
    func refreshIfDue() -> UInt64? {
        let plan = queue.read { queue in
            RefreshPlan(
                queue, options, mergedSince: store.mergedSince,
                isAwaited: waiters.isAwaited(above: queue.lastCutSequence, upTo: queue.sequence),
                isWanted: memory.isWanted, now: Clock.nanoseconds())
        }
        if plan.refreshes || plan.commits { open([Cut(commits: plan.commits) { _ in }]) }
        return plan.next
    }

    private typealias Waiting = (submission: Submission, applied: Applied)

    /// What is at hand of a group of submissions while it goes through the journal.
    private struct Group {
        var applied: [(submission: Submission, sequence: UInt64, ordinal: UInt64)] = []
        /// Those that wait for an acknowledgement.
        var waiting: [Waiting] = []

        /// Takes out what wants no more than this level.
        mutating func take(_ level: AcknowledgementLevel) -> [Waiting] {
            defer { waiting.removeAll { $0.submission.level == level } }
            return waiting.filter { $0.submission.level == level }
        }
    }

    func write(_ submissions: [Submission]) {
        if let failure {
            for submission in submissions { submission.completion(.failure(failure)) }
            return
        }
        guard let journal else { return }
        var group = Group()
        var appended = 0
        do throws(StorageError) {
            for submission in submissions {
                try append(submission, to: journal, &group)
                appended += 1
            }
            acknowledge(group.take(.memory))
            if !group.waiting.isEmpty || journal.gatheredByteCount > Self.gatheredByteCountMax { try journal.flush() }
            acknowledge(group.take(.log))
            if !group.waiting.isEmpty { try journal.sync() }
            acknowledge(group.take(.disk))
            let bytes = journal.byteCount
            queue.change { $0.journalByteCount = bytes }
        } catch {
            fail(error, during: "writing the journal")
            for (submission, _) in group.waiting { submission.completion(.failure(failureOrInternal)) }
            for submission in submissions[appended...] { submission.completion(.failure(failureOrInternal)) }
        }
        for applied in group.applied {
            dispatch(applied.submission.batch, applied.sequence, applied.ordinal, applied.submission.hold)
        }
    }

    private func acknowledge(_ batches: [Waiting]) {
        guard let last = batches.map(\.applied.sequence).max() else { return }
        let hasFailed = queue.change { queue in
            queue.acknowledgedSequence = max(queue.acknowledgedSequence, last)
            return queue.failure != nil
        }
        // The failure came after these were taken, and knew nothing of them.
        if hasFailed { noteGap() }
        for (submission, applied) in batches { submission.completion(.success(applied)) }
    }

    /// More of the journal is not kept from the kernel, whatever the acknowledgement level.
    private static let gatheredByteCountMax = 256 << 10

    private func append(
        _ submission: Submission, to journal: Journal, _ group: inout Group
    ) throws(StorageError) {
        if let key = submission.key, let before = recentKeys.read({ $0.find(key.text) }) {
            guard before.checksum == key.checksum else {
                submission.completion(
                    .failure(
                        SakuinError(
                            .failedPrecondition, "The idempotency key belongs to another batch.",
                            field: "idempotencyKey", value: key.text, nextStep: "Use a fresh key for each batch.")))
                return
            }
            group.waiting.append(
                (
                    submission,
                    Applied(
                        sequence: before.sequence, isRepeat: true, operationCount: submission.batch.operationCount)
                ))
            return
        }
        guard let submission = unwritten(submission) else { return }
        for watch in watches.read({ $0.others(submission.watch) }) { try watch.note(submission.batch) }
        let (sequence, ordinal) = queue.change { queue in
            queue.sequence += 1
            queue.ordinal += UInt64(submission.batch.operationCount)
            let now = Clock.nanoseconds()
            queue.pendingSince = queue.pendingSince ?? now
            queue.pendingByteCount += submission.batch.byteCount
            queue.uncommittedByteCount += submission.batch.byteCount
            queue.uncommittedSince = queue.uncommittedSince ?? now
            return (queue.sequence, queue.ordinal - UInt64(submission.batch.operationCount))
        }
        if options.keepsJournal { try Self.append(submission, sequence, to: journal) }
        if let key = submission.key { recentKeys.change { $0.insert(key, sequence: sequence) } }
        group.applied.append((submission, sequence, ordinal))
        group.waiting.append(
            (submission, Applied(sequence: sequence, operationCount: submission.batch.operationCount)))
    }

    private static func append(
        _ submission: Submission, _ sequence: UInt64, to journal: Journal
    ) throws(StorageError) {
        try submission.batch.withBytes { (bytes) throws(StorageError) in
            guard let key = submission.key else {
                try journal.append(sequence: sequence, batch: bytes)
                return
            }
            var keyed = ByteWriter(capacity: bytes.count + key.text.utf8.count + 16)
            RecentKeys.append(key, to: &keyed)
            keyed.append(bytes: bytes)
            try keyed.withBytes { (bytes) throws(StorageError) in
                try journal.append(sequence: sequence, batch: bytes, isKeyed: true)
            }
        }
    }

    /// A submission without what its watch has seen written; nil when nothing is left or known, and it has its answer.
    private func unwritten(_ submission: Submission) -> Submission? {
        guard let watch = submission.watch else { return submission }
        do throws(SakuinError) {
            guard let batch = try watch.remaining(submission.batch) else {
                submission.completion(.success(Applied(sequence: 0, operationCount: 0)))
                return nil
            }
            var submission = submission
            submission.batch = batch
            return submission
        } catch {
            submission.completion(.failure(error))
            return nil
        }
    }

    func dispatch(_ batch: EncodedBatch, _ sequence: UInt64, _ ordinal: UInt64, _ hold: MemoryHold) {
        let lane = lanes.min { $0.queuedByteCount < $1.queuedByteCount }
        lane?.enqueue(batch, sequence: sequence, firstOrdinal: ordinal, hold)
    }

    var failureOrInternal: SakuinError {
        queue.read { $0.failure } ?? SakuinError(.internalError, "The index has failed.")
    }

    /// From now on nothing is acknowledged until the index has been opened again.
    func fail(_ error: StorageError, during action: String) {
        let failure = Self.failure(ErrorMapping.sakuinError(error), action, hasJournal: options.keepsJournal)
        refuse(with: failure)
        store.note("error", failure.description)
    }

    /// What every write gets after a failure. A full disk passes, anything else has to be looked at.
    static func failure(_ error: SakuinError, _ action: String, hasJournal: Bool = true) -> SakuinError {
        let rest =
            hasJournal ? "acknowledged writes are in its journal" : "what was written behind the last commit is lost"
        var failure = error
        failure.message = "The index takes no more writes after a failure while \(action): \(error.message)"
        if isFull(error) {
            failure.nextStep =
                "Make room on the disk: a daemon opens the index again by itself then; \(rest)."
            failure.retryAfterMilliseconds = 1_000
        } else {
            failure.code = .failedPrecondition
            failure.nextStep =
                "Mend the cause, then open the index again ('sakuin index reopen'); \(rest)."
        }
        return failure
    }

    /// Whether the disk was full.
    static func isFull(_ error: SakuinError) -> Bool { error.code == .resourceExhausted }
}

/// What is due of refreshing and committing, and when to look again: a pure function of the write queue and the clock.
struct RefreshPlan: Equatable {
    var refreshes = false
    var commits = false
    /// The next moment at which something is due, in nanoseconds, if nothing else happens before; nil: none.
    var next: UInt64?

    /// Whoever waits for a write does not wait for a refresh that is further off.
    static let waitNanosecondsMax: UInt64 = 200_000_000

    /// `mergedSince`: when the first merge behind the last commit was published. `isAwaited`: somebody waits for a write behind the last cut. `isWanted`: a merge waits for memory that a refresh
    /// gives back.
    init(
        _ queue: IndexWriter.Queue, _ options: IndexOptions, mergedSince: UInt64? = nil, isAwaited: Bool,
        isWanted: Bool, now: UInt64
    ) {
        if queue.ticketIsOpen || queue.failure != nil { return }
        let isWritten = queue.sequence != queue.lastCommitSequence
        let refreshAt =
            isWritten ? Self.refresh(queue, options, isAwaited: isAwaited, isWanted: isWanted, now: now) : nil
        let writesAt = isWritten ? Self.commit(queue, options, now: now) : nil
        // Merges change no sequence number; without a commit their inputs would stay, and a crash would undo them.
        let mergesAt =
            options.commitIntervalMilliseconds > 0
            ? mergedSince.map { $0 + Self.nanoseconds(options.commitIntervalMilliseconds) } : nil
        let commitAt = [writesAt, mergesAt].compactMap(\.self).min()
        refreshes = refreshAt.map { $0 <= now } ?? false
        commits = commitAt.map { $0 <= now } ?? false
        next = [refreshAt, commitAt].compactMap(\.self).filter { $0 > now }.min()
    }

    private static func nanoseconds(_ milliseconds: Int) -> UInt64 { UInt64(min(milliseconds, 1 << 40)) * 1_000_000 }

    private static func refresh(
        _ queue: IndexWriter.Queue, _ options: IndexOptions, isAwaited: Bool, isWanted: Bool, now: UInt64
    ) -> UInt64? {
        guard let since = queue.pendingSince else { return nil }
        if options.refreshByteCount > 0, queue.pendingByteCount >= options.refreshByteCount { return now }
        if isWanted { return now }
        let interval = options.refreshIntervalMilliseconds
        let regular = interval > 0 ? max(since + nanoseconds(interval), queue.nextRefresh) : nil
        let isFar = regular.map { $0 > now + waitNanosecondsMax } ?? true
        return isAwaited && isFar ? max(now, queue.nextRefresh) : regular
    }

    private static func commit(_ queue: IndexWriter.Queue, _ options: IndexOptions, now: UInt64) -> UInt64? {
        if queue.uncommittedByteCount > options.journalByteCountMax { return now }
        guard let since = queue.uncommittedSince, options.commitIntervalMilliseconds > 0 else { return nil }
        return since + nanoseconds(options.commitIntervalMilliseconds)
    }
}

extension SearchIndex {
    // MARK: Points in time

    /// Keeps what can be seen, once `moment` is reached, under a token; waits on the calling thread when it has to. See
    /// `SearchService.openPointInTime`.
    public func openPointInTimeNow(
        leaseMilliseconds: Int, at moment: ReadMoment = ReadMoment(), limitMilliseconds: UInt32 = 0
    ) throws(SakuinError) -> PointInTime {
        try PointInTime.check(opening: moment)
        let snapshot = try snapshot(at: moment, limitMilliseconds: limitMilliseconds)
        return try points.open(snapshot.value, leaseMilliseconds: leaseMilliseconds)
    }

    public func closePointInTimeNow(_ token: String) throws(SakuinError) { try points.close(token) }

    public func openPointInTime(leaseMilliseconds: Int, at moment: ReadMoment) async throws -> PointInTime {
        try PointInTime.check(opening: moment)
        try await waitUntilVisible(moment)
        return try openPointInTimeNow(leaseMilliseconds: leaseMilliseconds, at: moment)
    }

    public func closePointInTime(_ token: String) async throws { try closePointInTimeNow(token) }

    // MARK: Waiting

    /// Whether a call for this sequence number would be answered without waiting.
    public func isVisible(_ sequence: UInt64) -> Bool { writer.visibleSequence >= sequence }

    /// Calls `completion` when `sequence` can be seen, or never will be; no thread waits meanwhile. It is called once, on
    /// any thread and perhaps before this returns, unless the ticket is given to `forget` before.
    public func whenVisible(
        _ sequence: UInt64, completion: @escaping @Sendable (Result<UInt64, SakuinError>) -> Void
    ) -> VisibilityTicket {
        let ticket = writer.waiters.newTicket()
        writer.whenVisible(sequence, ticket, completion: completion)
        return ticket
    }

    /// Nobody waits any more.
    public func forget(_ ticket: VisibilityTicket) { writer.waiters.forget(ticket) }

    /// What those are told who have waited in vain for so long.
    public func notVisible(_ sequence: UInt64, afterMilliseconds wait: Int) -> SakuinError {
        SakuinError(
            .deadlineExceeded, "Sequence \(sequence) was not visible in time.", field: "minSequence",
            limit: "\(wait) ms", value: "\(writer.visibleSequence)", nextStep: "Refresh the index, or wait longer.")
    }

    /// Whether a call has to wait before it can read.
    private func mustWait(_ moment: ReadMoment) -> Bool {
        moment.pointInTime == nil && moment.minSequence > writer.visibleSequence
    }

    /// Waits until the moment is reached; the thread does something else meanwhile.
    func waitUntilVisible(_ moment: ReadMoment) async throws {
        guard mustWait(moment) else { return }
        let limit = moment.waitLimit(callLimitMilliseconds: 0)
        if limit == 0 { throw notVisible(moment.minSequence, afterMilliseconds: 0) }
        let ticket = writer.waiters.newTicket()
        var timer: Task<Void, any Error>?
        defer { timer?.cancel() }
        _ = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<UInt64, any Error>) in
                writer.whenVisible(moment.minSequence, ticket) { continuation.resume(with: $0) }
                if Task.isCancelled { writer.waiters.end(ticket, with: SakuinError(.cancelled, "Cancelled.")) }
                timer = Task {
                    try await Task.sleep(for: .milliseconds(limit))
                    writer.waiters.end(ticket, with: notVisible(moment.minSequence, afterMilliseconds: limit))
                }
            }
        } onCancel: {
            writer.waiters.end(ticket, with: SakuinError(.cancelled, "Cancelled."))
        }
    }

    /// The same on the calling thread, which stands still.
    private func waitNow(_ moment: ReadMoment, limitMilliseconds: UInt32) throws(SakuinError) {
        guard mustWait(moment) else { return }
        let limit = moment.waitLimit(callLimitMilliseconds: limitMilliseconds)
        let done = Monitor<Result<UInt64, SakuinError>?>(nil)
        let ticket = whenVisible(moment.minSequence) { result in done.change { $0 = result } }
        defer { forget(ticket) }
        guard let result = done.wait(milliseconds: limit, { $0 }) else {
            throw notVisible(moment.minSequence, afterMilliseconds: limit)
        }
        _ = try result.get()
    }

    /// What is to be read at a moment; waits for it on the calling thread when it has to, no longer than
    /// `limitMilliseconds` (0: no limit).
    func snapshot(at moment: ReadMoment, limitMilliseconds: UInt32) throws(SakuinError) -> SharedSnapshot {
        if let token = moment.pointInTime {
            let snapshot = try points.use(token)
            if moment.minSequence > snapshot.sequence {
                throw SakuinError(
                    .failedPrecondition, "The point in time shows sequence \(snapshot.sequence) and will show no more.",
                    field: "minSequence", limit: "\(snapshot.sequence)", value: "\(moment.minSequence)",
                    nextStep: "Open a point in time behind that sequence number.")
            }
            return SharedSnapshot(snapshot)
        }
        try waitNow(moment, limitMilliseconds: limitMilliseconds)
        return store.sharedSnapshot
    }

    // MARK: Export

    public func export(pointInTime: String?) async throws -> DocumentPages {
        let unseen = pointInTime == nil ? try await refreshForExport() : []
        let snapshot = try pointInTime.map(points.use) ?? store.snapshot
        let walk = Monitor(SnapshotWalk(snapshot))
        let count = points.countExport()
        // A refresh that failed says better what is not in it.
        return DocumentPages(missing: unseen.isEmpty ? snapshot.missing : snapshot.damage + unseen) {
            if Task.isCancelled { throw SakuinError(.cancelled, "Cancelled.") }
            return try withExtendedLifetime(count) { () throws(SakuinError) in
                do throws(StorageError) {
                    return try walk.read { (walk) throws(StorageError) in try walk.nextPage() }
                } catch {
                    // The next export goes round it and says so.
                    self.quarantine(error)
                    throw ErrorMapping.sakuinError(error)
                }
            }
        }
    }

    /// Makes everything written so far visible. What can be seen can be exported, whatever keeps writes out: returns what
    /// will not be in the export, in a sentence.
    private func refreshForExport() async throws -> [String] {
        if isReadOnly { return [] }
        do {
            _ = try await refresh()
            return []
        } catch let error as SakuinError where !writer.isClosing {
            let visible = writer.visibleSequence
            if visible >= writer.sequence { return [] }
            return ["Writes \(visible + 1) to \(writer.sequence) cannot be made visible: \(error.message)"]
        }
    }
}

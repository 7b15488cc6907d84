extension SearchIndex {
    /// Keeps what can be seen now under a token; see `SearchService.openPointInTime`.
    public func openPointInTimeNow(leaseMilliseconds: Int) throws(SakuinError) -> PointInTime {
        try points.open(store.snapshot, leaseMilliseconds: leaseMilliseconds)
    }

    public func closePointInTimeNow(_ token: String) throws(SakuinError) { try points.close(token) }

    public func openPointInTime(leaseMilliseconds: Int) async throws -> PointInTime {
        try openPointInTimeNow(leaseMilliseconds: leaseMilliseconds)
    }

    public func closePointInTime(_ token: String) async throws { try closePointInTimeNow(token) }

    /// What a request is to be answered from; waits when it names a `minSequence` that cannot be seen yet, for no longer
    /// than the request says and `limitMilliseconds` (0: no limit).
    func snapshot(for request: SearchRequest, limitMilliseconds: UInt32) throws(SakuinError) -> IndexSnapshot {
        if let token = request.pointInTime {
            let snapshot = try points.use(token)
            if request.minSequence > snapshot.sequence {
                throw SakuinError(
                    .failedPrecondition, "The point in time shows sequence \(snapshot.sequence) and will show no more.",
                    field: "minSequence", limit: "\(snapshot.sequence)", value: "\(request.minSequence)",
                    nextStep: "Open a point in time behind that sequence number.")
            }
            return snapshot
        }
        if request.minSequence > writer.visibleSequence {
            let limit = limitMilliseconds == 0 ? Int.max : Int(limitMilliseconds)
            let wait = min(request.waitLimitMilliseconds, limit)
            guard writer.waitUntilVisible(request.minSequence, milliseconds: wait) else {
                throw SakuinError(
                    .deadlineExceeded, "Sequence \(request.minSequence) was not visible in time.",
                    field: "minSequence", limit: "\(wait) ms", value: "\(writer.visibleSequence)",
                    nextStep: "Refresh the index, or wait longer.")
            }
        }
        return store.snapshot
    }

    public func export(pointInTime: String?) async throws -> DocumentPages {
        // What can be seen can be exported, whatever keeps writes out.
        if pointInTime == nil, writer.failure == nil { _ = try await refresh() }
        let snapshot = try pointInTime.map(points.use) ?? store.snapshot
        let walk = Monitor(SnapshotWalk(snapshot))
        let count = points.countExport()
        return DocumentPages(missing: snapshot.damage) {
            try withExtendedLifetime(count) { () throws(SakuinError) in
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
}

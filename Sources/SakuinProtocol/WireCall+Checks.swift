// What a client does not send: calls that no server would take, or that would arrive as another call.

public import SakuinTypes

extension WireCall {
    /// Throws what the engine would say to the values of the call. The wire has no negative numbers, says by 0 or no bytes
    /// that something is not asked for, and opens a point in time of now alone.
    public func validate() throws(SakuinError) {
        switch self {
        case .write(_, let batch): try WriteBatch.check(idempotencyKey: batch.idempotencyKey)
        case .search(_, let request):
            try request.validate()
            try PointInTime.check(token: request.pointInTime)
        case .deleteMatching(_, let request): try request.search.validate()
        case .get(_, _, let moment): try PointInTime.check(token: moment.pointInTime)
        case .export(_, let token): try PointInTime.check(token: token)
        case .openPointInTime(_, let lease, let moment):
            try PointInTime.check(opening: moment)
            try PointInTime.check(leaseMilliseconds: lease)
        case .compact(_, let segments): try CompactionOptions(segments: segments).validate()
        case .startCompaction(_, let options), .estimateCompaction(_, let options): try options.validate()
        case .startCheck(_, let rate): try JobAction.validate(checkBytesPerSecond: rate)
        case .controlJob(_, _, let action): try action.validate()
        case .createSnapshot(_, let name): try SnapshotListing.check(newSnapshot: name)
        case .listSnapshots(let index): try SnapshotListing.check(owner: index)
        case .restoreSnapshot(_, _, let name): try SnapshotListing.check(restoredName: name)
        case .createIndex, .listIndexes, .dropIndex, .reopenIndex, .aliasIndex, .refresh, .commit, .statistics,
            .segments, .listJobs, .importStream, .closePointInTime, .deleteSnapshot:
            break
        }
    }
}

// Merges in the background: which one comes next, and what follows when one fails.

extension MergeScheduler {
    /// Segments whose merge failed are left alone for this time, then twice as long, and so on up to the second one.
    private static let restNanoseconds: ClosedRange<UInt64> = 1_000_000_000...64_000_000_000

    /// The next merge for a thread of this role; nil when there is none that may begin.
    func pick(_ role: Role) -> (UInt64, [UInt64])? {
        // After a failed write nothing is published any more, so a merge would come to nothing.
        if background.isPaused || target.failure != nil || disk.refusal(.merges) != nil { return nil }
        // Nobody waits for a merge to begin.
        return state.read { state in
            let isUrgent = throttle.isUrgent(state.debt)
            if state.isClosing || isUrgent != role.isUrgent { return nil }
            var candidates = target.mergeCandidates
            if role.isSmall { candidates.removeAll { $0.liveByteCount > Self.smallByteCountMax } }
            var busy = state.busy(now: clock())
            // A compaction that gets little time does not keep others from what it has not begun with.
            if !isUrgent { busy.formUnion(state.jobs.reserved) }
            guard let ids = nextWithRoom(candidates, busy) else { return nil }
            return (state.register(ids), ids)
        }
    }

    /// The policy's merge if the disk has room for what it writes, else one of smaller segments.
    private func nextWithRoom(_ candidates: [MergePolicy.Candidate], _ busy: Set<UInt64>) -> [UInt64]? {
        var candidates = candidates
        while let ids = policy.next(candidates, busy: busy) {
            let inputs = candidates.filter { ids.contains($0.id) }
            if disk.refusal(.merges, for: MergeCost(inputs, limits, withHelper: false).diskByteCount) == nil {
                return ids
            }
            let largest = inputs.map(\.liveByteCount).max() ?? 0
            candidates.removeAll { $0.liveByteCount >= largest }
        }
        return nil
    }

    func mergeInBackground(_ run: UInt64, _ ids: [UInt64]) {
        do throws(StorageError) {
            finish(run, ids, try target.merge(ids, background, withHelper: false))
        } catch {
            if error != .cancelled { leaveAlone(ids, after: error) }
            finish(run, [], nil)
        }
    }

    /// Damaged bytes stay damaged and what is too large too large; what else keeps a merge from being done may pass.
    private func leaveAlone(_ ids: [UInt64], after error: StorageError) {
        let seconds: UInt64? = state.change { state in
            if error.isLasting {
                state.failed.formUnion(ids)
                return nil
            }
            let before = ids.compactMap { state.resting[$0]?.nanoseconds }.max() ?? 0
            let rest = min(max(2 * before, Self.restNanoseconds.lowerBound), Self.restNanoseconds.upperBound)
            for id in ids { state.resting[id] = Rest(nanoseconds: rest, until: clock() &+ rest) }
            return rest / 1_000_000_000
        }
        let what = "A merge of \(ids.count) segments failed"
        if let seconds {
            target.note("warning", "\(what), it is tried again in \(seconds) s: \(error)")
        } else {
            target.note("error", "\(what), these are left alone: \(error)")
        }
    }

    /// The merge of `ids` has ended; none when it failed.
    func finish(_ run: UInt64, _ ids: [UInt64], _ merged: UInt64?) {
        state.change { state in
            state.running[run] = nil
            state.compacting.remove(run)
            for id in ids { state.resting[id] = nil }
            state.jobs.replaced(Set(ids), by: merged)
        }
        wake()
    }
}

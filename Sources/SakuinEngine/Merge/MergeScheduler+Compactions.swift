// Compactions: accepted and written down, carried out one at a time, ended.

extension MergeScheduler {
    /// Adds a compaction; it is kept over a restart from when this returns. `completion` is called when it has ended.
    func compact(
        _ options: CompactionOptions, completion: JobTable.Completion? = nil
    ) throws(SakuinError) -> JobStatus {
        do throws(StorageError) { try start([.jobs]) } catch { throw target.explain(error) }
        let status = try state.change { (state) throws(SakuinError) in
            if state.isClosing { throw SakuinError(.unavailable, "The index is closing.") }
            let shared = [limit, budget.limit]
            let status = try state.jobs.add(.compaction, options, shared: shared, completion: completion)
            do throws(StorageError) { try file?.write(state.jobs) } catch {
                // Not accepted: nobody waits for it.
                _ = state.jobs.end(status.number, .failed, now: 0)
                throw target.explain(error)
            }
            return status
        }
        makeWay()
        state.change { _ = $0.awake.insert(.jobs) }
        return status
    }

    /// What is paused gives up its merge when a compaction could go on instead: it would keep segments, memory and the
    /// thread from it for as long as somebody likes.
    func makeWay() {
        let (jobs, waits, runs) = state.read { state in
            let jobs = state.jobs.jobs.filter { $0.status.kind == .compaction }
            return (
                jobs, jobs.contains { $0.status.state == .queued && !$0.isPaused },
                jobs.contains { $0.status.state == .running && !$0.isPaused }
            )
        }
        if waits { for job in jobs where job.status.state == .running { job.control.giveUp() } }
        if waits || runs { background.giveUp() }
    }

    func estimate(_ options: CompactionOptions) -> CompactionEstimate {
        let candidates = target.mergeCandidates
        let isLimited = options.bytesPerSecond != nil || bytesPerSecond != nil
        let plan = CompactionPlan(policy, candidates, options, limits: limits, withHelper: !isLimited)
        var estimate = CompactionEstimate()
        estimate.segmentsBefore = candidates.count
        estimate.segmentsAfter = plan.segmentCount
        estimate.bytesBefore = candidates.reduce(0) { $0 + $1.byteCount }
        estimate.bytesAfter = plan.bytesAfter
        estimate.bytesRead = plan.bytesRead
        estimate.bytesWritten = plan.bytesWritten
        estimate.deadDocuments = candidates.reduce(0) { $0 + $1.deadCount }
        let reading = disk.reading(isFresh: true)
        estimate.freeBytes = reading?.free ?? 0
        estimate.bytesNeeded = plan.diskByteCount + (reading.map { disk.mark(.merges, of: $0) } ?? 0)
        estimate.memoryBytes = plan.memoryByteCount
        estimate.refusal = refusal(of: plan)
        let usual = isLimited ? Self.usualBytesPerSecond : 2 * Self.usualBytesPerSecond
        let rate = min(options.bytesPerSecond ?? .max, bytesPerSecond ?? .max, usual)
        estimate.milliseconds = (plan.bytesRead + plan.bytesWritten) / max(1, rate / 1_000)
        return estimate
    }

    /// What a merge reads and writes a second on an ordinary core; twice as much with a helper.
    private static let usualBytesPerSecond = 50_000_000

    /// Why a compaction cannot begin; nil when it can.
    private func refusal(of plan: CompactionPlan) -> SakuinError? {
        if plan.memoryByteCount > limits.memoryByteCountMax {
            return target.explain(.noMemory(needed: plan.memoryByteCount, limit: limits.memoryByteCountMax))
        }
        guard plan.diskByteCount > 0, var refusal = disk.refusal(.merges, for: plan.diskByteCount) else { return nil }
        refusal.nextStep = "Make room, then ask for the compaction again."
        refusal.retryAfterMilliseconds = nil
        return refusal
    }

    func carryOut(_ job: JobTable.Job) {
        let number = job.status.number
        do throws(SakuinError) {
            do throws(StorageError) { try job.control.check() } catch { throw target.explain(error) }
            try target.settle(commits: false)
            try begin(job)
            do throws(StorageError) { try merge(job) } catch { throw target.explain(error) }
            try target.settle(commits: true)
            end(number, .done)
        } catch {
            if state.read({ $0.isClosing }) { return }
            if job.control.isCancelled { return end(number, .cancelled, error) }
            guard error.code == .cancelled else { return end(number, .failed, error) }
            if let failure = target.failure { return end(number, .failed, failure) }
            // It was paused and has made way for another one.
            state.change { $0.jobs.putBack(number, now: clock()) }
        }
    }

    /// Says what there is to do; throws when the disk or the memory has no room for it.
    private func begin(_ job: JobTable.Job) throws(SakuinError) {
        let candidates = target.mergeCandidates
        // Where the disk is what is scarce, writing postings twice would cost more than the other thread saves.
        let hasHelper = !job.control.isLimited
        let plan = CompactionPlan(policy, candidates, job.status.options, limits: limits, withHelper: hasHelper)
        if let refusal = refusal(of: plan) { throw refusal }
        state.change { state in
            state.jobs.update(job.status.number) { job in
                job.segments = Set(candidates.map(\.id))
                job.hasHelper = hasHelper
                // One that begins again has done a part.
                job.status.bytesTotal = job.control.bytesRead + plan.bytesRead
                job.status.bytesToWrite = job.control.bytesWritten + plan.bytesWritten
                if job.status.segmentsBefore > 0 { return }
                job.status.segmentsBefore = candidates.count
                job.status.bytesBefore = candidates.reduce(0) { $0 + $1.byteCount }
                job.status.deadBytesBefore = candidates.reduce(0) { $0 + $1.byteCount - $1.liveByteCount }
            }
        }
    }

    private func merge(_ job: JobTable.Job) throws(StorageError) {
        var made: Set<UInt64> = []
        let hasHelper = state.read { $0.jobs.find(job.status.number)?.hasHelper ?? false }
        while let (run, ids) = try nextStep(of: job, made) {
            do throws(StorageError) {
                let merged = try target.merge(
                    ids, job.control, withHelper: hasHelper && !job.control.isLimited)
                if let merged { made.insert(merged) }
                finish(run, ids, merged)
            } catch {
                finish(run, [], nil)
                throw error
            }
        }
    }

    /// The next merge of a job; waits until nothing else merges its segments. nil when it is done. Segments that come in
    /// meanwhile are not waited for.
    private func nextStep(
        of job: JobTable.Job, _ made: Set<UInt64>
    ) throws(StorageError) -> (UInt64, [UInt64])? {
        let number = job.status.number
        while true {
            try job.control.check()
            let step = state.wait(milliseconds: 50) { state -> (UInt64, [UInt64])?? in
                guard let mine = state.jobs.find(number)?.segments else { return .some(nil) }
                let waits = state.running.values.contains { !$0.isDisjoint(with: mine) }
                state.jobs.update(number) { $0.status.message = waits ? Self.waitsForMerge : "" }
                if waits { return nil }
                let candidates = target.mergeCandidates.filter { mine.contains($0.id) }
                guard let ids = CompactionPlan.next(policy, candidates, job.status.options, made: made) else {
                    return .some(nil)
                }
                let run = state.register(ids)
                state.compacting.insert(run)
                return .some((run, ids))
            }
            if let step { return step }
        }
    }

    static let waitsForMerge = "Waits for a merge in the background that has some of the segments."

    func end(_ number: UInt64, _ ending: JobState, _ error: SakuinError? = nil) {
        let after = target.mergeCandidates
        let (completions, status) = state.change { state -> ([JobTable.Completion], JobStatus?) in
            state.jobs.update(number) { job in
                if job.status.kind == .check { return }
                job.status.segmentsAfter = after.count
                job.status.bytesAfter = after.reduce(0) { $0 + $1.byteCount }
                job.status.deadBytesAfter = after.reduce(0) { $0 + $1.byteCount - $1.liveByteCount }
            }
            let completions = state.jobs.end(number, ending, error, now: clock())
            // Checks do not go on over a restart.
            if state.jobs.find(number)?.status.kind == .check { return (completions, nil) }
            do throws(StorageError) { try file?.write(state.jobs) } catch {
                target.note("warning", "The list of jobs cannot be written, an ended one may run again: \(error)")
            }
            return (completions, state.jobs.find(number)?.status)
        }
        for completion in completions {
            if let error { completion(.failure(error)) } else if let status { completion(.success(status)) }
        }
    }
}

// What jobs and merging in the background say of themselves, and how they are steered.

extension MergeScheduler {
    /// Merging in the background, then the compactions, oldest first.
    var statuses: [JobStatus] {
        state.read { state in
            let now = clock()
            return [backgroundStatus(state)] + state.jobs.jobs.map { state.jobs.status(of: $0, now: now) }
        }
    }

    /// What merges may read and write a second at most; nil: unlimited.
    var bytesPerSecond: Int? { [limit.bytesPerSecond, budget.limit.bytesPerSecond].compactMap { $0 }.min() }

    private func backgroundStatus(_ state: State) -> JobStatus {
        var status = JobStatus()
        // A compaction that runs has no merge while it waits for one of these.
        let own = state.running.count - state.compacting.count
        status.state = background.isPaused ? .paused : own > 0 ? .running : .queued
        status.options.bytesPerSecond = bytesPerSecond
        status.bytesRead = background.bytesRead
        status.bytesTotal = background.bytesRead + state.debt.byteCount
        status.bytesWritten = background.bytesWritten
        if !inBackground {
            status.message = "Merging in the background is switched off."
        } else if let refusal = disk.refusal(.merges) {
            status.message = refusal.message
        } else if status.state == .queued {
            status.message = "Nothing to merge."
        }
        return status
    }

    /// Steers a job, or with number 0 merging in the background; returns how it is then.
    func control(_ number: UInt64, _ action: JobAction) throws(SakuinError) -> JobStatus {
        try action.validate()
        if number == 0 { return try controlBackground(action) }
        let found = state.read { $0.jobs.find(number) }
        guard let job = found, !job.status.state.isFinal else {
            throw SakuinError(
                .notFound, found == nil ? "There is no such job." : "The job has ended.", field: "job",
                value: "\(number)", nextStep: "'sakuin jobs' lists them.")
        }
        switch action {
        case .pause: state.change { $0.jobs.pause(number, now: clock()) }
        case .resume: state.change { $0.jobs.resume(number, now: clock()) }
        case .cancel: job.control.cancel()
        case .throttle(let rate): job.budget.bytesPerSecond = rate
        }
        // One that waits has nobody who would notice.
        if action == .cancel, job.status.state == .queued {
            end(number, .cancelled, SakuinError(.cancelled, "The job was cancelled."))
        } else if job.status.kind == .compaction {
            do throws(StorageError) {
                try state.read { (state) throws(StorageError) in try file?.write(state.jobs) }
            } catch { throw target.explain(error) }
        }
        makeWay()
        wake()
        return state.read { state in
            state.jobs.find(number).map { state.jobs.status(of: $0, now: clock()) } ?? job.status
        }
    }

    private func controlBackground(_ action: JobAction) throws(SakuinError) -> JobStatus {
        switch action {
        case .pause: background.pause()
        case .resume: background.resume()
        case .throttle(let rate): limit.bytesPerSecond = rate
        case .cancel:
            throw SakuinError(
                .failedPrecondition, "Merging in the background cannot be cancelled.", field: "job",
                value: JobStatus.mergesName, nextStep: "Pause it.")
        }
        do throws(StorageError) {
            try state.change { (state) throws(StorageError) in
                state.jobs.backgroundIsPaused = background.isPaused
                state.jobs.backgroundBytesPerSecond = limit.bytesPerSecond
                try file?.write(state.jobs)
            }
        } catch { throw target.explain(error) }
        makeWay()
        wake()
        return state.read { backgroundStatus($0) }
    }
}

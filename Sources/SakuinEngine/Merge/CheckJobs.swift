// Checks of an index that is open, as jobs: on a thread of their own, within the budget of merges in the background.

extension MergeScheduler {
    /// Adds a check. It does not go on over a restart.
    func check(bytesPerSecond: Int?) throws(SakuinError) -> JobStatus {
        do throws(StorageError) { try start([.checks]) } catch { throw target.explain(error) }
        let options = CompactionOptions(segments: 0, bytesPerSecond: bytesPerSecond)
        let status = try state.change { (state) throws(SakuinError) in
            if state.isClosing { throw SakuinError(.unavailable, "The index is closing.") }
            return try state.jobs.add(.check, options, shared: [budget.background, limit, budget.limit])
        }
        state.change { _ = $0.awake.insert(.checks) }
        return status
    }

    func carryOutCheck(_ job: JobTable.Job) {
        let number = job.status.number
        do throws(StorageError) {
            try job.control.check()
            try target.check(job.control) { findings, bytesTotal in
                state.change { state in
                    state.jobs.update(number) { job in
                        job.status.findings = findings
                        job.status.bytesTotal = bytesTotal
                    }
                }
            }
            end(number, .done)
        } catch {
            if state.read({ $0.isClosing }) { return }
            end(number, job.control.isCancelled ? .cancelled : .failed, target.explain(error))
        }
    }
}

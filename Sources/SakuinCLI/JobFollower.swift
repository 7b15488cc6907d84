// What 'compact' says of a job while it waits for its end; a daemon that is started again meanwhile is waited for.

import SakuinTypes

/// The events of a job: one for each change of its state, and one a percent.
struct JobEvents {
    private var last: JobStatus?
    private var percent = -1

    /// What happened since the status before; nil: nothing worth telling. What has ended tells only how.
    mutating func next(_ job: JobStatus) -> String? {
        let before = last
        last = job
        if job.state.isFinal { return job.state == .done ? nil : job.state.description }
        guard let before else {
            percent = Int(job.percent)
            return "accepted"
        }
        if job.state == .paused { return before.state == .paused ? nil : "paused" }
        if before.state == .paused { return "resumed" }
        // Why it waits, be it in the queue or for a merge that has its segments.
        if !job.message.isEmpty { return job.message == before.message ? nil : "waiting" }
        if job.state == .queued { return before.state == .queued ? nil : "queued" }
        if Int(job.percent) == percent, before.state == .running { return nil }
        percent = Int(job.percent)
        return "progress"
    }

    /// The daemon does not answer.
    mutating func lost() -> (JobStatus, String)? {
        guard var job = last, job.message != Self.away else { return nil }
        job.message = Self.away
        last = job
        return (job, "waiting")
    }

    private static let away = "The daemon does not answer."
}

/// Asks after a job again and again until it has ended.
struct JobFollower {
    /// How the job stands; nil when it is not known.
    let ask: (_ number: UInt64) async throws -> JobStatus?
    let sleep: (_ milliseconds: Int) async throws -> Void
    /// Takes each status, with its event when there is one.
    let tell: (JobStatus, _ event: String?) -> Void

    /// So long a daemon that does not answer is waited for.
    static let patienceMilliseconds = 30_000

    func follow(_ job: JobStatus) async throws -> JobStatus {
        var events = JobEvents()
        tell(job, events.next(job))
        var last = job
        var pause = 20
        var waited = 0
        while !last.state.isFinal {
            try await sleep(pause)
            do {
                guard let now = try await ask(job.number) else {
                    throw SakuinError(
                        .notFound, "The daemon no longer knows the job.", field: "job", value: job.id,
                        nextStep: "'sakuin stats' and 'sakuin segments' show what was done.")
                }
                last = now
                waited = 0
                tell(now, events.next(now))
            } catch let error as SakuinError where error.code == .unavailable && waited < Self.patienceMilliseconds {
                waited += pause
                if let (job, event) = events.lost() { tell(job, event) }
            }
            pause = min(pause * 2, 250)
        }
        return last
    }
}

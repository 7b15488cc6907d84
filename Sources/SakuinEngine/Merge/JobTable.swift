/// The compactions and checks of an index: those that wait, those that run, the last ones that ended. A value; what drives
/// it is the `MergeScheduler`.
struct JobTable: Sendable {
    typealias Completion = @Sendable (Result<JobStatus, SakuinError>) -> Void

    struct Job: Sendable {
        var status: JobStatus
        let control: MergeControl
        let budget: ByteBudget
        /// What it still has to bring together, while it runs.
        var segments: Set<UInt64> = []
        /// Whether its merges may have a helper.
        var hasHelper = false
        var completions: [Completion] = []
        /// How long it ran before, and since when it does; what it was paused is left out.
        var ran: UInt64 = 0
        var runsSince: UInt64?
        var isPaused: Bool { control.isPaused }

        mutating func stopTime(now: UInt64) {
            if let since = runsSince { ran += max(now, since) - since }
            runsSince = nil
        }
    }

    /// Ended jobs are remembered up to this many, waiting ones accepted.
    static let endedCountMax = 16
    static let waitingCountMax = 64

    private(set) var jobs: [Job] = []
    /// Numbers of those that have ended, in that order.
    private var ended: [UInt64] = []
    private(set) var nextNumber: UInt64 = 1
    /// How merging in the background was left.
    var backgroundIsPaused = false
    var backgroundBytesPerSecond: Int?
    /// Bytes that ended jobs have written which are forgotten.
    private var forgottenByteCount = 0

    /// Bytes that all jobs have written.
    var writtenByteCount: Int { jobs.reduce(forgottenByteCount) { $0 + $1.control.bytesWritten } }

    /// Adds a job that waits; throws when there are too many. It pays from its own budget and from the shared ones.
    mutating func add(
        _ kind: JobKind, _ options: CompactionOptions, shared: [ByteBudget],
        completion: Completion? = nil
    ) throws(SakuinError) -> JobStatus {
        let waiting = jobs.count { !$0.status.state.isFinal }
        if waiting >= Self.waitingCountMax {
            throw SakuinError(
                .resourceExhausted, "Too many jobs wait.", field: "jobs", limit: "\(Self.waitingCountMax)",
                value: "\(waiting)", nextStep: "Cancel some, or wait.", retryAfterMilliseconds: 1_000)
        }
        var status = JobStatus()
        status.number = nextNumber
        status.kind = kind
        status.options = options
        nextNumber += 1
        append(status, shared, completion)
        return status
    }

    private mutating func append(_ status: JobStatus, _ shared: [ByteBudget], _ completion: Completion?) {
        let own = ByteBudget(bytesPerSecond: status.options.bytesPerSecond)
        jobs.append(
            Job(
                status: status, control: MergeControl([own] + shared), budget: own,
                completions: completion.map { [$0] } ?? []))
    }

    /// The first of a kind that waits becomes the one that runs.
    mutating func begin(_ kind: JobKind = .compaction, now: UInt64) -> Job? {
        // Somebody has to notice that one was cancelled while it was put back.
        let next = jobs.firstIndex {
            $0.status.kind == kind && $0.status.state == .queued && (!$0.isPaused || $0.control.isCancelled)
        }
        guard let at = next else { return nil }
        jobs[at].status.state = .running
        jobs[at].runsSince = now
        return jobs[at]
    }

    /// One that runs waits again; what it has merged stays merged.
    mutating func putBack(_ number: UInt64, now: UInt64) {
        update(number) { job in
            job.stopTime(now: now)
            job.status.state = .queued
            job.segments = []
        }
    }

    mutating func pause(_ number: UInt64, now: UInt64) {
        update(number) { job in
            job.control.pause()
            job.stopTime(now: now)
        }
    }

    mutating func resume(_ number: UInt64, now: UInt64) {
        update(number) { job in
            if job.status.state == .running, job.isPaused { job.runsSince = now }
            job.control.resume()
        }
    }

    /// What the job says it does; nothing when it has ended meanwhile.
    mutating func update(_ number: UInt64, _ body: (inout Job) -> Void) {
        guard let at = jobs.firstIndex(where: { $0.status.number == number }) else { return }
        body(&jobs[at])
    }

    /// A merge has replaced segments: jobs that were to merge them go on with the result.
    mutating func replaced(_ ids: Set<UInt64>, by merged: UInt64?) {
        for at in jobs.indices where !jobs[at].segments.isDisjoint(with: ids) {
            jobs[at].segments.subtract(ids)
            if let merged { jobs[at].segments.insert(merged) }
        }
    }

    /// Ends a job and hands out who waits for it; those that ended first are forgotten.
    mutating func end(_ number: UInt64, _ state: JobState, _ error: SakuinError? = nil, now: UInt64) -> [Completion] {
        guard let at = jobs.firstIndex(where: { $0.status.number == number && !$0.status.state.isFinal }) else {
            return []
        }
        jobs[at].status = status(of: jobs[at], now: now)
        jobs[at].status.state = state
        jobs[at].status.message = error?.description ?? ""
        jobs[at].status.error = error
        jobs[at].status.millisecondsLeft = nil
        if state == .done { jobs[at].status.endTotals() }
        jobs[at].segments = []
        let completions = jobs[at].completions
        jobs[at].completions = []
        // This one stays: who waits for it is told how it ended.
        if ended.count >= Self.endedCountMax { forget(ended.removeFirst()) }
        ended.append(number)
        return completions
    }

    private mutating func forget(_ number: UInt64) {
        guard let at = jobs.firstIndex(where: { $0.status.number == number }) else { return }
        forgottenByteCount += jobs.remove(at: at).control.bytesWritten
    }

    /// Segments that running jobs are going to merge.
    var reserved: Set<UInt64> {
        jobs.reduce(into: []) { if $1.status.state == .running, !$1.isPaused { $0.formUnion($1.segments) } }
    }

    func status(of job: Job, now: UInt64) -> JobStatus {
        var status = job.status
        if status.state.isFinal { return status }
        status.options.bytesPerSecond = job.budget.bytesPerSecond
        status.bytesRead = job.control.bytesRead
        status.bytesWritten = job.control.bytesWritten
        status.raiseTotals()
        let ran = job.ran + (job.runsSince.map { max(now, $0) - $0 } ?? 0)
        status.milliseconds = Int(ran / 1_000_000)
        if job.isPaused {
            status.state = .paused
            return status
        }
        if status.state == .queued, jobs.contains(where: { $0.status.kind == job.status.kind && $0.runsSince != nil }) {
            status.message = "Waits for another job."
        }
        let done = status.bytesRead + (status.bytesToWrite > 0 ? status.bytesWritten : 0)
        let all = status.bytesTotal + status.bytesToWrite
        if status.state == .running, done > 0 {
            status.millisecondsLeft = Int(Double(status.milliseconds) * Double(all - done) / Double(done))
        }
        return status
    }

    func find(_ number: UInt64) -> Job? { jobs.first { $0.status.number == number } }

    // MARK: Over a restart

    /// Compactions that have not ended, and how merging in the background was left, as JSON:
    /// `{"next": 4, "jobs": [{"number": 3, "segments": 1, …}], "merges": {"paused": true}}`.
    var json: String {
        var members: [JSONValue] = []
        for job in jobs where job.status.kind == .compaction && !job.status.state.isFinal {
            let options = job.status.options
            var object: [JSONValue.Member] = [
                .init(key: "number", value: .integer(Int64(clamping: job.status.number))),
                .init(key: "segments", value: .integer(Int64(options.segments))),
                .init(key: "onlyDeletes", value: .boolean(options.onlyDeletes)),
                .init(key: "paused", value: .boolean(job.isPaused)),
            ]
            if let rate = job.budget.bytesPerSecond {
                object.append(.init(key: "bytesPerSecond", value: .integer(Int64(rate))))
            }
            members.append(.object(object))
        }
        var merges = [JSONValue.Member(key: "paused", value: .boolean(backgroundIsPaused))]
        if let rate = backgroundBytesPerSecond {
            merges.append(.init(key: "bytesPerSecond", value: .integer(Int64(rate))))
        }
        return JSONValue.object([
            .init(key: "next", value: .integer(Int64(clamping: nextNumber))),
            .init(key: "jobs", value: .array(members)), .init(key: "merges", value: .object(merges)),
        ]).text
    }

    init() {}

    /// The inverse of `json`: all of them wait again, paused ones paused.
    init(json bytes: [UInt8], shared: [ByteBudget]) throws(SakuinError) {
        guard case .object(let members) = try JSONValue(parsing: bytes) else { throw .invalid("not an object") }
        for member in members {
            switch (member.key, member.value) {
            case ("next", .integer(let next)): nextNumber = UInt64(clamping: next)
            case ("jobs", .array(let list)):
                for case .object(let job) in list.prefix(Self.waitingCountMax) { append(job, shared) }
            case ("merges", .object(let merges)):
                for member in merges {
                    switch (member.key, member.value) {
                    case ("paused", .boolean(let isPaused)): backgroundIsPaused = isPaused
                    case ("bytesPerSecond", .integer(let rate)):
                        backgroundBytesPerSecond = max(1, Int(clamping: rate))
                    default: break
                    }
                }
            default: break
            }
        }
        nextNumber = max(nextNumber, (jobs.map(\.status.number).max() ?? 0) &+ 1, 1)
    }

    private mutating func append(_ members: [JSONValue.Member], _ shared: [ByteBudget]) {
        var status = JobStatus()
        var isPaused = false
        for member in members {
            switch (member.key, member.value) {
            case ("number", .integer(let number)): status.number = UInt64(clamping: number)
            case ("segments", .integer(let count)): status.options.segments = max(1, Int(clamping: count))
            case ("onlyDeletes", .boolean(let only)): status.options.onlyDeletes = only
            case ("bytesPerSecond", .integer(let rate)): status.options.bytesPerSecond = max(1, Int(clamping: rate))
            case ("paused", .boolean(let paused)): isPaused = paused
            default: break
            }
        }
        // 0 is merging in the background; a number that stands twice is one job.
        if status.number == 0 || status.number == .max || find(status.number) != nil { return }
        append(status, shared, nil)
        if isPaused { jobs[jobs.count - 1].control.pause() }
    }
}

extension JobStatus {
    /// Totals are reckoned from sizes before a job begins. What turns out to be more (windows of promoted grams that read
    /// lists again, a journal that grows under a check) is more to do, and not done twice.
    fileprivate mutating func raiseTotals() {
        bytesTotal = max(bytesTotal, bytesRead)
        if bytesToWrite > 0 { bytesToWrite = max(bytesToWrite, bytesWritten) }
    }

    /// At the end all there was to do is what was done.
    fileprivate mutating func endTotals() {
        bytesTotal = bytesRead
        bytesToWrite = bytesWritten
    }
}

// Merges in the background, compactions and checks, on threads of their own.
//
// 1. One thread takes whatever the policy says, one only small merges, so that these never wait behind a big one; a third
//    one carries out compactions, a fourth checks. No segment is in two merges at a time.
// 2. After each refresh and merge the debt is reckoned anew: it says how much merges may read and write a second, and
//    when there is too much of it how fast writes may come, up to not at all.
// 3. A thread cannot raise its priority again. So there are two of each for merges in the background, one that gives way
//    to searches and writes and one that does not; the debt says which of them begins the next merge.
// 4. Below the low-water mark of the disk no merge begins.

final class MergeScheduler: Sendable {
    enum Role: CaseIterable {
        case any, small, urgentAny, urgentSmall, jobs, checks

        var isUrgent: Bool { self == .urgentAny || self == .urgentSmall }
        var isSmall: Bool { self == .small || self == .urgentSmall }
        var merges: Bool { self != .jobs && self != .checks }
        var priority: WorkerThread.Priority {
            switch self {
            case .urgentAny, .urgentSmall: .normal
            case .any, .small: .background
            case .jobs, .checks: .idle
            }
        }
    }
    struct State {
        var awake: Set<Role> = []
        var isClosing = false
        /// Segments by the number of the merge they are in.
        var running: [UInt64: Set<UInt64>] = [:]
        /// Of those the merges of compactions.
        var compacting: Set<UInt64> = []
        var nextRun: UInt64 = 0
        /// Segments whose merge failed; they are left alone until the index is opened again.
        var failed: Set<UInt64> = []
        var jobs: JobTable
        var debt = MergeDebt()
    }

    /// The small thread merges segments up to this size.
    static let smallByteCountMax = 16 << 20
    /// A thread that found no room on the disk looks again after this time.
    private static let retryMilliseconds = 1_000

    let state: Monitor<State>
    let target: any MergeTarget
    private let policy: MergePolicy
    private let throttle: MergeThrottle
    private let inBackground: Bool
    private let disk: DiskSpace
    /// nil: nothing may be changed, so there are only checks.
    private let file: JobFile?
    /// Shared by all merges; follows the debt for those in the background.
    let limit: ByteBudget
    let backgroundRate: ByteBudget
    /// What merges in the background obey.
    private let background: MergeControl
    private let threads = Monitor<[WorkerThread]>([])

    /// `bytesPerSecond` limits what all merges read and write; nil: unlimited. `onlyChecks`: of an index in which nothing
    /// may be changed.
    init(
        _ target: any MergeTarget, policy: MergePolicy, inBackground: Bool, bytesPerSecond: Int?, disk: DiskSpace,
        directory: any Directory, onlyChecks: Bool = false
    ) {
        self.target = target
        self.policy = policy
        self.inBackground = inBackground && !onlyChecks
        self.disk = disk
        var throttle = MergeThrottle()
        throttle.bytesPerSecondMax = bytesPerSecond
        self.throttle = throttle
        limit = ByteBudget(bytesPerSecond: bytesPerSecond)
        backgroundRate = ByteBudget(bytesPerSecond: throttle.mergeRate(MergeDebt()))
        background = MergeControl([backgroundRate, limit])
        file = onlyChecks ? nil : JobFile(directory)
        let jobs = file?.read(shared: [limit]) { [target] in target.note($0, $1) }
        state = Monitor(State(jobs: jobs ?? JobTable()))
        let roles: [Role] = onlyChecks ? [.checks] : inBackground ? Role.allCases : [.jobs, .checks]
        let workers = roles.map { role in
            WorkerThread(role.priority) { [self] in run(role) }
        }
        threads.change { $0 = workers }
        wake()
    }

    var runningCount: Int { state.read { $0.running.count } }
    var debt: MergeDebt { state.read { $0.debt } }
    var mergedByteCount: Int {
        state.read { $0.jobs.jobs }.reduce(background.bytesWritten) { $0 + $1.control.bytesWritten }
    }

    /// There may be something to merge: reckons the debt and wakes the threads.
    func wake() {
        if inBackground { followDebt() }
        state.change { $0.awake = Set(Role.allCases) }
    }

    private func followDebt() {
        // What a compaction is merging at the moment is no debt: it will be one segment, however long that takes.
        let compacted = state.read { state in
            state.compacting.reduce(into: Set<UInt64>()) { $0.formUnion(state.running[$1] ?? []) }
        }
        let debt = MergeDebt(policy, target.mergeCandidates.filter { !compacted.contains($0.id) })
        state.change { $0.debt = debt }
        backgroundRate.bytesPerSecond = throttle.mergeRate(debt)
        target.keepWrites(throttle.writePace(debt, isPaused: background.isPaused))
    }

    /// Stops what is running and waits for the ends of the threads; jobs that have not ended go on when the index is
    /// opened again.
    func close() {
        let controls = state.change { state in
            state.isClosing = true
            return state.jobs.jobs.map(\.control)
        }
        background.cancel()
        for control in controls { control.cancel() }
        for thread in threads.read({ $0 }) { thread.join() }
        for job in state.read({ $0.jobs.jobs }) {
            for completion in job.completions {
                completion(
                    .failure(SakuinError(.unavailable, "The index was closed; the job goes on when it is opened.")))
            }
        }
    }

    // MARK: Merges

    private func run(_ role: Role) {
        while true {
            let patience = role.merges ? Self.retryMilliseconds : nil
            let isClosing = state.wait(milliseconds: patience) { state -> Bool? in
                if state.isClosing { return true }
                return state.awake.remove(role) == nil ? nil : false
            }
            if isClosing ?? false { return }
            switch role {
            case .jobs: while let job = next(.compaction) { carryOut(job) }
            case .checks: while let job = next(.check) { carryOutCheck(job) }
            case .any, .small, .urgentAny, .urgentSmall:
                while let (run, ids) = pick(role) { mergeInBackground(run, ids) }
            }
        }
    }

    private func next(_ kind: JobKind) -> JobTable.Job? {
        state.change { $0.isClosing ? nil : $0.jobs.begin(kind, now: Clock.nanoseconds()) }
    }

    private func pick(_ role: Role) -> (UInt64, [UInt64])? {
        if background.isPaused || disk.refusal(.merges) != nil { return nil }
        return state.change { state in
            let isUrgent = throttle.isUrgent(state.debt)
            if state.isClosing || isUrgent != role.isUrgent { return nil }
            var candidates = target.mergeCandidates
            if role.isSmall { candidates.removeAll { $0.liveByteCount > Self.smallByteCountMax } }
            // A compaction that gets little time does not keep others from what it has not begun with.
            let left = isUrgent ? state.failed : state.failed.union(state.jobs.reserved)
            let busy = state.running.values.reduce(left) { $0.union($1) }
            guard let ids = policy.next(candidates, busy: busy) else { return nil }
            return (state.register(ids), ids)
        }
    }

    private func mergeInBackground(_ run: UInt64, _ ids: [UInt64]) {
        do throws(StorageError) {
            finish(run, ids, try target.merge(ids, background))
        } catch {
            finish(run, [], nil)
            if error == .cancelled { return }
            state.change { $0.failed.formUnion(ids) }
            target.note("error", "A merge of \(ids.count) segments failed: \(error)")
        }
    }

    /// The merge of `ids` has ended; none when it failed.
    private func finish(_ run: UInt64, _ ids: [UInt64], _ merged: UInt64?) {
        state.change { state in
            state.running[run] = nil
            state.compacting.remove(run)
            state.jobs.replaced(Set(ids), by: merged)
        }
        wake()
    }

    // MARK: Compactions

    /// Adds a compaction; it is kept over a restart from when this returns. `completion` is called when it has ended.
    func compact(
        _ options: CompactionOptions, completion: JobTable.Completion? = nil
    ) throws(SakuinError) -> JobStatus {
        let status = try state.change { (state) throws(SakuinError) in
            if state.isClosing { throw SakuinError(.unavailable, "The index is closing.") }
            let status = try state.jobs.add(.compaction, options, shared: [limit], completion: completion)
            do throws(StorageError) { try file?.write(state.jobs) } catch {
                // Not accepted: nobody waits for it.
                _ = state.jobs.end(status.number, .failed, message: "It could not be written down.", now: 0)
                throw target.explain(error)
            }
            return status
        }
        state.change { _ = $0.awake.insert(.jobs) }
        return status
    }

    func estimate(_ options: CompactionOptions) -> CompactionEstimate {
        let candidates = target.mergeCandidates
        let plan = CompactionPlan(policy, candidates, options)
        var estimate = CompactionEstimate()
        estimate.segmentsBefore = candidates.count
        estimate.segmentsAfter = plan.segmentCount
        estimate.bytesBefore = candidates.reduce(0) { $0 + $1.byteCount }
        estimate.bytesAfter = estimate.bytesBefore - plan.bytesRead + plan.bytesWritten
        estimate.bytesRead = plan.bytesRead
        estimate.bytesWritten = plan.bytesWritten
        estimate.deadDocuments = candidates.reduce(0) { $0 + $1.deadCount }
        estimate.freeBytes = disk.reading()?.free ?? 0
        let rate = min(options.bytesPerSecond ?? .max, limit.bytesPerSecond ?? .max, Self.usualBytesPerSecond)
        estimate.milliseconds = (plan.bytesRead + plan.bytesWritten) / max(1, rate / 1_000)
        return estimate
    }

    /// What a merge reads and writes a second on an ordinary core.
    private static let usualBytesPerSecond = 50_000_000

    private func carryOut(_ job: JobTable.Job) {
        let number = job.status.number
        do throws(SakuinError) {
            do throws(StorageError) { try job.control.check() } catch { throw target.explain(error) }
            try target.settle(commits: false)
            try begin(job)
            var made: Set<UInt64> = []
            do throws(StorageError) {
                while let (run, ids) = try nextStep(of: job, made) {
                    do throws(StorageError) {
                        let merged = try target.merge(ids, job.control)
                        if let merged { made.insert(merged) }
                        finish(run, ids, merged)
                    } catch {
                        finish(run, [], nil)
                        throw error
                    }
                }
            } catch {
                throw target.explain(error)
            }
            try target.settle(commits: true)
            end(number, .done)
        } catch {
            if state.read({ $0.isClosing }) { return }
            end(number, job.control.isCancelled ? .cancelled : .failed, error)
        }
    }

    /// Says what there is to do; throws when the disk has no room for it.
    private func begin(_ job: JobTable.Job) throws(SakuinError) {
        let candidates = target.mergeCandidates
        let plan = CompactionPlan(policy, candidates, job.status.options)
        if let refusal = disk.refusal(.merges, for: plan.bytesWritten) { throw refusal }
        state.change { state in
            state.jobs.update(job.status.number) { job in
                job.segments = Set(candidates.map(\.id))
                job.status.bytesTotal = plan.bytesRead
                job.status.segmentsBefore = candidates.count
                job.status.bytesBefore = candidates.reduce(0) { $0 + $1.byteCount }
                job.status.deadBytesBefore = candidates.reduce(0) { $0 + $1.byteCount - $1.liveByteCount }
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
                if state.running.values.contains(where: { !$0.isDisjoint(with: mine) }) { return nil }
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

    func end(_ number: UInt64, _ ending: JobState, _ error: SakuinError? = nil) {
        let after = target.mergeCandidates
        let (completions, status) = state.change { state -> ([JobTable.Completion], JobStatus?) in
            state.jobs.update(number) { job in
                if job.status.kind == .check { return }
                job.status.segmentsAfter = after.count
                job.status.bytesAfter = after.reduce(0) { $0 + $1.byteCount }
                job.status.deadBytesAfter = after.reduce(0) { $0 + $1.byteCount - $1.liveByteCount }
            }
            let completions = state.jobs.end(
                number, ending, message: error?.description ?? "", now: Clock.nanoseconds())
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

    // MARK: Steering

    /// Merging in the background, then the compactions, oldest first.
    var statuses: [JobStatus] {
        state.read { state in
            let now = Clock.nanoseconds()
            return [backgroundStatus(state)] + state.jobs.jobs.map { state.jobs.status(of: $0, now: now) }
        }
    }

    private func backgroundStatus(_ state: State) -> JobStatus {
        var status = JobStatus()
        let compacts = state.jobs.jobs.contains { $0.status.kind == .compaction && $0.status.state == .running }
        let own = state.running.count - (compacts ? 1 : 0)
        status.state = background.isPaused ? .paused : own > 0 ? .running : .queued
        status.options.bytesPerSecond = limit.bytesPerSecond
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
        if case .throttle(let rate?) = action, rate < 1 {
            throw .invalid(
                "A job needs at least 1 byte a second.", field: "bytesPerSecond", limit: 1, value: rate,
                nextStep: "Pause it instead.")
        }
        if number == 0 { return try controlBackground(action) }
        let found = state.read { $0.jobs.find(number) }
        guard let job = found, !job.status.state.isFinal else {
            throw SakuinError(
                .notFound, found == nil ? "There is no such job." : "The job has ended.", field: "job",
                value: "\(number)", nextStep: "'sakuin jobs' lists them.")
        }
        switch action {
        case .pause: job.control.pause()
        case .resume: job.control.resume()
        case .cancel: job.control.cancel()
        case .throttle(let rate): job.budget.bytesPerSecond = rate
        }
        // One that has not begun has nobody who would notice.
        if action == .cancel, job.began == 0 {
            end(number, .cancelled, SakuinError(.cancelled, "The job was cancelled."))
        } else if job.status.kind == .compaction {
            do throws(StorageError) {
                try state.read { (state) throws(StorageError) in try file?.write(state.jobs) }
            } catch { throw target.explain(error) }
        }
        wake()
        return state.read { state in
            state.jobs.find(number).map { state.jobs.status(of: $0, now: Clock.nanoseconds()) } ?? job.status
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
        wake()
        return state.read { backgroundStatus($0) }
    }
}

extension MergeScheduler.State {
    /// These segments are in a merge from now on; returns its number.
    fileprivate mutating func register(_ ids: [UInt64]) -> UInt64 {
        nextRun += 1
        running[nextRun] = Set(ids)
        return nextRun
    }
}

/// What merges read and replace.
protocol MergeTarget: AnyObject, Sendable {
    var mergeCandidates: [MergePolicy.Candidate] { get }
    /// Merges these segments and publishes the result; returns its id, nil when nothing lived.
    func merge(_ ids: [UInt64], _ control: MergeControl) throws(StorageError) -> UInt64?
    /// Makes what was written so far part of the segments, and with `commits` durable in them.
    func settle(commits: Bool) throws(SakuinError)
    /// Says how fast writes may come.
    func keepWrites(_ pace: WritePace)
    /// Reads everything that can be seen and says now and then, and at the end, what was found.
    func check(_ control: MergeControl, _ tell: (CheckFindings, _ bytesTotal: Int) -> Void) throws(StorageError)
    func note(_ level: String, _ message: String)
    func explain(_ error: StorageError) -> SakuinError
}

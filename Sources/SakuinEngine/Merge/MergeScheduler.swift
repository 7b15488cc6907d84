// Merges in the background, compactions and checks, on threads of their own.
//
// 1. One thread takes whatever the policy says, one only small merges, so that these never wait behind a big one; a third
//    one carries out compactions, a fourth checks. No segment is in two merges at a time.
// 2. After each refresh and merge the debt is reckoned anew: it says how much merges may read and write a second, and
//    when there is too much of it how fast writes may come, up to not at all.
// 3. A thread cannot raise its priority again. So there are two of each for merges in the background, one that gives way
//    to searches and writes and one that does not; the debt says which of them begins the next merge.
// 4. Below the low-water mark of the disk no merge begins.

import Synchronization

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
        /// Segments that cannot be merged, being damaged mostly; they are left alone until the index is opened again.
        var failed: Set<UInt64> = []
        /// Segments whose merge failed for want of room or the like, and when it is tried again.
        var resting: [UInt64: Rest] = [:]
        var jobs: JobTable
        var debt = MergeDebt()
        /// There were no threads for merges in the background, which was noted.
        var threadsWereMissing = false
    }
    struct Rest {
        var nanoseconds: UInt64
        var until: UInt64
    }

    /// The small thread merges segments up to this size.
    static let smallByteCountMax = 16 << 20
    /// A thread that found no room on the disk looks again after this time.
    private static let retryMilliseconds = 1_000

    let state: Monitor<State>
    /// Held while the debt is reckoned and what follows from it is told, so that the last to tell has seen the last change.
    private let reckoning = Mutex(())
    let target: any MergeTarget
    let policy: MergePolicy
    let limits: MergeLimits
    let throttle = MergeThrottle()
    let inBackground: Bool
    let disk: DiskSpace
    /// Nanoseconds; tests pass their own.
    let clock: @Sendable () -> UInt64
    /// nil: nothing may be changed, so there are only checks.
    let file: JobFile?
    /// Shared with other indexes.
    let budget: MergeBudget
    /// What all merges of this one may; nil: what the shared budget leaves them.
    let limit: ByteBudget
    /// What merges in the background obey.
    let background: MergeControl
    /// Started when there is first something for them: most indexes have nothing to merge.
    private let threads: LateThreads<Role>

    /// `onlyChecks`: of an index in which nothing may be changed. Throws `noThread` when a compaction is to go on.
    init(
        _ target: any MergeTarget, policy: MergePolicy, limits: MergeLimits = MergeLimits(), inBackground: Bool,
        budget: MergeBudget = MergeBudget(bytesPerSecond: nil), disk: DiskSpace, directory: any Directory,
        onlyChecks: Bool = false, threads hook: ThreadHook? = nil,
        clock: @escaping @Sendable () -> UInt64 = { Clock.nanoseconds() }
    ) throws(StorageError) {
        self.target = target
        self.policy = policy
        self.limits = limits
        self.clock = clock
        self.inBackground = inBackground && !onlyChecks
        self.disk = disk
        self.budget = budget
        file = onlyChecks ? nil : JobFile(directory)
        let limit = ByteBudget(bytesPerSecond: nil)
        let jobs = file?.read(shared: [limit, budget.limit]) { [target] in target.note($0, $1) } ?? JobTable()
        limit.bytesPerSecond = jobs.backgroundBytesPerSecond
        self.limit = limit
        background = MergeControl([budget.background, limit, budget.limit])
        if jobs.backgroundIsPaused { background.pause() }
        state = Monitor(State(jobs: jobs))
        threads = LateThreads(hook)
        if jobs.jobs.contains(where: { !$0.status.state.isFinal }) { try start([.jobs]) }
        wake()
    }

    /// Starts the threads of these roles that do not run yet: all of them, or none and `noThread`.
    func start(_ roles: [Role]) throws(StorageError) {
        try threads.start(roles) { role in (role.priority, { [self] in run(role) }) }
    }

    /// Starts the threads of merges in the background. When there are none the next refresh tries again.
    private func startMerging() {
        do throws(StorageError) { try start(Role.allCases.filter(\.merges)) } catch {
            let isKnown = state.read { state in
                defer { state.threadsWereMissing = true }
                return state.threadsWereMissing
            }
            if isKnown { return }
            target.note("warning", "Nothing is merged in the background for now: \(target.explain(error))")
        }
    }

    var runningCount: Int { state.read { $0.running.count } }
    var debt: MergeDebt { state.read { $0.debt } }
    /// Bytes that merges have written since the index was opened.
    var mergedByteCount: Int { background.bytesWritten + state.read { $0.jobs.writtenByteCount } }

    /// There may be something to merge: reckons the debt and wakes the threads.
    func wake() {
        if inBackground { followDebt() }
        let isBehind = state.change { state in
            state.awake = Set(Role.allCases)
            return state.debt.byteCount > 0
        }
        if isBehind { startMerging() }
    }

    /// Reckons the debt anew, and how fast merges and writes may go.
    func followDebt() {
        reckoning.withLock { _ in reckon() }
    }

    private func reckon() {
        // What a compaction is merging at the moment is no debt: it will be one segment, however long that takes. What is
        // damaged is none either: no merge will ever take it away.
        let exempt = state.read { state in
            state.compacting.reduce(into: state.failed) { $0.formUnion(state.running[$1] ?? []) }
        }
        let debt = MergeDebt(policy, target.mergeCandidates.filter { !exempt.contains($0.id) })
        state.change { state in
            state.debt = debt
            // Behind the end of this one nobody would take it back.
            if !state.isClosing { budget.follow(debt, of: self) }
        }
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
        for thread in threads.end() { thread.join() }
        budget.follow(nil, of: self)
        for job in state.read({ $0.jobs.jobs }) {
            for completion in job.completions {
                completion(
                    .failure(SakuinError(.unavailable, "The index was closed; the job goes on when it is opened.")))
            }
        }
    }

    // MARK: Threads

    private func run(_ role: Role) {
        while true {
            // What rests, or finds no room, is looked at again; otherwise somebody tells.
            let patience = role.merges && state.read { $0.debt.byteCount > 0 } ? Self.retryMilliseconds : nil
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
        state.change { $0.isClosing ? nil : $0.jobs.begin(kind, now: clock()) }
    }
}

extension MergeScheduler.State {
    /// These segments are in a merge from now on; returns its number.
    mutating func register(_ ids: [UInt64]) -> UInt64 {
        nextRun += 1
        running[nextRun] = Set(ids)
        return nextRun
    }

    /// What no merge may take: segments that are in one, damaged ones, those whose time has not come.
    func busy(now: UInt64) -> Set<UInt64> {
        let left = resting.reduce(into: failed) { if $1.value.until > now { $0.insert($1.key) } }
        return running.values.reduce(left) { $0.union($1) }
    }
}

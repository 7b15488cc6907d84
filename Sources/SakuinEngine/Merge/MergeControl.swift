import Synchronization

/// What merges obey and tell while they run: stop, pause, budget, progress. Any thread may steer; merges poll.
final class MergeControl: Sendable {
    private struct State {
        var isPaused = false
        var isCancelled = false
    }

    private let state = Monitor(State())
    /// Whether `state` has to be looked at.
    private let isDisturbed = Atomic(false)
    private let budgets: [ByteBudget]
    private let read = Atomic(0)
    private let written = Atomic(0)

    /// What is read and written has to be paid from each of the budgets.
    init(_ budgets: [ByteBudget] = []) { self.budgets = budgets }

    var bytesRead: Int { read.load(ordering: .relaxed) }
    var bytesWritten: Int { written.load(ordering: .relaxed) }
    var isPaused: Bool { state.read { $0.isPaused } }
    var isCancelled: Bool { state.read { $0.isCancelled } }

    func cancel() { steer { $0.isCancelled = true } }
    func pause() { steer { $0.isPaused = true } }
    func resume() { steer { $0.isPaused = false } }

    private func steer(_ body: (inout State) -> Void) {
        state.change { state in
            body(&state)
            isDisturbed.store(state.isPaused || state.isCancelled, ordering: .releasing)
        }
    }

    /// Waits while paused; throws `cancelled` once that was asked for. Called by merges every few milliseconds.
    func check() throws(StorageError) {
        guard isDisturbed.load(ordering: .acquiring) else { return }
        let isCancelled = state.wait { state -> Bool? in
            if state.isCancelled { return true }
            return state.isPaused ? nil : false
        }
        if isCancelled ?? true { throw .cancelled }
    }

    /// Tells that so much was read; waits until it is paid for.
    func didRead(_ byteCount: Int) throws(StorageError) {
        read.add(byteCount, ordering: .relaxed)
        try spend(byteCount)
    }

    /// Tells that so much is going to be written; waits until it is paid for.
    func willWrite(_ byteCount: Int) throws(StorageError) {
        written.add(byteCount, ordering: .relaxed)
        try spend(byteCount)
    }

    private func spend(_ byteCount: Int) throws(StorageError) {
        for budget in budgets {
            try budget.spend(byteCount) { () throws(StorageError) in try check() }
        }
        try check()
    }
}

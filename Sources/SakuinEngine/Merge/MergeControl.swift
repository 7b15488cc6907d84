import Synchronization

/// What merges obey and tell while they run: stop, pause, budget, progress. Any thread may steer; merges poll.
final class MergeControl: Sendable {
    private struct State {
        var isPaused = false
        var isCancelled = false
        var givesUp = false
    }

    private let state = Monitor(State())
    /// Whether `state` has to be looked at.
    private let isDisturbed = Atomic(false)
    private let budgets: [ByteBudget]
    /// What this one is a part of.
    private let whole: MergeControl?
    private let read = Atomic(0)
    private let written = Atomic(0)

    /// What is read and written has to be paid from each of the budgets.
    init(_ budgets: [ByteBudget] = []) {
        self.budgets = budgets
        whole = nil
    }

    /// Of a part of the work, which can be cancelled by itself: everything else is the whole's.
    init(of whole: MergeControl) {
        budgets = []
        self.whole = whole
    }

    /// Whether something is limited that has to be paid for.
    var isLimited: Bool { budgets.contains { $0.bytesPerSecond != nil } }

    var bytesRead: Int { read.load(ordering: .relaxed) }
    var bytesWritten: Int { written.load(ordering: .relaxed) }
    var isPaused: Bool { state.read { $0.isPaused } }
    var isCancelled: Bool { state.read { $0.isCancelled } }

    func cancel() { steer { $0.isCancelled = true } }
    func pause() { steer { $0.isPaused = true } }
    func resume() {
        steer { state in
            state.isPaused = false
            state.givesUp = false
        }
    }
    /// Merges that are paused are cancelled instead: what they hold is wanted. Does nothing when they are not.
    func giveUp() { steer { if $0.isPaused { $0.givesUp = true } } }

    private func steer(_ body: (inout State) -> Void) {
        state.change { state in
            body(&state)
            isDisturbed.store(state.isPaused || state.isCancelled, ordering: .releasing)
        }
    }

    /// Waits while paused; throws `cancelled` once that was asked for. Called by merges every few milliseconds.
    func check() throws(StorageError) {
        try whole?.check()
        guard isDisturbed.load(ordering: .acquiring) else { return }
        let isCancelled = state.wait { state -> Bool? in
            if state.isCancelled || state.isPaused && state.givesUp { return true }
            return state.isPaused ? nil : false
        }
        if isCancelled ?? true { throw .cancelled }
    }

    /// Tells that so much was read; waits until it is paid for.
    func didRead(_ byteCount: Int) throws(StorageError) {
        try whole?.didRead(byteCount)
        try count(byteCount, in: read)
    }

    /// Tells that so much is going to be written; waits until it is paid for.
    func willWrite(_ byteCount: Int) throws(StorageError) {
        try whole?.willWrite(byteCount)
        try count(byteCount, in: written)
    }

    /// Piece by piece: whoever pays from the same budget does not wait behind a whole section.
    private func count(_ byteCount: Int, in counter: borrowing Atomic<Int>) throws(StorageError) {
        var left = byteCount
        while left > 0 {
            let piece = min(left, Self.pieceByteCountMax)
            counter.add(piece, ordering: .relaxed)
            for budget in budgets {
                try budget.spend(piece) { () throws(StorageError) in try check() }
            }
            left -= piece
        }
        try check()
    }

    static let pieceByteCountMax = 1 << 20
}

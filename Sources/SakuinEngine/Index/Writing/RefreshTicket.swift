/// A cut through all lanes: what came before it becomes segments and visible together.
final class RefreshTicket: Sendable {
    struct State {
        var lanesLeft: Int
        var sealed: [SealedSegment] = []
        var deletions: [KeyDeletion] = []
        var error: StorageError?
    }

    /// The last sequence number before the cut.
    let sequence: UInt64
    let commits: Bool
    /// Where lanes seal together; nil for a single one.
    let meeting: SealMeeting?
    /// Bytes of batches that its commit makes needless in the journal.
    let committingByteCount: Int
    private let state: Monitor<State>

    init(sequence: UInt64, commits: Bool, committingByteCount: Int, laneCount: Int) {
        self.sequence = sequence
        self.commits = commits
        meeting = laneCount > 1 ? SealMeeting(laneCount: laneCount) : nil
        self.committingByteCount = committingByteCount
        state = Monitor(State(lanesLeft: laneCount))
    }

    /// A lane hands in everything it has from before the cut.
    func deliver(_ sealed: [SealedSegment], _ deletions: [KeyDeletion], _ error: StorageError?) {
        state.change { state in
            state.lanesLeft -= 1
            state.sealed += sealed
            state.deletions += deletions
            state.error = state.error ?? error
        }
    }

    /// Waits for all lanes.
    func collect() -> State {
        state.wait { $0.lanesLeft == 0 ? $0 : nil } ?? State(lanesLeft: 0)
    }
}

/// The memory of a frame of the protocol that has not come to its end yet, held as long as the object lives.
public final class FrameMemory: Sendable {
    private let budget: MemoryBudget
    private let byteCount: Int

    /// nil when the frames under way have all that they may.
    init?(_ byteCount: Int, of budget: MemoryBudget) {
        guard budget.takeForFrame(byteCount) else { return nil }
        self.budget = budget
        self.byteCount = byteCount
    }

    deinit { budget.giveBackFromFrame(byteCount) }
}

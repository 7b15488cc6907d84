/// The memory of a request that is longer in memory than it was on its way, held as long as the object lives.
///
/// Taken as that of searches is: of what is kept for them there is always some for one request, so one that comes alone is
/// never refused.
public final class RequestMemory: Sendable {
    private let budget: MemoryBudget
    private let byteCount: Int

    /// Throws `resourceExhausted`, with a time to try again, when there is no memory.
    init(_ byteCount: Int, of budget: MemoryBudget) throws(SakuinError) {
        try budget.takeForSearch(
            byteCount, orSay: "There is no memory for the request.", otherwise: "with a shorter one")
        self.budget = budget
        self.byteCount = byteCount
    }

    deinit { budget.giveBackFromSearch(byteCount) }
}

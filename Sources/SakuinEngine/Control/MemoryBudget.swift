import Synchronization

/// One number of bytes over everything that takes memory in proportion to its work: lanes, queued batches, merges,
/// searches. What would pass it waits or is refused; what is known to be needed already (a batch that was acknowledged)
/// is counted and makes its owner give memory back soon.
final class MemoryBudget: Sendable {
    private let taken = Atomic(0)
    /// Of `taken`: what searches have.
    private let searching = Atomic(0)
    /// Merges that hold memory.
    private let merges = Monitor(0)
    let byteCountMax: Int

    init(byteCountMax: Int) { self.byteCountMax = byteCountMax }

    /// The last eighth is kept for searches.
    private var backgroundMax: Int { byteCountMax - byteCountMax / 8 }

    var used: Int { taken.load(ordering: .relaxed) }
    /// Whether lanes should write out what they hold.
    var isTight: Bool { used > backgroundMax }

    /// Counts what is held whether there is room or not; pass what changed.
    func change(by byteCount: Int) { taken.add(byteCount, ordering: .relaxed) }

    /// Takes bytes for a search; false when there is no room, also not in what is kept for searches.
    func takeForSearch(_ byteCount: Int) -> Bool {
        let all = taken.add(byteCount, ordering: .relaxed).newValue
        let mine = searching.add(byteCount, ordering: .relaxed).newValue
        if all <= byteCountMax || mine <= byteCountMax - backgroundMax { return true }
        giveBackFromSearch(byteCount)
        return false
    }

    func giveBackFromSearch(_ byteCount: Int) {
        searching.subtract(byteCount, ordering: .relaxed)
        taken.subtract(byteCount, ordering: .relaxed)
    }

    /// Takes bytes for a merge and waits until there is room; `check` may throw meanwhile. A merge that is alone always
    /// gets what it needs: without it the index could not shrink.
    func takeForMerge(_ byteCount: Int, _ check: () throws(StorageError) -> Void) throws(StorageError) {
        while true {
            try check()
            let isMine = merges.wait(milliseconds: 50) { merges -> Bool? in
                if merges > 0, used + byteCount > backgroundMax { return nil }
                merges += 1
                return true
            }
            if isMine != nil { break }
        }
        change(by: byteCount)
    }

    func giveBackFromMerge(_ byteCount: Int) {
        change(by: -byteCount)
        merges.change { $0 -= 1 }
    }
}

/// Bytes counted as long as the object lives.
final class MemoryHold: Sendable {
    private let budget: MemoryBudget
    private let byteCount: Int

    init(_ budget: MemoryBudget, _ byteCount: Int) {
        self.budget = budget
        self.byteCount = byteCount
        budget.change(by: byteCount)
    }

    deinit { budget.change(by: -byteCount) }
}

import Synchronization

/// What the merges of all indexes of a catalog may read and write a second: one disk, one number.
final class MergeBudget: Sendable {
    /// Of all merges, compactions too.
    let limit: ByteBudget
    /// Of those in the background, and of checks; follows the debt of all indexes together.
    let background: ByteBudget
    private let throttle: MergeThrottle
    private let debts = Mutex<[ObjectIdentifier: MergeDebt]>([:])

    /// `bytesPerSecond` limits all merges; nil: unlimited.
    init(bytesPerSecond: Int?) {
        var throttle = MergeThrottle()
        throttle.bytesPerSecondMax = bytesPerSecond
        self.throttle = throttle
        limit = ByteBudget(bytesPerSecond: bytesPerSecond)
        background = ByteBudget(bytesPerSecond: throttle.mergeRate(MergeDebt()))
    }

    /// The debt of an index is this now; nil: the index is closed.
    func follow(_ debt: MergeDebt?, of index: AnyObject) {
        let rate = debts.withLock { debts in
            debts[ObjectIdentifier(index)] = debt
            var all = MergeDebt()
            for debt in debts.values { all.byteCount += debt.byteCount }
            return throttle.mergeRate(all)
        }
        background.bytesPerSecond = rate
    }
}

extension MergeBudget: Hashable {
    static func == (a: MergeBudget, b: MergeBudget) -> Bool { a === b }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

import Synchronization

/// One number of bytes over everything that takes memory in proportion to its work: lanes, queued batches, merges,
/// searches; and, where the process is looked at, over all else it has.
///
/// 1. Whoever needs memory takes it before. Lanes seal when there is none, batches and searches are refused, merges wait.
/// 2. What is known to be needed already (a batch out of the journal) is counted and makes lanes seal soon.
/// 3. With a `MemoryHook` what the process has besides all that was counted (the allocator's slack, connections, open
///    segments, the runtime) is in `used` too, and is asked back from the allocator when there is little room.
final class MemoryBudget: Sendable {
    let byteCountMax: Int
    let shares: MemoryShares
    private let taken = Atomic(0)
    private let highest = Atomic(0)
    /// Of `taken`: what searches, lanes, batches, merges and frames have.
    private let searching = Atomic(0)
    private let inLanes = Atomic(0)
    private let inBatches = Atomic(0)
    private let merging = Atomic(0)
    private let inFrames = Atomic(0)
    /// Merges that hold memory.
    private let merges = Monitor(0)
    /// Bytes that a merge waits for: lanes make room for it.
    private let wanted = Atomic(0)

    private let process: MemoryHook?
    private let clock: @Sendable () -> UInt64
    /// What the process had besides `taken` when it was looked at last.
    private let uncounted = Atomic(0)
    private let lookedAt = Atomic<UInt64>(0)
    private let releasedAt = Atomic<UInt64>(0)
    /// The process is looked at, and the allocator asked to give back, at most this often.
    private static let lookNanoseconds: UInt64 = 5_000_000
    private static let releaseNanoseconds: UInt64 = 200_000_000

    /// `clock` tells nanoseconds; tests pass their own.
    init(
        byteCountMax: Int, process: MemoryHook? = nil, clock: @escaping @Sendable () -> UInt64 = { Clock.nanoseconds() }
    ) {
        self.byteCountMax = byteCountMax
        self.process = process
        self.clock = clock
        shares = MemoryShares(byteCountMax)
    }

    /// The last eighth is kept for searches.
    private var backgroundMax: Int { byteCountMax - byteCountMax / 8 }
    /// What one merge of the usual size needs is kept from lanes and batches: else segments would grow while it waits.
    var writingMax: Int {
        backgroundMax - max(0, shares.mergeByteCount - merging.load(ordering: .relaxed))
    }
    /// The most a merge may take: more is refused, since waiting for it would be in vain.
    var mergeByteCountMax: Int { backgroundMax / 8 * 5 }

    /// The same as `used`, of now: who only reads it does not see what was last taken and given back since.
    var usedNow: Int {
        look()
        return used
    }
    /// What was taken, and what the process has besides.
    var used: Int { taken.load(ordering: .relaxed) + uncounted.load(ordering: .relaxed) }
    /// The most that was ever taken at once.
    var peak: Int { highest.load(ordering: .relaxed) }
    /// Whether lanes should write out what they hold.
    var isTight: Bool { used + wanted.load(ordering: .relaxed) > writingMax }
    /// Whether a merge waits for what lanes hold, and not for another merge.
    var isWanted: Bool {
        wanted.load(ordering: .relaxed) > 0 && merging.load(ordering: .relaxed) == 0
            && inLanes.load(ordering: .relaxed) > 0
    }

    private func count(_ byteCount: Int) {
        let now = taken.add(byteCount, ordering: .relaxed).newValue
        highest.max(now, ordering: .relaxed)
    }

    /// Takes bytes if `used` and `reserved` then come to no more than `limit`, whoever else takes some at the moment.
    private func take(_ byteCount: Int, reserved: Int, limit: Int) -> Bool {
        while true {
            let before = taken.load(ordering: .relaxed)
            if before + uncounted.load(ordering: .relaxed) + reserved + byteCount > limit { return false }
            guard taken.compareExchange(expected: before, desired: before + byteCount, ordering: .relaxed).exchanged
            else { continue }
            highest.max(before + byteCount, ordering: .relaxed)
            return true
        }
    }

    /// Who writes: batches from when they come until a lane has taken them in, and lanes.
    enum Writing {
        case batches, lanes
    }

    private func add(_ byteCount: Int, _ writing: Writing) {
        switch writing {
        case .batches: inBatches.add(byteCount, ordering: .relaxed)
        case .lanes: inLanes.add(byteCount, ordering: .relaxed)
        }
    }

    /// Counts what batches or lanes hold whether there is room or not; pass what changed.
    func change(by byteCount: Int, _ writing: Writing = .lanes) {
        add(byteCount, writing)
        count(byteCount)
    }

    /// Takes bytes for a batch or a lane; false when there is no room. When nothing is written there always is: else what
    /// nobody can give back would keep writes out for good.
    func takeForWriting(_ byteCount: Int, _ writing: Writing = .lanes) -> Bool {
        look()
        if take(byteCount, reserved: wanted.load(ordering: .relaxed), limit: writingMax) {
            add(byteCount, writing)
            return true
        }
        if inLanes.load(ordering: .relaxed) + inBatches.load(ordering: .relaxed) > 0 { return false }
        change(by: byteCount, writing)
        return true
    }

    /// Whether `takeForWriting` would most likely return true.
    func hasRoomForWriting(_ byteCount: Int) -> Bool {
        look()
        return used + wanted.load(ordering: .relaxed) + byteCount <= writingMax
            || inLanes.load(ordering: .relaxed) + inBatches.load(ordering: .relaxed) <= 0
    }

    /// Takes bytes for a search; false when there is no room, also not in what is kept for searches.
    func takeForSearch(_ byteCount: Int) -> Bool {
        look()
        let mine = searching.add(byteCount, ordering: .relaxed).newValue
        if take(byteCount, reserved: 0, limit: byteCountMax) { return true }
        if mine <= byteCountMax - backgroundMax {
            count(byteCount)
            return true
        }
        // A search that the allocator's slack alone keeps out would be refused each time it is tried.
        if askBack(), take(byteCount, reserved: 0, limit: byteCountMax) { return true }
        searching.subtract(byteCount, ordering: .relaxed)
        return false
    }

    func giveBackFromSearch(_ byteCount: Int) {
        searching.subtract(byteCount, ordering: .relaxed)
        taken.subtract(byteCount, ordering: .relaxed)
    }

    /// Takes bytes for a frame that has begun to come; false when those under way would have more than an eighth of all.
    /// There is always some for one alone.
    func takeForFrame(_ byteCount: Int) -> Bool {
        let all = inFrames.add(byteCount, ordering: .relaxed).newValue
        guard all <= byteCountMax / 8 || all == byteCount else {
            inFrames.subtract(byteCount, ordering: .relaxed)
            return false
        }
        count(byteCount)
        return true
    }

    func giveBackFromFrame(_ byteCount: Int) {
        inFrames.subtract(byteCount, ordering: .relaxed)
        taken.subtract(byteCount, ordering: .relaxed)
    }

    /// Takes bytes for a merge and waits until there is room, which lanes make meanwhile; `check` may throw. When lanes
    /// have made all the room they can a merge that is alone gets what it needs: without it the index could not shrink.
    func takeForMerge(_ byteCount: Int, _ check: () throws(StorageError) -> Void) throws(StorageError) {
        if byteCount > mergeByteCountMax { throw .noMemory(needed: byteCount, limit: mergeByteCountMax) }
        var asks = false
        defer { if asks { wanted.subtract(byteCount, ordering: .relaxed) } }
        while true {
            try check()
            look()
            let isMine = merges.wait(milliseconds: asks ? 20 : 0) { merges -> Bool? in
                if !take(byteCount, reserved: 0, limit: backgroundMax) {
                    guard merges == 0, inLanes.load(ordering: .relaxed) <= 0 else { return nil }
                    count(byteCount)
                }
                merging.add(byteCount, ordering: .relaxed)
                merges += 1
                return true
            }
            if isMine != nil { return }
            if !asks { wanted.add(byteCount, ordering: .relaxed) }
            asks = true
        }
    }

    func giveBackFromMerge(_ byteCount: Int) {
        merging.subtract(byteCount, ordering: .relaxed)
        taken.subtract(byteCount, ordering: .relaxed)
        merges.change { $0 -= 1 }
        look()
    }

    /// Reckons what the process has besides what was counted, and asks the allocator back what it keeps when there is
    /// little room.
    private func look() {
        guard let process else { return }
        let now = clock()
        let last = lookedAt.load(ordering: .relaxed)
        guard now &- last >= Self.lookNanoseconds,
            lookedAt.compareExchange(expected: last, desired: now, ordering: .relaxed).exchanged,
            let bytes = reckon(process)
        else { return }
        if bytes > byteCountMax / 4 * 3, mayRelease(now) { process.release() }
    }

    /// Has the allocator give back what it keeps, and looks again; false when it was asked just before.
    private func askBack() -> Bool {
        guard let process else { return false }
        let now = clock()
        guard mayRelease(now) else { return false }
        process.release()
        guard reckon(process) != nil else { return false }
        lookedAt.store(now, ordering: .relaxed)
        return true
    }

    /// What the process has, of which what was not taken is uncounted; nil when it cannot be told.
    private func reckon(_ process: MemoryHook) -> Int? {
        guard let bytes = process.ownByteCount() else { return nil }
        uncounted.store(max(0, bytes - taken.load(ordering: .relaxed)), ordering: .relaxed)
        return bytes
    }

    private func mayRelease(_ now: UInt64) -> Bool {
        let released = releasedAt.load(ordering: .relaxed)
        return now &- released >= Self.releaseNanoseconds
            && releasedAt.compareExchange(expected: released, desired: now, ordering: .relaxed).exchanged
    }
}

/// Bytes that a batch counts as long as the object lives.
final class MemoryHold: Sendable {
    private let budget: MemoryBudget
    private let byteCount: Int

    /// Counts them whether there is room or not.
    init(_ budget: MemoryBudget, _ byteCount: Int) {
        self.budget = budget
        self.byteCount = byteCount
        budget.change(by: byteCount, .batches)
    }

    /// nil when there is no room.
    init?(taking byteCount: Int, of budget: MemoryBudget) {
        guard budget.takeForWriting(byteCount, .batches) else { return nil }
        self.budget = budget
        self.byteCount = byteCount
    }

    deinit { budget.change(by: -byteCount, .batches) }
}

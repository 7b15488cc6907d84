// How far merging is behind, and what follows: more room for merges, and beyond a bound slower writes.

/// The merges the policy would do now, one after another, if nothing were written any more.
struct MergeDebt: Sendable, Equatable {
    /// Bytes those merges would read.
    var byteCount = 0
    var segmentCount = 0
    /// Segments that there would be fewer then.
    var excessCount = 0

    init() {}

    init(_ policy: MergePolicy, _ segments: [MergePolicy.Candidate]) {
        segmentCount = segments.count
        var segments = segments
        var id = UInt64.max
        // Each merge leaves fewer segments or fewer dead; the bound is for policies that are not like that.
        for _ in 0..<(2 * segments.count + 1) {
            guard let ids = policy.next(segments).map({ Set($0) }) else { break }
            let inputs = segments.filter { ids.contains($0.id) }
            byteCount += inputs.reduce(0) { $0 + $1.byteCount }
            segments.removeAll { ids.contains($0.id) }
            if let merged = MergePolicy.merged(inputs, id: id) { segments.append(merged) }
            id -= 1
        }
        excessCount = segmentCount - segments.count
    }
}

/// How fast writes may come.
struct WritePace: Sendable, Equatable {
    /// Encoded bytes a second; nil: as they come.
    var bytesPerSecond: Int?
    /// No batch is taken until merges have caught up.
    var stops = false
    /// At least so long between two refreshes that nobody asks for: each adds a segment.
    var refreshPauseMilliseconds = 0
    /// Why writes are held up; empty while they are not.
    var reason = ""
}

/// Rates and priorities that follow the debt: a pure function.
struct MergeThrottle: Sendable, Equatable {
    /// What merges may read and write a second at most; nil: unlimited.
    var bytesPerSecondMax: Int?
    /// What they may at least, without debt.
    var bytesPerSecondMin = 48 << 20
    /// Debt at which they get all they may.
    var fullRateDebt = 256 << 20
    /// Debt from which on writes slow down, and at which they are slowest.
    var slowDebt = 2 << 30
    var stopDebt = 8 << 30
    /// The same in segments too many; at the third number writes wait, since each segment is a file and a mapping, of which
    /// a process may have so many. Refreshes come so rarely then that it takes hours to get there with merging paused.
    var slowExcessCount = 60
    var stopExcessCount = 200
    var waitExcessCount = 1_000
    /// Segments too many from which on refreshes come more rarely, and how much so for each more.
    var refreshExcessCount = 30
    var refreshMillisecondsPerSegment = 20
    /// Debt and segments too many from which on merges do not give way to searches and writes any more.
    var urgentDebt = 128 << 20
    var urgentExcessCount = 24
    /// Encoded bytes a second of writes: where slowing down begins, and the least.
    var writeBytesPerSecondMax = 64 << 20
    var writeBytesPerSecondMin = 1 << 20

    /// Bytes a second for merges; nil: as fast as they can.
    func mergeRate(_ debt: MergeDebt) -> Int? {
        guard debt.byteCount < fullRateDebt else { return bytesPerSecondMax }
        // From the least to twice that, then free.
        let rate = bytesPerSecondMin + bytesPerSecondMin * debt.byteCount / fullRateDebt
        return min(rate, bytesPerSecondMax ?? rate)
    }

    /// Whether merges run at the priority of searches and writes.
    func isUrgent(_ debt: MergeDebt) -> Bool {
        debt.byteCount >= urgentDebt || debt.excessCount >= urgentExcessCount
    }

    /// `isPaused`: somebody has paused merging, so that only the number of segments counts.
    func writePace(_ debt: MergeDebt, isPaused: Bool = false) -> WritePace {
        var pace = WritePace()
        pace.refreshPauseMilliseconds =
            max(0, debt.excessCount - refreshExcessCount) * refreshMillisecondsPerSegment
        pace.stops = debt.excessCount >= waitExcessCount
        pace.bytesPerSecond = writeRate(debt, isPaused: isPaused)
        pace.reason = reason(debt, pace, isPaused: isPaused)
        return pace
    }

    private func writeRate(_ debt: MergeDebt, isPaused: Bool) -> Int? {
        let bytes = Double(debt.byteCount - slowDebt) / Double(max(stopDebt - slowDebt, 1))
        let segments = Double(debt.excessCount - slowExcessCount) / Double(max(stopExcessCount - slowExcessCount, 1))
        let pressure = isPaused ? segments : max(bytes, segments)
        if pressure <= 0 { return nil }
        let left = 1 - min(pressure, 1)
        return max(writeBytesPerSecondMin, Int(Double(writeBytesPerSecondMax) * left * left))
    }

    private func reason(_ debt: MergeDebt, _ pace: WritePace, isPaused: Bool) -> String {
        guard let rate = pace.bytesPerSecond else { return "" }
        return (pace.stops ? "Writes wait for merges" : "Writes are held to \(rate >> 10) KiB/s")
            + ": merging is \(isPaused ? "paused" : "\(debt.byteCount >> 20) MiB behind (slowing from \(slowDebt >> 20))"),"
            + " with \(debt.segmentCount) segments, \(debt.excessCount) too many (slowing from \(slowExcessCount),"
            + " slowest from \(stopExcessCount), waiting from \(waitExcessCount))."
    }
}

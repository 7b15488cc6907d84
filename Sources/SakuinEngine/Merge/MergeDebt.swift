// How far merging is behind, and what follows: more room for merges, and beyond a bound slower writes.

/// The merges the policy would do now, one after another, if nothing were written any more.
struct MergeDebt: Sendable, Equatable {
    /// Bytes those merges would read.
    var byteCount = 0
    var segmentCount = 0

    init() {}

    init(_ policy: MergePolicy, _ segments: [MergePolicy.Candidate]) {
        segmentCount = segments.count
        var segments = segments
        var id = UInt64.max
        // Each merge leaves fewer segments or fewer dead; the bound is for policies that are not like that.
        for _ in 0..<(2 * segments.count + 1) {
            guard let ids = policy.next(segments).map({ Set($0) }) else { return }
            let inputs = segments.filter { ids.contains($0.id) }
            byteCount += inputs.reduce(0) { $0 + $1.byteCount }
            segments.removeAll { ids.contains($0.id) }
            if let merged = MergePolicy.merged(inputs, id: id) { segments.append(merged) }
            id -= 1
        }
    }
}

/// Rates that follow the debt: a pure function.
struct MergeThrottle: Sendable, Equatable {
    /// What merges may read and write a second at most; nil: unlimited.
    var bytesPerSecondMax: Int?
    /// What they may at least, without debt.
    var bytesPerSecondMin = 48 << 20
    /// Debt at which they get all they may.
    var fullRateDebt = 256 << 20
    /// Debt and segments from which on writes slow down, and at which they are slowest.
    var slowDebt = 2 << 30
    var stopDebt = 8 << 30
    var slowSegmentCount = 200
    var stopSegmentCount = 600
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

    /// Bytes a second for writes; nil: as fast as they come.
    func writeRate(_ debt: MergeDebt) -> Int? {
        let pressure = pressure(debt)
        if pressure <= 0 { return nil }
        let left = 1 - min(pressure, 1)
        return max(writeBytesPerSecondMin, Int(Double(writeBytesPerSecondMax) * left * left))
    }

    /// Why writes are slowed down; empty while they are not.
    func reason(_ debt: MergeDebt) -> String {
        guard let rate = writeRate(debt) else { return "" }
        return "Writes are held to \(rate >> 10) KiB/s: merges are \(debt.byteCount >> 20) MiB behind (slowing from "
            + "\(slowDebt >> 20)), with \(debt.segmentCount) segments (slowing from \(slowSegmentCount))."
    }

    private func pressure(_ debt: MergeDebt) -> Double {
        let bytes = Double(debt.byteCount - slowDebt) / Double(max(stopDebt - slowDebt, 1))
        let segments =
            Double(debt.segmentCount - slowSegmentCount) / Double(max(stopSegmentCount - slowSegmentCount, 1))
        return max(bytes, segments)
    }
}

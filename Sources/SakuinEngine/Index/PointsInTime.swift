// The points in time of an index: snapshots under a token, each with a lease that every use begins anew.
//
// A thread lets go of those whose lease has ended; it is there only while there are any. Whoever asks looks at the
// clock too, so what has ended is never served, whatever the thread is at.

final class PointsInTime: Sendable {
    private struct Entry {
        var snapshot: IndexSnapshot
        var lease: UInt64
        var end: UInt64
    }
    private struct State {
        var entries: [String: Entry] = [:]
        /// Exports on their way.
        var exportCount = 0
        var isWatched = false
        var isClosed = false

        var firstEnd: UInt64? { entries.values.map(\.end).min() }

        /// The entries whose lease has ended; they are taken out.
        mutating func takeEnded(_ now: UInt64) -> [Entry] {
            let ended = entries.filter { $0.value.end <= now }
            for token in ended.keys { entries[token] = nil }
            return Array(ended.values)
        }
    }

    private let countMax: Int
    private let clock: @Sendable () -> UInt64
    private let state = Monitor(State())

    /// `clock` tells nanoseconds; tests pass their own.
    init(countMax: Int, clock: @escaping @Sendable () -> UInt64 = { Clock.nanoseconds() }) {
        self.countMax = countMax
        self.clock = clock
    }

    /// Who reads from earlier moments than the current one: points in time and exports.
    var readerCount: Int {
        releaseEnded()
        return state.read { $0.entries.count + $0.exportCount }
    }

    func open(_ snapshot: IndexSnapshot, leaseMilliseconds: Int) throws(SakuinError) -> PointInTime {
        try PointInTime.check(leaseMilliseconds: leaseMilliseconds)
        releaseEnded()
        let token = Self.newToken()
        let lease = UInt64(leaseMilliseconds) * 1_000_000
        let starts = try state.change { (state) throws(SakuinError) in
            if state.isClosed { throw SearchIndex.closed }
            let now = clock()
            guard state.entries.count < countMax else {
                let next = state.firstEnd ?? now
                throw SakuinError(
                    .resourceExhausted, "There are \(state.entries.count) points in time open.",
                    field: "pointInTimeCountMax", limit: "\(countMax)", value: "\(state.entries.count)",
                    nextStep: "Close some, or wait for their leases to end.",
                    retryAfterMilliseconds: UInt32(clamping: (max(next, now) - now) / 1_000_000 + 1))
            }
            state.entries[token] = Entry(snapshot: snapshot, lease: lease, end: now + lease)
            defer { state.isWatched = true }
            return !state.isWatched
        }
        // Without a thread whoever asks next lets go of what has ended.
        if starts, WorkerThread.helper({ [self] in watch() }) == nil { state.read { $0.isWatched = false } }
        return PointInTime(token: token, sequence: snapshot.sequence, leaseMilliseconds: leaseMilliseconds)
    }

    /// 128 random bits, so that no client comes upon another's.
    private static func newToken() -> String {
        var random = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let digits = String(random.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }

    /// What the token stands for; its lease begins anew.
    func use(_ token: String) throws(SakuinError) -> IndexSnapshot {
        releaseEnded()
        let now = clock()
        let found = state.read { state -> IndexSnapshot? in
            guard var entry = state.entries[token] else { return nil }
            entry.end = now + entry.lease
            state.entries[token] = entry
            return entry.snapshot
        }
        guard let found else { throw PointInTime.unknown(token) }
        return found
    }

    func close(_ token: String) throws(SakuinError) {
        releaseEnded()
        // Let go behind the lock: files may be removed with it.
        let closed = state.change { $0.entries.removeValue(forKey: token) }
        if closed == nil { throw PointInTime.unknown(token) }
    }

    /// Ends all of them.
    func closeAll() {
        let ended = state.change { state in
            state.isClosed = true
            defer { state.entries = [:] }
            return state.entries
        }
        withExtendedLifetime(ended) {}
    }

    /// An export that reads from a snapshot until the object is gone.
    func countExport() -> ExportCount {
        state.read { $0.exportCount += 1 }
        return ExportCount(self)
    }

    final class ExportCount: Sendable {
        private let points: PointsInTime

        fileprivate init(_ points: PointsInTime) { self.points = points }

        deinit { points.state.read { $0.exportCount -= 1 } }
    }

    private func releaseEnded() {
        let now = clock()
        let ended = state.read { $0.takeEnded(now) }
        withExtendedLifetime(ended) {}
    }

    /// Lets go of one after another, until there are none left.
    private func watch() {
        while true {
            releaseEnded()
            let next = state.read { state -> UInt64? in
                if state.firstEnd == nil { state.isWatched = false }
                return state.firstEnd
            }
            guard let next else { return }
            let now = clock()
            let wait = next > now ? (next - now) / 1_000_000 + 1 : 0
            // One may come that ends earlier, or all may be closed.
            _ = state.wait(milliseconds: Int(clamping: wait)) { ($0.firstEnd ?? 0) < next ? true : nil }
        }
    }
}

// When the requests of a load run are due, and when the run is over: arithmetic only.

/// The plan of a run in time; all times are nanoseconds since its start.
struct LoadSchedule: Sendable {
    /// Requests a second in an open loop; nil: a closed loop, where each worker sends when it was answered.
    let rate: Double?
    /// The run ends after so much time; nil: after `requests`.
    let nanoseconds: Int64?
    /// The run ends after so many requests; nil: after `nanoseconds`.
    let requests: Int?

    /// When request `number`, from 0, is due; nil in a closed loop.
    func due(_ number: Int) -> Int64? {
        // From the number, not step by step, so that errors of rounding do not add up.
        rate.map { Int64(Double(number) * 1e9 / $0) }
    }

    /// Whether request `number` is part of the run when a worker comes to it at `now`.
    func includes(_ number: Int, at now: Int64) -> Bool {
        if let requests, number >= requests { return false }
        guard let nanoseconds else { return true }
        return max(now, due(number) ?? now) < nanoseconds
    }

    /// How many requests an open loop has in all, sent or not; nil in a closed one.
    var requestCount: Int? {
        guard let rate, let nanoseconds else { return rate == nil ? nil : requests }
        return min(requests ?? .max, Int((rate * Double(nanoseconds) / 1e9).rounded(.up)))
    }

    /// How long request `number` took for the one who asked: since it was due, however late it was sent.
    func latency(_ number: Int, sent: Int64, answered: Int64) -> Int64 { answered - (due(number) ?? sent) }
}

// What a load run counts: latencies in histograms of bounded size, errors by code, late requests.

import Histogram
import SakuinClient

/// Latencies of one kind of request, to three digits; longest, sum and count are exact.
struct LatencyTally: Sendable {
    private static let nanosecondsMax: UInt64 = 3_600_000_000_000
    private var histogram = Histogram<UInt32>(
        lowestDiscernibleValue: 100, highestTrackableValue: Self.nanosecondsMax, numberOfSignificantValueDigits: .three)
    private(set) var count = 0
    private var sum = 0.0
    private var longest: UInt64 = 0

    mutating func record(_ nanoseconds: Int64) {
        let value = UInt64(max(nanoseconds, 0))
        histogram.record(min(value, Self.nanosecondsMax))
        count += 1
        sum += Double(value)
        longest = max(longest, value)
    }

    mutating func add(_ other: LatencyTally) {
        histogram.add(other.histogram)
        count += other.count
        sum += other.sum
        longest = max(longest, other.longest)
    }

    /// In microseconds; 0 when nothing was recorded.
    func percentile(_ percent: Double) -> Double {
        count == 0 ? 0 : Double(min(histogram.valueAtPercentile(percent), longest)) / 1_000
    }

    var meanMicroseconds: Double { count == 0 ? 0 : sum / Double(count) / 1_000 }
    var maxMicroseconds: Double { Double(longest) / 1_000 }
}

/// The counts of one kind of request.
struct KindTally: Sendable {
    var latency = LatencyTally()
    var errors: [SakuinError.Code: Int] = [:]

    var requests: Int { latency.count + errors.values.reduce(0, +) }

    mutating func add(_ other: KindTally) {
        latency.add(other.latency)
        errors.merge(other.errors, uniquingKeysWith: +)
    }
}

/// The counts of a run, or of a part of its connections.
struct LoadTally: Sendable {
    /// By place of the kind in the plan.
    var kinds: [KindTally]
    /// An example of what went wrong.
    var firstError: SakuinError?
    /// Answers that said that a part of the index could not be searched.
    var incomplete = 0
    /// Requests of an open loop that had to wait for a free stream, and the longest wait in nanoseconds.
    var behind = 0
    var behindMax: Int64 = 0
    /// When the last answer came, in nanoseconds since the start.
    var lastAnswer: Int64 = 0

    init(kindCount: Int) { kinds = Array(repeating: KindTally(), count: kindCount) }

    mutating func record(
        kind: Int, latency: Int64, answered: Int64, outcome: Result<SearchResponse?, SakuinError>
    ) {
        lastAnswer = max(lastAnswer, answered)
        switch outcome {
        case .success(let response):
            kinds[kind].latency.record(latency)
            if response?.complete == false { incomplete += 1 }
        case .failure(let error):
            kinds[kind].errors[error.code, default: 0] += 1
            firstError = firstError ?? error
        }
    }

    mutating func add(_ other: LoadTally) {
        for place in kinds.indices { kinds[place].add(other.kinds[place]) }
        firstError = firstError ?? other.firstError
        incomplete += other.incomplete
        behind += other.behind
        behindMax = max(behindMax, other.behindMax)
        lastAnswer = max(lastAnswer, other.lastAnswer)
    }

    /// All kinds together.
    var all: KindTally { kinds.reduce(into: KindTally()) { $0.add($1) } }
}

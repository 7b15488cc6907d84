// Micro benchmarks: pieces of the engine alone, each at sizes that spread a thousand-fold, on text of a seeded generator.
//
//     make micro                                  # or: make micro FILTER='top .*'

import Benchmark

let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock], timeUnits: .nanoseconds, warmupIterations: 3, maxDuration: .seconds(1),
        maxIterations: 100_000)
    textBenchmarks()
    listBenchmarks()
    searchBenchmarks()
    indexBenchmarks()
    wireBenchmarks()
}

/// The name of a benchmark: what, on how much of which unit, and how many of which items that are done in one go, when
/// they are others. `Scripts/micro-table.py` cuts it at the bars.
func title(_ subject: String, _ size: Int, _ unit: String, items: String? = nil) -> String {
    "\(subject) | \(size) \(unit) | \(items ?? "\(size) \(unit)")"
}

extension Benchmark.Configuration {
    /// For what takes less than the clock can tell: a thousand times in one measurement.
    static var quick: Benchmark.Configuration {
        var configuration = Benchmark.defaultConfiguration
        configuration.scalingFactor = .kilo
        return configuration
    }

    /// `quick` for the small sizes of a benchmark.
    static func quick(_ isQuick: Bool) -> Benchmark.Configuration { isQuick ? quick : Benchmark.defaultConfiguration }
}

// The seeds of a sweep: some always, more for as long as asked. `SAKUIN_FAULT_SECONDS` lets sweeps run on with new seeds,
// `SAKUIN_FAULT_SEED` begins elsewhere.

import Foundation
import Synchronization

/// Seeds one after another, for several tasks.
final class SeedSource: Sendable {
    private let seed: Atomic<UInt64>

    private init(_ first: UInt64) { seed = Atomic(first) }

    private func next() -> UInt64 { seed.wrappingAdd(1, ordering: .relaxed).oldValue }

    private static func number<N: LosslessStringConvertible>(_ name: String) -> N? {
        ProcessInfo.processInfo.environment[name].flatMap { N($0) }
    }

    /// Whether sweeps go on for longer than a test may take, so that everything can be tried.
    static var isLong: Bool { (number("SAKUIN_FAULT_SECONDS") ?? 0.0) > 0 }

    /// The seed to begin with.
    static func first(_ usual: UInt64) -> UInt64 { number("SAKUIN_FAULT_SEED") ?? usual }

    /// Runs `body` with `count` seeds from `first` on, and then until the time is over, in two tasks.
    static func forEach(from first: UInt64, count: Int, _ body: @escaping @Sendable (UInt64) async -> Void) async {
        let seconds: Double = number("SAKUIN_FAULT_SECONDS") ?? 0
        let end = ContinuousClock.now + .seconds(seconds)
        let seeds = SeedSource(first)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    while true {
                        let seed = seeds.next()
                        if seed >= first + UInt64(count), ContinuousClock.now >= end { return }
                        await body(seed)
                    }
                }
            }
        }
    }
}

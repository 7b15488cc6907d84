import CoreMetrics
import SakuinEngine
import SakuinTypes
import Synchronization

/// What the statistics of each index say, as gauges through swift-metrics.
final class IndexGauges: Sendable {
    private static let values: [(label: String, value: @Sendable (IndexStatistics) -> Double)] = [
        ("sakuin_documents", { Double($0.documents) }), ("sakuin_deleted_documents", { Double($0.deletedDocuments) }),
        ("sakuin_segments", { Double($0.segments) }), ("sakuin_bytes", { Double($0.bytes) }),
        ("sakuin_dead_bytes", { Double($0.deadBytes) }), ("sakuin_held_bytes", { Double($0.heldBytes) }),
        ("sakuin_journal_bytes", { Double($0.journalBytes) }),
        ("sakuin_merge_debt_bytes", { Double($0.mergeDebtBytes) }),
        ("sakuin_flushed_bytes", { Double($0.flushedBytes) }), ("sakuin_merged_bytes", { Double($0.mergedBytes) }),
        ("sakuin_write_amplification", { $0.writeAmplification }),
        ("sakuin_running_merges", { Double($0.runningMerges) }),
        ("sakuin_memory_bytes", { Double($0.memoryBytes) }),
        ("sakuin_memory_budget_bytes", { Double($0.memoryBudgetBytes) }),
        ("sakuin_disk_free_bytes", { Double($0.diskFreeBytes) }),
        ("sakuin_complete", { $0.complete ? 1 : 0 }),
    ]
    private static let writeLimit = "sakuin_write_limit_bytes_per_second"

    private let factory: any MetricsFactory
    private let gauges = Mutex<[String: [Gauge]]>([:])

    init(_ factory: any MetricsFactory) { self.factory = factory }

    /// Sets the gauges of all indexes, and forgets those of indexes that are gone.
    func refresh(_ catalog: IndexCatalog) {
        let indexes = catalog.openIndexes
        gauges.withLock { gauges in
            for (name, old) in gauges where indexes[name] == nil {
                for gauge in old { gauge.destroy() }
                gauges[name] = nil
            }
            for (name, index) in indexes {
                let mine = gauges[name] ?? make(name)
                gauges[name] = mine
                let statistics = index.statisticsNow()
                for (gauge, entry) in zip(mine, Self.values) { gauge.record(entry.value(statistics)) }
                // As many as come, while nothing holds them up.
                mine.last?.record(index.writeBytesPerSecond.map(Double.init) ?? .infinity)
            }
        }
    }

    private func make(_ name: String) -> [Gauge] {
        (Self.values.map(\.label) + [Self.writeLimit]).map {
            Gauge(label: $0, dimensions: [("index", name)], factory: factory)
        }
    }
}

// Documents to a segment, segments to one.

import Benchmark
import SakuinEngine

func indexBenchmarks() {
    for documents in [100, 1_000, 10_000, 100_000] {
        // Each iteration needs documents of its own, which are put outside of what is measured.
        let configuration = Benchmark.Configuration(
            metrics: [.wallClock], timeUnits: .nanoseconds, warmupIterations: 1, maxDuration: .seconds(3),
            maxIterations: documents < 100_000 ? 50 : 3)
        Benchmark(title("flush of documents of 300 B", documents, "documents"), configuration: configuration) {
            benchmark in
            let index = try Workplace.index("flush")
            try await index.put(0..<documents, text: TextIndexes.text)
            benchmark.startMeasurement()
            _ = try await index.refresh()
            benchmark.stopMeasurement()
            try index.close()
        }
        Benchmark(title("merge of 8 segments of such", documents, "documents"), configuration: configuration) {
            benchmark in
            let index = try Workplace.index("merge")
            for part in 0..<8 {
                try await index.put(documents * part / 8..<documents * (part + 1) / 8, text: TextIndexes.text)
                _ = try await index.refresh()
            }
            _ = try await index.commit()
            benchmark.startMeasurement()
            _ = try await index.compact(segments: 1)
            benchmark.stopMeasurement()
            try index.close()
        }
    }
}

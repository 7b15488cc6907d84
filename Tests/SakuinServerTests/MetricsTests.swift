// What Prometheus reads, over HTTP and without it.

import CoreMetrics
import Foundation
import Logging
import SakuinEngine
import SakuinTypes
import Testing

@testable import SakuinServer

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

@Suite struct MetricsTests {
    @Test func theTextIsThatOfPrometheus() {
        let registry = PrometheusRegistry()
        let refused = Counter(label: "refused_total", factory: registry)
        refused.increment(by: 3)
        let old = Gauge(label: "debt", dimensions: [("index", "b")], factory: registry)
        old.record(2.5)
        Gauge(label: "debt", dimensions: [("index", "a\"\\\n")], factory: registry).record(Double.infinity)
        let time = Timer(label: "search_seconds", factory: registry)
        time.recordNanoseconds(1_500_000_000)
        time.recordNanoseconds(500_000_000)
        let expected = """
            # TYPE debt gauge
            debt{index="a\\"\\\\\\n"} +Inf
            debt{index="b"} 2.5
            # TYPE refused_total counter
            refused_total 3
            # TYPE search_seconds summary
            search_seconds_count 2
            search_seconds_sum 2

            """
        #expect(registry.text == expected)
        // The same metric made twice is one; what is destroyed is gone.
        Counter(label: "refused_total", factory: registry).increment()
        old.destroy()
        #expect(registry.text.contains("refused_total 4\n") && !registry.text.contains("2.5"))
    }

    private func get(_ port: Int, _ path: String) async throws -> (code: Int, text: String) {
        let url = try #require(URL(string: "http://127.0.0.1:\(port)\(path)"))
        let (data, response) = try await URLSession(configuration: .ephemeral).data(from: url)
        return ((response as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self))
    }

    @Test func indexesAreGaugesOverHTTP() async throws {
        let folder = RunningServer.freshFolder
        let catalog = try IndexCatalog(path: folder)
        try catalog.createNow("news", Schema(fields: [FieldDefinition(name: "title")]))
        let index = try catalog.indexNow("news")
        _ = try await index.write(WriteBatch((0..<10).map { .put(Document(key: "\($0)", ["title": "国际"])) }))
        _ = try await index.refresh()
        _ = try await index.write(WriteBatch([.delete("3")]))
        _ = try await index.refresh()
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        let listener = MetricsListener(
            host: "127.0.0.1", port: 0, registry: PrometheusRegistry(), catalog: catalog, logger: Logger(label: "test")
        ) { continuation.yield($0) }
        let task = Task { try await listener.run() }
        var found: Int?
        for await port in ports {
            found = port
            break
        }
        let port = try #require(found)
        let metrics = try await get(port, "/metrics")
        #expect(metrics.code == 200)
        for line in [
            "# TYPE sakuin_segments gauge", #"sakuin_documents{index="news"} 9"#,
            #"sakuin_deleted_documents{index="news"} 1"#, #"sakuin_segments{index="news"} 1"#,
            #"sakuin_merge_debt_bytes{index="news"} 0"#, #"sakuin_write_amplification{index="news"} 1"#,
            #"sakuin_write_limit_bytes_per_second{index="news"} +Inf"#, #"sakuin_complete{index="news"} 1"#,
        ] {
            #expect(metrics.text.contains(line + "\n"), "\(line)")
        }
        #expect(try metrics.text.firstMatch(of: Regex(#"sakuin_dead_bytes\{index="news"\} [1-9]"#)) != nil)
        #expect(try await get(port, "/").code == 404)
        try catalog.dropNow("news")
        #expect(try await !get(port, "/metrics").text.contains("news"))
        task.cancel()
        try await task.value
        try catalog.close()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

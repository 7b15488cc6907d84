// What Prometheus reads, over HTTP and without it.

import CoreMetrics
import Foundation
import SakuinEngine
import SakuinProtocol
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

    @Test func anAddressThatCannotBeHadIsNamed() async throws {
        let server = try await RunningServer.start()
        let taken = server.port
        for (host, port, reason) in [
            ("127.0.0.1", taken, "something listens there already"), ("192.0.2.1", 0, "no address of this machine"),
            ("host.invalid", 0, "the name was not resolved"),
        ] {
            let error = await #expect(throws: SakuinError.self) {
                _ = try await MetricsListener.open(
                    host: host, port: port, registry: PrometheusRegistry(), catalog: server.catalog)
            }
            #expect(error?.code == .unavailable && error?.field == "metrics" && error?.value == "\(host):\(port)")
            #expect(error?.message.contains(reason) == true && error?.nextStep != nil, "\(error as Any)")
        }
        try await server.stop()
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
        let listener = try await MetricsListener.open(
            host: "127.0.0.1", port: 0, registry: PrometheusRegistry(), catalog: catalog)
        let task = Task { try await listener.run() }
        let port = listener.port
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

    /// Requests of which one is decompressed on the event loop and one by a worker, and two streams.
    private static var requests: [(kind: FrameHeader.Kind, flags: UInt8, stream: UInt32, content: [UInt8])] {
        var search = SearchRequest("全文", limit: 3)
        search.returnFields = .all
        let few = (0..<100).map { "key-of-a-document-\($0)" }
        let many = (0..<3_000).map { "key-of-a-document-\($0)" }
        let calls: [WireCall] = [
            .get(index: "i", keys: few, ReadMoment()), .get(index: "i", keys: many, ReadMoment()),
            .search(index: "i", search), .export(index: "i", pointInTime: nil),
            .importStream(index: "i", acknowledge: .disk, rejection: .eachOperation),
        ]
        // Of documents that are not there, so that every export is one page.
        let deletes = few.map { WriteOperation.delete($0) }
        return calls.enumerated().map { (.request, 0, UInt32($0 + 1), WireCodec.encode(WireRequest($1))) } + [
            (.data, 0, 5, WireCodec.encode(deletes)),
            (.data, FrameHeader.endFlag, 5, []),
        ]
    }

    @Test func savedBytesAreThoseThatDidNotTravel() async throws {
        let registry = PrometheusRegistry()
        let server = try await RunningServer.start(metrics: ServerMetrics(factory: registry))
        try server.catalog.createNow("i", .standard)
        let index = try server.catalog.indexNow("i")
        let body = FieldValue.string(String(repeating: "全文検索", count: 200))
        _ = try await index.write(WriteBatch((0..<30).map { .put(Document(key: "\($0)", ["body": body])) }))
        _ = try await index.refresh()
        var total = 0
        for compressions in [[], [.lz4], []] as [[FrameCompression]] {
            let hello = Hello(
                client: "test", frameByteCountMax: 1 << 20, streamCredit: 1 << 20, compressions: compressions)
            var bytes = FrameHeader.frame(.hello, stream: 0, WireCodec.encode(hello))
            var sent = 0
            for (kind, flags, stream, content) in Self.requests {
                let payload = FramePayload(content).compressed(by: compressions.first)
                sent += content.count - payload.bytes.count
                bytes += FrameHeader.frame(kind, flags: flags | payload.flags, stream: stream, payload.bytes)
            }
            // WELCOME, three replies, a page and its end, a receipt and its end.
            let frames = try await server.exchange(bytes, frameCount: 8)
            #expect(frames.count == 8 && !frames.contains { $0.header.kind == .error })
            let received = frames.reduce(into: 0) { sum, frame in
                let payload = frame.payload.withUnsafeBytes { FramePayload(frame.header, $0) }
                sum += payload.contentByteCount - payload.bytes.count
            }
            #expect((sent > 0 && received > 0) == !compressions.isEmpty)
            total += sent + received
            #expect(registry.text.contains("\nsakuin_compression_saved_bytes_total \(total)\n"), "\(registry.text)")
        }
        try await server.stop()
    }
}

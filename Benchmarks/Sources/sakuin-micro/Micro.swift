// Micro benchmarks of the engine on a corpus: analyzer, JSON, import and search in process. One line a figure.
//
//     swift run -c release --package-path Benchmarks sakuin-micro CORPUS.jsonl [QUERIES.tsv]

import Foundation
@_spi(Benchmarks) import SakuinEngine

@main
struct Micro {
    static func main() async throws {
        guard CommandLine.arguments.count > 1 else {
            print("usage: sakuin-micro CORPUS.jsonl [QUERIES.tsv]")
            exit(2)
        }
        let corpus = [UInt8](try Data(contentsOf: URL(fileURLWithPath: CommandLine.arguments[1])))
        let lines = corpus.split(separator: 10).map { Array($0) }
        let documents = try lines.map { try Document(json: $0, keyField: "id") }
        let texts = documents.flatMap { d in ["title", "body"].compactMap { d[$0]?.text } }.map { Array($0.utf8) }
        let textBytes = texts.reduce(0) { $0 + $1.count }
        print("\(documents.count) documents, \(textBytes) bytes of text")
        analyze(texts, textBytes)
        scan(lines, corpus.count)
        try await index(lines, textBytes, CommandLine.arguments.count > 2 ? CommandLine.arguments[2] : nil)
    }

    /// The best of five runs.
    private static func best(_ label: String, bytes: Int, _ body: () -> Void) {
        var best = Double.infinity
        for _ in 0..<5 {
            let began = ContinuousClock.now
            body()
            let took = began.duration(to: .now)
            best = min(best, Double(took.components.seconds) + Double(took.components.attoseconds) * 1e-18)
        }
        print(
            String(
                format: "%@ %8.1f MB/s", label.padding(toLength: 28, withPad: " ", startingAt: 0),
                Double(bytes) / 1e6 / best))
    }

    private static func analyze(_ texts: [[UInt8]], _ bytes: Int) {
        for kind in [AnalyzerKind.cjk, .words] {
            var tokens = 0
            best("analyzer \(kind.name)", bytes: bytes) {
                var counter = TokenCounter(kind, .soft)
                for text in texts { _ = text.withUnsafeBufferPointer { counter.add($0) } }
                tokens = counter.tokens
            }
            print("    \(tokens) positional tokens")
        }
    }

    private struct Counting: JSONMemberVisitor {
        var members = 0
        mutating func member(name: UnsafeBufferPointer<UInt8>, value: JSONMember) throws(SakuinError) { members += 1 }
    }

    private static func scan(_ lines: [[UInt8]], _ bytes: Int) {
        best("JSON scan", bytes: bytes) {
            var scanner = JSONObjectScanner()
            var counting = Counting()
            for line in lines {
                line.withUnsafeBufferPointer { bytes in try? scanner.scan(bytes, visitor: &counting) }
            }
        }
    }

    private static func index(_ lines: [[UInt8]], _ textBytes: Int, _ queries: String?) async throws {
        let folder = NSTemporaryDirectory() + "sakuin-micro-\(ProcessInfo.processInfo.processIdentifier)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let schema = Schema(fields: [FieldDefinition(name: "title"), FieldDefinition(name: "body")])
        let index = try SearchIndex.open(path: folder, schema: schema)
        let began = ContinuousClock.now
        var start = 0
        while start < lines.count {
            let end = min(start + 1_000, lines.count)
            let operations = lines[start..<end].map { WriteOperation.putJSON($0, keyField: "id") }
            _ = try await index.write(WriteBatch(operations, acknowledge: .log))
            start = end
        }
        _ = try await index.refresh()
        let built = began.duration(to: .now)
        print("import in process            \(rate(textBytes, built)) MB/s")
        let compacting = ContinuousClock.now
        _ = try await index.compact(segments: 1)
        print("compaction to one segment    \(rate(textBytes, compacting.duration(to: .now))) MB/s")
        let statistics = index.statisticsNow()
        print(String(format: "bytes a byte of text         %8.3f", Double(statistics.bytes) / Double(textBytes)))
        for section in try await index.segments().first?.sections ?? [] {
            print("    \(section.name) \(section.bytes)")
        }
        if let queries { try search(index, queries) }
        try index.close()
    }

    private static func rate(_ bytes: Int, _ took: Duration) -> String {
        let seconds = Double(took.components.seconds) + Double(took.components.attoseconds) * 1e-18
        return String(format: "%8.1f", Double(bytes) / 1e6 / seconds)
    }

    private static func search(_ index: SearchIndex, _ path: String) throws {
        var times: [String: [UInt64]] = [:]
        let rows = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false)
        }
        for pass in 0..<3 {
            for row in rows where row.count > 1 && !row[0].hasPrefix("#") {
                let response = try index.searchNow(SearchRequest(String(row[1])))
                if pass > 0 { times[String(row[0]), default: []].append(response.tookMicroseconds) }
            }
        }
        for (kind, all) in times.sorted(by: { $0.key < $1.key }) {
            let sorted = all.sorted()
            print(
                "search \(kind.padding(toLength: 10, withPad: " ", startingAt: 0)) top 10 + count: p50 \(sorted[sorted.count / 2]) µs, "
                    + "p99 \(sorted[sorted.count * 99 / 100]) µs")
        }
    }
}

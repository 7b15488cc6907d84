// Text to tokens, JSON to members.

import Benchmark
import SakuinTypes
@_spi(Benchmarks) import SakuinEngine

func textBenchmarks() {
    for size in [100, 1_000, 10_000, 100_000] {
        for kind in [AnalyzerKind.cjk, .words] {
            Benchmark(title("analyzer \(kind.name)", size, "B"), configuration: .quick(size < 10_000)) {
                (benchmark, text: [UInt8]) in
                var counter = TokenCounter(kind, .soft)
                for _ in benchmark.scaledIterations {
                    text.withUnsafeBufferPointer { blackHole(counter.add($0)) }
                }
                blackHole(counter.checksum)
            } setup: {
                var text = SeededText(1)
                return Array(text.text(byteCount: size).utf8)
            }
        }
        Benchmark(title("JSON scan", size, "B"), configuration: .quick(size < 10_000)) {
            (benchmark, line: [UInt8]) in
            var scanner = JSONObjectScanner()
            var counting = MemberCount()
            for _ in benchmark.scaledIterations {
                try line.withUnsafeBufferPointer { try scanner.scan($0, visitor: &counting) }
            }
            blackHole(counting.members)
        } setup: {
            var text = SeededText(2)
            let document = JSONValue.object([
                .init(key: "id", value: .string("000001")),
                .init(key: "body", value: .string(text.text(byteCount: max(size - 32, 1)))),
            ])
            return Array(document.text.utf8)
        }
    }
}

private struct MemberCount: JSONMemberVisitor {
    var members = 0
    mutating func member(name: UnsafeBufferPointer<UInt8>, value: JSONMember) throws(SakuinError) { members += 1 }
}

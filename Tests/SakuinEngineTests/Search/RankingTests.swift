// Scores and their order against BM25 written down naively.

import Foundation
import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct RankingTests {
    private struct Collection {
        let texts: [[NaiveUnit]]
        let k1: Double
        let b: Double

        /// Units and half the gaps.
        func length(_ text: [NaiveUnit]) -> Int { (2 * text.count - text.count { $0 == .gap }) / 2 }
        var average: Double { Double(texts.reduce(0) { $0 + length($1) }) / Double(texts.count) }

        func frequency(_ needle: [NaiveUnit], _ text: [NaiveUnit]) -> Int {
            guard text.count >= needle.count else { return 0 }
            return (0...(text.count - needle.count)).count { text[$0..<($0 + needle.count)].elementsEqual(needle) }
        }

        /// BM25 without its constant factor; lengths as coarse as the index keeps them.
        func score(_ needle: [NaiveUnit], _ text: [NaiveUnit], df: Int) -> Double {
            let tf = Double(frequency(needle, text))
            if tf == 0 { return 0 }
            let count = Double(texts.count)
            let idf = log(1 + (count - Double(df) + 0.5) / (Double(df) + 0.5))
            let kept = Double(LengthCode.decode(LengthCode.encode(UInt32(length(text)))))
            return idf * tf / (tf + k1 * (1 - b + b * kept / average))
        }

        func documentFrequency(_ needle: [NaiveUnit]) -> Int { texts.count { frequency(needle, $0) > 0 } }
    }

    /// The scores of all documents in several segments; `terms` are one list each, so their frequencies are exact.
    @Test(arguments: [(1.2, 0.75), (0.5, 0), (2, 1)]) func scoresAreBM25(k1: Double, b: Double) async throws {
        var random = SeededRandom(seed: 111)
        let schema = Schema(fields: [FieldDefinition(name: "title", k1: Float(k1), b: Float(b))])
        let index = try SearchIndex.open(MemoryDirectory(), schema: schema, options: SearchFixture.options)
        var texts: [String] = []
        for part in 0..<3 {
            let more = (0..<150).map { _ in SearchFixture.text(&random) + SearchFixture.text(&random) }
            let operations = more.enumerated().map { i, text in
                WriteOperation.put(Document(key: "\(part * 150 + i)", ["title": .string(text)]))
            }
            texts += more
            _ = try await index.write(WriteBatch(operations))
            _ = try await index.refresh()
        }
        let model = Collection(texts: texts.map { NaiveText.normal($0, .soft) }, k1: k1, b: b)
        for (query, terms, boosts) in [
            ("国", ["国"], [1]), ("abc", ["abc"], [1]), ("国际", ["国际"], [1]), ("国 abc", ["国", "abc"], [1, 1]),
            ("国 OR abc^3 OR 12", ["国", "abc", "12"], [1, 3, 1]), ("(国际 OR x)^0.5", ["国际", "x"], [0.5, 0.5]),
            ("数字 -abd", ["数字"], [1]),
        ] as [(String, [String], [Double])] {
            let needles = terms.map { NaiveText.normal($0, .soft) }
            let frequencies = needles.map(model.documentFrequency)
            let hits = try index.searchNow(SearchRequest(query, limit: 1_000)).hits
            try #require(hits.count > 5)
            for hit in hits {
                let text = model.texts[try #require(Int(hit.key))]
                let expected = needles.indices.reduce(0) {
                    $0 + boosts[$1] * model.score(needles[$1], text, df: frequencies[$1])
                }
                #expect(abs(Double(hit.score) - expected) < 1e-4 * expected + 1e-6, "\(query): \(hit) \(expected)")
            }
            for (a, b) in zip(hits, hits.dropFirst()) { #expect(a.score >= b.score) }
            // The best few are the best of all, whatever was passed over on the way.
            for limit in [1, 3, 10] {
                #expect(try index.searchNow(SearchRequest(query, limit: limit)).hits == Array(hits.prefix(limit)))
            }
        }
        index.abandon()
    }

    /// Long lists, where whole blocks are passed over by their bounds.
    @Test func theBestAreFoundInLongLists() async throws {
        var random = SeededRandom(seed: 112)
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: SearchFixture.options)
        for part in 0..<2 {
            var operations: [WriteOperation] = []
            for i in 0..<3_000 {
                var body = "国际 网 abc "
                if random.below(50) == 0 { body += String(repeating: "国际，网 abc ", count: 1 + random.below(8)) }
                body += String(repeating: "字 ", count: random.below(30))
                operations.append(.put(Document(key: "\(part)-\(i)", ["body": .string(body)])))
            }
            _ = try await index.write(WriteBatch(operations))
            _ = try await index.refresh()
        }
        for query in ["国", "国际", "abc", "网 abc", "国际网", "abc OR 国际", "网 OR 国"] {
            let all = try index.searchNow(SearchRequest(query, limit: 10_000)).hits
            #expect(all.count == (query == "国际网" ? all.count : 6_000))
            for limit in [1, 10, 100] {
                let best = try index.searchNow(SearchRequest(query, limit: limit))
                #expect(best.hits == Array(all.prefix(limit)), "\(query) \(limit)")
                #expect(best.total == Total(all.count))
            }
        }
        index.abandon()
    }

    @Test func topKKeepsTheBest() {
        var random = SeededRandom(seed: 113)
        for capacity in [0, 1, 2, 10, 100] {
            var top = TopK(capacity)
            var all: [FoundDocument] = []
            for i in 0..<500 {
                let found = FoundDocument(
                    score: Float(random.below(30)), segment: Int32(random.below(3)), document: UInt32(i))
                all.append(found)
                top.offer(found)
            }
            let expected = all.sorted { $0.isBefore($1) }.prefix(capacity)
            if capacity > 0 { #expect(top.threshold == expected.last?.score) }
            #expect(top.takeSorted() == Array(expected))
        }
    }

    @Test func logarithm() {
        for value in [1e-12, 0.1, 0.5, 1, 1.4142, 1.5, 2, 2.718281828459045, 10, 12_345.678, 1e15] {
            #expect(abs(Logarithm.natural(value) - log(value)) <= 1e-14 * max(1, abs(log(value))))
        }
        #expect(Logarithm.natural(0) == 0 && Logarithm.natural(-1) == 0 && Logarithm.natural(.infinity) == 0)
    }

    /// Long lists answer the first ten out of their heads: the same as looking at all, for any parameters, in several
    /// segments, and still when documents were deleted.
    @Test(arguments: [(1.2, 0.75), (0.4, 0.02), (3, 1), (1.2, 0)]) func headsHoldTheBestOfAll(
        k1: Double, b: Double
    ) async throws {
        var random = SeededRandom(seed: 112)
        let schema = Schema(fields: [FieldDefinition(name: "title", k1: Float(k1), b: Float(b))])
        let index = try SearchIndex.open(MemoryDirectory(), schema: schema, options: SearchFixture.options)
        for part in 0..<2 {
            let operations = (0..<(2_600 - 900 * part)).map { i in
                var text = String(repeating: "字", count: 1 + random.below(part == 0 ? 12 : 60))
                for _ in 0...(random.below(3) == 0 ? random.below(7) : 0) { text += random.below(2) == 0 ? "国" : "，国际" }
                // More often than the head compares, and in fewer blocks than a gram needs for one.
                if i % 97 == 0 { text += String(repeating: "国", count: 250 + random.below(12)) }
                if i % 7 == 0 { text += String(repeating: "页码，", count: 1 + random.below(4)) }
                return WriteOperation.put(Document(key: "\(part)-\(i)", ["title": .string(text)]))
            }
            _ = try await index.write(WriteBatch(operations))
            _ = try await index.refresh()
        }
        for round in 0..<2 {
            for query in ["国", "字", "国际", "国 字", "页", "页码"] {
                let all = try index.searchNow(SearchRequest(query, limit: 3_000))
                // A head has no eleventh.
                for limit in [1, 3, 10, 11] {
                    for total in [TotalPolicy.exact, .none] {
                        var request = SearchRequest(query, limit: limit)
                        request.total = total
                        let few = try index.searchNow(request)
                        #expect(few.hits == Array(all.hits.prefix(limit)), "\(query) \(limit) \(total)")
                        if total == .exact { #expect(few.total == all.total) }
                    }
                }
                if round == 0 { _ = try await index.write(WriteBatch([.delete(all.hits[1].key)])) }
            }
            _ = try await index.refresh()
        }
        index.abandon()
    }
}

// Segments with and without pairs, with and without edges, with positions and with links beside each other: the same answers,
// merges that keep them apart unless all that is between them is edges.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct AnalyzerVersionTests {
    private static let texts = [
        "2023年1月7日英国只有A股", "第5号，第51号 5G网络", "1月。月1 a股,股b", "依托 5G网络 1 月", "国际数字 abc 1月,月", "Ｋはか 明治34 1月1月", "中、国、际网",
    ]
    private static let queries = [
        "1月", "月1", "a股", "股b", "第5号", "第5*", "5g网络", "网络", "股", "1", "\"abc 1月\"", "月1*", "明治34", "kはか", "7日英国只",
        "1月 OR 股b", "1月 -月1", "月,月", "5*", "只有a股 1月", "英国只有a", "\"网络 1\"", "\"数字 abc\"", "\"a股,股b\"", "\"字 abc 1月,月\"",
        "第51号 5g网络", "\"号 5g网\"", "\"1月。月1\"", "国、际", "国、际 OR 股b", "国、际 -a股", "\"中、国、际网\"", "\"网络 1 月\"",
    ]

    private func index(_ directory: any Directory, version: UInt32, laneCount: Int = 1) throws -> SearchIndex {
        var options = SearchFixture.options
        options.analyzerVersion = version
        options.laneCount = laneCount
        return try SearchIndex.open(directory, schema: .standard, options: options)
    }

    /// Writes the texts with keys from `from` on, each several times, in two segments.
    private func write(_ index: SearchIndex, from: Int) async throws {
        for half in 0..<2 {
            let operations = (0..<63).map { i in
                let number = from + half * 63 + i
                return WriteOperation.put(
                    Document(key: "\(number)", ["body": .string(Self.texts[number * 5 % Self.texts.count])]))
            }
            _ = try await index.write(WriteBatch(operations))
            _ = try await index.refresh()
        }
    }

    private func versions(_ index: SearchIndex) -> [UInt32] {
        index.store.snapshot.segments.map(\.reader.meta.analyzerVersion)
    }

    private func answers(_ index: SearchIndex) throws -> [[String]] {
        try Self.queries.map { query in
            let all = try index.searchNow(SearchRequest(query, limit: 1_000))
            #expect(all.total == Total(all.hits.count))
            #expect(try index.searchNow(SearchRequest(query, limit: 0)).total == all.total, "\(query)")
            #expect(try index.searchNow(SearchRequest(query, limit: 5)).hits == Array(all.hits.prefix(5)), "\(query)")
            #expect(all.hits.allSatisfy { $0.score > 0 })
            return all.hits.map(\.key).sorted()
        }
    }

    @Test(
        arguments: [(1, 2), (1, 3), (2, 3), (3, 2), (1, 4), (2, 4), (3, 4), (4, 3), (3, 5), (5, 4)]
            as [(UInt32, UInt32)])
    func versionsAnswerAlike(first: UInt32, then: UInt32) async throws {
        let mixed = MemoryDirectory()
        let merged = first + 2 == then && first > 1 ? then : first
        let old = try index(mixed, version: first)
        try await write(old, from: 0)
        let alone = try index(MemoryDirectory(), version: then)
        try await write(alone, from: 0)
        let expected = try answers(alone)
        #expect(expected.allSatisfy { !$0.isEmpty })
        #expect(try answers(old) == expected)
        try old.close()

        var both = try index(mixed, version: then)
        #expect(versions(both) == [first, first])
        try await write(both, from: 126)
        try await write(alone, from: 126)
        #expect(versions(both) == [first, first, then, then])
        let all = try answers(alone)
        #expect(try answers(both) == all)
        _ = try await both.compact(segments: 1)
        #expect(Set(versions(both)) == [merged, then])
        #expect(try await both.segments().allSatisfy { $0.formatVersion == Int(SegmentLayout.formatVersion) })
        #expect(try answers(both) == all)
        try both.close()
        both = try index(mixed, version: then)
        #expect(Set(versions(both)) == [merged, then])
        #expect(try answers(both) == all)
        both.abandon()
        alone.abandon()
    }

    /// Where no pair is in the query the versions of the segments make no difference to scores.
    @Test(arguments: [1, 3, 4, 5] as [UInt32]) func scoresDoNotDependOnTheVersion(first: UInt32) async throws {
        let directory = MemoryDirectory()
        let old = try index(directory, version: first)
        try await write(old, from: 0)
        try old.close()
        let (both, alone) = (try index(directory, version: 2), try index(MemoryDirectory(), version: 2))
        try await write(both, from: 126)
        try await write(alone, from: 0)
        try await write(alone, from: 126)
        for query in ["网络", "股", "1", "国际数字 OR abc", "\"abc 1\"", "国、际", "\"中、国、际网\""] {
            let request = SearchRequest(query, limit: 1_000)
            let expected = try alone.searchNow(request).hits.map { "\($0.key) \($0.score)" }.sorted()
            #expect(try both.searchNow(request).hits.map { "\($0.key) \($0.score)" }.sorted() == expected, "\(query)")
        }
        both.abandon()
        alone.abandon()
    }

    /// A pair is one list: its documents are counted without reading it.
    @Test func aPairIsOneList() async throws {
        let index = try index(MemoryDirectory(), version: 2)
        try await write(index, from: 0)
        _ = try await index.compact(segments: 1)
        let segment = try #require(index.store.snapshot.segments.first?.reader)
        for (text, count) in [("1月", 90), ("股b", 18), ("第5", 18)] {
            let plan = try QueryPlanner.plan(
                .text(text, fields: ["body"]), filter: nil, index.searched, fields: [], highlights: false,
                proofs: [.positions])
            let memory = ScratchMemory()
            #expect(try SegmentQuery(plan, segment, memory.scratch).plainDocumentFrequency == count, "\(text)")
        }
        index.abandon()
    }

    @Test func anotherVersionIsRefused() throws {
        let schema = Schema(fields: [FieldDefinition(name: "body")])
        for version in [0, Analyzer.newestVersion + 1] {
            let registry = FieldRegistry(schema: schema, names: [], analyzerVersion: version)
            let inverter = Inverter(registry: registry)
            let batch = WriteBatch([.put(Document(key: "a", ["body": "1月"]))])
            let encoded = try #require(try BatchEncoder.encode(batch, registry).batch)
            try encoded.forEach { (_, _, body) throws(StorageError) in try inverter.add(body, ordinal: 0, sequence: 1) }
            let directory = MemoryDirectory()
            _ = try inverter.seal(directory, id: 1, keepsMemory: false)
            let error = try #require(throws: StorageError.self) {
                try SegmentReader(directory, FileName.segment(1))
            }
            guard case .unsupportedVersion(_, Int(version), 1...Int(Analyzer.newestVersion)) = error else {
                Issue.record("\(error)")
                return
            }
        }
    }
}

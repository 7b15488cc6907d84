// `field:*` and `field:[* TO *]`: documents that have something in a field, text fields among them.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct TextPresenceTests {
    private static let schema = Schema(fields: [
        FieldDefinition(name: "title"), FieldDefinition(name: "part", analyzer: .ngram(2), stored: false),
        FieldDefinition(name: "whole", analyzer: .keyword), FieldDefinition(name: "word", analyzer: .words),
        FieldDefinition(name: "k", type: .keyword), FieldDefinition(name: "n", type: .integer),
    ])

    private func keys(_ index: SearchIndex, _ query: String) throws -> [String] {
        try index.searchNow(SearchRequest(.text(query), limit: 1_000)).hits.map(\.key).sorted()
    }

    /// Three segments, of which one has no text at all and one documents that are far apart.
    private func filled(_ expected: inout [String: [String]]) async throws -> SearchIndex {
        let index = try SearchIndex.open(MemoryDirectory(), schema: Self.schema, options: SearchFixture.options)
        var random = SeededRandom(seed: 7)
        for (part, share) in [(0, 2), (1, 0), (2, 90)] {
            var operations: [WriteOperation] = []
            for number in 0..<200 {
                let key = "\(part)-\(number)"
                var fields = [Document.Field("n", .integer(Int64(number)))]
                for field in ["title", "part", "whole", "word", "k"] where share > 0 && random.below(share) == 0 {
                    fields.append(.init(field, .string(number % 3 == 0 ? "国" : "a-1 国际")))
                    expected[field, default: []].append(key)
                }
                operations.append(.put(Document(key: key, fields: fields)))
            }
            // Without a letter or digit there is nothing of it to be found.
            operations.append(.put(Document(key: "\(part)-none", ["title": "！？", "word": "", "whole": " "])))
            _ = try await index.write(WriteBatch(operations))
            _ = try await index.refresh()
        }
        return index
    }

    @Test func whatHasTextIsFound() async throws {
        var expected: [String: [String]] = [:]
        let index = try await filled(&expected)
        #expect(index.statisticsNow().segments == 3)
        for isMerged in [false, true] {
            if isMerged { _ = try await index.compact(segments: 1) }
            for (field, all) in expected {
                for query in ["\(field):*", "\(field):[* TO *]", "(\(field):* n:*)", "\(field):* OR \(field):*^2"] {
                    #expect(try keys(index, query) == all.sorted(), "\(query)")
                }
                #expect(try keys(index, "-\(field):*").count == 603 - all.count, "\(field)")
                let rare = all.filter { $0.hasSuffix("7") }
                #expect(try keys(index, "\(field):* n:7") == rare.filter { $0.hasSuffix("-7") }.sorted(), "\(field)")
                #expect(try index.searchNow(SearchRequest(.text("\(field):*"), limit: 0)).total == Total(all.count))
            }
            #expect(try keys(index, "n:*").count == 600)
        }
        let tree = SearchRequest(.tree(.range(field: "title", lower: nil, upper: nil)), limit: 0)
        #expect(try index.searchNow(tree).total == Total(expected["title"]?.count ?? 0))
        index.abandon()
    }

    @Test func whatIsNoneOfItStaysText() async throws {
        let index = try SearchIndex.open(MemoryDirectory(), schema: Self.schema, options: SearchFixture.options)
        _ = try await index.write(
            WriteBatch([
                .put(Document(key: "a", ["title": "国", "part": "x*", "k": "*"])),
                .put(Document(key: "b", ["title": "際", "part": "xy", "k": "y"])),
            ]))
        _ = try await index.refresh()
        #expect(try keys(index, "k:\"*\"") == ["a"])
        #expect(try keys(index, "part:\"*\"") == ["a"])
        #expect(try keys(index, "part:*x") == [])
        #expect(try keys(index, "part:x*") == ["a", "b"])
        let error = #expect(throws: SakuinError.self) { try index.searchNow(SearchRequest("title:[a TO *]")) }
        #expect(error?.nextStep?.contains("title:*") == true, "\(error as Any)")
        index.abandon()
    }
}

// Merging stored documents: tables of symbols are trained, taken over and left, and every document stays as it was.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct StoredTextTableTests {
    private func text(_ random: inout SeededRandom) -> String {
        let words = ["国际", "数字经济", "，", "北京", "5G网络", "大会举行", "。", "東京", "서울 ", "A股", "麤", "𠀀"]
        return (0..<450).map { _ in words[random.below(words.count)] }.joined()
    }

    private func tables(_ directory: MemoryDirectory, _ index: SearchIndex) async throws -> [SymbolTable?] {
        try await index.segments().map { try SegmentReader(directory, $0.file).documents().table }
    }

    @Test func documentsOutliveTheirTables() async throws {
        var random = SeededRandom(seed: 93)
        let directory = MemoryDirectory()
        let index = try SearchIndex.open(
            directory, schema: Schema(fields: [FieldDefinition(name: "body")]), options: SearchFixture.options)
        var model: [String: String] = [:]
        // Large enough for a table; then little beside much, whose blocks are copied; then as much again.
        for (round, count) in [400, 40, 700].enumerated() {
            var operations = (0..<count).map { i in
                let key = "\(round)-\(i)"
                model[key] = text(&random)
                return WriteOperation.put(Document(key: key, ["body": .string(model[key] ?? "")]))
            }
            for key in model.keys.sorted().prefix(round * 10) {
                model[key] = nil
                operations.append(.delete(key))
            }
            for half in [operations[..<(count / 2)], operations[(count / 2)...]] {
                _ = try await index.write(WriteBatch(Array(half)))
                _ = try await index.refresh()
            }
            _ = try await index.compact(segments: 1)
            let tables = try await tables(directory, index)
            #expect(tables.count == 1 && tables[0] != nil, "round \(round)")
            let keys = model.keys.sorted()
            let found = try index.getNow(keys)
            for (key, document) in zip(keys, found) {
                let body = document?["body"]
                #expect(document?.key == key && body == .string(model[key] ?? ""), "round \(round), \(key)")
            }
        }
        index.abandon()
    }
}

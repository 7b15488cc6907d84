// Merging stored documents: codes are trained, taken over and left, and every document stays as it was.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct StoredCodeChoiceTests {
    private func text(_ random: inout SeededRandom) -> String {
        let words = ["国际", "数字经济", "，", "北京", "5G网络", "大会举行", "。", "東京", "서울 ", "A股", "麤", "𠀀"]
        return (0..<450).map { _ in words[random.below(words.count)] }.joined()
    }

    private func codes(_ directory: MemoryDirectory, _ index: SearchIndex) async throws -> [StoredCode?] {
        try await index.segments().map { try SegmentReader(directory, $0.file).documents.code() }
    }

    @Test func documentsOutliveTheirCodes() async throws {
        var random = SeededRandom(seed: 93)
        let directory = MemoryDirectory()
        let index = try SearchIndex.open(
            directory, schema: Schema(fields: [FieldDefinition(name: "body")]), options: SearchFixture.options)
        var model: [String: String] = [:]
        // Large enough for a code; then little beside much, whose blocks are copied; then as much again.
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
            let codes = try await codes(directory, index)
            #expect(codes.count == 1 && codes[0] != nil, "round \(round)")
            let keys = model.keys.sorted()
            let found = try index.getNow(keys)
            for (key, document) in zip(keys, found) {
                let body = document?["body"]
                #expect(document?.key == key && body == .string(model[key] ?? ""), "round \(round), \(key)")
            }
        }
        index.abandon()
    }

    private func store(_ directory: MemoryDirectory, _ name: String) throws -> DocumentStore {
        try SegmentReader(directory, name).documents
    }

    /// The compressed bytes of all blocks.
    private func blocks(_ store: DocumentStore) throws -> [[UInt8]] {
        try (0..<store.blockCount).map { Array(try store.block($0).stored) }
    }

    private func write(_ keys: [String], _ random: inout SeededRandom, _ index: SearchIndex) async throws {
        _ = try await index.write(
            WriteBatch(keys.map { .put(Document(key: $0, ["body": .string(text(&random))])) }))
        _ = try await index.refresh()
    }

    /// A dead document costs its own block the copy, not all blocks of its segment.
    @Test func blocksInWhichNothingDiedAreCopied() async throws {
        var random = SeededRandom(seed: 94)
        let directory = MemoryDirectory()
        let index = try SearchIndex.open(
            directory, schema: Schema(fields: [FieldDefinition(name: "body")]), options: SearchFixture.options)
        try await write((0..<1_200).map { "a\($0)" }, &random, index)
        _ = try await index.compact(segments: 1)
        let before = try blocks(store(directory, try #require(try await index.segments().first).file))
        #expect(before.count >= 8)
        _ = try await index.write(WriteBatch([.delete("a600")]))
        try await write(["b"], &random, index)
        _ = try await index.compact(segments: 1)
        let after = try blocks(store(directory, try #require(try await index.segments().first).file))
        #expect(Set(before).subtracting(after).count == 1)
        index.abandon()
    }

    /// Segments share the code of the largest one, so that merging them copies their blocks too.
    @Test func mergesOfMergedSegmentsCopy() async throws {
        var random = SeededRandom(seed: 95)
        let directory = MemoryDirectory()
        let index = try SearchIndex.open(
            directory, schema: Schema(fields: [FieldDefinition(name: "body")]), options: SearchFixture.options)
        for (name, count) in [("a", 2_400), ("b", 400), ("c", 400)] {
            try await write((0..<count).map { "\(name)\($0)" }, &random, index)
            let newest = try #require(index.mergeCandidates.last).id
            _ = try index.merge([newest], MergeControl(), withHelper: false)
        }
        let stores = try await index.segments().map { try store(directory, $0.file) }
        let code = try #require(try stores[0].code())
        #expect(stores.count == 3)
        #expect(try stores.allSatisfy { try $0.code() == code })
        let before = try stores.dropFirst().flatMap { try blocks($0) }
        _ = try index.merge(index.mergeCandidates.dropFirst().map(\.id), MergeControl(), withHelper: false)
        let merged = try store(directory, try #require(try await index.segments().last).file)
        // Whole blocks are; what was left at the end of each is brought together.
        #expect(Set(before).subtracting(try blocks(merged)).count <= 2)
        #expect(try merged.code() == code)
        index.abandon()
    }
}

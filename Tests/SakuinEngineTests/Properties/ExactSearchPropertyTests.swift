// Random documents and queries against the brute-force oracle: counts, keys and spans, through writes, deletes and merges.

import Foundation
import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct ExactSearchPropertyTests {
    private static let seed = ProcessInfo.processInfo.environment["SAKUIN_SEED"].flatMap { UInt64($0) } ?? 20_261_123
    private static let roundCount = 14
    /// Of four stages a round, so that a hundred thousand queries are compared.
    private static let queryCountPerStage = 1_800

    /// What the index should hold.
    private struct Model {
        var documents: [String: [String: String]] = [:]
        var normal: [String: [[NaiveUnit]]] = [:]
        let breaks: BreaksPolicy

        mutating func put(_ key: String, _ fields: [String: String]) {
            documents[key] = fields
            normal[key] = fields.values.map { NaiveText.normal($0, breaks) }
        }

        mutating func delete(_ key: String) {
            documents[key] = nil
            normal[key] = nil
        }

        func matches(_ query: String, isPrefix: Bool) -> Set<String> {
            let needle = NaiveText.normal(query, breaks)
            let matches = isPrefix ? NaiveText.containsPrefix : NaiveText.contains
            return Set(normal.filter { $0.value.contains { matches($0, needle, []) } }.keys)
        }
    }

    @Test(arguments: 0..<roundCount) func countsKeysAndSpans(round: Int) async throws {
        let seed = Self.seed &+ UInt64(round)
        print("exact search property: seed \(seed)")
        var random = SeededRandom(seed: seed)
        let breaks = BreaksPolicy.allCases[round % 3]
        let schema = Schema(fields: [
            FieldDefinition(name: "title", breaks: breaks), FieldDefinition(name: "body", breaks: breaks),
        ])
        var options = IndexOptions()
        options.laneCount = 1 + round % 3
        options.refreshIntervalMilliseconds = 0
        options.commitIntervalMilliseconds = 0
        options.mergesInBackground = round % 2 == 0
        // The first segments may be of another analyzer version than those that follow.
        let versions: (first: UInt32, then: UInt32) = [
            (4, 4), (1, 4), (5, 5), (2, 4), (3, 5), (5, 4), (2, 3),
        ][round % 7]
        options.analyzerVersion = versions.first
        let directory = MemoryDirectory()
        var index = try SearchIndex.open(directory, schema: schema, options: options)
        options.analyzerVersion = versions.then
        var model = Model(breaks: breaks)
        for stage in 0..<4 {
            if stage == 1 {
                try index.close()
                index = try SearchIndex.open(directory, schema: nil, options: options)
            }
            try await write(index, &model, &random)
            if stage == 2 {
                _ = try await index.compact(segments: 1)
                // A refresh may have added a segment meanwhile.
                let found = Set(index.store.snapshot.segments.map(\.reader.meta.analyzerVersion))
                #expect(found == [Analyzer.merged(versions.first, written: versions.then), versions.then])
            }
            if stage == 3 {
                index.abandon()
                index = try SearchIndex.open(directory, schema: nil, options: options)
            }
            _ = try await index.refresh()
            try compare(index, model, &random, "seed \(seed) stage \(stage)")
        }
        index.abandon()
    }

    private func write(_ index: SearchIndex, _ model: inout Model, _ random: inout SeededRandom) async throws {
        for _ in 0..<3 {
            var operations: [WriteOperation] = []
            for _ in 0..<25 {
                let key = "k\(random.below(120))"
                if random.below(5) == 0 {
                    model.delete(key)
                    operations.append(.delete(key))
                } else {
                    let fields = ["title": TextMaker.text(6, &random), "body": TextMaker.text(60, &random)]
                    model.put(key, fields)
                    operations.append(
                        .put(Document(key: key, fields: fields.map { .init($0.key, .string($0.value)) })))
                }
            }
            _ = try await index.write(WriteBatch(operations))
            if random.below(2) == 0 { _ = try await index.refresh() }
        }
    }

    private func compare(
        _ index: SearchIndex, _ model: Model, _ random: inout SeededRandom, _ place: String
    ) throws {
        let texts = model.documents.values.flatMap(\.values).filter { !$0.isEmpty }.sorted()
        for number in 0..<Self.queryCountPerStage {
            let query = TextMaker.part(of: texts[random.below(texts.count)], &random)
            let isPrefix = number % 4 == 1
            var request = SearchRequest(
                .tree(isPrefix ? .prefix(query, fields: []) : .text(query, fields: [])), limit: 200)
            request.spans = number % 8 == 0
            request.returnFields = request.spans ? .all : .none
            let response = try index.searchNow(request)
            let expected = model.matches(query, isPrefix: isPrefix)
            let found = Set(response.hits.map(\.key))
            guard found == expected, response.total.value == expected.count, response.hits.count == found.count else {
                Issue.record(
                    "\(place): \(Array(query.unicodeScalars)) found \(found.count), expected \(expected.count)")
                return
            }
            if request.spans { try checkSpans(response, query, model.breaks, place) }
        }
    }

    /// Every hit has spans, and each is the query again: N(text[span]) holds N(query), and is it when the span is one
    /// occurrence.
    private func checkSpans(
        _ response: SearchResponse, _ query: String, _ breaks: BreaksPolicy, _ place: String
    ) throws {
        let needle = NaiveText.normal(query, breaks)
        for hit in response.hits {
            #expect(!hit.spans.isEmpty, "\(place): no span for \(query) in \(hit.key)")
            for field in hit.spans {
                let value = try #require(hit.fields.first { $0.name == field.field }?.value.text)
                let bytes = Array(value.utf8)
                for span in field.spans {
                    let slice = try #require(String(validating: bytes[span.start..<span.end], as: UTF8.self))
                    let normal = NaiveText.normal(slice, breaks)
                    let isOne = normal == needle
                    // Overlapping occurrences are one span.
                    let isSeveral = normal.count > needle.count && NaiveText.contains(normal, needle)
                    #expect(isOne || isSeveral, "\(place): span of \(query) is \(slice)")
                }
            }
        }
    }
}

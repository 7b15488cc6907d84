// Random long phrases: repeats, gaps and words between, in both kinds of index, several segments with deletes, before and after
// compaction; what is found and nothing else, by the same scores in both kinds and in indexes of segments of both, with and
// without edges.

import Foundation
import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct PhrasePropertyTests {
    private static let seed = ProcessInfo.processInfo.environment["SAKUIN_SEED"].flatMap { UInt64($0) } ?? 20_261_140
    private static let roundCount = 8
    private static let queryCount = 120

    /// What texts of a round are made of.
    private static let pieces: [[String]] = [
        ["国", "字"], ["国", "字", "，"], ["国", "际", "字", "， ", "a "], ["发", "髮", "展"], ["发", "髪", "か", "カ", "，"],
        ["a ", "b", "国", "国字", "1"], ["国，", "字，", "国", "，", "a"], ["할 ", "수 ", "있다 ", "국", "，", "国"],
    ]
    /// By index, the analyzer versions of its segments.
    private static let versions: [[UInt32]] = [
        [4, 4, 4], [3, 3, 3], [4, 3, 3], [2, 2, 2], [2, 4, 4], [5, 5, 5], [3, 5, 4],
    ]

    /// Stretches, each some times over.
    private static func text(_ pieces: [String], _ random: inout SeededRandom) -> String {
        var text = ""
        for _ in 0..<(1 + random.below(4)) {
            let stretch = (0..<(1 + random.below(5))).map { _ in pieces[random.below(pieces.count)] }.joined()
            text += String(repeating: stretch, count: 1 + random.below(random.below(3) == 0 ? 60 : 6))
        }
        return text
    }

    private static func part(of texts: [String], _ pieces: [String], _ random: inout SeededRandom) -> String {
        if random.below(6) == 0 { return text(pieces, &random) }
        let scalars = Array(texts[random.below(texts.count)].unicodeScalars)
        let from = random.below(max(scalars.count, 1))
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[from..<min(scalars.count, from + 1 + random.below(random.below(2) * 120 + 12))])
        return String(view)
    }

    private static func query(_ texts: [String], _ pieces: [String], _ random: inout SeededRandom) -> Query {
        func part() -> Query { .text(Self.part(of: texts, pieces, &random), fields: []) }
        switch random.below(9) {
        case 5: return .prefix(Self.part(of: texts, pieces, &random), fields: [])
        case 0: return .and([part(), part()])
        case 1: return .or([part(), part(), part()])
        case 2: return .and([part(), .not(part())])
        case 3: return .or([.and([part(), part()]), .boost(part(), 2)])
        case 4:
            let texts = (0..<2).map { _ in Self.part(of: texts, pieces, &random) }
            return .near(texts, distance: random.below(9), fields: [])
        default: return part()
        }
    }

    private static func matches(_ query: Query, _ text: [NaiveUnit], _ variants: VariantFolding) -> Bool {
        switch query {
        case .text(let part, _): NaiveText.contains(text, NaiveText.normal(part, .soft), variants)
        case .near(let parts, let distance, _):
            NaiveText.isNear(text, parts.map { NaiveText.normal($0, .soft) }, distance: distance, variants)
        case .prefix(let part, _): NaiveText.containsPrefix(text, NaiveText.normal(part, .soft), variants)
        case .and(let children): children.allSatisfy { matches($0, text, variants) }
        case .or(let children): children.contains { matches($0, text, variants) }
        case .not(let child): !matches(child, text, variants)
        case .boost(let child, _): matches(child, text, variants)
        case .all, .range, .equals: true
        }
    }

    @Test(arguments: 0..<roundCount) func phrasesAgreeWithBruteForce(round: Int) async throws {
        let seed = Self.seed &+ UInt64(round)
        print("phrases: seed \(seed)")
        var random = SeededRandom(seed: seed)
        let pieces = Self.pieces[round % Self.pieces.count]
        var options = SearchFixture.options
        if round % 2 == 1 {
            options.promotion = PromotionRule(
                thresholdMin: 4, postingShareMax: 100, wholeShareThreshold: 1, postingCountMax: 1 << 30)
        }
        let directories = Self.versions.map { _ in MemoryDirectory() }
        var indexes: [SearchIndex] = []
        var texts: [String: String] = [:]
        for part in 0..<3 {
            for (number, versions) in Self.versions.enumerated()
            where part == 0 || versions[part] != versions[part - 1] {
                options.analyzerVersion = versions[part]
                if part > 0 { try indexes[number].close() }
                let index = try SearchIndex.open(
                    directories[number],
                    schema: part > 0 ? nil : Schema(fields: [FieldDefinition(name: "body")]), options: options)
                if part == 0 { indexes.append(index) } else { indexes[number] = index }
            }
            var operations: [WriteOperation] = []
            for _ in 0..<40 {
                let key = "k\(random.below(100))"
                if random.below(8) == 0 {
                    texts[key] = nil
                    operations.append(.delete(key))
                } else {
                    let text = Self.text(pieces, &random)
                    texts[key] = text
                    operations.append(.put(Document(key: key, ["body": .string(text)])))
                }
            }
            for index in indexes {
                _ = try await index.write(WriteBatch(operations))
                _ = try await index.refresh()
            }
        }
        for (index, versions) in zip(indexes, Self.versions) {
            #expect(index.store.snapshot.segments.map(\.reader.meta.analyzerVersion) == versions)
        }
        var found = 0
        for place in ["in segments", "compacted"] {
            for number in 0..<Self.queryCount {
                let query = Self.query(texts.values.sorted(), pieces, &random)
                let variants: VariantFolding = number % 3 == 0 ? .all : []
                found += try Self.compare(indexes, query, variants, texts, "seed \(seed) \(place)")
            }
            for index in indexes { _ = try await index.compact(segments: 1) }
        }
        let compacted = indexes.map { Set($0.store.snapshot.segments.map(\.reader.meta.analyzerVersion)) }
        #expect(compacted == [[4], [3], [3, 4], [2], [4], [5], [3, 4, 5]])
        #expect(found > 300)
        for index in indexes { index.abandon() }
    }

    /// Compares what all indexes find with what they should; returns how much that is.
    private static func compare(
        _ indexes: [SearchIndex], _ query: Query, _ variants: VariantFolding, _ texts: [String: String], _ place: String
    ) throws -> Int {
        let expected = texts.filter { matches(query, NaiveText.normal($0.value, .soft), variants) }.map(\.key).sorted()
        var request = SearchRequest(.tree(query), limit: 200)
        request.variants = variants
        let answers = try indexes.map { try $0.searchNow(request) }
        for answer in answers {
            guard answer.hits.map(\.key).sorted() == expected, answer.total == Total(expected.count) else {
                Issue.record("\(place): \(query) \(variants) found \(answer.total), expected \(expected.count)")
                return expected.count
            }
        }
        for (index, answer) in zip(indexes, answers)
        where index.store.snapshot.segments.count == indexes[0].store.snapshot.segments.count {
            #expect(answer.hits == answers[0].hits, "\(place): \(query) \(variants) scores differently")
        }
        request.limit = 3
        request.total = .none
        for (index, answer) in zip(indexes, answers) {
            #expect(try index.searchNow(request).hits == Array(answer.hits.prefix(3)), "\(place): \(query) \(variants)")
        }
        return expected.count
    }
}

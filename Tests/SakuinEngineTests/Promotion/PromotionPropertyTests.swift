// Promoted grams against an index without them and against brute force: counts, ranking, and what the segments say.

import Foundation
import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct PromotionPropertyTests {
    private static let seed = ProcessInfo.processInfo.environment["SAKUIN_SEED"].flatMap { UInt64($0) } ?? 20_261_126

    /// Of few characters in long runs, so that all grams of four are frequent; words, gaps and blanks between.
    private static func text(_ count: Int, _ random: inout SeededRandom) -> String {
        let pieces = ["哈", "哈", "哈", "国", "国", "际", "际", "数", "あ", "한", "国际", "哈哈哈哈", "国际数", "𠮷"]
        let others = ["，", " ", "5g", " x ", "。\n"]
        return (0..<random.below(count + 1)).map { _ in
            random.below(7) == 0 ? others[random.below(others.count)] : pieces[random.below(pieces.count)]
        }.joined()
    }

    private static func schema(isCompact: Bool) -> Schema {
        let fields = [
            FieldDefinition(name: "title"), FieldDefinition(name: "body"), FieldDefinition(name: "tag", type: .keyword),
            FieldDefinition(name: "units", analyzer: .words),
        ]
        return Schema(fields: fields, compact: isCompact)
    }

    private static func options(_ rule: PromotionRule, lanes: Int = 1) -> IndexOptions {
        var options = SearchFixture.options
        options.promotion = rule
        options.laneCount = lanes
        return options
    }

    /// All that may be, from a threshold on.
    private static func rule(
        _ threshold: Int, share: Double = 100, wholeShareThreshold: Int = 1, depth: Int = 4
    ) -> PromotionRule {
        PromotionRule(
            thresholdMin: threshold, postingShareMax: share, wholeShareThreshold: wholeShareThreshold,
            postingCountMax: 1 << 30, depthMax: depth, longerDivisor: 2)
    }

    /// No gram is promoted.
    private static let none = PromotionRule(thresholdMin: .max)

    /// Operations on documents that are made and unmade, the same for every index.
    private static func operations(
        _ count: Int, _ random: inout SeededRandom, _ texts: inout [String: [String]]
    ) -> [WriteOperation] {
        (0..<count).map { _ in
            let key = "k\(random.below(300))"
            if random.below(6) == 0 {
                texts[key] = nil
                return .delete(key)
            }
            let fields = [text(8, &random), text(40, &random)]
            texts[key] = fields
            return .put(
                Document(
                    key: key,
                    [
                        "title": .string(fields[0]), "body": .string(fields[1]), "tag": .string("国际数"),
                        "units": .string(fields[0]),
                    ]))
        }
    }

    /// Parts of texts, of up to 12 characters, some of which are in no text.
    private static func query(_ texts: [String], _ random: inout SeededRandom) -> String {
        if random.below(3) == 0 { return text(2 + random.below(6), &random) }
        let scalars = Array(texts[random.below(texts.count)].unicodeScalars)
        if scalars.isEmpty { return "哈哈哈" }
        let start = random.below(scalars.count)
        var part = String.UnicodeScalarView()
        part.append(contentsOf: scalars[start..<min(scalars.count, start + 3 + random.below(10))])
        return String(part)
    }

    @Test(arguments: 0..<5) func answersAreThoseWithoutPromotion(round: Int) async throws {
        let isCompact = round % 2 == 1
        let seed = Self.seed &+ UInt64(round)
        var random = SeededRandom(seed: seed)
        let rule = Self.rule(
            [1, 2, 5, 20][round % 4], share: [100, 1][round / 3], wholeShareThreshold: [1, 40][round % 2],
            depth: 3 + round % 2)
        let laneCount = 1 + round / 4
        let promoting = try SearchIndex.open(
            MemoryDirectory(), schema: Self.schema(isCompact: isCompact), options: Self.options(rule, lanes: laneCount))
        let plain = try SearchIndex.open(
            MemoryDirectory(), schema: Self.schema(isCompact: isCompact),
            options: Self.options(Self.none, lanes: laneCount))
        var texts: [String: [String]] = [:]
        for stage in 0..<3 {
            for _ in 0..<3 {
                let batch = WriteBatch(Self.operations(80, &random, &texts))
                for index in [promoting, plain] { _ = try await index.write(batch) }
            }
            for index in [promoting, plain] {
                _ = try await index.refresh()
                if stage % 2 == 1 { _ = try await index.compact(segments: 1) }
            }
            #expect(plain.store.snapshot.segments.allSatisfy { $0.reader.promoted == nil })
            for segment in promoting.store.snapshot.segments { try SegmentCheck.run(segment.reader) }
            let place = "seed \(seed) stage \(stage)"
            for number in 0..<100 {
                let query = Self.query(Array(texts.values.joined()).sorted(), &random)
                try compare(query, number, promoting, plain, texts, isOrdered: laneCount == 1, place)
            }
        }
        #expect(promoting.store.snapshot.segments.contains { $0.reader.promoted != nil })
        promoting.abandon()
        plain.abandon()
    }

    private func compare(
        _ query: String, _ number: Int, _ promoting: SearchIndex, _ plain: SearchIndex, _ texts: [String: [String]],
        isOrdered: Bool, _ place: String
    ) throws {
        let text = Query.text(query, fields: number % 5 == 0 ? ["title"] : ["title", "body"])
        let other = Query.text("国际数", fields: [])
        let trees: [Query] = [
            text, .and([text, other]), .or([text, other]), .and([text, .not(other)]),
            .or([text, .text("哈哈哈哈", fields: [])]),
        ]
        for (tree, limit, total) in [
            (trees[0], 0, TotalPolicy.exact), (trees[0], 10, .exact), (trees[0], 10, .none),
            (trees[1 + number % 4], [0, 10, 1_000][number % 3], [.exact, .none][number % 2]),
        ] {
            var request = SearchRequest(.tree(tree), limit: limit)
            request.total = total
            let (found, expected) = (try promoting.searchNow(request), try plain.searchNow(request))
            #expect(found.hits.map(\.score) == expected.hits.map(\.score), "\(place): \(query) \(number)")
            if total == .exact {
                #expect(found.total == expected.total, "\(place): \(query) \(number)")
                // With several lanes documents of equal scores come in any order.
                #expect(
                    !isOrdered || found.hits.map(\.key) == expected.hits.map(\.key), "\(place): \(query) \(number)")
            }
        }
        let needle = NaiveText.normal(query, .soft)
        let count = texts.values.count { fields in
            fields[..<(number % 5 == 0 ? 1 : 2)].contains {
                NaiveText.contains(NaiveText.normal($0, .soft), needle)
            }
        }
        var request = SearchRequest(.tree(text), limit: 0)
        request.total = .exact
        #expect(try promoting.searchNow(request).total.value == count, "\(place): \(query)")
    }

    /// What a segment has promoted, as text: grams, documents, frequencies.
    private func contents(_ segment: SegmentReader) throws -> [String] {
        let promoted = try #require(segment.promoted)
        var lines = promoted.fields.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        var grams = promoted.dictionary.iterator()
        var reader = PostingListReader()
        while try grams.next() {
            let gram = try #require(PromotedGrams.gram(of: grams.key))
            var line = "\(gram)"
            try reader.read(
                grams.info, segment.promotedSource, base: UnsafeBufferPointer(start: nil, count: 0),
                try segment.lengths(gram.field)
            ) { (block) in
                for i in 0..<block.count { line += " \(block.documents[i]):\(block.frequencies[i])" }
            }
            lines.append(line)
        }
        return lines
    }

    /// The sections of a merge are those of one flush of the same documents; and they hold all the rule says.
    @Test(arguments: [(2, false), (4, true), (30, false), (150, true), (4, false)])
    func mergesPromoteWhatFlushesDo(threshold: Int, isCompact: Bool) async throws {
        var random = SeededRandom(seed: 77)
        let documents = (0..<400).map { i in
            Document(
                key: "\(i)",
                ["title": .string(Self.text(10, &random)), "body": .string(Self.text(i == 7 ? 3_000 : 60, &random))])
        }
        let options = Self.options(Self.rule(threshold))
        var found: [[String]] = []
        for partCount in [1, 5] {
            let index = try SearchIndex.open(
                MemoryDirectory(), schema: Self.schema(isCompact: isCompact), options: options)
            for part in 0..<partCount {
                let (from, to) = (400 * part / partCount, 400 * (part + 1) / partCount)
                // Documents that are gone again, so that the merge has something to leave out.
                let gone = Document(key: "gone", ["title": .string("国际数国际数哈哈哈哈")])
                if partCount > 1 { _ = try await index.write(WriteBatch([.put(gone)])) }
                _ = try await index.write(WriteBatch(documents[from..<to].map { .put($0) }))
                _ = try await index.refresh()
            }
            if partCount > 1 {
                _ = try await index.write(WriteBatch([.delete("gone")]))
                _ = try await index.compact(segments: 1)
            }
            let segments = index.store.snapshot.segments
            #expect(segments.count == 1 && segments[0].documentCount == 400)
            try SegmentCheck.run(segments[0].reader)
            found.append(try contents(segments[0].reader))
            if partCount == 1 { try checkRule(segments[0].reader, documents, threshold) }
            index.abandon()
        }
        #expect(found[0] == found[1] && found[0].count > 20)
    }

    /// The grams of the bodies by brute force.
    private func checkRule(_ segment: SegmentReader, _ documents: [Document], _ threshold: Int) throws {
        var frequencies: [[UInt32]: Int] = [:]
        for document in documents {
            guard case .string(let text)? = document.fields.first(where: { $0.name == "body" })?.value else { continue }
            let units = NaiveText.normal(text, .soft).map { unit -> UInt32? in
                if case .character(let scalar) = unit { scalar.value } else { nil }
            }
            var seen: Set<[UInt32]> = []
            for length in 2...4 where units.count >= length {
                for at in 0...(units.count - length) {
                    let gram = units[at..<(at + length)].compactMap { $0 }
                    if gram.count == length { seen.insert(gram) }
                }
            }
            for gram in seen { frequencies[gram, default: 0] += 1 }
        }
        func isPromoted(_ gram: [UInt32]) -> Bool {
            [Array(gram.dropLast()), Array(gram.dropFirst())].allSatisfy { part in
                let least = part.count == 2 ? threshold : max(threshold / 2, 1)
                return frequencies[part, default: 0] >= least && (part.count == 2 || isPromoted(part))
            }
        }
        let promoted = try #require(segment.promoted)
        let wrong = try frequencies.filter { gram, frequency in
            if gram.count == 2 { return false }
            return try promoted.find(field: 1, gram)?.documentFrequency != (isPromoted(gram) ? frequency : nil)
        }
        #expect(wrong.isEmpty)
    }
}

// Texts near each other: what the distance counts, fields and indexes of every kind, and random ones against brute force.

import SakuinTestSupport
import SakuinTypes
import Testing

@testable import SakuinEngine

@Suite struct NearnessTests {
    private func index(_ texts: [String], isCompact: Bool = false, stored: Bool = true) async throws -> SearchIndex {
        let field = FieldDefinition(name: "body", stored: stored)
        let index = try SearchIndex.open(
            MemoryDirectory(), schema: Schema(fields: [field], compact: isCompact), options: SearchFixture.options)
        let puts = texts.enumerated().map { WriteOperation.put(Document(key: "\($0)", ["body": .string($1)])) }
        _ = try await index.write(WriteBatch(puts))
        _ = try await index.refresh()
        return index
    }

    /// Units between count, gaps and what vanishes do not; the order is free; a unit is used once.
    @Test(arguments: [
        ("国际 论坛", "国际数字论坛", 2), ("论坛 国际", "国际数字论坛", 2), ("国际 论坛", "国际，论坛", 0),
        ("国际 论坛", "国 际 数 字\n论 坛", 2), ("hello foo", "hello, world; foo", 1), ("5G 论坛", "5G网络的论坛", 3),
        ("国 国", "国一国", 1), ("国际 际数", "国际数字际数", 2), ("一 三 五", "五四三二一", 2), ("国际 数字", "国际数字", 0),
        ("国 ， 字", "国字", 0),
    ]) func theDistanceIsUnitsBetween(query: String, text: String, distance: Int) async throws {
        for isCompact in [false, true] {
            let index = try await index([text], isCompact: isCompact)
            for (asked, isThere) in [(distance, true), (distance + 1, true), (1_000_000, true), (distance - 1, false)]
            where asked >= 0 {
                let response = try index.searchNow(SearchRequest("\"\(query)\"~\(asked)"))
                #expect(response.total == Total(isThere ? 1 : 0), "\(query)~\(asked) in \(text)")
            }
            index.abandon()
        }
    }

    @Test func whatOverlapsIsNotNear() async throws {
        let index = try await index(["国际数字", "国"])
        for query in ["\"国际 际数\"~9", "\"国 国\"~9", "\"数字 数字\"~9"] {
            #expect(try index.searchNow(SearchRequest(query)).total == Total(0), "\(query)")
        }
        index.abandon()
    }

    /// One text is itself, none is nothing, as with quotes alone.
    @Test func oneTextIsItself() async throws {
        let index = try await index(["国际数字", "国数"])
        for (query, count) in [("\"国际\"~3", 1), ("\"，\"~3", 0), ("\"\"~3", 0), ("\"国\"~0", 2), ("-\"国 数\"~0", 1)] {
            #expect(try index.searchNow(SearchRequest(query)).total == Total(count), "\(query)")
        }
        index.abandon()
    }

    /// Scores are those of all texts; spans show each of them.
    @Test func scoresAndSpansAreThoseOfTheTexts() async throws {
        let index = try await index(["国际的数字，国际", "国际一二三四五数字", "数字国际数字"])
        var request = SearchRequest("\"国际 数字\"~2")
        request.spans = true
        let near = try index.searchNow(request)
        #expect(Set(near.hits.map(\.key)) == ["0", "2"])
        let scores = Dictionary(
            uniqueKeysWithValues: try index.searchNow(SearchRequest("国际 数字")).hits.map { ($0.key, $0.score) })
        for hit in near.hits { #expect(hit.score == scores[hit.key]) }
        let spans = near.hits.first { $0.key == "0" }?.spans.first?.spans.map { ($0.start, $0.end) } ?? []
        #expect(spans.map(\.0) == [0, 9, 18] && spans.map(\.1) == [6, 15, 24])
        index.abandon()
    }

    @Test func withoutStoredTextItIsRefused() async throws {
        let index = try await index(["国际数字"], stored: false)
        let error = try #require(throws: SakuinError.self) { try index.searchNow(SearchRequest("\"国际 数字\"~1")) }
        #expect(error.code == .invalidArgument && error.field == "body" && error.message.contains("stored"))
        #expect(error.nextStep != nil)
        #expect(try index.searchNow(SearchRequest("国际 数字")).total == Total(1))
        index.abandon()
    }

    @Test func withoutATextFieldItIsRefused() throws {
        let schema = Schema(fields: [FieldDefinition(name: "tag", type: .keyword)])
        let index = try SearchIndex.open(MemoryDirectory(), schema: schema, options: SearchFixture.options)
        let error = try #require(throws: SakuinError.self) { try index.searchNow(SearchRequest("\"国际 数字\"~1")) }
        #expect(error.code == .invalidArgument && error.field == "fields")
        index.abandon()
    }

    /// Reading documents ends at the deadline.
    @Test func theDeadlineEndsIt() async throws {
        let index = try await index((0..<500).map { "国际\($0)数字" })
        let request = SearchRequest("\"国际 数字\"~1")
        let error = try #require(throws: SakuinError.self) {
            let plan = try QueryPlanner.plan(
                .near(["国际", "数字"], distance: 1, fields: []), filter: nil, index.searched, fields: [],
                highlights: false,
                proofs: .all)
            let snapshot = index.store.sharedSnapshot.value
            let search = SnapshotSearch(
                plan, schema: index.schema, segments: snapshot.searchable, models: snapshot.models,
                cancellation: Cancellation(deadlineNanoseconds: 1))
            do throws(SearchError) {
                _ = try search.run(window: 10, total: .exact, sort: [])
            } catch { throw ErrorMapping.sakuinError(error) }
        }
        #expect(error.code == .deadlineExceeded)
        #expect(try index.searchNow(request).total == Total(500))
        index.abandon()
    }

    @Test(arguments: 0..<4) func randomTextsAgreeWithBruteForce(round: Int) async throws {
        let seed = UInt64(20_261_126 + round)
        print("nearness: seed \(seed)")
        var random = SeededRandom(seed: seed)
        let texts = (0..<120).map { _ in TextMaker.text(40, &random) }
        let index = try await index(texts, isCompact: round % 2 == 1)
        let normal = texts.map { NaiveText.normal($0, .soft) }
        for _ in 0..<300 {
            let source = texts[random.below(texts.count)]
            let parts = (0..<(1 + random.below(4))).map { _ in
                TextMaker.part(of: random.below(4) == 0 ? texts[random.below(texts.count)] : source, &random)
                    .prefix(4).description
            }
            let distance = random.below(12)
            let needles = parts.map { NaiveText.normal($0, .soft) }
            let expected = normal.indices.filter { NaiveText.isNear(normal[$0], needles, distance: distance) }
            let response = try index.searchNow(
                SearchRequest(.tree(.near(parts, distance: distance, fields: [])), limit: 1_000))
            guard Set(response.hits.map(\.key)) == Set(expected.map { "\($0)" }) else {
                Issue.record("seed \(seed): \(parts)~\(distance) found \(response.total), expected \(expected.count)")
                break
            }
        }
        index.abandon()
    }
}

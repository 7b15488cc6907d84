// Mode `smart`: the parts of a text find documents too, those with the whole text and with more parts first.

import SakuinTypes
import Testing

@testable import SakuinEngine

@Suite struct SmartModeTests {
    private static let cjk = Analyzer(kind: .cjk, breaks: .soft)

    @Test(
        arguments: [
            ("国际数字", ["国际", "际数", "数字"]), ("国际", []), ("国", []), ("hello", []), ("国，际", ["国", "际"]),
            ("5G网络的", ["5g", "网络", "络的"]), ("国际国际", ["国际", "际国"]), ("Hello, World", ["hello", "world"]),
            ("a国b", ["a", "国", "b"]), ("，", []), ("国\n际 数", ["国际", "际数"]), ("国国", []), ("国国国", ["国国"]),
        ] as [(String, [String])]) func partsAreWordsAndPairs(text: String, parts: [String])
    {
        #expect(TextPattern(text, analyzer: Self.cjk).smartParts == parts)
    }

    private func index(_ texts: [String]) async throws -> SearchIndex {
        let schema = Schema(fields: [
            FieldDefinition(name: "body"), FieldDefinition(name: "tag", type: .keyword),
        ])
        let index = try SearchIndex.open(MemoryDirectory(), schema: schema, options: SearchFixture.options)
        let puts = texts.enumerated().map { number, text in
            WriteOperation.put(Document(key: "\(number)", ["body": .string(text), "tag": .string("国际数字")]))
        }
        _ = try await index.write(WriteBatch(puts))
        _ = try await index.refresh()
        return index
    }

    private func request(_ text: String) -> SearchRequest {
        var request = SearchRequest(text)
        request.mode = .smart
        return request
    }

    @Test func theWholeTextIsFirst() async throws {
        let index = try await index(["网络经济", "数字经济", "国际经济", "经济国际数字", "国际数字经济", "天气"])
        let response = try index.searchNow(request("国际数字经济"))
        #expect(response.hits.first?.key == "4")
        #expect(Set(response.hits.map(\.key)) == ["0", "1", "2", "3", "4"] && response.total == Total(5))
        #expect(response.notes.contains { $0.contains("smart") && $0.contains("5 parts") }, "\(response.notes)")
        #expect(try index.searchNow(SearchRequest("国际数字经济")).hits.map(\.key) == ["4"])
        index.abandon()
    }

    /// Texts side by side need not all be there; what AND stands between, NOT and ranges are needed.
    @Test(
        arguments: [
            ("a b", .or([text("a"), text("b")])), ("a", text("a")), ("a AND b", .and([text("a"), text("b")])),
            ("a AND b c", .or([.and([text("a"), text("b")]), text("c")])),
            ("a -b", .and([text("a"), .not(text("b"))])),
            ("a b -c", .and([.or([text("a"), text("b")]), .not(text("c"))])), ("-a", .not(text("a"))),
            ("a b OR c", .or([.or([text("a"), text("b")]), text("c")])),
            ("-a -b", .and([.not(text("a")), .not(text("b"))])),
            ("(a b) c", .or([.or([text("a"), text("b")]), text("c")])),
            ("-(a b) c d", .and([.or([text("c"), text("d")]), .not(.and([text("a"), text("b")]))])),
            (
                "a year:>2 b",
                .and([
                    .or([text("a"), text("b")]), .range(field: "year", lower: .init("2", inclusive: false), upper: nil),
                ])
            ),
        ] as [(String, Query)]) func sideBySideIsOr(input: String, tree: Query) throws
    {
        #expect(try QueryParser.parse(input, mode: .smart, knownFields: Set(["year"])) == tree)
    }

    private static func text(_ text: String) -> Query { .text(text, fields: []) }

    @Test func moreTextsAreBetter() async throws {
        let index = try await index(["国际", "经济 国际", "天气", "国际经济天气"])
        let response = try index.searchNow(request("国际 经济 论坛"))
        #expect(Set(response.hits.map(\.key)) == ["0", "1", "3"] && response.hits.last?.key == "0")
        #expect(try index.searchNow(request("国际 AND 经济")).total == Total(2))
        index.abandon()
    }

    /// NOT, filters, prefixes and fields of other types stay exact, and nothing is said where nothing was added.
    @Test func whatIsLeftOutStaysExact() async throws {
        let index = try await index(["国际数字", "国际", "经济"])
        #expect(try index.searchNow(request("国际 -国际数字")).hits.map(\.key) == ["1"])
        var filtered = request("国际数字")
        filtered.filter = .text("国际数字")
        #expect(try index.searchNow(filtered).hits.map(\.key) == ["0"])
        let exact = try index.searchNow(request("国际"))
        #expect(exact.total == Total(2) && exact.notes.isEmpty)
        #expect(try index.searchNow(request("tag:国际")).total == Total(0))
        #expect(try index.searchNow(request("tag:国际数字")).total == Total(3))
        index.abandon()
    }

    @Test func spansShowTheParts() async throws {
        let index = try await index(["数字与国际"])
        var request = request("国际数字")
        request.spans = true
        let spans = try index.searchNow(request).hits.first?.spans.first?.spans ?? []
        #expect(spans.map(\.start) == [0, 9] && spans.map(\.end) == [6, 15])
        index.abandon()
    }
}

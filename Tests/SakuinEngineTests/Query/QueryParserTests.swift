// Query text to tree: the grammar, what stays plain text, the limits.
import Foundation
import SakuinTypes
import Testing

@testable import SakuinEngine

private let known: Set<String> = ["title", "body", "date", "year"]

private func parse(_ text: String) throws(SakuinError) -> Query { try QueryParser.parse(text, knownFields: known) }
private func text(_ chunk: String, _ fields: String...) -> Query { .text(chunk, fields: fields) }

@Suite struct QueryParserTests {
    @Test(arguments: [
        ("索引", text("索引")), ("𠮷野家", text("𠮷野家")), ("㪇𪍣", text("㪇𪍣")), ("  索引　", text("索引")),
        ("a b", .and([text("a"), text("b")])),
        ("a　b", .and([text("a"), text("b")])), ("a AND b", .and([text("a"), text("b")])),
        ("a OR b c", .or([text("a"), .and([text("b"), text("c")])])), ("NOT a", .not(text("a"))),
        ("a -b", .and([text("a"), .not(text("b"))])), ("-(a OR b)", .not(.or([text("a"), text("b")]))),
        (#""a b""#, text("a b")), (#""a \"b\"""#, text(#"a "b""#)),
        (#""a b"~3"#, .near(["a", "b"], distance: 3, fields: [])),
        ("title:索引", text("索引", "title")), (#"body:"a b""#, text("a b", "body")),
        ("title:(a OR b)", .or([text("a", "title"), text("b", "title")])), ("行业*", .prefix("行业", fields: [])),
        ("title:行*", .prefix("行", fields: ["title"])), ("a^2", .boost(text("a"), 2)),
        ("(a b)^1.5", .boost(.and([text("a"), text("b")]), 1.5)),
        (#""a b"~3."#, .near(["a", "b"], distance: 3, fields: [])),
        (#""a b"~x"#, .and([text("a b"), text("~x")])), (#""a"~"b""#, .and([text("a"), text("~"), text("b")])),
        ("date:*", .range(field: "date", lower: nil, upper: nil)),
        ("date:[2023-01-01 TO *]", .range(field: "date", lower: RangeBound("2023-01-01"), upper: nil)),
        (
            "year:{1 TO 5}",
            .range(field: "year", lower: RangeBound("1", inclusive: false), upper: RangeBound("5", inclusive: false))
        ),
        ("year:>=5", .range(field: "year", lower: RangeBound("5"), upper: nil)),
        ("year:<5", .range(field: "year", lower: nil, upper: RangeBound("5", inclusive: false))), ("*:*", .all),
        ("*:* -a", .and([.all, .not(text("a"))])), ("(*:*) a", .and([.all, text("a")])),
        (#""*:*""#, text("*:*")), ("*:*a", text("*:*a")),
    ]) func grammar(input: String, tree: Query) throws {
        #expect(try parse(input) == tree)
    }

    @Test(arguments: [
        #""a b"~1000001"#, #""a b"~1.5"#, #"(title:"a b"~2.5)"#, "\"a\"~1" + String(repeating: "0", count: 400),
    ]) func distancesThatCannotBe(input: String) throws {
        let error = try #require(throws: SakuinError.self) { _ = try parse(input) }
        #expect(error.code == .invalidArgument && error.limit == "1000000" && error.value?.hasPrefix("~") == true)
    }

    /// Values in quotes hold blanks, brackets, and quotes and backslashes behind a backslash.
    @Test(
        arguments: [
            (#"["a b" TO "a b"]"#, RangeBound("a b"), RangeBound("a b")),
            (#"{ "a] TO" TO "\"\\" }"#, RangeBound("a] TO", inclusive: false), RangeBound(#""\"#, inclusive: false)),
            (#"["*" TO *]"#, RangeBound("*"), nil), (#"[* TO ""]"#, nil, RangeBound("")),
            (#"[a"b TO c]"#, RangeBound(#"a"b"#), RangeBound("c")), (#">="a b""#, RangeBound("a b"), nil),
            (#"<"a)b""#, nil, RangeBound("a)b", inclusive: false)),
        ] as [(String, RangeBound?, RangeBound?)])
    func quotedBounds(range: String, lower: RangeBound?, upper: RangeBound?) throws {
        let tree = Query.range(field: "title", lower: lower, upper: upper)
        #expect(try parse("title:\(range)") == tree)
        // A group is no group when a quote inside has no other.
        if range.count(where: { $0 == "\"" }) % 2 == 1 { return }
        #expect(try parse("(a title:\(range)) b") == .and([.and([text("a"), tree]), text("b")]))
    }

    @Test(arguments: [
        #"title:["a TO b]"#, #"title:["a" b" TO c]"#, #"title:["a"TO "b"]"#, #"title:[a TO "b" c]"#, #"title:>="a"#,
    ])
    func quotedBoundsThatCannotBe(input: String) {
        let error = #expect(throws: SakuinError.self) { try parse(input) }
        #expect(error?.field == "query" && error?.value?.hasPrefix("character") == true)
    }

    @Test(arguments: [
        "http://x", "12:30", "-", "*", "~", "^", "（注）", "「索引」", "f(x)", "a-b", "a*b", "C++", "unknown:x", "1-D",
        "Order", "a^b", "[a]", "{a}", "title:", ":x", "10%", "a~3", "(a", "a(b)c", "--x",
    ]) func plainText(input: String) throws {
        #expect(try parse(input) == text(input))
    }

    @Test(arguments: ["", "  ", "　", #""abc"#, "a AND", "AND a", "NOT", "a OR", "OR a", "()", "year:[1 5]"])
    func refused(input: String) throws {
        let error = try #require(throws: SakuinError.self) { _ = try parse(input) }
        #expect(error.code == .invalidArgument)
        #expect(error.field == "query")
    }

    @Test func limits() throws {
        let deep = String(repeating: "(", count: 60) + "a" + String(repeating: ")", count: 60)
        #expect(try parse(deep) == text("a"))
        let tooDeep = String(repeating: "(", count: 5_000) + "a" + String(repeating: ")", count: 5_000)
        #expect(throws: SakuinError.self) { _ = try parse(tooDeep) }
        #expect(throws: SakuinError.self) { _ = try parse(String(repeating: "NOT ", count: 5_000) + "a") }
        #expect(throws: SakuinError.self) {
            _ = try parse(String(repeating: "-(", count: 5_000) + "a" + String(repeating: ")", count: 5_000))
        }
        // Each by itself would do.
        let both = String(repeating: "(NOT ", count: 40) + "a" + String(repeating: ")", count: 40)
        #expect(throws: SakuinError.self) { _ = try parse(both) }
        _ = try parse(String(repeating: "a ", count: 1_024))
        #expect(throws: SakuinError.self) { _ = try parse(String(repeating: "a ", count: 1_025)) }
    }

    @Test(arguments: ["a", "国", "("]) func longTexts(unit: String) throws {
        let most = String(repeating: unit, count: QueryLimits.textByteCountMax / unit.utf8.count)
        #expect(try parse(most) == text(most))
        let error = #expect(throws: SakuinError.self) { _ = try parse(most + unit) }
        #expect(error?.field == "query" && error?.limit == "\(QueryLimits.textByteCountMax)")
    }

    /// As they would be found by looking from each '(' on.
    @Test func parenthesesAreClosed() {
        func isClosed(_ text: ArraySlice<Unicode.Scalar>) -> Bool {
            var (depth, inQuotes) = (0, false)
            for scalar in text {
                if scalar == "\"" { inQuotes.toggle() }
                if inQuotes { continue }
                if scalar == "(" { depth += 1 }
                if scalar == ")" { depth -= 1 }
                if depth == 0 { return true }
            }
            return false
        }
        var random = SystemSeed(state: 12)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...12, using: &random)
            let text = (0..<count).map { _ -> Unicode.Scalar in
                ["(", ")", "\"", "a"].randomElement(using: &random) ?? "a"
            }
            let expected = text.indices.filter { text[$0] == "(" && isClosed(text[$0...]) }
            #expect(QueryParser.closedParentheses(text) == Set(expected), "\(String(String.UnicodeScalarView(text)))")
        }
    }

    @Test func randomTextNeverTraps() {
        var random = SystemSeed(state: 11)
        let pool = Array("ab索 　\"()[]{}:-*^~12TO<>=\\").map(String.init) + ["AND ", "OR ", "NOT ", "title:", "year:["]
        for _ in 0..<20_000 {
            let input = (0..<Int.random(in: 0...14, using: &random)).map { _ in
                pool.randomElement(using: &random) ?? "a"
            }.joined()
            do { _ = try parse(input) } catch { #expect(error.code == .invalidArgument) }
        }
    }

    /// The files of the shared corpora hold only chunks; SAKUIN_CORPORA says where they are.
    @Test func corpusQueriesAreTheirChunks() throws {
        guard let folder = ProcessInfo.processInfo.environment["SAKUIN_CORPORA"] else {
            print("SKIPPED corpusQueriesAreTheirChunks: SAKUIN_CORPORA is not set")
            return
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".queries.tsv") }
        try #require(!files.isEmpty)
        let chunk = /"([^"]*)"|([^\s"]+)/
        for file in files {
            for line in try String(contentsOfFile: folder + "/" + file, encoding: .utf8).split(separator: "\n") {
                let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
                guard !line.hasPrefix("#"), columns.count > 1 else { continue }
                let chunks = columns[1].matches(of: chunk).map { text(String($0.output.1 ?? $0.output.2 ?? "")) }
                #expect(
                    try parse(String(columns[1])) == (chunks.count == 1 ? chunks[0] : .and(chunks)), "\(file): \(line)")
            }
        }
    }
}

/// SplitMix64, seeded.
private struct SystemSeed: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

// Conditions on columns as they are asked for in query text: what they find, and what is refused.
import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct ColumnConditionTests {
    private static let schema = Schema(
        fields: [
            FieldDefinition(name: "title"), FieldDefinition(name: "n", type: .integer),
            FieldDefinition(name: "f", type: .float), FieldDefinition(name: "b", type: .boolean),
            FieldDefinition(name: "d", type: .date), FieldDefinition(name: "k", type: .keyword),
        ], dynamic: true)

    /// Documents "0", "1", … with these fields.
    private func index(_ documents: [[(String, FieldValue)]], schema: Schema = schema) async throws -> SearchIndex {
        let index = try SearchIndex.open(MemoryDirectory(), schema: schema, options: SearchFixture.options)
        let operations = documents.enumerated().map { number, fields in
            WriteOperation.put(Document(key: "\(number)", fields: fields.map { Document.Field($0.0, $0.1) }))
        }
        _ = try await index.write(WriteBatch(operations))
        _ = try await index.refresh()
        return index
    }

    private func keys(_ index: SearchIndex, _ query: String) throws -> [String] {
        try index.searchNow(SearchRequest(.text(query), limit: 100)).hits.map(\.key).sorted()
    }

    /// Bounds of keywords need not be values that occur.
    @Test func boundsBetweenKeywords() async throws {
        let index = try await index(["b", "d", "f"].map { [("k", .string($0))] })
        for (query, found) in [
            ("k:>c", ["1", "2"]), ("k:>=c", ["1", "2"]), ("k:>d", ["2"]), ("k:>=d", ["1", "2"]), ("k:>f", []),
            ("k:<e", ["0", "1"]), ("k:<=e", ["0", "1"]), ("k:<d", ["0"]), ("k:<=d", ["0", "1"]), ("k:<b", []),
        ] as [(String, [String])] {
            #expect(try keys(index, query) == found, "\(query)")
        }
        index.abandon()
    }

    @Test func integersBeyondAllBounds() async throws {
        let values: [Int64] = [.min, -1, 0, 9_007_199_254_740_992, 9_007_199_254_740_993, .max]
        let index = try await index(values.map { [("n", .integer($0))] })
        let all = ["0", "1", "2", "3", "4", "5"]
        for query in [
            "n:<=9999999999999999999", "n:[-1e30 TO 10000000000000000000]", "n:<1e30", "n:>-1e30", "n:>=-1e30",
            "n:<9223372036854775808", "n:>-9223372036854775809", "-n:>1e30",
        ] {
            #expect(try keys(index, query) == all, "\(query)")
        }
        for query in [
            "-n:<=9999999999999999999", "n:>1e30", "n:<-1e30", "n:9999999999999999999", "n:>9223372036854775807",
            "n:<-9223372036854775808", "n:0.5", "n:{-1 TO -0.5]",
        ] {
            #expect(try keys(index, query) == [], "\(query)")
        }
        #expect(try keys(index, "n:9007199254740993.0") == ["4"])
        #expect(try keys(index, "n:>9007199254740992.5") == ["4", "5"])
        #expect(try keys(index, "n:<9007199254740992.5") == ["0", "1", "2", "3"])
        #expect(try keys(index, "n:[9223372036854775807 TO *]") == ["5"])
        #expect(try keys(index, "n:{-0.5 TO 0.5}") == ["2"])
        index.abandon()
    }

    /// A day alone is all of it, whatever it bounds: what is before, in and after it are three parts of all.
    @Test func daysAreWhole() async throws {
        let dates = [
            "2019-12-31T23:59:59.999Z", "2020-01-01", "2020-01-01T12:00:00Z", "2020-01-01T23:59:59.999Z", "2020-01-02",
        ]
        let index = try await index(dates.map { [("d", .string($0))] })
        for (queries, found) in [
            (["d:<2020-01-01", "d:[* TO 2020-01-01}", "-d:>=2020-01-01"], ["0"]),
            (["d:2020-01-01", "d:[2020-01-01 TO 2020-01-01]", "d:[2020-01-01 TO 2020-01-02}"], ["1", "2", "3"]),
            (["d:>2020-01-01", "d:{2020-01-01 TO *]", "-d:<=2020-01-01"], ["4"]),
            (["d:>2020-01-01T12:00:00Z"], ["3", "4"]), (["d:{2020-01-01 TO 2020-01-02}"], []),
        ] {
            for query in queries { #expect(try keys(index, query) == found, "\(query)") }
        }
        var request = SearchRequest(.tree(.all), limit: 0)
        request.facets = [
            FacetRequest(
                "d", ranges: [FacetRange("before", to: "2020-01-01"), FacetRange("from", from: "2020-01-01")])
        ]
        #expect(try index.searchNow(request).facets[0].ranges.map(\.count) == [1, 4])
        index.abandon()
    }

    // MARK: What is refused

    private func refusal(_ index: SearchIndex, _ query: String, filter: String? = nil, fields: [String] = [])
        -> SakuinError?
    {
        var request = SearchRequest(.text(query))
        request.filter = filter.map { .text($0) }
        request.fields = fields
        do throws(SakuinError) { _ = try index.searchNow(request) } catch { return error }
        return nil
    }

    /// A value that the type cannot hold is an error wherever it stands; it matched nothing, and everything under NOT.
    @Test func valuesOfOtherTypesAreRefused() async throws {
        let index = try await index([[("title", "国 TO 2"), ("n", 1), ("b", true), ("d", "2023-11-09"), ("f", 1.5)]])
        for (query, field, value) in [
            ("n:[a TO b]", "n", "a"), ("n:[1 TO b]", "n", "b"), ("n:>", "n", ">"), ("n:x", "n", "x"),
            ("n:\"*\"", "n", "*"),
            ("n:[1 TO 2", "n", "[1"), ("n:<=x", "n", "x"), ("n:(1 OR x)", "n", "x"), ("n:\"\"", "n", ""),
            ("f:nan", "f", "nan"), ("f:[x TO 2]", "f", "x"), ("b:False", "b", "False"), ("b:1", "b", "1"),
            ("d:[2023 TO 2024]", "d", "2023"), ("d:2023", "d", "2023"), ("d:[2023-01 TO *]", "d", "2023-01"),
            ("d:2023-02-30", "d", "2023-02-30"),
        ] {
            for error in [
                refusal(index, query), refusal(index, "国 -\(query)"), refusal(index, "国", filter: query),
            ] {
                #expect(error?.code == .invalidArgument && error?.field == field, "\(query)")
                #expect(error?.value == value && error?.nextStep?.isEmpty == false, "\(query)")
                #expect(error?.message.contains("no value of field '\(field)'") == true, "\(query)")
            }
        }
        for query in ["n:[1 TO 2]", "f:1.5", "b:true", "d:2023-11-09", "n:[* TO *]", "k:[a TO b]", "k:x", "国 TO 2"] {
            #expect(refusal(index, query) == nil, "\(query)")
        }
        for equals in [Query.equals(field: "n", "x"), .range(field: "d", lower: nil, upper: RangeBound("x"))] {
            let error = #expect(throws: SakuinError.self) { try index.searchNow(SearchRequest(.tree(equals))) }
            #expect(error?.value == "x")
        }
        index.abandon()
    }

    /// Of several fields those that cannot hold a text do not have it; when all cannot, that is said.
    @Test func amongSeveralFields() async throws {
        let index = try await index([[("title", "国 5"), ("n", 7)], [("title", "会"), ("n", 5)]])
        var request = SearchRequest("国")
        request.fields = ["title", "n"]
        #expect(try index.searchNow(request).hits.map(\.key) == ["0"])
        request.query = .text("5")
        #expect(try index.searchNow(request).total == Total(2))
        #expect(refusal(index, "国", fields: ["n", "b"])?.field == "n")
        #expect(refusal(index, "国", fields: ["n"])?.value == "国")
        index.abandon()
    }

    /// Keys have no column but in the schema, also when they are numbers; the error says so.
    @Test func keysHaveNoColumnOutsideTheSchema() async throws {
        for isListed in [false, true] {
            let fields = [FieldDefinition(name: "title")] + (isListed ? [.init(name: "id", type: .integer)] : [])
            let index = try await index([], schema: Schema(fields: fields, dynamic: true))
            let puts = (1...3).map { WriteOperation.putJSON(Array("{\"id\":\($0)}".utf8), keyField: "id") }
            _ = try await index.write(WriteBatch(puts))
            _ = try await index.refresh()
            var request = SearchRequest("*:*")
            request.sort = [SortKey("id", descending: true)]
            if isListed {
                #expect(try index.searchNow(request).hits.map(\.key) == ["3", "2", "1"])
            } else {
                let error = #expect(throws: SakuinError.self) { try index.searchNow(request) }
                #expect(error?.message.contains("that is not its key") == true)
                #expect(error?.nextStep?.contains("integer") == true)
            }
            index.abandon()
        }
    }

    /// A field outside the schema with strings alone has no column; the error is that of sorting and counting.
    @Test func fieldsWithoutColumnsAreRefused() async throws {
        let index = try await index([
            [("title", "国"), ("lang", "zh"), ("x", 1)], [("title", "国"), ("lang", "en"), ("x", "none")],
            [("title", "国"), ("x", "2023-11-09")],
        ])
        for query in ["lang:zh", "lang:[a TO z]", "lang:[* TO *]", "lang:>=1", "lang:2023-11-09", "x:1 lang:2"] {
            for error in [
                refusal(index, query), refusal(index, "国 -(\(query))"), refusal(index, "国", filter: query),
            ] {
                #expect(error?.code == .invalidArgument && error?.field == "lang", "\(query)")
                #expect(error?.message.contains("no column to compare") == true, "\(query)")
                #expect(error?.nextStep?.contains("keyword") == true, "\(query)")
            }
        }
        #expect(refusal(index, "国", fields: ["title", "lang"])?.field == "lang")
        // Of a field with several kinds each column is asked, and a value of none of them is none.
        #expect(try keys(index, "x:1") == ["0"])
        #expect(try keys(index, "x:[* TO *]") == ["0", "2"])
        #expect(try keys(index, "x:>2023-01-01") == ["2"])
        #expect(try keys(index, "-x:2.5") == ["0", "1", "2"])
        for query in ["x:none", "x:[a TO 2]", "-x:none"] { #expect(refusal(index, query)?.field == "x", "\(query)") }
        #expect(refusal(index, "国", fields: ["title", "x"]) == nil)
        // What no document had is no field, but text.
        #expect(try keys(index, "nosuch:zh") == [])
        index.abandon()
    }

    /// Where other fields get no columns, numbers in them have none either.
    @Test func fieldsWithoutColumnsByTheSchema() async throws {
        let index = try await index(
            [[("title", "国"), ("x", 1)]], schema: Schema(fields: [FieldDefinition(name: "title")]))
        let error = refusal(index, "x:1")
        #expect(error?.field == "x" && error?.message.contains("no column to compare") == true)
        #expect(error?.message.contains("number") == false && error?.nextStep?.contains("Define it") == true)
        index.abandon()
    }

    /// Beginnings of numbers and dates are no ranges of them: the * was dropped without a word.
    @Test func beginningsOfNumbersAreRefused() async throws {
        let index = try await index([
            [
                ("title", "interest 20"), ("n", 12), ("d", "2023-11-09"), ("b", true), ("f", 1.5), ("k", "abc"),
                ("x", 20),
            ]
        ])
        for (query, field) in [
            ("n:1*", "n"), ("d:2023*", "d"), ("b:tr*", "b"), ("f:x*", "f"), ("x:2*", "x"), ("x:a*", "x"),
        ] {
            for error in [refusal(index, query), refusal(index, "interest", filter: "-\(query)")] {
                #expect(error?.code == .invalidArgument && error?.field == field && error?.value == "*", "\(query)")
                #expect(error?.nextStep?.contains("\(field):[") == true, "\(query)")
            }
        }
        #expect(try keys(index, "inter*") == ["0"])
        for fields in [["title", "n"], ["title", "x"], ["title", "d"]] {
            #expect(refusal(index, "inter*", fields: fields) == nil)
            #expect(refusal(index, "20*", fields: fields)?.field == fields[1])
        }
        #expect(refusal(index, "k:ab*") == nil)
        index.abandon()
    }
}

// What is said of queries that find nothing and look as if they were written for another engine.

import SakuinTypes
import Testing

@testable import SakuinEngine

@Suite struct SyntaxNotesTests {
    private func index() async throws -> SearchIndex {
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: SearchFixture.options)
        let document = Document(key: "1", ["title": "年会 economy", "date": "2023-11-09"])
        _ = try await index.write(WriteBatch([.put(document)]))
        _ = try await index.refresh()
        return index
    }

    @Test func whatLooksLikeSyntaxIsNamed() async throws {
        let index = try await index()
        for (query, part) in [
            ("tite:年", "no field 'tite'. The index has: title, body."), ("(tite:\"年会\" OR x)", "no field 'tite'"),
            ("title,body:年", "no field 'title,body'"), ("_exists_:date", "no field '_exists_'"),
            ("title: 年", "without a blank"), ("年 or x", "in capitals"), ("年 && 会", "in capitals"),
            ("econ~", "~ stands behind texts in quotes"), ("econ~0.8", "~ stands behind texts in quotes"),
            ("\"年 会\"~", "a whole number up to 1000000"), ("\"年 会\"~-1", "a whole number up to 1000000"),
            ("ec*my", "only a * at the end"), ("*nomy", "only a * at the end"), ("ec?nomy", "only a * at the end"),
            ("/econ.*/", "no regular expressions"), ("!missing 年", "! is no syntax"), ("+missing", "+ is no syntax"),
            ("x\\-y", "\\ is none"), ("date:2023", "a year of dates is date:[2023-01-01 TO 2023-12-31]"),
            ("date:[2023 TO 2024]", "a year of dates"), ("date:>2023", "a year of dates"),
        ] {
            let response = try index.searchNow(SearchRequest(query))
            #expect(response.total == Total(0))
            #expect(response.notes.contains { $0.contains(part) }, "\(query): \(response.notes)")
            var filtered = SearchRequest("*:*")
            filtered.filter = .text(query)
            #expect(try index.searchNow(filtered).notes.contains { $0.contains(part) }, "\(query)")
        }
        index.abandon()
    }

    @Test func aNoteIsShort() async throws {
        let fields = (0..<900).map { FieldDefinition(name: "f\($0)" + String(repeating: "x", count: 50)) }
        let index = try SearchIndex.open(
            MemoryDirectory(), schema: Schema(fields: fields), options: SearchFixture.options)
        let notes = try index.searchNow(SearchRequest((0..<16).map { "no\($0):年" }.joined(separator: " "))).notes
        #expect(notes.count == 8 && notes.allSatisfy { $0.utf8.count < 400 && $0.hasSuffix("…") }, "\(notes)")
        index.abandon()
    }

    @Test func otherTextsAreLeftAlone() async throws {
        let index = try await index()
        for query in [
            "無", "title:無", "(無 OR title:(無 -無))", "\"無 無\"~3", "\"無 a*b tite:x\"", "無*", "12:30", "http://a.b/c",
            "date:2024-01-01", "date:[2024-01-01 TO *]", "C++", "what?", "注意：無", "a-b", "NOT *:*",
        ] {
            let response = try index.searchNow(SearchRequest(query))
            #expect(response.total == Total(0) && response.notes.isEmpty, "\(query): \(response)")
        }
        // What is found, sent as a tree or pasted is what was meant.
        #expect(try index.searchNow(SearchRequest("年会 OR tite:年")).notes.isEmpty)
        #expect(try index.searchNow(SearchRequest(.tree(.text("tite:年", fields: [])), limit: 1)).notes.isEmpty)
        let pasted = String(repeating: "tite:年 ", count: 200)
        #expect(try index.searchNow(SearchRequest(pasted)).notes.isEmpty)
        index.abandon()
    }
}

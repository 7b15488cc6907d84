// Schema files: read, refused by name, and written back.
import Foundation
import SakuinTypes
import Testing

@Suite struct SchemaTests {
    private func schema(_ text: String) throws(SakuinError) -> Schema { try Schema(json: Array(text.utf8)) }

    @Test func reads() throws {
        let made = try schema(
            #"{"fields":[{"name":"body","type":"text","analyzer":"ngram(3)","breaks":"join","stored":false,"boost":2},"#
                + #"{"name":"day","type":"date"}],"dynamic":true}"#)
        let body = FieldDefinition(name: "body", analyzer: .ngram(3), breaks: .join, stored: false, boost: 2)
        #expect(made == Schema(fields: [body, FieldDefinition(name: "day", type: .date)], dynamic: true))
    }

    /// The schema file that Docs/OPERATIONS.md shows.
    @Test func theExampleOfTheDocumentIsOne() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Docs/OPERATIONS.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let section = try #require(text.components(separatedBy: "## The schema").dropFirst().first)
        let example = section.split(separator: "\n").filter { $0.hasPrefix("    ") }.prefix(3).joined()
        let shown = try schema(example)
        try shown.validateNew()
        #expect(shown.dynamic && Set(shown.fields.map(\.type)) == [.text, .keyword, .date], "\(shown)")
        for type in FieldType.allCases { #expect(section.contains("`\(type.rawValue)`"), "\(type)") }
    }

    @Test func roundTrip() throws {
        #expect(try schema(Schema.standard.json()) == .standard)
        var small = Schema.standard
        small.compact = true
        #expect(try schema(small.json()) == small)
        #expect(!Schema.standard.json().contains("compact"))
    }

    @Test(arguments: [
        (#"{"fields":[],"x":1}"#, "x"), (#"{"fields":[{"name":"a","typ":"text"}]}"#, "typ"),
        (#"{"fields":[{"name":"a","type":"blob"}]}"#, "a"), (#"{"fields":[{"name":"a","analyzer":"ngram(9)"}]}"#, "a"),
        (#"{"fields":[{"name":"a","breaks":"no"}]}"#, "a"), (#"{"fields":[{"name":"a","boost":0}]}"#, "a"),
        (#"{"fields":[{"name":"a"},{"name":"a"}]}"#, "a"), (#"{"fields":[{"name":"a b"}]}"#, "a b"),
        (#"{"fields":[{"name":"a","stored":1}]}"#, "a"), (#"{"fields":{}}"#, "fields"), ("{}", "fields"),
        (#"{"fields":[],"dynamic":1}"#, "dynamic"), (#"{"fields":[],"compact":"yes"}"#, "compact"), ("[]", "schema"),
        (#"{"fields":[{"type":"text"}]}"#, "fields"), (#"{"fields":[{"name":"a","multiple":true}]}"#, "a"),
        (#"{"fields":[{"name":"a","type":"date","multiple":true}]}"#, "a"),
        (#"{"fields":[{"name":"a","type":"keyword","multiple":1}]}"#, "a"),
    ]) func refusedByName(text: String, field: String) throws {
        let error = try #require(throws: SakuinError.self) { _ = try schema(text) }
        #expect(error.code == .invalidArgument)
        #expect(error.field == field)
    }

    /// Read, since indexes were made of them, but no index is made of them any more.
    @Test(arguments: [
        (#"{"name":"n","type":"integer","analyzer":"words"}"#, "analyzer"),
        (#"{"name":"n","type":"keyword","analyzer":"ngram(2)"}"#, "analyzer"),
        (#"{"name":"n","type":"keyword","breaks":"join"}"#, "breaks"),
        (#"{"name":"n","analyzer":"ngram(2)","breaks":"strict"}"#, "breaks"),
        (#"{"name":"n","analyzer":"keyword","breaks":"join"}"#, "breaks"),
        (#"{"name":"n","type":"keyword","k1":2}"#, "k1"), (#"{"name":"n","type":"boolean","b":0}"#, "b"),
        (#"{"name":"n","type":"date","boost":2}"#, "boost"), (#"{"name":"_score"}"#, "_score"),
        (#"{"name":"_key","type":"keyword"}"#, "_key"), (#"{"name":"n","type":"keyword","edges":true}"#, "edges"),
        (#"{"name":"n","analyzer":"words","edges":true}"#, "edges"),
        (#"{"name":"n","stored":false,"edges":true}"#, "edges"),
    ]) func whatMeansNothingIsRefusedForNewIndexes(field: String, told: String) throws {
        let old = try schema(#"{"fields":[\#(field)]}"#)
        let error = try #require(throws: SakuinError.self) { try old.validateNew() }
        #expect(error.code == .invalidArgument && error.field == old.fields[0].name && error.nextStep != nil)
        #expect(error.message.contains("'\(told)'"))
    }

    /// A schema that is written out, with all its defaults, makes an index again.
    @Test func anEchoIsNoMistake() throws {
        var fields = FieldType.allCases.map { FieldDefinition(name: $0.rawValue, type: $0, stored: false) }
        fields.append(FieldDefinition(name: "short", type: .keyword, analyzer: .keyword, boost: 2))
        fields.append(FieldDefinition(name: "part", analyzer: .ngram(3), boost: 3, k1: 0.5, b: 0.1))
        fields.append(FieldDefinition(name: "page", analyzer: .words, breaks: .strict))
        fields.append(FieldDefinition(name: "whole", analyzer: .keyword))
        fields.append(FieldDefinition(name: "known", edges: true))
        fields.append(FieldDefinition(name: "tags", type: .keyword, multiple: true))
        let echo = try schema(Schema(fields: fields).json())
        try echo.validateNew()
        #expect(echo.fields == fields)
    }

    @Test func anUnknownMemberIsToldTheKnownOnes() throws {
        let error = try #require(throws: SakuinError.self) { _ = try schema(#"{"fields":[{"name":"a","typ":"x"}]}"#) }
        #expect(error.nextStep?.contains("analyzer") == true)
    }
}

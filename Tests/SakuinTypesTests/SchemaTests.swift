// Schema files: read, refused by name, and written back.
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
        (#"{"fields":[{"type":"text"}]}"#, "fields"),
    ]) func refusedByName(text: String, field: String) throws {
        let error = try #require(throws: SakuinError.self) { _ = try schema(text) }
        #expect(error.code == .invalidArgument)
        #expect(error.field == field)
    }

    @Test func anUnknownMemberIsToldTheKnownOnes() throws {
        let error = try #require(throws: SakuinError.self) { _ = try schema(#"{"fields":[{"name":"a","typ":"x"}]}"#) }
        #expect(error.nextStep?.contains("analyzer") == true)
    }
}

// Keyword fields that take several values: what documents may have there, what comes back, and what it is worth.

import Testing

@testable import SakuinEngine

@Suite struct SeveralValuesTests {
    private static let schema = Schema(fields: [
        FieldDefinition(name: "title"), FieldDefinition(name: "tags", type: .keyword, multiple: true),
        FieldDefinition(name: "tag", type: .keyword), FieldDefinition(name: "n", type: .integer),
        FieldDefinition(name: "day", type: .date),
    ])

    private func open(_ directory: MemoryDirectory = MemoryDirectory()) throws -> SearchIndex {
        try SearchIndex.open(directory, schema: Self.schema, options: SearchFixture.options)
    }

    private func put(_ json: String...) -> WriteBatch {
        WriteBatch(json.map { .putJSON(Array($0.utf8), keyField: "id") })
    }

    private func refusal(_ index: SearchIndex, _ json: String) async -> SakuinError? {
        await #expect(throws: SakuinError.self) { try await index.write(put(json)) }
    }

    @Test func documentsComeBackAsTheyWerePut() async throws {
        let index = try open()
        let values = [
            #"["政治", "经济","政治"]"#, "[]", #"[ "\u653f\u6cbb\n", "" ]"#, #""政治""#, "null", #"["a"]"#,
        ]
        let texts = values.enumerated().map { #"{"id":"\#($0)","tags":\#($1)}"# }
        _ = try await index.write(WriteBatch(texts.map { .putJSON(Array($0.utf8), keyField: "id") }))
        _ = try await index.write(WriteBatch([.put(Document(key: "m", ["tags": .strings(["x\"y", "经济"])]))]))
        _ = try await index.commit()
        for _ in 0..<2 {
            let found = try index.getNow((0..<values.count).map { "\($0)" })
            #expect(found.map { String(decoding: $0?.json() ?? [], as: UTF8.self) } == texts)
            #expect(try index.getNow(["m"])[0]?["tags"] == .json(#"["x\"y","经济"]"#))
            func count(_ query: String) throws -> Int { try index.searchNow(SearchRequest(query)).total.value }
            #expect(try count("tags:政治") == 3 && count("tags:经济") == 2 && count(#"tags:"x\"y""#) == 1)
            #expect(try count("tags:*") == 5 && count("*:* -tags:*") == 2 && count(#"tags:["" TO ""]"#) == 1)
            #expect(try count("tags:政* -tags:经济") == 2 && count("tags:A") == 1)
            _ = try await index.compact(segments: 1)
        }
        try index.close()
    }

    @Test func whatCannotBeIsRefused() async throws {
        let index = try open()
        for (value, kind) in [
            ("null", "null"), ("1", "an integer"), ("true", "a boolean"), ("1.5", "a number with a fraction"),
            ("[]", "an array"), (#"{"a":1}"#, "an object"), ("99999999999999999999", "an integer beyond 64 bits"),
        ] {
            let error = await refusal(index, #"{"id":1,"tags":["政治",\#(value)]}"#)
            #expect(error?.code == .invalidArgument && error?.field == "tags" && error?.value == kind)
            #expect(error?.message.contains("value 2 of it is \(kind)") == true && error?.nextStep != nil)
        }
        for value in [#"{"a":1}"#, "1", "false"] {
            let error = await refusal(index, #"{"id":1,"tags":\#(value)}"#)
            #expect(error?.code == .invalidArgument && error?.field == "tags" && error?.nextStep != nil)
        }
        // An array in a field that takes one value, and what to do.
        for (field, part) in [("tag", "multiple"), ("n", "multiple"), ("day", "multiple"), ("title", "join")] {
            let error = await refusal(index, #"{"id":1,"\#(field)":["a","b"]}"#)
            #expect(error?.code == .invalidArgument && error?.field == field && error?.value == "an array")
            #expect(error?.nextStep?.contains(part) == true, "\(field): \(error?.nextStep ?? "")")
        }
        let broken = WriteBatch([.put(Document(key: "b", ["tags": .json(#"["a",]"#)]))])
        let error = await #expect(throws: SakuinError.self) { try await index.write(broken) }
        #expect(error?.code == .invalidArgument)
        #expect(index.statisticsNow().pendingOperations == 0)
        index.abandon()
    }

    @Test func limitsAreExact() async throws {
        let index = try open()
        let most = FieldDefinition.valueCountMax
        let long = String(repeating: "长", count: FieldDefinition.keywordByteCountMax / 3)
        func strings(_ count: Int) -> FieldValue { .strings((0..<count).map { "v\($0)" }) }
        _ = try await index.write(WriteBatch([.put(Document(key: "most", ["tags": strings(most)]))]))
        _ = try await index.write(WriteBatch([.put(Document(key: "long", ["tags": .strings([long, "a"])]))]))
        let many = WriteBatch([.put(Document(key: "many", ["tags": strings(most + 1)]))])
        let count = await #expect(throws: SakuinError.self) { try await index.write(many) }
        #expect(count?.field == "tags" && count?.limit == "1000" && count?.value == "1001" && count?.nextStep != nil)
        let longer = WriteBatch([.put(Document(key: "longer", ["tags": .strings(["a", long + "长"])]))])
        let length = await #expect(throws: SakuinError.self) { try await index.write(longer) }
        #expect(length?.field == "tags" && length?.limit == "32768" && length?.value == "32769")
        _ = try await index.commit()
        for query in ["tags:v0", "tags:v999", "tags:\(long)"] {
            #expect(try index.searchNow(SearchRequest(query)).total == Total(1))
        }
        var request = SearchRequest("*:*", limit: 2)
        request.facets = [FacetRequest("tags", limit: 0)]
        #expect(try index.searchNow(request).facets[0].distinctCount == most + 2)
        try index.close()
    }

    /// How often a value is written and which others a document has changes no score, nor does the way they are written.
    @Test func aValueIsWorthTheSameInEveryDocument() async throws {
        let index = try open()
        _ = try await index.write(
            put(
                #"{"id":"a","tags":["News","x","y","z"]}"#, #"{"id":"b","tags":["News","NEWS","ｎｅｗｓ"]}"#,
                #"{"id":"c","tags":"news"}"#, #"{"id":"d","tags":["News","News"]}"#, #"{"id":"e","tags":["x"]}"#))
        _ = try await index.refresh()
        let hits = try index.searchNow(SearchRequest("tags:news")).hits
        #expect(hits.map(\.key) == ["a", "b", "c", "d"])
        #expect(Set(hits.map(\.score)).count == 1 && hits[0].score > 0)
        // Facets tell values apart as they are written.
        var request = SearchRequest("tags:news", limit: 0)
        request.facets = [FacetRequest("tags", limit: 2)]
        let facet = try index.searchNow(request).facets[0]
        #expect(facet.values == [FacetCount(.keyword("News"), 3), FacetCount(.keyword("NEWS"), 1)])
        #expect(facet.distinctCount == 7 && facet.otherCount == 5 && facet.missingCount == 0)
        index.abandon()
    }

    /// A key in such a field is one value.
    @Test func aKeyIsOneValue() async throws {
        let schema = Schema(fields: [FieldDefinition(name: "id", type: .keyword, multiple: true)])
        let index = try SearchIndex.open(MemoryDirectory(), schema: schema, options: SearchFixture.options)
        _ = try await index.write(put(#"{"id":"k"}"#, #"{"id":7}"#))
        _ = try await index.refresh()
        #expect(try index.searchNow(SearchRequest("id:7 OR id:k")).total == Total(2))
        #expect(await refusal(index, #"{"id":["k"]}"#)?.field == "id")
        index.abandon()
    }

    /// What a merge takes follows the values, not the documents alone.
    @Test func aMergeAsksForTheMemoryOfAllValues() async throws {
        var sizes: [Int] = []
        for count in [1, 500] {
            let index = try open()
            let tags = FieldValue.strings((0..<count).map { "v\($0)" })
            _ = try await index.write(WriteBatch((0..<100).map { .put(Document(key: "\($0)", ["tags": tags])) }))
            _ = try await index.commit()
            sizes.append(SegmentMerger.memoryByteCount(of: index.store.snapshot.segments[0].reader))
            index.abandon()
        }
        #expect(sizes[1] - sizes[0] >= 24 * 100 * 499)
    }
}

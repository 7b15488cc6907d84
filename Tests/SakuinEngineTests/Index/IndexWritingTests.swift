// Writes and what searches then see: put, replace, delete, batches, sequence numbers, a killed process.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct IndexWritingTests {
    private func open(_ directory: MemoryDirectory = MemoryDirectory()) throws -> SearchIndex {
        try SearchIndex.open(directory, schema: .standard, options: SearchFixture.options)
    }

    private func keys(_ index: SearchIndex, _ query: String) throws -> [String] {
        try index.searchNow(SearchRequest(query, limit: 100)).hits.map(\.key).sorted()
    }

    private func put(_ key: String, _ title: String) -> WriteOperation {
        .put(Document(key: key, ["title": .string(title)]))
    }

    @Test func aReplacedDocumentIsFoundByItsNewTextOnly() async throws {
        let index = try open()
        _ = try await index.write(WriteBatch([put("a", "旧い文"), put("b", "旧い文")]))
        #expect(try keys(index, "旧い").isEmpty, "nothing is seen before the refresh")
        _ = try await index.refresh()
        #expect(try keys(index, "旧い") == ["a", "b"])
        _ = try await index.write(WriteBatch([put("a", "新しい文")]))
        #expect(try keys(index, "旧い") == ["a", "b"])
        _ = try await index.refresh()
        #expect(try keys(index, "旧い") == ["b"])
        #expect(try keys(index, "新しい") == ["a"])
        _ = try await index.write(WriteBatch([.delete("b"), .delete("none")]))
        _ = try await index.refresh()
        #expect(try keys(index, "旧い").isEmpty)
        #expect(try index.getNow(["a", "b", "none"]).map { $0?.key } == ["a", nil, nil])
        #expect(index.statisticsNow().documents == 1)
        index.abandon()
    }

    /// Within a batch and between batches of one refresh the last operation on a key counts.
    @Test func theLastOperationOnAKeyCounts() async throws {
        let index = try open()
        _ = try await index.write(
            WriteBatch([put("a", "一"), put("a", "二"), put("b", "一"), .delete("b"), .delete("c"), put("c", "三")]))
        _ = try await index.write(WriteBatch([put("d", "一"), put("e", "二")]))
        _ = try await index.write(WriteBatch([.delete("d"), put("e", "四")]))
        _ = try await index.refresh()
        #expect(try keys(index, "一").isEmpty)
        #expect(try keys(index, "二") == ["a"])
        #expect(try keys(index, "三") == ["c"])
        #expect(try keys(index, "四") == ["e"])
        index.abandon()
    }

    @Test func sequencesSayWhatIsSeen() async throws {
        let index = try open()
        let first = try await index.write(WriteBatch([put("a", "国")]))
        let second = try await index.write(WriteBatch([put("b", "国")]))
        #expect(second.sequence > first.sequence && second.applied == 1 && second.level == .disk)
        #expect(!index.isVisible(second.sequence))
        // On demand: a search that asks for what was written brings the refresh itself.
        var request = SearchRequest("国")
        request.minSequence = second.sequence
        let response = try index.searchNow(request)
        #expect(response.total == Total(2) && response.sequence >= second.sequence)
        #expect(index.isVisible(second.sequence))
        request.minSequence = second.sequence + 1_000
        request.waitLimitMilliseconds = 1
        let error = try #require(throws: SakuinError.self) { try index.searchNow(request) }
        #expect(error.code == .deadlineExceeded && error.field == "minSequence")
        index.abandon()
    }

    /// Values that are not of the type of their field are refused, each with what to do.
    @Test func whatFitsNoFieldIsToldWhatToDo() async throws {
        let fields = FieldType.allCases.map { FieldDefinition(name: $0.rawValue, type: $0) }
        let index = try SearchIndex.open(
            MemoryDirectory(), schema: Schema(fields: fields), options: SearchFixture.options)
        for (member, part) in [
            (#""keyword":["a","b"]"#, "takes one value"), (#""text":{"en":"a"}"#, "takes one value"),
            (#""text":5"#, "in quotes"), (#""keyword":true"#, "in quotes"), (#""integer":"5""#, "without quotes"),
            (#""float":"5""#, "without quotes"), (#""boolean":"true""#, "without quotes"),
            (#""integer":3.5"#, "without a point"), (#""date":1699488000000"#, "such as 2023-11-09"),
            (#""date":"2023/11/09""#, "make the field a keyword"), (#""boolean":1"#, "another type"),
        ] {
            let put = WriteOperation.putJSON(Array("{\"id\":1,\(member)}".utf8), keyField: "id")
            let error = await #expect(throws: SakuinError.self) { try await index.write(WriteBatch([put])) }
            #expect(error?.code == .invalidArgument && error?.nextStep?.contains(part) == true, "\(member)")
        }
        try index.close()
    }

    /// A key is of the type of its field as other values are; it was taken, and its column had none.
    @Test func keysFitTheirFields() async throws {
        for (type, key, isTaken) in [
            (FieldType.integer, "5", true), (.integer, "\"5\"", false), (.date, "\"2023-11-09\"", true),
            (.date, "\"x\"", false), (.date, "5", false), (.keyword, "5", true), (.text, "5", true),
            (.keyword, "\"x\"", true),
        ] {
            let schema = Schema(fields: [FieldDefinition(name: "id", type: type)])
            let index = try SearchIndex.open(MemoryDirectory(), schema: schema, options: SearchFixture.options)
            let put = WriteOperation.putJSON(Array("{\"id\":\(key)}".utf8), keyField: "id")
            if isTaken {
                _ = try await index.write(WriteBatch([put]))
                _ = try await index.refresh()
                if type != .text { #expect(try index.searchNow(SearchRequest("id:[* TO *]")).total == Total(1)) }
            } else {
                let error = await #expect(throws: SakuinError.self) { try await index.write(WriteBatch([put])) }
                #expect(error?.field == "id" && error?.nextStep != nil, "\(type) \(key)")
            }
            try index.close()
        }
    }

    @Test func aBatchIsAllOrNothingUnlessAskedOtherwise() async throws {
        let index = try open()
        let bad = WriteOperation.putJSON(Array(#"{"id": "x", "title": "国""#.utf8), keyField: "id")
        let keyless = WriteOperation.putJSON(Array(#"{"title": "国"}"#.utf8), keyField: "id")
        let long = WriteOperation.delete(String(repeating: "k", count: Document.keyByteCountMax + 1))
        for operation in [bad, keyless, long, put("", "国")] {
            let error = await #expect(throws: SakuinError.self) {
                _ = try await index.write(WriteBatch([self.put("a", "国"), operation]))
            }
            #expect(error?.code == .invalidArgument)
        }
        _ = try await index.refresh()
        #expect(try keys(index, "国").isEmpty)
        let receipt = try await index.write(
            WriteBatch([bad, put("a", "国"), keyless, long, put("b", "国")], rejection: .eachOperation))
        #expect(receipt.applied == 2)
        #expect(receipt.rejections.map(\.index) == [0, 2, 3])
        _ = try await index.refresh()
        #expect(try keys(index, "国") == ["a", "b"])
        let none = try await index.write(WriteBatch([keyless], rejection: .eachOperation))
        #expect(none.applied == 0 && none.rejections.count == 1)
        index.abandon()
    }

    @Test(arguments: AcknowledgementLevel.allCases)
    func aKilledProcessLosesNothingThatWasLogged(level: AcknowledgementLevel) async throws {
        let directory = MemoryDirectory()
        var index = try open(directory)
        _ = try await index.write(WriteBatch([put("a", "国"), put("b", "国")]))
        _ = try await index.commit()
        for i in 0..<20 {
            _ = try await index.write(WriteBatch([put("c\(i)", "国际"), .delete("b")], acknowledge: level))
            if i == 10 { _ = try await index.refresh() }
        }
        let sequence = index.statisticsNow().sequence
        index.abandon()
        index = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        let found = try keys(index, "国")
        // At `memory` some may be gone, but only the last ones.
        #expect(found.contains("a"))
        if level != .memory {
            #expect(found == (["a"] + (0..<20).map { "c\($0)" }).sorted())
            #expect(index.statisticsNow().sequence == sequence)
        }
        #expect(try index.searchNow(SearchRequest("国")).complete)
        try index.close()
    }

    @Test func aClosedIndexRefusesWrites() async throws {
        let directory = MemoryDirectory()
        let index = try open(directory)
        _ = try await index.write(WriteBatch([put("a", "国")]))
        try index.close()
        for attempt in 0..<3 {
            let error = await #expect(throws: SakuinError.self) {
                switch attempt {
                case 0: _ = try await index.write(WriteBatch([self.put("b", "国")]))
                case 1: _ = try await index.refresh()
                default: _ = try await index.commit()
                }
            }
            #expect(error?.code == .unavailable)
        }
        let again = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        #expect(try keys(again, "国") == ["a"])
        try again.close()
    }

    @Test func oneOwnerAndOneSchema() throws {
        let directory = MemoryDirectory()
        #expect(throws: SakuinError.self) {
            try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        }
        let index = try open(directory)
        let locked = try #require(throws: SakuinError.self) { try open(directory) }
        #expect(locked.code == .failedPrecondition)
        try index.close()
        let other = Schema(fields: [FieldDefinition(name: "other")])
        let error = try #require(throws: SakuinError.self) {
            try SearchIndex.open(directory, schema: other, options: SearchFixture.options)
        }
        #expect(error.code == .failedPrecondition)
        try open(directory).close()
    }

    @Test func compactionKeepsWhatIsFound() async throws {
        let index = try open()
        var random = SeededRandom(seed: 121)
        var texts: [String: String] = [:]
        for _ in 0..<12 {
            var operations: [WriteOperation] = []
            for _ in 0..<40 {
                let key = "k\(random.below(150))"
                let text = TextMaker.text(20, &random)
                texts[key] = random.below(5) == 0 ? nil : text
                operations.append(texts[key].map { put(key, $0) } ?? .delete(key))
            }
            _ = try await index.write(WriteBatch(operations))
            _ = try await index.refresh()
        }
        let queries = (0..<200).compactMap { _ in texts.values.sorted().randomElement(using: &random) }.map {
            Query.text(TextMaker.part(of: $0, &random), fields: [])
        }
        func answers() throws -> [Set<String>] {
            try queries.map { Set(try index.searchNow(SearchRequest(.tree($0), limit: 200)).hits.map(\.key)) }
        }
        let before = try answers()
        let report = try await index.compact(segments: 3)
        // A segment whose documents are all dead is gone already.
        #expect((4...12).contains(report.segmentsBefore))
        #expect(report.segmentsAfter <= 3)
        #expect(try answers() == before)
        _ = try await index.compact(segments: 1)
        #expect(try answers() == before)
        let statistics = index.statisticsNow()
        #expect(statistics.segments == 1 && statistics.deletedDocuments == 0 && statistics.documents == texts.count)
        var exported: [String: String] = [:]
        for try await page in try await index.export() {
            for document in page { exported[document.key] = document["title"]?.text }
        }
        #expect(exported == texts)
        await #expect(throws: SakuinError.self) { _ = try await index.compact(segments: 0) }
        index.abandon()
    }

    /// What a document holds comes back as it was given, kind by kind.
    @Test func documentsComeBackWhole() async throws {
        let index = try open()
        let document = Document(
            key: "鍵 1",
            [
                "title": "依托\n5G　网络", "body": "", "n": 42, "least": .integer(.min), "x": 1.5, "yes": true,
                "nothing": .null, "list": .json(#"[1, {"a": "国"}]"#), "date": "2023-11-09",
            ])
        _ = try await index.write(WriteBatch([.put(document)]))
        _ = try await index.write(
            WriteBatch([.putJSON(Array(#"{"id": 7, "title": "国际", "n": 2.5}"#.utf8), keyField: "id")]))
        _ = try await index.refresh()
        let found = try index.getNow(["鍵 1", "7"])
        #expect(found[0] == document)
        #expect(found[1]?.fields == [.init("id", 7), .init("title", "国际"), .init("n", 2.5)])
        #expect(try keys(index, "n:42") == ["鍵 1"])
        #expect(try keys(index, "n:[2 TO 3]") == ["7"])
        #expect(try keys(index, "date:2023-11-09") == ["鍵 1"])
        index.abandon()
    }
}

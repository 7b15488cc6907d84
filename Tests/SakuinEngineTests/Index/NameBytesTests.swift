// Names and keys are their bytes: が as one scalar and as two is two names, though strings of Swift are the same.

import Foundation
import Testing

@testable import SakuinEngine

@Suite struct NameBytesTests {
    private static let one = "\u{304C}"
    private static let two = "\u{304B}\u{3099}"
    private static let both = [one, two]

    private func open(_ directory: MemoryDirectory = MemoryDirectory()) throws -> SearchIndex {
        try SearchIndex.open(directory, schema: .standard, options: SearchFixture.options)
    }

    private func bytes(_ names: [String]) -> [[UInt8]] { names.map { Array($0.utf8) } }

    @Test func fields() async throws {
        let index = try open()
        let json = Array("{\"id\":\"a\",\"\(Self.one)\":1,\"\(Self.two)\":2}".utf8)
        _ = try await index.write(WriteBatch([.putJSON(json, keyField: "id")]))
        _ = try await index.write(
            WriteBatch(Self.both.map { .put(Document(key: $0, fields: [.init($0, .integer(7))])) }))
        _ = try await index.commit()
        let document = try #require(try index.getNow(["a"])[0])
        #expect(document.json() == json)
        #expect(document[Self.one] == 1 && document[Self.two] == 2)
        for (number, name) in Self.both.enumerated() {
            var request = SearchRequest("\(name):[1 TO 9]", limit: 9)
            request.sort = [SortKey(name)]
            request.facets = [FacetRequest(name)]
            request.returnFields = .named([name])
            let response = try index.searchNow(request)
            #expect(bytes(response.hits.map(\.key)) == bytes(["a", name]))
            #expect(bytes(response.hits.flatMap { $0.fields.map(\.name) }) == bytes([name, name]))
            #expect(response.hits[0].fields.map(\.value) == [.integer(Int64(number + 1))])
            #expect(response.facets[0].distinctCount == 2)
        }
        try index.close()
    }

    @Test func idempotencyKeys() async throws {
        let index = try open()
        for key in Self.both {
            let batch = WriteBatch([.put(Document(key: "a", ["title": "全文検索"]))], idempotencyKey: key)
            #expect(try await !index.write(batch).isRepeat)
            #expect(try await index.write(batch).isRepeat)
        }
        try index.close()
    }

    @Test func keysThatARepairSaves() async throws {
        let memory = MemoryDirectory()
        let index = try open(memory)
        _ = try await index.write(WriteBatch(Self.both.map { .put(Document(key: $0, ["title": "全文検索"])) }))
        index.abandon()
        for name in try memory.list() where name.hasPrefix("manifest-") { memory.overwrite(name, with: [0]) }
        #expect(try IndexRepair.run(memory, options: SearchFixture.options).get().exportedDocuments == 2)
        let lines = try memory.read(FileName.quarantined("journal.jsonl")).split(separator: UInt8(ascii: "\n"))
        #expect(
            try bytes(lines.map { try Document(json: Array($0), keyField: "id").key }) == bytes(Self.both.reversed()))
    }

    @Test func indexesAndAliases() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("sakuin-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let catalog = try IndexCatalog(path: path, options: SearchFixture.options)
        try catalog.createNow(Self.one, .standard)
        #expect(throws: SakuinError.self) { try catalog.dropNow(Self.two) }
        #expect(throws: SakuinError.self) { try catalog.reopenNow(Self.two) }
        #expect(try catalog.indexNow(Self.one).writeFailure == nil)
        try catalog.createNow("b", .standard)
        try catalog.aliasNow(Self.two, "b")
        try catalog.close()
        let again = try IndexCatalog(path: path, options: SearchFixture.options)
        #expect(try again.indexNow(Self.two) === again.indexNow("b"))
        #expect(bytes(again.listNow().map(\.name)) == bytes(["b", Self.one]))
        #expect(bytes(again.listNow()[0].aliases) == bytes([Self.two]))
        try again.dropNow(Self.one)
        try again.close()
    }
}

import Testing

@testable import SakuinEngine

@Suite struct EncodedDocumentTests {
    private let names = ["title", "body", "year", "price", "ok", "none", "tags", "id", "number"]

    private func encoded() -> [UInt8] {
        var builder = EncodedDocumentBuilder()
        func bytes(_ text: String, _ body: (UnsafeRawBufferPointer) -> Void) { Array(text.utf8).withUnsafeBytes(body) }
        bytes("索引") { builder.add(0, string: $0) }
        bytes("") { builder.add(1, string: $0) }
        for value in [Int64.min, -1, 0, 1, .max] { builder.add(2, integer: value) }
        builder.add(3, float: -0.25)
        builder.add(4, bare: .yes)
        builder.add(4, bare: .no)
        builder.add(5, bare: .null)
        bytes("[1, {}]") { builder.add(6, json: $0) }
        builder.add(7, bare: .keyString)
        builder.add(8, bare: .keyInteger)
        var out = ByteWriter()
        bytes("42") { builder.finish(key: $0, into: &out) }
        return out.array()
    }

    private func decode(_ bytes: [UInt8], names: [String]) throws -> Document {
        try MappedFile(copying: bytes).withBytes { (bytes) throws(StorageError) in
            try EncodedDocumentReader.decode(bytes, names: names, file: "test")
        }
    }

    @Test func roundTrip() throws {
        let document = try decode(encoded(), names: names)
        #expect(document.key == "42")
        #expect(
            document.fields.map(\.value) == [
                "索引", "", .integer(.min), -1, 0, 1, .integer(.max), -0.25, true, false, .null, .json("[1, {}]"), "42",
                42,
            ])
        #expect(document.fields.map(\.name).last == "number")
    }

    @Test func theExampleOfTheFormatPage() throws {
        let bytes: [UInt8] = [0x01, 0x37, 0x02, 0x00, 0x01, 0x03, 0xE7, 0xB4, 0xA2, 0x01, 0x02, 0x03]
        #expect(try decode(bytes, names: names) == Document(key: "7", ["title": "索", "body": -2]))
    }

    @Test func fieldsCanBeLeftOut() throws {
        var out = ByteWriter()
        try MappedFile(copying: encoded()).withBytes { (bytes) throws(StorageError) in
            try EncodedDocumentReader.copy(bytes, into: &out) { $0 == 0 || $0 == 8 }
        }
        #expect(try decode(out.array(), names: names) == Document(key: "42", ["title": "索引", "number": 42]))
    }

    @Test func hostileBytes() throws {
        let bytes = encoded()
        #expect(throws: StorageError.self) { try decode(bytes, names: []) }
        for length in 0..<bytes.count {
            #expect(throws: StorageError.self) { try decode(Array(bytes.prefix(length)), names: names) }
        }
        var random = StorageRandom(1)
        for _ in 0..<3000 {
            var damaged = bytes
            for _ in 0..<3 { damaged[random.next(below: damaged.count)] = UInt8(random.next(below: 256)) }
            _ = try? decode(damaged, names: names)
        }
    }
}

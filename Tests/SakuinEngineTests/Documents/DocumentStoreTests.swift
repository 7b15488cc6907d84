import Testing

@testable import SakuinEngine

@Suite struct DocumentStoreTests {
    /// Texts of many lengths and kinds, also bytes that are no text.
    private func documents(_ count: Int, seed: UInt64) -> [[UInt8]] {
        var random = StorageRandom(seed)
        return (0..<count).map { _ in
            switch random.next(below: 10) {
            case 0: random.bytes(random.next(below: 300))
            case 1: []
            case 2: Array(String(repeating: "長い文書。", count: random.next(below: 3000)).utf8)
            default: Array(random.text(random.next(below: 400)).utf8)
            }
        }
    }

    private func section(_ documents: [[UInt8]], high: Bool, trained: Bool = false) throws -> SectionView {
        var training = SymbolTraining()
        for document in documents { document.withUnsafeBytes { training.add($0) } }
        var writer = DocumentStoreWriter(high: high, table: trained ? training.table() : nil)
        for document in documents { document.withUnsafeBytes { writer.add($0) } }
        var out = ByteWriter()
        writer.finish(into: &out)
        return TestSection.view(out.array())
    }

    @Test(arguments: [false, true], [false, true]) func roundTrip(high: Bool, trained: Bool) throws {
        let documents = documents(700, seed: 1)
        let store = try DocumentStore(
            try section(documents, high: high, trained: trained), documentCount: documents.count)
        #expect((store.table != nil) == trained)
        #expect(store.blockCount > 3)
        var cache = DocumentBlockCache()
        var random = StorageRandom(2)
        for _ in 0..<2000 {
            let number = random.next(below: documents.count)
            let same = try store.document(UInt32(number), &cache) { $0.elementsEqual(documents[number]) }
            #expect(same, "document \(number)")
        }
        var next = 0
        for block in 0..<store.blockCount {
            try store.forEach(inBlock: block, &cache) { (document, bytes) throws(StorageError) in
                #expect(document == UInt32(next))
                #expect(bytes.elementsEqual(documents[next]))
                next += 1
            }
        }
        #expect(next == documents.count)
        #expect(throws: StorageError.self) {
            try store.document(UInt32(documents.count), &cache) { (_) throws(StorageError) in }
        }
    }

    @Test func noDocuments() throws {
        let store = try DocumentStore(try section([], high: false), documentCount: 0)
        #expect(store.blockCount == 0)
    }

    @Test func oneCacheForTwoStores() throws {
        let first = try DocumentStore(try section([Array("一".utf8)], high: false), documentCount: 1)
        let second = try DocumentStore(try section([Array("二".utf8)], high: false), documentCount: 1)
        var cache = DocumentBlockCache()
        let one = try first.document(0, &cache) { String(decoding: $0, as: UTF8.self) }
        let two = try second.document(0, &cache) { String(decoding: $0, as: UTF8.self) }
        #expect([one, two] == ["一", "二"])
    }

    @Test func mergingCopiesBlocksAndCodedDocuments() throws {
        let documents = documents(500, seed: 3)
        let store = try DocumentStore(try section(documents, high: true), documentCount: documents.count)
        var writer = DocumentStoreWriter(high: true)
        var cache = DocumentBlockCache()
        var expected: [[UInt8]] = []
        for block in 0..<store.blockCount {
            let whole = try store.block(block)
            if block % 2 == 0, writer.canCopy {
                writer.copy(whole)
                expected += documents[whole.firstDocument..<(whole.firstDocument + whole.documentCount)]
                continue
            }
            try store.forEachCoded(inBlock: block, &cache) { (document, coded) throws(StorageError) in
                guard document % 3 != 0 else { return }
                writer.add(coded: coded)
                expected.append(documents[Int(document)])
            }
        }
        var out = ByteWriter()
        writer.finish(into: &out)
        let merged = try DocumentStore(TestSection.view(out.array()), documentCount: expected.count)
        for (number, document) in expected.enumerated() {
            let same = try merged.document(UInt32(number), &cache) { $0.elementsEqual(document) }
            #expect(same, "document \(number)")
        }
    }

    /// Whatever the bytes, reading ends with documents or an error. The checksums are made to match.
    @Test func hostileBytes() throws {
        let documents = documents(60, seed: 4)
        var writer = DocumentStoreWriter(high: false)
        for document in documents { document.withUnsafeBytes { writer.add($0) } }
        var out = ByteWriter()
        writer.finish(into: &out)
        let good = out.array()
        var random = StorageRandom(5)
        for round in 0..<600 {
            var bytes = good
            if round % 4 == 0 { bytes.removeLast(random.next(below: min(bytes.count, 200))) }
            let from = round % 2 == 0 ? max(0, bytes.count - 300) : 0
            for _ in 0..<(1 + random.next(below: 4)) where !bytes.isEmpty {
                bytes[from + random.next(below: bytes.count - from)] = UInt8(random.next(below: 256))
            }
            do throws(StorageError) {
                let store = try DocumentStore(TestSection.view(bytes), documentCount: documents.count)
                var cache = DocumentBlockCache()
                for number in 0..<documents.count {
                    _ = try? store.document(UInt32(number), &cache) { (bytes) throws(StorageError) in bytes.count }
                }
                for block in 0..<store.blockCount {
                    try? store.forEach(inBlock: block, &cache) { (_, _) throws(StorageError) in }
                }
            } catch {
                #expect(error != .cancelled)
            }
        }
    }
}

import Foundation
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

    private func section(_ documents: [[UInt8]], high: Bool) throws -> SectionView {
        section(documents, DocumentStoreWriter(high: high))
    }

    private func section(_ documents: [[UInt8]], _ writer: consuming DocumentStoreWriter) -> SectionView {
        for document in documents { document.withUnsafeBytes { writer.add($0) } }
        var out = ByteWriter()
        writer.finish(into: &out)
        return TestSection.view(out.array())
    }

    /// A code trained on the documents themselves, with a dictionary of at most `dictionaryByteCount`.
    private func code(_ documents: [[UInt8]], dictionaryByteCount: Int) throws -> StoredCode {
        var training = SymbolTraining()
        for document in documents { document.withUnsafeBytes { training.add($0) } }
        let table = training.table()
        let symbols = try #require(table)
        var sample = ByteWriter()
        for document in documents { document.withUnsafeBytes { symbols.encode($0, into: &sample) } }
        let dictionary = sample.withBytes { DictionaryTraining.dictionary(of: $0, byteCount: dictionaryByteCount) }
        return StoredCode(symbols: symbols, dictionary: dictionary)
    }

    /// All documents, at random and block by block.
    private func check(_ store: DocumentStore, _ documents: [[UInt8]]) throws {
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

    @Test(arguments: [false, true]) func roundTrip(high: Bool) throws {
        let documents = documents(700, seed: 1)
        let store = try DocumentStore(try section(documents, high: high), documentCount: documents.count)
        #expect(store.table == nil && !store.hasDictionary)
        #expect(store.blockCount > 3)
        try check(store, documents)
    }

    @Test(arguments: [64, 4_096, 64 << 10]) func roundTripWithDictionary(byteCount: Int) throws {
        let documents = documents(700, seed: 1)
        let code = try code(documents, dictionaryByteCount: byteCount)
        #expect(code.dictionary.count == byteCount)
        let store = try DocumentStore(section(documents, DocumentStoreWriter(code)), documentCount: documents.count)
        #expect(try store.code() == code)
        try check(store, documents)
    }

    /// Blocks are smaller with a dictionary than without, or it would be for nothing.
    @Test func dictionariesSave() throws {
        var random = StorageRandom(7)
        let words = (0..<2_000).map { _ in random.text(12) }
        let documents = (0..<3_000).map { _ in
            Array((0..<20).map { _ in words[random.next(below: words.count)] }.joined().utf8)
        }
        let code = try code(documents, dictionaryByteCount: 64 << 10)
        let with = try DocumentStore(section(documents, DocumentStoreWriter(code)), documentCount: documents.count)
        let bare = StoredCode(symbols: code.symbols, dictionary: [])
        let without = try DocumentStore(section(documents, DocumentStoreWriter(bare)), documentCount: documents.count)
        #expect(with.byteCount < without.byteCount * 9 / 10, "\(with.byteCount), \(without.byteCount)")
    }

    /// Up to format 8 a section has a table but no dictionary, and says nothing of one.
    @Test func sectionsOfFormat8AreRead() throws {
        let documents = documents(300, seed: 8)
        let bare = StoredCode(symbols: try code(documents, dictionaryByteCount: 64).symbols, dictionary: [])
        let view = section(documents, DocumentStoreWriter(bare))
        var bytes = Array(try view.bytes(0, view.count))
        bytes.removeSubrange((bytes.count - 24)..<(bytes.count - 16))
        let store = try DocumentStore(TestSection.view(bytes), documentCount: documents.count, mayHaveDictionary: false)
        #expect(store.table == bare.symbols && !store.hasDictionary)
        try check(store, documents)
    }

    /// What a dictionary's bytes are decides what is read: a golden section, made once, of documents that never change.
    @Test func goldenSection() throws {
        let documents = (0..<400).map { i in
            Array("第\(i)号，国际数字\(i * 37 % 101)大会在北京举行。記事\(i * 11 % 17)の本文、한국어 뉴스。".utf8)
        }
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = folder.appendingPathComponent("Golden/v9-documents.section")
        if !FileManager.default.fileExists(atPath: file.path) {
            let view = section(documents, DocumentStoreWriter(try code(documents, dictionaryByteCount: 1_024)))
            try Data(try view.bytes(0, view.count)).write(to: file)
        }
        let store = try DocumentStore(
            TestSection.view(Array(try Data(contentsOf: file))), documentCount: documents.count)
        #expect(store.hasDictionary)
        try check(store, documents)
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

    /// A block whose documents do not take all of it, or more than it has, is damage although each of them decodes.
    @Test(arguments: [UInt8(2), 4]) func lengthsThatDoNotAddUpAreDamage(length: UInt8) throws {
        let documents = ["a", "bb", "ccc"].map { Array($0.utf8) }
        let view = try section(documents, high: false)
        var bytes = Array(try view.bytes(0, view.count))
        try #require(Array(bytes[..<3]) == [1, 2, 3], "a block begins with the lengths of its documents")
        bytes[2] = length
        let store = try DocumentStore(TestSection.view(bytes), documentCount: documents.count)
        var cache = DocumentBlockCache()
        let error = #expect(throws: StorageError.self) {
            try store.forEach(inBlock: 0, &cache) { (_, _) throws(StorageError) in }
        }
        guard case .corrupt = error else {
            Issue.record("\(String(describing: error)) says nothing of damage")
            return
        }
    }

    /// Whatever the bytes, reading ends with documents or an error. The checksums are made to match.
    @Test(arguments: [false, true]) func hostileBytes(hasDictionary: Bool) throws {
        let documents = documents(60, seed: 4)
        let view =
            hasDictionary
            ? section(documents, DocumentStoreWriter(try code(documents, dictionaryByteCount: 1_024)))
            : try section(documents, high: false)
        let good = Array(try view.bytes(0, view.count))
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

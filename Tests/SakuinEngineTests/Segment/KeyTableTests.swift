import Testing

@testable import SakuinEngine

@Suite struct KeyTableTests {
    private func section(_ keys: [[UInt8]]) throws -> [UInt8] {
        var writer = KeyTableWriter()
        for key in keys { key.withUnsafeBytes { writer.add($0) } }
        var out = ByteWriter()
        try writer.finish(into: &out)
        return out.array()
    }

    private func find(_ table: KeyTable, _ key: [UInt8]) throws -> [UInt32] {
        var found: [UInt32] = []
        try MappedFile(copying: key).withBytes { (bytes) throws(StorageError) in
            try table.find(bytes, hash: KeyHash.hash(bytes)) { (document) throws(StorageError) in
                found.append(document)
                return true
            }
        }
        return found.sorted()
    }

    @Test(arguments: [0, 1, 15, 16, 17, 4000, 70_000]) func everyKeyIsFound(count: Int) throws {
        var random = StorageRandom(UInt64(count))
        let keys = (0..<count).map { number in
            switch number % 4 {
            case 0: Array("doc-\(number)".utf8)
            case 1: random.bytes(random.next(below: 30)) + Array("\(number)".utf8)
            case 2: Array("文書/\(number % 50)/\(number)".utf8)
            // Some keys come again and again, as they do when documents are replaced.
            default: Array("again-\(number % 9)".utf8)
            }
        }
        let table = try KeyTable(TestSection.view(try section(keys)), documentCount: count)
        var places: [[UInt8]: [UInt32]] = [:]
        for (document, key) in keys.enumerated() { places[key, default: []].append(UInt32(document)) }
        for (document, key) in keys.enumerated() where count < 1000 || document % 40 == 0 {
            #expect(try table.key(UInt32(document)) == key)
            #expect(try find(table, key) == places[key])
        }
        #expect(try find(table, Array("missing".utf8)) == [])
        #expect(try find(table, []) == places[[], default: []])
        #expect(throws: StorageError.self) { try table.key(UInt32(count)) }
        var walked: [[UInt8]] = []
        try table.forEach { (_, key) throws(StorageError) in walked.append([UInt8](key)) }
        #expect(walked == keys)
    }

    /// The second block begins at byte 256.
    @Test(arguments: [(256, false), (255, true)]) func moreBytesThanOffsetsCanSay(offsetMax: Int, isRefused: Bool) {
        var writer = KeyTableWriter(offsetMax: offsetMax)
        for number in 0..<20 {
            let key = [UInt8(number)] + [UInt8](repeating: 7, count: 13)
            key.withUnsafeBytes { writer.add($0) }
        }
        var out = ByteWriter()
        var error: StorageError?
        do throws(StorageError) { try writer.finish(into: &out) } catch let thrown { error = thrown }
        #expect(error == (isRefused ? .tooLarge(part: "keys", byteCount: 320, limit: 255) : nil))
    }

    @Test func keysSpreadOverTheBuckets() {
        var counts = [Int](repeating: 0, count: 1000)
        for number in 0..<4000 {
            let hash = Array("doc-\(number)".utf8).withUnsafeBytes { KeyHash.hash($0) }
            counts[KeyTableWriter.bucket(hash, of: counts.count)] += 1
        }
        #expect((counts.max() ?? 0) < 20)
        #expect(KeyTableWriter.bucket(.max, of: 7) == 6 && KeyTableWriter.bucket(0, of: 7) == 0)
    }

    @Test func hostileBytes() throws {
        let keys = (0..<300).map { Array("key-\($0 * 7)".utf8) }
        let good = try section(keys)
        var random = StorageRandom(3)
        for round in 0..<500 {
            var bytes = good
            if round % 5 == 0 { bytes.removeLast(random.next(below: bytes.count)) }
            for _ in 0..<5 where !bytes.isEmpty {
                bytes[random.next(below: bytes.count)] = round % 2 == 0 ? 0xFF : UInt8(random.next(below: 256))
            }
            guard let table = try? KeyTable(TestSection.view(bytes), documentCount: keys.count) else { continue }
            for document in 0..<keys.count {
                _ = try? table.key(UInt32(document))
                _ = try? find(table, keys[document])
            }
            try? table.forEach { (_, _) throws(StorageError) in }
        }
    }

    /// The hash is part of the format: a change would lose every key of every old segment.
    @Test func theHashDoesNotChange() {
        let hashes = ["", "a", "1234567", "12345678", "123456789", "全文検索"].map { text in
            Array(text.utf8).withUnsafeBytes { KeyHash.hash($0) }
        }
        #expect(Set(hashes).count == hashes.count)
        var low: Set<UInt16> = []
        var high: Set<UInt16> = []
        for number in 0..<4000 {
            let hash = Array("doc-\(number)".utf8).withUnsafeBytes { KeyHash.hash($0) }
            low.insert(UInt16(truncatingIfNeeded: hash))
            high.insert(UInt16(truncatingIfNeeded: hash >> 48))
        }
        // 4,000 of 65,536 at random leave about 3,880 distinct ones.
        #expect(low.count > 3_750 && high.count > 3_750)
    }
}

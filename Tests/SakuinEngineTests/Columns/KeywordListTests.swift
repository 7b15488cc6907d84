import Testing

@testable import SakuinEngine

@Suite struct KeywordListTests {
    /// Keywords by document; many documents have none.
    private func model(_ documentCount: Int, _ random: inout StorageRandom) -> [[[UInt8]]] {
        (0..<documentCount).map { _ in
            (0..<[0, 0, 1, 2, 5, 40][random.next(below: 6)]).map { _ in
                Array("k\(random.next(below: random.next(below: 2) == 0 ? 8 : 900))".utf8)
            }
        }
    }

    private func section(_ writer: consuming ColumnSetWriter, _ documentCount: Int) throws -> [UInt8] {
        var out = ByteWriter()
        try writer.finish(documentCount: documentCount, into: &out)
        return out.array()
    }

    @Test(arguments: [1, 64, 129, 1_000, 3_000]) func whatIsWrittenIsRead(documentCount: Int) throws {
        var random = StorageRandom(UInt64(documentCount))
        let model = model(documentCount, &random)
        // Two chunks, as lanes have them, and a column of single keywords beside it.
        let half = documentCount / 2
        var first = ColumnSetWriter()
        var second = ColumnSetWriter()
        for (document, keywords) in model.enumerated() {
            if document < half {
                first.add(keywords: keywords, field: 2, UInt32(document))
                first.add(keyword: [1], field: 2, UInt32(document))
                // Those of the first field of that name count.
                if !keywords.isEmpty { first.add(keywords: [[7]], field: 2, UInt32(document)) }
            } else {
                second.add(keywords: keywords, field: 2, UInt32(document - half))
            }
        }
        first.append(second, UInt32(half))
        let set = try ColumnSet(TestSection.view(try section(first, documentCount)), documentCount: documentCount)
        guard let column = try set.column(field: 2, kind: .keywordSet) else {
            #expect(!model.contains { !$0.isEmpty })
            return
        }
        let lists = try #require(column.lists)
        try lists.check()
        #expect(column.valueCount == model.count { !$0.isEmpty })
        #expect(set.entries.map(set.numberCountMax).max() ?? 0 >= lists.count)
        var found: [[[UInt8]]] = []
        for document in 0..<UInt32(documentCount) {
            found.append([])
            for at in try column.list(of: document, lists) ?? 0..<0 {
                found[Int(document)].append(column.string(try lists.rank(at)))
            }
        }
        #expect(found == model.map { Set($0).sorted { $0.lexicographicallyPrecedes($1) } })
        #expect(lists.count == found.reduce(0) { $0 + $1.count })

        let buffer = UnsafeMutablePointer<UInt32>.allocate(capacity: 128)
        defer { buffer.deallocate() }
        for _ in 0..<20 {
            let ends = (0..<2).map { _ in Int64(random.next(below: column.stringCount)) }
            let range = min(ends[0], ends[1])...max(ends[0], ends[1])
            let expected = (0..<documentCount).filter { found[$0].contains { range.contains(column.rank(of: $0)) } }
            var (target, matches): (UInt32, [Int]) = (0, [])
            while true {
                let count = try column.next(from: target, in: range, into: buffer, 128, lists)
                if count == 0 { break }
                matches += (0..<count).map { Int(buffer[$0]) }
                target = buffer[count - 1] + 1
            }
            #expect(matches == expected)
            let some = (0..<documentCount).filter { _ in random.next(below: 2) == 0 }.prefix(128)
            for (i, document) in some.enumerated() { buffer[i] = UInt32(document) }
            let kept = try column.filter(buffer, some.count, range, lists)
            #expect((0..<kept).map { Int(buffer[$0]) } == some.filter(expected.contains))
        }
    }

    /// The example of the page on the format, byte for byte.
    @Test func theExampleOfTheFormat() throws {
        var writer = ColumnSetWriter()
        writer.add(keywords: [[0x62], [0x61], [0x62]], field: 1, 0)
        writer.add(keywords: [[0x62]], field: 1, 2)
        func block(_ least: UInt8, _ greatest: UInt8, width: UInt8) -> [UInt8] {
            [least, 0, 0, 0, 0, 0, 0, 0, greatest] + [UInt8](repeating: 0, count: 15) + [width]
        }
        let column: [UInt8] =
            [3, 0, 0, 0, 0, 0, 0, 0] + [2, 0, 0, 0, 0] + [0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]
            + [2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0x61, 0x62]
            + [27, 0, 0, 0, 0, 0, 0, 0] + block(2, 3, width: 1) + [0, 1] + block(0, 1, width: 1) + [0, 1, 1]
        let written = try section(writer, 3)
        #expect(Array(written.prefix(column.count)) == column)
        #expect(Array(written.suffix(4)) == [1, 0, 0, 0] && written[column.count + 2] == 6)
    }

    /// Damage behind checksums that match: every answer is a value or an error, and no document or string is out of range.
    @Test func hostileBytes() throws {
        var random = StorageRandom(20_261_304)
        let documentCount = 300
        var writer = ColumnSetWriter()
        for (document, keywords) in model(documentCount, &random).enumerated() {
            writer.add(keywords: keywords, field: 0, UInt32(document))
        }
        let good = try section(writer, documentCount)
        let buffer = UnsafeMutablePointer<UInt32>.allocate(capacity: 128)
        defer { buffer.deallocate() }
        var refusals = 0
        for round in 0..<600 {
            var bytes = good
            if round % 7 == 0 { bytes.removeLast(random.next(below: bytes.count)) }
            for _ in 0..<(1 + round % 6) where !bytes.isEmpty {
                // The numbers in front half of the time.
                let place = random.next(below: random.next(below: 2) == 0 ? min(40, bytes.count) : bytes.count)
                bytes[place] = round % 2 == 0 ? 0xFF : UInt8(random.next(below: 256))
            }
            do throws(StorageError) {
                let set = try ColumnSet(TestSection.view(bytes), documentCount: documentCount)
                for entry in set.entries {
                    #expect(set.numberCountMax(entry) <= documentCount + 6 * bytes.count)
                    let column = try set.column(entry)
                    guard let lists = column.lists else { continue }
                    var target: UInt32 = 0
                    while true {
                        let count = try column.next(from: target, in: 3...40, into: buffer, 128, lists)
                        if count == 0 { break }
                        #expect(buffer[count - 1] < documentCount)
                        target = buffer[count - 1] + 1
                    }
                    for document in 0..<UInt32(documentCount) {
                        for at in try column.list(of: document, lists) ?? 0..<0 {
                            _ = column.string(try lists.rank(at))
                        }
                    }
                    try lists.check()
                }
            } catch {
                guard case .corrupt = error else {
                    Issue.record("\(error)")
                    continue
                }
                refusals += 1
            }
        }
        #expect(refusals > 200)
    }

    /// A list that is out of order or out of place is found by a check, whoever wrote its checksum.
    @Test func aCheckReadsEveryList() throws {
        var writer = ColumnSetWriter()
        for document in 0..<UInt32(3) { writer.add(keywords: [[1], [2], [3]], field: 0, document) }
        let good = try section(writer, 3)
        func problem(_ change: (inout [UInt8]) -> Void) throws -> StorageError? {
            var bytes = good
            change(&bytes)
            let set = try ColumnSet(TestSection.view(bytes), documentCount: 3)
            let column = try #require(try set.column(field: 0, kind: .keywordSet))
            do throws(StorageError) { try column.lists?.check() } catch { return error }
            return nil
        }
        #expect(try problem { _ in } == nil)
        // Behind counts, strings, and the bytes of the ends there are 25 bytes of a block, then the ends, 25 bytes, the ranks.
        let ends = 8 + 4 + 1 + 4 + 3 * 4 + 3 + 8 + 25
        let ranks = ends + 3 + 25
        #expect(Array(good[ends..<(ends + 3)]) == [0, 3, 6] && Array(good[ranks..<(ranks + 3)]) == [0, 1, 2])
        #expect(try problem { $0.swapAt(ranks, ranks + 1) }?.isCorrupt == true)
        #expect(try problem { $0[ranks + 2] = 3 }?.isCorrupt == true)
        #expect(try problem { $0[ranks + 1] = 0 }?.isCorrupt == true)
        #expect(try problem { $0[ends] = 3 }?.isCorrupt == true)
        #expect(try problem { $0[ends + 2] = 5 }?.isCorrupt == true)
        #expect(try problem { $0[ends + 2] = 7 }?.isCorrupt == true)
    }
}

import Testing

@testable import SakuinEngine

@Suite struct ColumnTests {
    /// Values by document, some documents without one.
    private struct Model {
        var kind: ColumnKind
        var values: [Int64?]
    }

    private func models(_ documentCount: Int, seed: UInt64) -> [Model] {
        var random = StorageRandom(seed)
        let kinds: [ColumnKind] = [.integer, .date, .boolean, .integer, .integer]
        return kinds.enumerated().map { number, kind in
            Model(
                kind: kind,
                values: (0..<documentCount).map { document in
                    // The first column has a value everywhere, the others in more or fewer documents.
                    if number > 0, random.next(below: number * number) != 0 { return nil }
                    if kind == .boolean { return Int64(random.next(below: 2)) }
                    switch document / 300 % 4 {
                    case 0: return 42
                    case 1: return Int64(random.next(below: 200)) - 100
                    case 2: return Int64(random.next(below: 1 << 30))
                    default: return Int64(bitPattern: random.next())
                    }
                })
        }
    }

    private func write(_ models: [Model], documentCount: Int) throws -> [UInt8] {
        var writer = ColumnSetWriter()
        for document in 0..<documentCount {
            for (field, model) in models.enumerated() {
                guard let value = model.values[document] else { continue }
                writer.add(value, model.kind, field: field, UInt32(document))
                // The second value of a document does not count.
                writer.add(value &+ 1, model.kind, field: field, UInt32(document))
            }
        }
        var out = ByteWriter()
        try writer.finish(documentCount: documentCount, into: &out)
        return out.array()
    }

    @Test(arguments: [0, 1, 63, 64, 65, 128, 1000, 5000]) func numbers(documentCount: Int) throws {
        let models = models(documentCount, seed: UInt64(documentCount))
        let set = try ColumnSet(
            TestSection.view(try write(models, documentCount: documentCount)), documentCount: documentCount)
        let buffer = UnsafeMutablePointer<UInt32>.allocate(capacity: 128)
        defer { buffer.deallocate() }
        var random = StorageRandom(9)
        for (field, model) in models.enumerated() {
            guard let column = try set.column(field: field, kind: model.kind) else {
                #expect(model.values.allSatisfy { $0 == nil })
                continue
            }
            for document in 0..<documentCount { #expect(column.value(UInt32(document)) == model.values[document]) }
            #expect(column.value(UInt32(documentCount)) == nil)
            for _ in 0..<12 {
                let ends = [0, 1].map { _ in
                    random.next(below: 3) == 0
                        ? Int64(random.next(below: 300)) - 100
                        : Int64(bitPattern: random.next()) >> Int64(random.next(below: 64))
                }
                let range = min(ends[0], ends[1])...max(ends[0], ends[1])
                let expected = (0..<documentCount).filter { model.values[$0].map(range.contains) ?? false }
                var found: [Int] = []
                var target: UInt32 = 0
                while true {
                    let count = column.next(from: target, in: range, into: buffer)
                    if count == 0 { break }
                    found += (0..<count).map { Int(buffer[$0]) }
                    target = buffer[count - 1] + 1
                }
                #expect(found == expected)
                let some = (0..<documentCount).filter { _ in random.next(below: 2) == 0 }.prefix(128)
                for (i, document) in some.enumerated() { buffer[i] = UInt32(document) }
                let kept = column.filter(buffer, some.count, range)
                #expect((0..<kept).map { Int(buffer[$0]) } == some.filter(expected.contains))
            }
        }
        #expect(try set.column(field: 99, kind: .integer) == nil)
        #expect(try set.column(field: 0, kind: .keyword) == nil)
    }

    @Test func floatsKeepTheirOrder() throws {
        let values = [-.infinity, -1e300, -1.5, -1e-300, 0, Double.leastNonzeroMagnitude, 0.1, 1.5, 1e300, .infinity]
        #expect(values.map(ColumnSetWriter.ordered) == values.map(ColumnSetWriter.ordered).sorted())
        #expect(values.map { ColumnSetWriter.double(ordered: ColumnSetWriter.ordered($0)) } == values)
        #expect(ColumnSetWriter.ordered(-0.0) == ColumnSetWriter.ordered(0.0))
        var writer = ColumnSetWriter()
        for (document, value) in values.enumerated() { writer.add(float: value, field: 3, UInt32(document)) }
        var out = ByteWriter()
        try writer.finish(documentCount: values.count, into: &out)
        let column = try #require(
            try ColumnSet(TestSection.view(out.array()), documentCount: values.count).column(field: 3, kind: .float))
        for (document, value) in values.enumerated() {
            #expect(column.value(UInt32(document)).map(ColumnSetWriter.double) == value)
        }
    }

    @Test func keywords() throws {
        var random = StorageRandom(5)
        let strings = (0..<700).map { _ in Array(random.text(random.next(below: 4)).utf8) }
        var writer = ColumnSetWriter()
        for (document, string) in strings.enumerated() where document % 3 != 0 {
            writer.add(keyword: string, field: 1, UInt32(document))
            writer.add(keyword: [1], field: 1, UInt32(document))
        }
        var out = ByteWriter()
        try writer.finish(documentCount: strings.count, into: &out)
        let set = try ColumnSet(TestSection.view(out.array()), documentCount: strings.count)
        let column = try #require(try set.column(field: 1, kind: .keyword))
        let sorted = Set(strings.indices.filter { $0 % 3 != 0 }.map { strings[$0] })
            .sorted { $0.lexicographicallyPrecedes($1) }
        #expect(column.stringCount == sorted.count)
        for (rank, string) in sorted.enumerated() {
            #expect(column.string(Int64(rank)) == string)
            #expect(column.rank(of: string) == Int64(rank))
            #expect(column.rank(of: string + [0]) == Int64(rank + 1))
        }
        #expect(column.string(-1) == [] && column.string(Int64(sorted.count)) == [])
        for (document, string) in strings.enumerated() {
            let found = column.value(UInt32(document)).map(column.string)
            #expect(found == (document % 3 == 0 ? nil : string))
        }
    }

    /// Damage behind checksums that match: every answer is a value or an error, and no document is out of range.
    @Test func hostileBytes() throws {
        let documentCount = 700
        var writer = ColumnSetWriter()
        for (field, model) in models(documentCount, seed: 6).enumerated() {
            for (document, value) in model.values.enumerated() {
                if let value { writer.add(value, model.kind, field: field, UInt32(document)) }
            }
        }
        for document in 0..<UInt32(200) { writer.add(keyword: [UInt8(document % 7)], field: 9, document) }
        var out = ByteWriter()
        try writer.finish(documentCount: documentCount, into: &out)
        let good = out.array()
        let buffer = UnsafeMutablePointer<UInt32>.allocate(capacity: 128)
        defer { buffer.deallocate() }
        var random = StorageRandom(7)
        for round in 0..<300 {
            var bytes = good
            if round % 5 == 0 { bytes.removeLast(random.next(below: bytes.count)) }
            for _ in 0..<6 where !bytes.isEmpty {
                bytes[random.next(below: bytes.count)] = round % 2 == 0 ? 0xFF : UInt8(random.next(below: 256))
            }
            guard let set = try? ColumnSet(TestSection.view(bytes), documentCount: documentCount) else { continue }
            for entry in set.entries {
                guard let column = try? set.column(entry) else { continue }
                for document in 0..<UInt32(documentCount) { _ = column.value(document).map(column.string) }
                var target: UInt32 = 0
                while true {
                    let count = column.next(from: target, in: -50...1_000_000, into: buffer)
                    if count == 0 { break }
                    #expect(buffer[count - 1] < documentCount)
                    target = buffer[count - 1] + 1
                }
                _ = column.rank(of: [3])
            }
        }
    }
}

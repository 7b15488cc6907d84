/// The columns of a segment; see `ColumnSetWriter` for the layout.
struct ColumnSet: Sendable {
    struct Entry: Sendable {
        var field: Int
        var kind: ColumnKind
        var offset: Int
        var byteCount: Int
    }

    private let section: SectionView
    private let documentCount: Int
    /// By field, then kind.
    let entries: [Entry]

    init(_ section: SectionView, documentCount: Int) throws(StorageError) {
        self.section = section
        self.documentCount = documentCount
        let trailer = section.count - 4
        let count = Int(try section.start(trailer, 4).loadUnaligned(as: UInt32.self))
        guard count <= trailer / 19 else { throw section.corrupt(trailer, "\(count) columns") }
        let at = trailer - count * 19
        var reader = ByteReader(try section.bytes(at, count * 19), file: section.file, base: section.fileOffset + at)
        var entries: [Entry] = []
        for _ in 0..<count {
            let field = Int(try reader.read16())
            guard let kind = ColumnKind(rawValue: try reader.read8()) else { throw reader.corrupt("unknown column") }
            let offset = try reader.read64()
            let bytes = try reader.read64()
            guard offset <= UInt64(at), bytes <= UInt64(at) - offset else {
                throw reader.corrupt("column of field \(field) out of place")
            }
            entries.append(Entry(field: field, kind: kind, offset: Int(offset), byteCount: Int(bytes)))
        }
        self.entries = entries
    }

    func column(_ entry: Entry) throws(StorageError) -> Column {
        try Column(section, entry, documentCount: documentCount)
    }

    func column(field: Int, kind: ColumnKind) throws(StorageError) -> Column? {
        guard let entry = entries.first(where: { $0.field == field && $0.kind == kind }) else { return nil }
        return try column(entry)
    }
}

/// A document to its value in one column.
final class Column: Sendable {
    private static let blockStride = 25

    let kind: ColumnKind
    let valueCount: Int
    private let documentCount: Int
    private let section: SectionView
    /// Addresses inside `section`, which keeps them mapped and which nobody writes to.
    private nonisolated(unsafe) let presence: UnsafeRawPointer?
    private nonisolated(unsafe) let stringEnds: UnsafeRawPointer?
    private nonisolated(unsafe) let strings: UnsafeRawPointer?
    private nonisolated(unsafe) let blocks: UnsafeRawPointer
    private nonisolated(unsafe) let data: UnsafeRawPointer
    private let dataByteCount: Int
    let stringCount: Int

    init(_ section: SectionView, _ entry: ColumnSet.Entry, documentCount: Int) throws(StorageError) {
        self.section = section
        self.documentCount = documentCount
        kind = entry.kind
        let bytes = try section.bytes(entry.offset, entry.byteCount)
        var reader = ByteReader(bytes, file: section.file, base: section.fileOffset + entry.offset)
        valueCount = Int(try reader.read32())
        guard valueCount <= documentCount else { throw reader.corrupt("\(valueCount) values") }
        if try reader.read8() == 1 {
            guard valueCount == documentCount else { throw reader.corrupt("\(valueCount) values") }
            presence = nil
        } else {
            presence = try reader.readBytes((documentCount + 63) / 64 * 12).baseAddress
        }
        if entry.kind == .keyword {
            stringCount = Int(try reader.read32())
            guard stringCount <= valueCount, stringCount > 0 else { throw reader.corrupt("\(stringCount) strings") }
            let ends = try reader.readBytes(stringCount * 4)
            stringEnds = ends.baseAddress
            var end = 0
            for i in 0..<stringCount {
                let next = Int(ends.loadUnaligned(fromByteOffset: i * 4, as: UInt32.self))
                guard next >= end else { throw reader.corrupt("strings out of order") }
                end = next
            }
            strings = try reader.readBytes(end).baseAddress ?? ends.baseAddress
        } else {
            stringCount = 0
            stringEnds = nil
            strings = nil
        }
        let blockCount = (valueCount + ColumnSetWriter.blockValueCount - 1) / ColumnSetWriter.blockValueCount
        let table = try reader.readBytes(blockCount * Self.blockStride)
        dataByteCount = reader.remaining
        guard let start = table.baseAddress ?? bytes.baseAddress else { throw reader.corrupt("empty column") }
        blocks = start
        data = start + table.count
        for block in 0..<blockCount { try check(block) }
    }

    private func check(_ block: Int) throws(StorageError) {
        let at = block * Self.blockStride
        let offset = blocks.loadUnaligned(fromByteOffset: at + 16, as: UInt64.self)
        let width = Int(blocks.load(fromByteOffset: at + 24, as: UInt8.self))
        let count = min(ColumnSetWriter.blockValueCount, valueCount - block * ColumnSetWriter.blockValueCount)
        guard [0, 1, 2, 4, 8].contains(width), offset <= UInt64(dataByteCount),
            count * width <= dataByteCount - Int(offset)
        else { throw section.corrupt(0, "column block \(block) out of place") }
    }

    /// The value of a document; nil when it has none.
    func value(_ document: UInt32) -> Int64? {
        guard Int(document) < documentCount else { return nil }
        var place = Int(document)
        if let presence {
            let at = Int(document) / 64 * 12
            let bits = presence.loadUnaligned(fromByteOffset: at + 4, as: UInt64.self)
            let bit = UInt64(document % 64)
            guard bits >> bit & 1 == 1 else { return nil }
            place = Int(presence.loadUnaligned(fromByteOffset: at, as: UInt32.self))
            place += (bits & ((1 << bit) - 1)).nonzeroBitCount
        }
        guard place < valueCount else { return nil }
        let at = place / ColumnSetWriter.blockValueCount * Self.blockStride
        let least = blocks.loadUnaligned(fromByteOffset: at, as: Int64.self)
        let offset = Int(blocks.loadUnaligned(fromByteOffset: at + 16, as: UInt64.self))
        let width = Int(blocks.load(fromByteOffset: at + 24, as: UInt8.self))
        let from = offset + place % ColumnSetWriter.blockValueCount * width
        var rest: UInt64 = 0
        for byte in 0..<width { rest |= UInt64(data.load(fromByteOffset: from + byte, as: UInt8.self)) << UInt64(8 * byte) }
        return least &+ Int64(bitPattern: rest)
    }

    /// The bytes of a keyword by its rank.
    func string(_ rank: Int64) -> [UInt8] {
        guard let stringEnds, let strings, rank >= 0, rank < stringCount else { return [] }
        func end(_ i: Int) -> Int { Int(stringEnds.loadUnaligned(fromByteOffset: i * 4, as: UInt32.self)) }
        let from = rank == 0 ? 0 : end(Int(rank) - 1)
        return [UInt8](UnsafeRawBufferPointer(start: strings + from, count: end(Int(rank)) - from))
    }

    /// The first rank whose string is not below `text`, the number of strings when there is none.
    func rank(of text: [UInt8]) -> Int64 {
        var low = 0
        var high = stringCount
        while low < high {
            let middle = (low + high) / 2
            if string(Int64(middle)).lexicographicallyPrecedes(text) { low = middle + 1 } else { high = middle }
        }
        return Int64(low)
    }
}

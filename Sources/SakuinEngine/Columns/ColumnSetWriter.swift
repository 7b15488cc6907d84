/// What a column holds.
enum ColumnKind: UInt8, CaseIterable {
    case integer = 1
    case float = 2
    case boolean = 3
    case date = 4
    case keyword = 5
}

/// Filter and sort values, by document, to the columns section.
///
/// Section: columns; the directory (per column u16 field, u8 kind, u64 offset, u64 bytes); u32 columns. A column:
/// u32 values n; u8 1 when every document has one, else 0 and a presence map (u32 of values before each 64 documents
/// and u64 of bits, by 64 documents); for keywords u32 distinct strings, u32 end of each string, their bytes; then
/// per block of 128 values i64 least, i64 greatest, u64 offset in the data, u8 bytes a value; the data: value minus
/// least in 0, 1, 2, 4 or 8 bytes. Floats are mapped to integers of the same order, keywords to the rank of the string.
struct ColumnSetWriter: ~Copyable {
    private struct Column {
        var documents: [UInt32] = []
        var values: [Int64] = []
        var strings: [[UInt8]] = []
    }

    /// One column a field and kind: a field outside the schema may hold numbers here and dates there.
    private struct Name: Hashable, Comparable {
        var field: Int
        var kind: UInt8
        static func < (a: Name, b: Name) -> Bool { (a.field, a.kind) < (b.field, b.kind) }
    }

    static let blockValueCount = 128
    private var columns: [Name: Column] = [:]

    init() {}

    /// A value of a document; documents come in ascending order, one value a column each.
    mutating func add(_ value: Int64, _ kind: ColumnKind, field: Int, _ document: UInt32) {
        let name = Name(field: field, kind: kind.rawValue)
        columns[name, default: Column()].documents.append(document)
        columns[name, default: Column()].values.append(value)
    }

    mutating func add(float value: Double, field: Int, _ document: UInt32) {
        add(Self.ordered(value), .float, field: field, document)
    }

    mutating func add(keyword: UnsafeRawBufferPointer, field: Int, _ document: UInt32) {
        let name = Name(field: field, kind: ColumnKind.keyword.rawValue)
        columns[name, default: Column()].documents.append(document)
        columns[name, default: Column()].strings.append([UInt8](keyword))
    }

    /// An integer that sorts as the double does.
    static func ordered(_ value: Double) -> Int64 {
        let bits = Int64(bitPattern: value.bitPattern)
        return bits < 0 ? bits ^ Int64.max : bits
    }

    static func double(ordered: Int64) -> Double {
        Double(bitPattern: UInt64(bitPattern: ordered < 0 ? ordered ^ Int64.max : ordered))
    }

    mutating func finish(documentCount: Int, into out: inout ByteWriter) {
        var directory = ByteWriter()
        let names = columns.keys.sorted()
        for name in names {
            guard let column = columns[name] else { continue }
            let start = out.count
            Self.write(column, documentCount: documentCount, into: &out)
            directory.append16(UInt16(truncatingIfNeeded: name.field))
            directory.append(name.kind)
            directory.append64(UInt64(start))
            directory.append64(UInt64(out.count - start))
        }
        directory.withBytes { out.append(bytes: $0) }
        out.append32(UInt32(names.count))
    }

    private static func write(_ column: Column, documentCount: Int, into out: inout ByteWriter) {
        out.append32(UInt32(column.documents.count))
        writePresence(column.documents, documentCount: documentCount, into: &out)
        var values = column.values
        if !column.strings.isEmpty {
            let distinct = Set(column.strings).sorted { $0.lexicographicallyPrecedes($1) }
            var ranks: [[UInt8]: Int64] = [:]
            out.append32(UInt32(distinct.count))
            var end = 0
            for (rank, string) in distinct.enumerated() {
                ranks[string] = Int64(rank)
                end += string.count
                out.append32(UInt32(end))
            }
            for string in distinct { string.withUnsafeBytes { out.append(bytes: $0) } }
            values = column.strings.map { ranks[$0] ?? 0 }
        }
        writeValues(values, into: &out)
    }

    private static func writePresence(_ documents: [UInt32], documentCount: Int, into out: inout ByteWriter) {
        if documents.count == documentCount {
            out.append(1)
            return
        }
        out.append(0)
        var place = 0
        for word in 0..<((documentCount + 63) / 64) {
            var bits: UInt64 = 0
            let before = place
            while place < documents.count, Int(documents[place]) / 64 == word {
                bits |= 1 << UInt64(documents[place] % 64)
                place += 1
            }
            out.append32(UInt32(before))
            out.append64(bits)
        }
    }

    private static func writeValues(_ values: [Int64], into out: inout ByteWriter) {
        var data = ByteWriter()
        var from = 0
        while from < values.count {
            let block = values[from..<min(from + blockValueCount, values.count)]
            let least = block.min() ?? 0
            let greatest = block.max() ?? 0
            let range = UInt64(bitPattern: greatest &- least)
            let width = range == 0 ? 0 : range < 1 << 8 ? 1 : range < 1 << 16 ? 2 : range < 1 << 32 ? 4 : 8
            out.append64(UInt64(bitPattern: least))
            out.append64(UInt64(bitPattern: greatest))
            out.append64(UInt64(data.count))
            out.append(UInt8(width))
            for value in block {
                let rest = UInt64(bitPattern: value &- least)
                for byte in 0..<width { data.append(UInt8(truncatingIfNeeded: rest >> UInt64(8 * byte))) }
            }
            from += blockValueCount
        }
        data.withBytes { out.append(bytes: $0) }
    }
}

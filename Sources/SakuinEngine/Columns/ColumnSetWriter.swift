/// What a column holds.
enum ColumnKind: UInt8, CaseIterable {
    case integer = 1
    case float = 2
    case boolean = 3
    case date = 4
    case keyword = 5
    /// Several keywords a document.
    case keywordSet = 6

    var isKeyword: Bool { self == .keyword || self == .keywordSet }

    /// nil for text, which has no column.
    init?(_ type: FieldType) {
        switch type {
        case .text: return nil
        case .keyword: self = .keyword
        case .integer: self = .integer
        case .float: self = .float
        case .boolean: self = .boolean
        case .date: self = .date
        }
    }
}

/// Filter and sort values, by document, to the columns section.
///
/// Section: columns; the directory (per column u16 field, u8 kind, u64 offset, u64 bytes); u32 columns. A column:
/// u32 values n; u8 1 when every document has one, else 0 and a presence map (u32 of values before each 64 documents
/// and u64 of bits, by 64 documents); for keywords u32 distinct strings, u32 end of each string, their bytes; then
/// per block of 128 values i64 least, i64 greatest, u64 offset in the data, u8 bytes a value; the data: value minus
/// least in 0, 1, 2, 4 or 8 bytes. Floats are mapped to integers of the same order, keywords to the rank of the string.
/// Sets of keywords: u64 ranks of all documents together; as before up to the strings, n being the documents with some;
/// u64 bytes of the blocks and data of n values, where the ranks of each document end; blocks and data of the ranks.
struct ColumnSetWriter: ~Copyable {
    private final class Column {
        let field: Int
        let kind: ColumnKind
        var documents: [UInt32] = []
        /// For keywords the number of the string.
        var values: [Int64] = []
        /// For sets of keywords: where the values of each document end.
        var ends: [Int64] = []
        /// Distinct strings by number, in order of first appearance.
        var strings: [[UInt8]] = []
        var numbers: [[UInt8]: Int64] = [:]

        init(_ field: Int, _ kind: ColumnKind) {
            self.field = field
            self.kind = kind
        }

        /// Bytes of distinct strings, which stand in an array and in a dictionary.
        private(set) var stringByteCount = 0
        var byteCount: Int {
            documents.capacity * 4 + (values.capacity + ends.capacity) * 8 + strings.count * 128 + stringByteCount
        }

        @inline(__always)
        func add(_ value: Int64, _ document: UInt32) {
            // A field that stands twice in a document counts once, with its first value.
            if documents.last == document { return }
            documents.append(document)
            values.append(value)
        }

        func add(keyword: [UInt8], _ document: UInt32) {
            if documents.last == document { return }
            add(number(keyword), document)
        }

        func add(keywords: [[UInt8]], _ document: UInt32) {
            if keywords.isEmpty || documents.last == document { return }
            documents.append(document)
            let numbers = keywords.map(number).sorted()
            for (i, number) in numbers.enumerated() where i == 0 || number != numbers[i - 1] { values.append(number) }
            ends.append(Int64(values.count))
        }

        private func number(_ keyword: [UInt8]) -> Int64 {
            if let number = numbers[keyword] { return number }
            let number = Int64(strings.count)
            numbers[keyword] = number
            strings.append(keyword)
            stringByteCount += keyword.count
            return number
        }

        /// The values of each document, of a set of keywords.
        func forEachList(_ body: (_ document: UInt32, _ values: ArraySlice<Int64>) -> Void) {
            var from = 0
            for (document, end) in zip(documents, ends) {
                body(document, values[from..<Int(end)])
                from = Int(end)
            }
        }
    }

    static let blockValueCount = 128
    private let offsetMax: Int
    /// One column a field and kind: a field outside the schema may hold numbers here and dates there.
    private var columns: [Column] = []
    /// Place in `columns` by field number * 8 + kind; -1: none yet.
    private var places: [Int32] = []

    init(offsetMax: Int = Int(UInt32.max)) { self.offsetMax = offsetMax }

    /// Bytes of memory it takes.
    var byteCount: Int { columns.reduce(0) { $0 + $1.byteCount } }

    @inline(__always)
    private mutating func column(_ field: Int, _ kind: ColumnKind) -> Column {
        let slot = field &* 8 &+ Int(kind.rawValue)
        if slot < places.count, places[slot] >= 0 { return columns[Int(places[slot])] }
        return newColumn(field, kind, slot)
    }

    @inline(never)
    private mutating func newColumn(_ field: Int, _ kind: ColumnKind, _ slot: Int) -> Column {
        if slot >= places.count { places += Array(repeating: -1, count: slot + 1 - places.count) }
        places[slot] = Int32(columns.count)
        let column = Column(field, kind)
        columns.append(column)
        return column
    }

    /// A value of a document; documents come in ascending order, and of several values of one the first counts.
    mutating func add(_ value: Int64, _ kind: ColumnKind, field: Int, _ document: UInt32) {
        column(field, kind).add(value, document)
    }

    mutating func add(float value: Double, field: Int, _ document: UInt32) {
        add(Self.ordered(value), .float, field: field, document)
    }

    mutating func add(keyword: UnsafeRawBufferPointer, field: Int, _ document: UInt32) {
        add(keyword: [UInt8](keyword), field: field, document)
    }

    mutating func add(keyword: [UInt8], field: Int, _ document: UInt32) {
        column(field, .keyword).add(keyword: keyword, document)
    }

    /// All keywords of a document; what stands there twice counts once.
    mutating func add(keywords: [[UInt8]], field: Int, _ document: UInt32) {
        if !keywords.isEmpty { column(field, .keywordSet).add(keywords: keywords, document) }
    }

    /// Adds the values of another, whose documents are counted from `documentBase`, above all before.
    mutating func append(_ other: borrowing ColumnSetWriter, _ documentBase: UInt32) {
        for column in other.columns {
            if column.kind == .keywordSet {
                let own = self.column(column.field, .keywordSet)
                column.forEachList { document, numbers in
                    own.add(keywords: numbers.map { column.strings[Int($0)] }, document &+ documentBase)
                }
                continue
            }
            for (document, value) in zip(column.documents, column.values) {
                if column.kind == .keyword {
                    add(keyword: column.strings[Int(value)], field: column.field, document &+ documentBase)
                } else {
                    add(value, column.kind, field: column.field, document &+ documentBase)
                }
            }
        }
    }

    /// An integer that sorts as the double does; -0 and 0 are one value.
    static func ordered(_ value: Double) -> Int64 {
        let bits = Int64(bitPattern: value == 0 ? 0 : value.bitPattern)
        return bits < 0 ? bits ^ Int64.max : bits
    }

    static func double(ordered: Int64) -> Double {
        Double(bitPattern: UInt64(bitPattern: ordered < 0 ? ordered ^ Int64.max : ordered))
    }

    /// Appends the section; `out` holds nothing else of it. Throws `tooLarge` when a column has more bytes of strings than
    /// offsets can say.
    mutating func finish(documentCount: Int, into out: inout ByteWriter) throws(StorageError) {
        if let bytes = columns.map(\.stringByteCount).max(), bytes > offsetMax {
            throw .tooLarge(part: "keywords of a field", byteCount: bytes, limit: offsetMax)
        }
        let base = out.count
        var directory = ByteWriter()
        for column in columns.sorted(by: { ($0.field, $0.kind.rawValue) < ($1.field, $1.kind.rawValue) }) {
            let start = out.count
            Self.write(column, documentCount: documentCount, into: &out)
            directory.append16(UInt16(truncatingIfNeeded: column.field))
            directory.append(column.kind.rawValue)
            directory.append64(UInt64(start - base))
            directory.append64(UInt64(out.count - start))
        }
        directory.withBytes { out.append(bytes: $0) }
        out.append32(UInt32(columns.count))
    }

    private static func write(_ column: Column, documentCount: Int, into out: inout ByteWriter) {
        if column.kind == .keywordSet { out.append64(UInt64(column.values.count)) }
        out.append32(UInt32(column.documents.count))
        writePresence(column.documents, documentCount: documentCount, into: &out)
        guard column.kind.isKeyword else {
            writeValues(column.values, into: &out)
            return
        }
        let ranks = writeStrings(column.strings, into: &out)
        guard column.kind == .keywordSet else {
            writeValues(column.values.map { ranks[Int($0)] }, into: &out)
            return
        }
        var ends = ByteWriter()
        writeValues(column.ends, into: &ends)
        out.append64(UInt64(ends.count))
        ends.withBytes { out.append(bytes: $0) }
        var ascending: [Int64] = []
        ascending.reserveCapacity(column.values.count)
        column.forEachList { _, numbers in ascending += numbers.map { ranks[Int($0)] }.sorted() }
        writeValues(ascending, into: &out)
    }

    /// Appends the strings in order; returns the rank of each.
    private static func writeStrings(_ strings: [[UInt8]], into out: inout ByteWriter) -> [Int64] {
        let order = strings.indices.sorted { strings[$0].lexicographicallyPrecedes(strings[$1]) }
        var ranks = [Int64](repeating: 0, count: order.count)
        out.append32(UInt32(order.count))
        var end = 0
        for (rank, number) in order.enumerated() {
            ranks[number] = Int64(rank)
            end += strings[number].count
            out.append32(UInt32(truncatingIfNeeded: end))
        }
        for number in order { strings[number].withUnsafeBytes { out.append(bytes: $0) } }
        return ranks
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

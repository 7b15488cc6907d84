import Synchronization

/// The columns of a segment; see `ColumnSetWriter` for the layout.
final class ColumnSet: Sendable {
    struct Entry: Sendable {
        var field: Int
        var kind: ColumnKind
        var offset: Int
        var byteCount: Int
        /// Place in `entries`.
        fileprivate var place: Int
    }

    private let section: SectionView
    private let documentCount: Int
    /// By field, then kind.
    let entries: [Entry]
    /// Columns that were opened before, by place.
    private let opened: Mutex<[Int: Column]> = Mutex([:])

    private static let entryByteCount = 19

    init(_ section: SectionView, documentCount: Int) throws(StorageError) {
        self.section = section
        self.documentCount = documentCount
        let trailer = section.count - 4
        let count = Int(UInt32(littleEndian: try section.start(trailer, 4).loadUnaligned(as: UInt32.self)))
        guard count <= trailer / Self.entryByteCount else { throw section.corrupt(trailer, "\(count) columns") }
        let at = trailer - count * Self.entryByteCount
        var reader = ByteReader(
            try section.bytes(at, count * Self.entryByteCount), file: section.file, base: section.fileOffset + at)
        var entries: [Entry] = []
        for place in 0..<count {
            let field = Int(try reader.read16())
            guard let kind = ColumnKind(rawValue: try reader.read8()) else { throw reader.corrupt("unknown column") }
            let offset = try reader.read64()
            let bytes = try reader.read64()
            guard offset <= UInt64(at), bytes <= UInt64(at) - offset else {
                throw reader.corrupt("column of field \(field) out of place")
            }
            entries.append(
                Entry(field: field, kind: kind, offset: Int(offset), byteCount: Int(bytes), place: place))
        }
        self.entries = entries
    }

    /// Opening verifies the whole column, once.
    func column(_ entry: Entry) throws(StorageError) -> Column {
        if let column = opened.withLock({ $0[entry.place] }) { return column }
        let column = try Column(section, entry, documentCount: documentCount)
        opened.withLock { $0[entry.place] = column }
        return column
    }

    /// How many numbers a column has at most: one a document, of sets of keywords their ranks besides. Reads no more than the
    /// beginning; of what is damaged opening the column says why.
    func numberCountMax(_ entry: Entry) -> Int {
        guard entry.kind == .keywordSet, let bytes = try? section.bytes(entry.offset, min(entry.byteCount, 8)) else {
            return documentCount
        }
        var reader = ByteReader(bytes, file: section.file)
        let rankCount = (try? KeywordLists.readCount(&reader)) ?? 0
        return documentCount + min(rankCount, ValueBlocks.countMax(byteCount: entry.byteCount))
    }

    func column(field: Int, kind: ColumnKind) throws(StorageError) -> Column? {
        guard let entry = entries.first(where: { $0.field == field && $0.kind == kind }) else { return nil }
        return try column(entry)
    }
}

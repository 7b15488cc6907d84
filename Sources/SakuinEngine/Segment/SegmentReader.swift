/// One open segment: dictionaries, postings, norms, documents, keys and columns of an immutable file.
final class SegmentReader: Sendable {
    let file: String
    let byteCount: Int
    let meta: SegmentMeta
    /// CRC-32C of the footer, which the manifest repeats.
    let checksum: UInt32
    let formatVersion: Int
    /// Whether lists of grams and pairs have links, else positions, see `OccurrenceKind`.
    let hasLinks: Bool
    let grams: GramDictionary
    let words: WordDictionary
    let postings: SectionView
    let positions: SectionView
    let postingSource: PostingSource
    let columns: ColumnSet
    let keys: KeyTable
    let documents: DocumentStore
    /// nil when the segment has none.
    let promoted: PromotedGrams?
    /// Where the lists of promoted grams stand, which have no positions; that of all others when there are none.
    let promotedSource: PostingSource
    private let sections: [SegmentLayout.Section: SectionView]
    private let normsView: SectionView
    /// By field, up to the last that has norms.
    private let normOffsets: [Int?]

    /// Opens a segment; throws what is wrong with the file, by name and offset.
    init(_ directory: any Directory, _ file: String) throws(StorageError) {
        let mapped = try directory.open(file)
        let footer = try SegmentFooter(mapped, file)
        self.file = file
        byteCount = mapped.bytes.count
        meta = footer.meta
        checksum = footer.checksum
        formatVersion = Int(footer.formatVersion)
        sections = footer.sections
        hasLinks = Analyzer.hasLinks(version: meta.analyzerVersion)
        grams = try GramDictionary(try footer.section(.grams), hasLinks: hasLinks)
        words = try WordDictionary(try footer.section(.words), hasLinks: hasLinks)
        postings = try footer.section(.postings)
        positions = try footer.section(.positions)
        normsView = try footer.section(.norms)
        normOffsets = try NormsSection.readOffsets(normsView, documentCount: meta.documentCount)
        keys = try KeyTable(try footer.section(.keys), documentCount: meta.documentCount)
        documents = try DocumentStore(
            try footer.section(.documents), keys: keys, documentCount: meta.documentCount,
            mayHaveDictionary: footer.formatVersion >= SegmentLayout.dictionaryVersion)
        columns = try ColumnSet(try footer.section(.columns), documentCount: meta.documentCount)
        promoted =
            footer.sections[.promoted] == nil
            ? nil
            : try PromotedGrams(
                try footer.section(.promoted), try footer.section(.promotedPostings),
                formatVersion: footer.formatVersion)
        let isOld = footer.formatVersion < SegmentLayout.eliasFanoVersion
        postingSource = PostingSource(
            postings: postings, positions: positions, documentCount: meta.documentCount, isOld: isOld)
        var promotedSource = postingSource
        if let promoted {
            promotedSource = PostingSource(
                postings: promoted.postings, positions: positions, documentCount: meta.documentCount, isOld: isOld)
        }
        self.promotedSource = promotedSource
    }

    /// Length codes of a text field by document; nil when no document has the field.
    func norms(_ field: Int) throws(StorageError) -> UnsafePointer<UInt8>? {
        guard field < normOffsets.count, let offset = normOffsets[field] else { return nil }
        return try normsView.start(offset, meta.documentCount).assumingMemoryBound(to: UInt8.self)
    }

    /// The lengths of a text field's documents.
    func lengths(_ field: Int) throws(StorageError) -> FieldLengths {
        guard field < meta.fields.count else { return FieldLengths() }
        return FieldLengths(
            norms: try norms(field), documentCount: meta.fields[field].documentCount,
            lengthSum: meta.fields[field].lengthSum)
    }

    private func number(of field: String) -> Int? { meta.fieldNames.firstIndex { $0.hasSameBytes(as: field) } }

    /// The columns of a field, one for each kind of values its documents have.
    func columns(of field: String) throws(StorageError) -> [Column] {
        guard let number = number(of: field) else { return [] }
        var found: [Column] = []
        for entry in columns.entries where entry.field == number { found.append(try columns.column(entry)) }
        return found
    }

    /// Whether any document has a value with a column in the field.
    func hasColumn(of field: String) -> Bool {
        guard let number = number(of: field) else { return false }
        return columns.entries.contains { $0.field == number }
    }

    /// The fields that have norms.
    var textFields: [Int] { normOffsets.indices.filter { normOffsets[$0] != nil } }

    /// Sections by name and size, in file order.
    var sectionSizes: [(name: String, byteCount: Int)] {
        sections.sorted { $0.value.fileOffset < $1.value.fileOffset }.map { ($0.key.name, $0.value.count) }
    }

    /// Verifies every checksum.
    func verifyChecksums(_ pace: (_ byteCount: Int) throws(StorageError) -> Void) throws(StorageError) {
        for view in sections.values {
            for from in stride(from: 0, to: view.count, by: 1 << 20) {
                let byteCount = min(1 << 20, view.count - from)
                try pace(byteCount)
                _ = try view.bytes(from, byteCount)
            }
        }
    }
}

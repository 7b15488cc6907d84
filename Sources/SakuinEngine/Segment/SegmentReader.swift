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

/// The footer of a segment file, read and checked.
struct SegmentFooter {
    let meta: SegmentMeta
    let checksum: UInt32
    let formatVersion: UInt32
    private(set) var sections: [SegmentLayout.Section: SectionView] = [:]
    private let file: String

    init(_ mapped: MappedFile, _ file: String) throws(StorageError) {
        self.file = file
        let bytes = mapped.bytes
        func corrupt(_ offset: Int, _ reason: String) -> StorageError {
            .corrupt(file: file, offset: offset, reason: reason)
        }
        guard bytes.count >= SegmentLayout.headerByteCount + SegmentLayout.trailerByteCount else {
            throw corrupt(0, "a file of \(bytes.count) bytes is no segment")
        }
        let trailerAt = bytes.count - SegmentLayout.trailerByteCount
        var head = ByteReader(bytes, file: file)
        guard try head.read64() == SegmentLayout.magic else { throw corrupt(0, "the magic of a segment is missing") }
        let version = try head.read32()
        guard try head.read32() == 0 else { throw corrupt(12, "damaged header") }
        var trailer = ByteReader(
            UnsafeRawBufferPointer(rebasing: bytes[trailerAt...]), file: file, base: trailerAt)
        let length = Int(try trailer.read32())
        let stored = try trailer.read32()
        let trailerVersion = try trailer.read32()
        guard try trailer.read64() == SegmentLayout.magic else {
            throw corrupt(trailerAt, "the file ends in the middle")
        }
        guard length <= trailerAt - SegmentLayout.headerByteCount else { throw corrupt(trailerAt, "footer too long") }
        let footer = UnsafeRawBufferPointer(rebasing: bytes[(trailerAt - length)..<trailerAt])
        guard CRC32C.checksum(footer) == stored else {
            throw corrupt(trailerAt - length, "checksum of the footer does not match")
        }
        // Only a file that verifies can be of another format: a version that was damaged must not stop the whole index.
        guard trailerVersion == version else {
            throw corrupt(8, "format \(version) in the header, \(trailerVersion) in the trailer")
        }
        let supported = SegmentLayout.oldestFormatVersion...SegmentLayout.formatVersion
        guard supported.contains(version) else {
            throw .unsupportedVersion(
                file: file, found: Int(version), supported: Int(supported.lowerBound)...Int(supported.upperBound))
        }
        checksum = stored
        formatVersion = version
        var reader = ByteReader(footer, file: file, base: trailerAt - length)
        let count = Int(try reader.read32())
        guard count <= SegmentLayout.Section.allCases.count else { throw reader.corrupt("\(count) sections") }
        for _ in 0..<count {
            guard let id = SegmentLayout.Section(rawValue: try reader.read16()) else {
                throw reader.corrupt("unknown section")
            }
            let offset = try reader.read64()
            let size = try reader.read64()
            let end = UInt64(trailerAt - length)
            guard offset <= end, size <= end - offset, sections[id] == nil else {
                throw reader.corrupt("section \(id.name) out of place")
            }
            let blocks = (Int(size) + SectionView.checkedByteCount - 1) / SectionView.checkedByteCount
            var checksums: [UInt32] = []
            guard blocks * 4 <= reader.remaining else { throw reader.corrupt("checksums cut short") }
            for _ in 0..<blocks { checksums.append(try reader.read32()) }
            sections[id] = SectionView(
                owner: mapped, file: file, offset: Int(offset), count: Int(size), checksums: checksums)
        }
        meta = try SegmentMeta(from: &reader)
        guard (1...Analyzer.newestVersion).contains(meta.analyzerVersion) else {
            throw .unsupportedVersion(
                file: "\(file) (analyzer)", found: Int(meta.analyzerVersion),
                supported: 1...Int(Analyzer.newestVersion))
        }
        // No checksum covers what stands between sections.
        var at = SegmentLayout.headerByteCount
        // Empty sections stand where the next one begins.
        for section in sections.values.sorted(by: { ($0.fileOffset, $0.count) < ($1.fileOffset, $1.count) }) {
            guard section.fileOffset >= at, section.fileOffset - at < SegmentLayout.alignment,
                bytes[at..<section.fileOffset].allSatisfy({ $0 == 0 })
            else { throw corrupt(at, "something between sections") }
            at = section.fileOffset + section.count
        }
        guard trailerAt - length - at < SegmentLayout.alignment,
            bytes[at..<(trailerAt - length)].allSatisfy({ $0 == 0 })
        else { throw corrupt(at, "something before the footer") }
    }

    func section(_ id: SegmentLayout.Section) throws(StorageError) -> SectionView {
        guard let view = sections[id] else {
            throw .corrupt(file: file, offset: 0, reason: "section \(id.name) is missing")
        }
        return view
    }
}

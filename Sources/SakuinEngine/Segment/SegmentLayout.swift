// The on-disk contract of a segment file in one place; Docs/FORMAT.md draws it.
//
// header   8 bytes magic "SAKUINSG", u32 format version, u32 zero
// sections one after another, each beginning at a multiple of 16
// footer   section table with checksums, then the meta data (`SegmentMeta`)
// trailer  u32 footer bytes, u32 CRC-32C of the footer, u32 format version, 8 bytes magic

enum SegmentLayout {
    /// 9: stored documents with a dictionary. 8: links. 7: Elias–Fano code for lists of characters, gaps between frequencies above 1. 6: a threshold of longer promoted grams. 5: promoted grams. 4: pairs behind the words. 3: marks in the blocks of the gram dictionary. 2: ranks, entries in bits. 1: the first.
    static let formatVersion: UInt32 = 9
    /// Segments of this format and later ones are read; merges write the newest.
    static let oldestFormatVersion: UInt32 = 3
    /// From here on what is promoted of a field has a threshold of longer grams.
    static let longerThresholdVersion: UInt32 = 6
    /// From here on the blocks of characters' lists are Elias–Fano code, and frequencies above 1 have gaps before them.
    static let eliasFanoVersion: UInt32 = 7
    /// From here on the blocks of stored documents may have a dictionary.
    static let dictionaryVersion: UInt32 = 9
    static let magic: UInt64 = 0x4753_4E49_554B_4153
    static let headerByteCount = 16
    static let trailerByteCount = 20
    static let alignment = 16
    /// Documents of a segment are numbered by 31 bits.
    static let documentCountMax = Int(Int32.max)
    static let fieldCountMax = 1 << 15
    /// Bytes of text, and units of a field: more cannot be, and sums over the segments of an index stay within 64 bits.
    static let textByteCountMax = 1 << 56

    enum Section: UInt16, CaseIterable {
        case grams = 1
        case words = 2
        case postings = 3
        case positions = 4
        case norms = 5
        case documents = 6
        case keys = 7
        case columns = 8
        /// These two only where there are frequent bigrams, from format 5 on.
        case promoted = 9
        case promotedPostings = 10

        var name: String { "\(self)" }
    }
}

/// What a text field holds in one segment, for BM25.
struct FieldStatistics: Equatable, Sendable {
    /// Documents that have the field.
    var documentCount = 0
    /// Sum of their lengths.
    var lengthSum = 0
}

/// What a segment says of itself.
struct SegmentMeta: Equatable, Sendable {
    var documentCount = 0
    /// UTF-8 bytes of the text fields.
    var textByteCount = 0
    /// `Analyzer.newestVersion` and `CharacterTable.version` when it was written.
    var analyzerVersion: UInt32 = 0
    var tableVersion: UInt32 = 0
    /// The sequence numbers of the batches its documents came with.
    var firstSequence: UInt64 = 0
    var lastSequence: UInt64 = 0
    /// Field number to name; stored documents use the numbers.
    var fieldNames: [String] = []
    /// By field number, as far as there are text fields.
    var fields: [FieldStatistics] = []

    func encode(into out: inout ByteWriter) {
        out.append32(UInt32(documentCount))
        out.append64(UInt64(textByteCount))
        out.append32(analyzerVersion)
        out.append32(tableVersion)
        out.append64(firstSequence)
        out.append64(lastSequence)
        out.appendVarint(UInt64(fieldNames.count))
        for name in fieldNames { out.append(string: name) }
        out.appendVarint(UInt64(fields.count))
        for field in fields {
            out.appendVarint(UInt64(field.documentCount))
            out.appendVarint(UInt64(field.lengthSum))
        }
    }

    init() {}

    init(from reader: inout ByteReader) throws(StorageError) {
        documentCount = Int(try reader.read32())
        guard documentCount <= SegmentLayout.documentCountMax else { throw reader.corrupt("too many documents") }
        textByteCount = Int(clamping: try reader.read64())
        guard textByteCount <= SegmentLayout.textByteCountMax else { throw reader.corrupt("too much text") }
        analyzerVersion = try reader.read32()
        tableVersion = try reader.read32()
        firstSequence = try reader.read64()
        lastSequence = try reader.read64()
        let names = try reader.readCount(max: SegmentLayout.fieldCountMax)
        for _ in 0..<names { fieldNames.append(try reader.readString()) }
        let count = try reader.readCount(max: SegmentLayout.fieldCountMax)
        for _ in 0..<count {
            fields.append(
                FieldStatistics(
                    documentCount: try reader.readCount(max: documentCount),
                    lengthSum: try reader.readCount(max: SegmentLayout.textByteCountMax)))
        }
    }
}

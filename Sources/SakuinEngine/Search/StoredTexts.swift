/// Reads texts out of the stored documents of a segment, for one matcher after the other in the same buffers: a long
/// document takes several times its bytes.
final class StoredTexts {
    private let segment: SegmentReader
    private var cache = DocumentBlockCache()
    private let units = UnitBuffer()
    private let room: SearchRoom?

    /// Of shorter documents the buffers are in what every search takes.
    private static let shortByteCountMax = 1 << 16
    /// Bytes of a document and its units, by byte of it.
    private static let byteFactor = 4

    /// What long documents take comes out of `room`.
    init(_ segment: SegmentReader, _ room: SearchRoom?) {
        self.segment = segment
        self.room = room
    }

    /// What tells of documents, before they are read, that a text does not occur in them; nil when nothing does.
    func filter(_ text: ReadText) -> GapFilter? { GapFilter(text, segment.documents.table) }

    /// Whether a text may occur in a document.
    func mayHave(_ document: UInt32, _ filter: GapFilter) throws(StorageError) -> Bool {
        try segment.documents.coded(document, &cache) { filter.mayOccur(in: $0) }
    }

    /// Hands the units of each text that a document has in a field to `body` until it returns false. Throws `corrupt` for
    /// what is no UTF-8, `noMemoryToRead` for a long document that there is no memory for.
    func forEach(
        of document: UInt32, _ field: Int, _ analyzer: Analyzer, _ body: (UnitBuffer) throws(StorageError) -> Bool
    ) throws(StorageError) {
        try segment.documents.document(document, &cache) { (bytes) throws(StorageError) in
            if bytes.count > Self.shortByteCountMax {
                try room?.hold(Self.byteFactor * bytes.count, toRead: bytes.count)
            }
            var fields = try EncodedDocumentReader(bytes, file: segment.file)
            while let next = try fields.next() {
                guard next.number == field, next.isText else { continue }
                do throws(TextError) {
                    try analyzer.normalize(next.bytes.bindMemory(to: UInt8.self), into: units, offsets: false)
                } catch {
                    throw .corrupt(file: segment.file, offset: 0, reason: "invalid UTF-8 in document \(document)")
                }
                guard try body(units) else { return }
            }
        }
    }
}

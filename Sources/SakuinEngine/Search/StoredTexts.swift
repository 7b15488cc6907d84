/// Reads the texts of one field out of stored documents, in buffers that are used again.
final class StoredTexts {
    private let segment: SegmentReader
    private let field: Int
    private let analyzer: Analyzer
    private var cache = DocumentBlockCache()
    private let units = UnitBuffer()

    init(_ segment: SegmentReader, field: Int, _ analyzer: Analyzer) {
        self.segment = segment
        self.field = field
        self.analyzer = analyzer
    }

    /// Hands the units of each text of a document to `body` until it returns false. Throws `corrupt` for what is no UTF-8.
    func forEach(
        of document: UInt32, _ body: (UnitBuffer) throws(StorageError) -> Bool
    ) throws(StorageError) {
        try segment.documents.document(document, &cache) { (bytes) throws(StorageError) in
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

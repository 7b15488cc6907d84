// Gets documents out of a segment file of which a part cannot be read: blocks, footer, keys and living documents are
// enough, and a block that is damaged costs its own documents only.

struct SegmentSalvage {
    private let footer: SegmentFooter
    private let store: DocumentStore
    private let live: LiveDocuments?
    private let file: String
    /// Names of the fields by number.
    var fieldNames: [String] { footer.meta.fieldNames }
    var documentCount: Int { footer.meta.documentCount }
    var lastSequence: UInt64 { footer.meta.lastSequence }

    /// Throws when nothing can be read. `live` nil: all documents live.
    init(_ directory: any Directory, _ file: String, live: LiveDocuments?) throws(StorageError) {
        self.file = file
        self.live = live
        footer = try SegmentFooter(try directory.open(file), file)
        let keys = try KeyTable(try footer.section(.keys), documentCount: footer.meta.documentCount)
        store = try DocumentStore(
            try footer.section(.documents), keys: keys, documentCount: footer.meta.documentCount,
            mayHaveDictionary: footer.formatVersion >= SegmentLayout.dictionaryVersion)
        if let live, live.documentCount != footer.meta.documentCount {
            throw .corrupt(file: file, offset: 0, reason: "\(live.documentCount) living documents")
        }
    }

    /// Hands out the encoded living documents that can be read; returns how many living ones cannot.
    func forEach(_ body: (UnsafeRawBufferPointer) throws(StorageError) -> Void) throws(StorageError) -> Int {
        var read = 0
        for number in 0..<store.blockCount {
            var cache = DocumentBlockCache()
            var documents: [[UInt8]] = []
            do throws(StorageError) {
                try store.forEach(inBlock: number, &cache) { (document, bytes) in
                    if live?.isLive(document) ?? true { documents.append([UInt8](bytes)) }
                }
            } catch {
                guard error.isDamage else { throw error }
                // Its documents count as lost below.
                continue
            }
            for document in documents {
                let owner = MappedFile(copying: document)
                try owner.withBytes { (bytes) throws(StorageError) in try body(bytes) }
                read += 1
            }
        }
        return (live?.liveCount ?? documentCount) - read
    }

    func decode(_ bytes: UnsafeRawBufferPointer) throws(StorageError) -> Document {
        try EncodedDocumentReader.decode(bytes, names: fieldNames, file: file)
    }
}

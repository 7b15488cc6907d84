/// Goes through the living documents of a snapshot, some stored blocks of a segment a page.
struct SnapshotWalk {
    /// Coded bytes at which a page ends: a reply for each small block would cost more than what is in it.
    private static let pageByteCount = 64 << 10

    private let snapshot: IndexSnapshot
    private var segment = 0
    private var block = 0

    init(_ snapshot: IndexSnapshot) { self.snapshot = snapshot }

    /// The next documents, never an empty page; nil at the end.
    mutating func nextPage() throws(StorageError) -> [Document]? {
        var page: [Document] = []
        var cache = DocumentBlockCache()
        var byteCount = 0
        while byteCount < Self.pageByteCount, segment < snapshot.segments.count {
            let current = snapshot.segments[segment]
            let store = current.reader.documents
            guard block < store.blockCount else {
                segment += 1
                block = 0
                if page.isEmpty { continue } else { break }
            }
            try append(block, of: current, &cache, to: &page)
            // Blocks in which all is dead make no page.
            if !page.isEmpty { byteCount += try store.block(block).codedByteCount }
            block += 1
        }
        return page.isEmpty ? nil : page
    }

    private func append(
        _ block: Int, of segment: SnapshotSegment, _ cache: inout DocumentBlockCache, to page: inout [Document]
    ) throws(StorageError) {
        try segment.reader.documents.forEach(inBlock: block, &cache) { (document, bytes) throws(StorageError) in
            guard segment.live?.isLive(document) ?? true else { return }
            page.append(
                try EncodedDocumentReader.decode(
                    bytes, names: segment.reader.meta.fieldNames, file: segment.reader.file))
        }
    }
}

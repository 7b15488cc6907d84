/// One decompressed block, kept by whoever reads several documents in a row.
struct DocumentBlockCache: ~Copyable {
    fileprivate var block = -1
    fileprivate var raw = ByteWriter(capacity: 80 << 10)
    fileprivate var coded = ByteWriter(capacity: 80 << 10)

    init() {}
}

/// A document number to its encoded document; see `DocumentStoreWriter` for the layout.
struct DocumentStore: Sendable {
    /// A compressed block as it stands in the section.
    struct Block {
        var firstDocument: Int
        var documentCount: Int
        var compressed: UnsafeRawBufferPointer
        var codedByteCount: Int
        var rawByteCount: Int
        var isHigh: Bool
    }

    /// Blocks larger than this are not believed.
    private static let rawByteCountMax = 64 << 20

    private let section: SectionView
    private let documentCount: Int
    let blockCount: Int
    private let indexAt: Int

    init(_ section: SectionView, documentCount: Int) throws(StorageError) {
        self.section = section
        let trailer = section.count - 16
        var reader = ByteReader(
            try section.bytes(trailer, 16), file: section.file, base: section.fileOffset + trailer)
        let documents = try reader.read64()
        let blocks = try reader.read64()
        guard documents == UInt64(documentCount),
            blocks <= UInt64(trailer / DocumentStoreWriter.indexStride), documents == 0 || blocks > 0
        else { throw reader.corrupt("\(documents) documents of \(documentCount) in \(blocks) blocks") }
        self.documentCount = documentCount
        blockCount = Int(blocks)
        indexAt = trailer - blockCount * DocumentStoreWriter.indexStride
    }

    private func firstDocument(_ block: Int) throws(StorageError) -> Int {
        if block == blockCount { return documentCount }
        let at = try section.start(indexAt + block * DocumentStoreWriter.indexStride, 4)
        return Int(at.loadUnaligned(as: UInt32.self))
    }

    func block(_ number: Int) throws(StorageError) -> Block {
        let at = indexAt + number * DocumentStoreWriter.indexStride
        var reader = ByteReader(
            try section.bytes(at, DocumentStoreWriter.indexStride), file: section.file,
            base: section.fileOffset + at)
        let first = Int(try reader.read32())
        let offset = try reader.read64()
        let compressed = Int(try reader.read32())
        let coded = Int(try reader.read32())
        let raw = Int(try reader.read32())
        let isHigh = try reader.read32() == 1
        let next = try firstDocument(number + 1)
        guard first < next, next <= documentCount, offset <= UInt64(indexAt),
            compressed <= indexAt - Int(offset), raw <= Self.rawByteCountMax, coded <= 2 * raw
        else { throw reader.corrupt("block \(number) of documents out of place") }
        return Block(
            firstDocument: first, documentCount: next - first,
            compressed: try section.bytes(Int(offset), compressed), codedByteCount: coded, rawByteCount: raw,
            isHigh: isHigh)
    }

    private func load(_ number: Int, _ cache: inout DocumentBlockCache) throws(StorageError) -> Block {
        let block = try block(number)
        if cache.block == number { return block }
        cache.block = -1
        cache.raw.removeAll()
        cache.coded.removeAll()
        var good = false
        guard let start = block.compressed.baseAddress else { throw section.corrupt(indexAt, "empty block \(number)") }
        cache.coded.append(upTo: block.codedByteCount) {
            good = BlockCompression.decompress(
                start, count: block.compressed.count, into: $0, byteCount: block.codedByteCount)
            return good ? block.codedByteCount : 0
        }
        let coded = cache.coded.start
        cache.raw.append(upTo: block.rawByteCount) {
            good =
                good
                && StoredTextCode.decode(
                    coded, count: block.codedByteCount, into: $0, byteCount: block.rawByteCount)
            return good ? block.rawByteCount : 0
        }
        guard good else { throw section.corrupt(0, "block \(number) of documents does not decompress") }
        cache.block = number
        return block
    }

    /// Hands the encoded document to `body`; its bytes are valid only there.
    func document<R>(
        _ document: UInt32, _ cache: inout DocumentBlockCache, _ body: (UnsafeRawBufferPointer) throws(StorageError) -> R
    ) throws(StorageError) -> R {
        guard Int(document) < documentCount else { throw section.corrupt(0, "document \(document)") }
        var low = 0
        var high = blockCount
        while high - low > 1 {
            let middle = (low + high) / 2
            if try firstDocument(middle) <= Int(document) { low = middle } else { high = middle }
        }
        let block = try load(low, &cache)
        var left = Int(document) - block.firstDocument
        var cursor = RawCursor(cache.raw.start, end: cache.raw.start + cache.raw.count)
        while true {
            let length = Int(cursor.varint32())
            guard left >= 0, let start = cursor.bytes(length), !cursor.failed else {
                throw section.corrupt(0, "damaged block \(low) of documents")
            }
            if left == 0 { return try body(UnsafeRawBufferPointer(start: start, count: length)) }
            left -= 1
        }
    }

    /// Hands every document of a block to `body`, in order.
    func forEach(
        inBlock number: Int, _ cache: inout DocumentBlockCache,
        _ body: (UInt32, UnsafeRawBufferPointer) throws(StorageError) -> Void
    ) throws(StorageError) {
        let block = try load(number, &cache)
        var cursor = RawCursor(cache.raw.start, end: cache.raw.start + cache.raw.count)
        for i in 0..<block.documentCount {
            let length = Int(cursor.varint32())
            guard let start = cursor.bytes(length), !cursor.failed else {
                throw section.corrupt(0, "damaged block \(number) of documents")
            }
            try body(UInt32(block.firstDocument + i), UnsafeRawBufferPointer(start: start, count: length))
        }
    }
}

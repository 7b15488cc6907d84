/// Encoded documents to compressed blocks.
///
/// Section: blocks; the index (per block u32 first document, u64 offset, u32 compressed bytes, u32 coded bytes, u32 raw
/// bytes, u32 1 when compressed with LZ4 HC); u64 documents, u64 blocks. A block is LZ4 of `StoredTextCode` of its
/// documents, each a varint length and an encoded document.
struct DocumentStoreWriter: ~Copyable {
    static let blockByteCount = 64 << 10
    static let indexStride = 28

    private let high: Bool
    private var raw = ByteWriter(capacity: 80 << 10)
    private var coded = ByteWriter(capacity: 160 << 10)
    private var blocks = ByteWriter()
    private var index = ByteWriter()
    private var blockCount = 0
    private var documentCount = 0
    private var firstOfBlock = 0

    /// `high`: LZ4 HC instead of the fast compressor.
    init(high: Bool) { self.high = high }

    /// Bytes of memory the documents take until `finish`.
    var byteCount: Int { blocks.count + raw.count }

    mutating func add(_ document: UnsafeRawBufferPointer) {
        raw.appendVarint(UInt64(document.count))
        raw.append(bytes: document)
        documentCount += 1
        if raw.count >= Self.blockByteCount { flush() }
    }

    private mutating func flush() {
        if raw.count == 0 { return }
        coded.removeAll()
        let (rawStart, rawCount) = (raw.start, raw.count)
        coded.append(upTo: StoredTextCode.encodedByteCountMax(rawCount)) {
            StoredTextCode.encode(rawStart, count: rawCount, into: $0)
        }
        let (codedStart, codedCount) = (coded.start, coded.count)
        let room = BlockCompression.compressedByteCountMax(codedCount)
        let (offset, high) = (blocks.count, high)
        blocks.append(upTo: room) {
            BlockCompression.compress(codedStart, count: codedCount, into: $0, capacity: room, high: high)
        }
        appendIndex(offset, blocks.count - offset, codedCount, rawCount, high: high)
        raw.removeAll()
    }

    private mutating func appendIndex(_ offset: Int, _ compressed: Int, _ coded: Int, _ raw: Int, high: Bool) {
        index.append32(UInt32(firstOfBlock))
        index.append64(UInt64(offset))
        index.append32(UInt32(compressed))
        index.append32(UInt32(coded))
        index.append32(UInt32(raw))
        index.append32(high ? 1 : 0)
        blockCount += 1
        firstOfBlock = documentCount
    }

    /// Takes over a block with all its documents as it is; only between whole blocks.
    mutating func copy(_ block: DocumentStore.Block) {
        flush()
        let offset = blocks.count
        blocks.append(bytes: block.compressed)
        documentCount += block.documentCount
        appendIndex(offset, block.compressed.count, block.codedByteCount, block.rawByteCount, high: block.isHigh)
    }

    /// Whether copying a block now would not leave a small one behind.
    var canCopy: Bool { raw.count == 0 || raw.count >= Self.blockByteCount / 2 }

    mutating func finish(into out: inout ByteWriter) {
        flush()
        blocks.withBytes { out.append(bytes: $0) }
        index.withBytes { out.append(bytes: $0) }
        out.append64(UInt64(documentCount))
        out.append64(UInt64(blockCount))
    }
}

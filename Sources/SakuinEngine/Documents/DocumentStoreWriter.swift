import SakuinCompression

/// Encoded documents to compressed blocks.
///
/// Section: blocks; the index (per block u32 first document, u64 offset, u32 bytes of lengths, u32 stored bytes, u32
/// coded bytes, u32 flags: 1 made by LZ4 HC, 2 not compressed); the `SymbolTable` and the dictionary if there are; u64
/// bytes of the table, u64 of the dictionary, u64 documents, u64 blocks. A block: for each document a varint of its coded
/// bytes, then LZ4 of the coded documents one behind the other. Each document is coded by itself, by the table or else
/// `StoredTextCode`, so that reading one decodes no other.
struct DocumentStoreWriter: ~Copyable {
    /// Coded bytes at which a block is closed. Reading a document decompresses half of its block: larger ones are read
    /// more slowly, smaller ones compress less, with a dictionary hardly.
    private static let blockByteCount = 16 << 10
    private static let blockByteCountWithDictionary = 8 << 10
    static let indexStride = 28
    static let trailerByteCount = 32

    /// The code of the documents; nil for `StoredTextCode` and no dictionary.
    private let code: StoredCode?
    private let blockByteCount: Int
    private let high: Bool
    private let compression: BlockCompression
    /// The open block.
    private var coded = ByteWriter(capacity: 16 << 10)
    private var lengths = ByteWriter()
    private var blocks = ByteWriter()
    /// Bytes of blocks handed out by `drain`.
    private var drained = 0
    private var index = ByteWriter()
    private var blockCount = 0
    private var documentCount = 0
    private var firstOfBlock = 0

    /// Without a code. `high`: smaller and slower, for merges.
    init(high: Bool) {
        self.high = high
        code = nil
        blockByteCount = Self.blockByteCount
        compression = BlockCompression(high: high)
    }

    /// As small as it goes, for merges.
    init(_ code: StoredCode) {
        high = true
        self.code = code
        blockByteCount = Self.blockByteCountWithDictionary
        compression = BlockCompression(dictionary: code.dictionary)
    }

    /// Bytes of documents that `drain` would hand out, and of the open block.
    var openByteCount: Int { blocks.count + coded.count + lengths.count }
    /// Bytes of memory it takes.
    var byteCount: Int { blocks.capacity + coded.capacity + lengths.capacity + index.capacity }

    mutating func add(_ document: UnsafeRawBufferPointer) {
        let before = coded.count
        if let code {
            code.symbols.encode(document, into: &coded)
        } else {
            StoredTextCode.encode(document, into: &coded)
        }
        endDocument(from: before)
    }

    /// Adds a document as `DocumentStore.forEachCoded` hands it out.
    mutating func add(coded document: UnsafeRawBufferPointer) {
        let before = coded.count
        coded.append(bytes: document)
        endDocument(from: before)
    }

    private mutating func endDocument(from before: Int) {
        lengths.appendVarint(UInt64(coded.count - before))
        documentCount += 1
        if coded.count >= blockByteCount { flush() }
    }

    private mutating func flush() {
        if lengths.count == 0 { return }
        let offset = drained + blocks.count
        lengths.withBytes { blocks.append(bytes: $0) }
        let start = blocks.count
        var flags: DocumentStore.Flags = high ? .high : []
        if !coded.withBytes({ compression.compress($0, into: &blocks) }) {
            coded.withBytes { blocks.append(bytes: $0) }
            flags.insert(.plain)
        }
        appendIndex(offset, lengths: lengths.count, stored: blocks.count - start, coded: coded.count, flags)
        coded.removeAll()
        lengths.removeAll()
    }

    private mutating func appendIndex(
        _ offset: Int, lengths: Int, stored: Int, coded: Int, _ flags: DocumentStore.Flags
    ) {
        index.append32(UInt32(firstOfBlock))
        index.append64(UInt64(offset))
        index.append32(UInt32(lengths))
        index.append32(UInt32(stored))
        index.append32(UInt32(coded))
        index.append32(flags.rawValue)
        blockCount += 1
        firstOfBlock = documentCount
    }

    /// Takes over a block with all its documents as it is; only between whole blocks.
    mutating func copy(_ block: DocumentStore.Block) {
        flush()
        let offset = drained + blocks.count
        blocks.append(bytes: block.lengths)
        blocks.append(bytes: block.stored)
        documentCount += block.documentCount
        appendIndex(
            offset, lengths: block.lengths.count, stored: block.stored.count, coded: block.codedByteCount, block.flags)
    }

    /// Hands out the whole blocks that are there, to be written before what `finish` brings.
    mutating func drain<E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> Void) throws(E) {
        try blocks.withBytes(body)
        drained += blocks.count
        blocks.removeAll()
    }

    /// Whether copying a block now would not leave a small one behind.
    var canCopy: Bool { coded.count == 0 || coded.count >= blockByteCount / 2 }

    mutating func finish(into out: inout ByteWriter) {
        end()
        blocks.withBytes { out.append(bytes: $0) }
        index.withBytes { out.append(bytes: $0) }
        let before = out.count
        code?.symbols.encode(into: &out)
        let tableByteCount = out.count - before
        code?.dictionary.withUnsafeBytes { out.append(bytes: $0) }
        Self.appendTrailer(
            tableByteCount: tableByteCount, dictionaryByteCount: code?.dictionary.count ?? 0,
            documentCount: documentCount, blockCount: blockCount, to: &out)
    }

    /// Ends the open block.
    mutating func end() { flush() }

    /// Appends the index for blocks that begin `offset` behind others in a section, whose documents are `firstDocument`.
    func appendIndex(to out: inout ByteWriter, firstDocument: Int, offset: Int) {
        index.withBytes { bytes in
            for at in stride(from: 0, to: bytes.count, by: Self.indexStride) {
                let first = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
                let start = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt64.self))
                out.append32(first + UInt32(firstDocument))
                out.append64(start + UInt64(offset))
                out.append(bytes: UnsafeRawBufferPointer(rebasing: bytes[(at + 12)..<(at + Self.indexStride)]))
            }
        }
    }

    static func appendTrailer(
        tableByteCount: Int, dictionaryByteCount: Int, documentCount: Int, blockCount: Int, to out: inout ByteWriter
    ) {
        out.append64(UInt64(tableByteCount))
        out.append64(UInt64(dictionaryByteCount))
        out.append64(UInt64(documentCount))
        out.append64(UInt64(blockCount))
    }
}

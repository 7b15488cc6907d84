import SakuinCompression

/// One decompressed block, kept by whoever reads several documents in a row.
struct DocumentBlockCache: ~Copyable {
    /// The section and the block in it that `coded` is of.
    fileprivate var section: SectionView?
    fileprivate var block = -1
    /// Decompressed so far, from the beginning of the block.
    fileprivate var coded = ByteWriter(capacity: 16)
    fileprivate var decoded = ByteWriter(capacity: 4096)

    init() {}
}

/// Where the keys of documents are kept that are stored without them.
protocol DocumentKeys: Sendable {
    func key(_ document: UInt32) throws(StorageError) -> [UInt8]
}

/// A document number to its encoded document; see `DocumentStoreWriter` for the layout.
struct DocumentStore: Sendable {
    struct Flags: OptionSet {
        let rawValue: UInt32
        /// Made by LZ4 HC.
        static let high = Flags(rawValue: 1)
        /// Not compressed.
        static let plain = Flags(rawValue: 2)
        static let all: Flags = [.high, .plain]
    }

    /// A block as it stands in the section.
    struct Block {
        var firstDocument: Int
        var documentCount: Int
        /// A varint for each document.
        var lengths: UnsafeRawBufferPointer
        var stored: UnsafeRawBufferPointer
        var codedByteCount: Int
        var flags: Flags

        var isHigh: Bool { flags.contains(.high) }
    }

    /// Blocks larger than this are not believed: one document, each byte coded as three.
    private static let codedByteCountMax = 128 << 20

    private let section: SectionView
    private let keys: (any DocumentKeys)?
    private let documentCount: Int
    let blockCount: Int
    private let indexAt: Int
    /// The code of the documents; nil for `StoredTextCode`.
    let table: SymbolTable?
    /// Where the dictionary of the blocks stands; empty when there is none.
    private let dictionary: Range<Int>

    /// Whether a refresh wrote it, in a hurry.
    var isFlushed: Bool { (try? block(0))?.isHigh == false }

    /// With `keys`, documents are stored without their keys and handed out with them. Sections of old formats say nothing
    /// of a dictionary.
    init(
        _ section: SectionView, keys: (any DocumentKeys)? = nil, documentCount: Int,
        mayHaveDictionary: Bool = true
    ) throws(StorageError) {
        self.section = section
        self.keys = keys
        let trailerByteCount = DocumentStoreWriter.trailerByteCount - (mayHaveDictionary ? 0 : 8)
        let trailer = section.count - trailerByteCount
        var reader = ByteReader(
            try section.bytes(trailer, trailerByteCount), file: section.file, base: section.fileOffset + trailer)
        let tableBytes = try reader.read64()
        let dictionaryBytes = mayHaveDictionary ? try reader.read64() : 0
        let documents = try reader.read64()
        let blocks = try reader.read64()
        guard tableBytes <= UInt64(trailer), dictionaryBytes <= UInt64(trailer) - tableBytes,
            dictionaryBytes <= UInt64(DictionaryTraining.byteCountMax)
        else { throw reader.corrupt("a table of \(tableBytes) bytes, a dictionary of \(dictionaryBytes)") }
        dictionary = (trailer - Int(dictionaryBytes))..<trailer
        let tableAt = dictionary.lowerBound - Int(tableBytes)
        guard documents == UInt64(documentCount),
            blocks <= UInt64(tableAt / DocumentStoreWriter.indexStride), (documents == 0) == (blocks == 0)
        else { throw reader.corrupt("\(documents) documents of \(documentCount) in \(blocks) blocks") }
        self.documentCount = documentCount
        blockCount = Int(blocks)
        indexAt = tableAt - blockCount * DocumentStoreWriter.indexStride
        table = tableBytes == 0 ? nil : SymbolTable.decode(try section.bytes(tableAt, Int(tableBytes)))
        guard tableBytes == 0 || table != nil else { throw section.corrupt(tableAt, "damaged table of symbols") }
    }

    /// Bytes of the blocks.
    var byteCount: Int { indexAt }

    /// Whether a merge may take over its code.
    var hasDictionary: Bool { table != nil && !dictionary.isEmpty }

    /// What the documents are coded with; nil when it is not what a merge would choose today.
    func code() throws(StorageError) -> StoredCode? {
        guard let table, hasDictionary else { return nil }
        return StoredCode(symbols: table, dictionary: Array(try section.bytes(dictionary.lowerBound, dictionary.count)))
    }

    private func firstDocument(_ block: Int) throws(StorageError) -> Int {
        if block == blockCount { return documentCount }
        let at = try section.start(indexAt + block * DocumentStoreWriter.indexStride, 4)
        return Int(UInt32(littleEndian: at.loadUnaligned(as: UInt32.self)))
    }

    private func damaged(_ number: Int) -> StorageError {
        section.corrupt(indexAt + number * DocumentStoreWriter.indexStride, "damaged block \(number) of documents")
    }

    /// `number` is below `blockCount`.
    func block(_ number: Int) throws(StorageError) -> Block {
        let at = indexAt + number * DocumentStoreWriter.indexStride
        var reader = ByteReader(
            try section.bytes(at, DocumentStoreWriter.indexStride), file: section.file,
            base: section.fileOffset + at)
        let first = Int(try reader.read32())
        let offset = try reader.read64()
        let lengths = Int(try reader.read32())
        let stored = Int(try reader.read32())
        let coded = Int(try reader.read32())
        let flags = Flags(rawValue: try reader.read32())
        let next = try firstDocument(number + 1)
        guard first < next, next <= documentCount, number > 0 || first == 0, flags.isSubset(of: .all),
            offset <= UInt64(indexAt), lengths + stored <= indexAt - Int(offset), coded <= Self.codedByteCountMax,
            flags.contains(.plain) ? coded == stored : coded <= BlockCompression.contentByteCountMax(ofBlock: stored)
        else { throw reader.corrupt("block \(number) of documents out of place") }
        return Block(
            firstDocument: first, documentCount: next - first, lengths: try section.bytes(Int(offset), lengths),
            stored: try section.bytes(Int(offset) + lengths, stored), codedByteCount: coded, flags: flags)
    }

    /// Makes the first `wanted` coded bytes of a block stand in the cache.
    private func load(
        _ number: Int, _ block: Block, _ wanted: Int, _ cache: inout DocumentBlockCache
    ) throws(StorageError) {
        var wanted = wanted
        if cache.section === section, cache.block == number {
            if wanted <= cache.coded.count { return }
            // Asked again for the same block: more will be wanted.
            wanted = block.codedByteCount
        }
        cache.section = nil
        cache.coded.removeAll()
        if block.flags.contains(.plain) {
            cache.coded.append(bytes: block.stored)
        } else {
            let dictionary = try section.bytes(dictionary.lowerBound, dictionary.count)
            var isGood = false
            cache.coded.append(upTo: block.codedByteCount) {
                isGood = BlockCompression.decompress(
                    block.stored, into: $0, count: block.codedByteCount, wanted: wanted, dictionary: dictionary)
                return isGood ? wanted : 0
            }
            if !isGood { throw damaged(number) }
        }
        cache.section = section
        cache.block = number
    }

    /// Hands the encoded document to `body`; its bytes are valid only there.
    func document<R>(
        _ document: UInt32, _ cache: inout DocumentBlockCache,
        _ body: (UnsafeRawBufferPointer) throws(StorageError) -> R
    ) throws(StorageError) -> R {
        let (part, block) = try load(document, &cache)
        cache.decoded.removeAll()
        try appendKey(of: document, to: &cache.decoded)
        guard
            decode(
                UnsafeRawBufferPointer(start: cache.coded.start + part.lowerBound, count: part.count),
                into: &cache.decoded)
        else { throw damaged(block) }
        return try cache.decoded.withBytes(body)
    }

    /// Hands the document to `body` as `table` codes it, without its key.
    func coded<R>(
        _ document: UInt32, _ cache: inout DocumentBlockCache, _ body: (UnsafeRawBufferPointer) -> R
    ) throws(StorageError) -> R {
        let (part, _) = try load(document, &cache)
        return body(UnsafeRawBufferPointer(start: cache.coded.start + part.lowerBound, count: part.count))
    }

    /// Makes a document stand in the cache as it is coded; where there, and of which block it is.
    private func load(
        _ document: UInt32, _ cache: inout DocumentBlockCache
    ) throws(StorageError) -> (part: Range<Int>, block: Int) {
        guard Int(document) < documentCount else {
            throw section.corrupt(indexAt, "document \(document) of \(documentCount)")
        }
        var low = 0
        var high = blockCount
        while high - low > 1 {
            let middle = (low + high) / 2
            if try firstDocument(middle) <= Int(document) { low = middle } else { high = middle }
        }
        let block = try block(low)
        guard block.firstDocument <= Int(document), Int(document) < block.firstDocument + block.documentCount else {
            throw damaged(low)
        }
        var walk = LengthWalk(block)
        var part = 0..<0
        for _ in block.firstDocument...Int(document) {
            guard let next = walk.next() else { throw damaged(low) }
            part = next
        }
        try load(low, block, part.upperBound, &cache)
        return (part, low)
    }

    private func decode(_ coded: UnsafeRawBufferPointer, into out: inout ByteWriter) -> Bool {
        table?.decode(coded, into: &out) ?? StoredTextCode.decode(coded, into: &out)
    }

    private func appendKey(of document: UInt32, to out: inout ByteWriter) throws(StorageError) {
        guard let key = try keys?.key(document) else { return }
        out.appendVarint(UInt64(key.count))
        key.withUnsafeBytes { out.append(bytes: $0) }
    }

    /// Hands every document of a block to `body`, in order.
    func forEach(
        inBlock number: Int, _ cache: inout DocumentBlockCache,
        _ body: (UInt32, UnsafeRawBufferPointer) throws(StorageError) -> Void
    ) throws(StorageError) {
        try forEachDecoded(inBlock: number, &cache, withKeys: true, body)
    }

    /// The same without keys, for `DocumentStoreWriter.add`.
    func forEachStored(
        inBlock number: Int, _ cache: inout DocumentBlockCache,
        _ body: (UInt32, UnsafeRawBufferPointer) throws(StorageError) -> Void
    ) throws(StorageError) {
        try forEachDecoded(inBlock: number, &cache, withKeys: false, body)
    }

    private func forEachDecoded(
        inBlock number: Int, _ cache: inout DocumentBlockCache, withKeys: Bool,
        _ body: (UInt32, UnsafeRawBufferPointer) throws(StorageError) -> Void
    ) throws(StorageError) {
        var decoded = ByteWriter(capacity: 4096)
        try forEachCoded(inBlock: number, &cache) { (document, coded) throws(StorageError) in
            decoded.removeAll()
            if withKeys { try appendKey(of: document, to: &decoded) }
            guard decode(coded, into: &decoded) else { throw damaged(number) }
            try decoded.withBytes { (bytes) throws(StorageError) in try body(document, bytes) }
        }
    }

    /// The same before decoding, for `DocumentStoreWriter.add(coded:)` of a writer with the same table.
    func forEachCoded(
        inBlock number: Int, _ cache: inout DocumentBlockCache,
        _ body: (UInt32, UnsafeRawBufferPointer) throws(StorageError) -> Void
    ) throws(StorageError) {
        let block = try block(number)
        try load(number, block, block.codedByteCount, &cache)
        var walk = LengthWalk(block)
        for i in 0..<block.documentCount {
            guard let part = walk.next() else { throw damaged(number) }
            try body(
                UInt32(block.firstDocument + i),
                UnsafeRawBufferPointer(start: cache.coded.start + part.lowerBound, count: part.count))
        }
        guard walk.isAtEnd else { throw damaged(number) }
    }
}

/// Walks the documents of a block by their lengths.
private struct LengthWalk {
    private var cursor: RawCursor?
    private var end = 0
    private let codedByteCount: Int

    init(_ block: DocumentStore.Block) {
        codedByteCount = block.codedByteCount
        cursor = block.lengths.baseAddress.map { RawCursor($0, end: $0 + block.lengths.count) }
    }

    /// Where the next document lies in the coded bytes; nil when it cannot.
    mutating func next() -> Range<Int>? {
        guard cursor?.isAtEnd == false, let length = cursor?.varint32(), cursor?.failed == false else { return nil }
        guard Int(length) <= codedByteCount - end else { return nil }
        let start = end
        end += Int(length)
        return start..<end
    }

    var isAtEnd: Bool { end == codedByteCount && cursor?.isAtEnd ?? true }
}

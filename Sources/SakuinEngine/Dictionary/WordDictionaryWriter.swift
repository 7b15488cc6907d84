/// Words of all fields, and the pairs they make with the CJK characters beside them, in ascending byte order to front-coded
/// blocks of 32 under a sparse index.
///
/// The key of a word is its field number (two bytes, big-endian) and its folded UTF-8. The key of a pair: the field
/// number, 0xFF (with which no word begins, so that pairs stand behind the words), `WordNeighbour.code` (three bytes,
/// big-endian), the word. Section: blocks (per term
/// varint bytes shared with the key before, varint bytes that follow, those bytes, the entry); the index (per block
/// u64 offset of the block, u64 postings offset, u64 positions offset); u64 terms, u64 blocks. An entry: varint tag; 0:
/// one document, once; 1: one document, several times; 2 n: n documents (fewer than a block), once each; 2 n + 1: n
/// documents. Then for one document: varint document, for tag 1 varint frequency, `InlinePositions` up to a whole byte;
/// for more: varint bytes of the list, from a block of documents on varint bytes of its positions. Lists without
/// positions (`PromotedSections`) have nothing of positions in their entries.
struct WordDictionaryWriter: ~Copyable {
    static let blockTermCount = 32
    static let indexStride = 24

    private(set) var termCount = 0
    private var previous: [UInt8] = []
    private var index = ByteWriter()
    private var bits = BitWriter()

    init() {}

    /// Appends a term above all before.
    mutating func append(
        _ key: UnsafeRawBufferPointer, _ entry: TermEntry, inlinePositions: UnsafePointer<UInt32>,
        to section: inout SectionWriter
    ) {
        var shared = 0
        if termCount % Self.blockTermCount == 0 {
            index.append64(UInt64(section.count))
            index.append64(UInt64(entry.postingsOffset))
            index.append64(UInt64(entry.positionsOffset))
        } else {
            let limit = min(previous.count, key.count)
            while shared < limit, previous[shared] == key[shared] { shared += 1 }
        }
        section.buffer.appendVarint(UInt64(shared))
        section.buffer.appendVarint(UInt64(key.count - shared))
        section.buffer.append(bytes: UnsafeRawBufferPointer(rebasing: key[shared...]))
        append(entry, inlinePositions, to: &section)
        previous.removeAll(keepingCapacity: true)
        previous.append(contentsOf: key)
        termCount += 1
    }

    private mutating func append(
        _ entry: TermEntry, _ inlinePositions: UnsafePointer<UInt32>, to section: inout SectionWriter
    ) {
        if entry.documentFrequency > 1 {
            section.buffer.appendVarint(UInt64(entry.documentFrequency) << 1 | (entry.isOnceEach ? 0 : 1))
            section.buffer.appendVarint(UInt64(entry.postingsByteCount))
            if entry.hasOwnPositions { section.buffer.appendVarint(UInt64(entry.positionsByteCount)) }
            return
        }
        section.buffer.appendVarint(entry.frequency == 1 ? 0 : 1)
        section.buffer.appendVarint(UInt64(entry.document))
        if entry.frequency != 1 { section.buffer.appendVarint(UInt64(entry.frequency)) }
        guard entry.hasPositions else { return }
        bits.removeAll()
        OccurrenceCode.write(
            inlinePositions, Int(entry.frequency), entry.occurrences, order: InlinePositions.order, to: &bits)
        bits.finish()
        bits.bytes.withBytes { section.buffer.append(bytes: $0) }
    }

    mutating func finish(to section: inout SectionWriter) {
        appendIndex(to: &section.buffer, blocks: 0, postings: 0, positions: 0)
        section.buffer.append64(UInt64(termCount))
        section.buffer.append64(UInt64(index.count / Self.indexStride))
    }

    /// Appends the index for sections that begin so far behind what stands in the same sections of a segment.
    func appendIndex(to out: inout ByteWriter, blocks: Int, postings: Int, positions: Int) {
        index.withBytes { bytes in
            for at in stride(from: 0, to: bytes.count, by: Self.indexStride) {
                for (i, start) in [blocks, postings, positions].enumerated() {
                    let offset = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 8 * i, as: UInt64.self))
                    out.append64(offset + UInt64(start))
                }
            }
        }
    }

    /// Appends what stands behind the index, which is all there is in `out`.
    static func appendTrailer(termCount: Int, to out: inout ByteWriter) {
        let blockCount = out.count / indexStride
        out.append64(UInt64(termCount))
        out.append64(UInt64(blockCount))
    }

    /// The key of a word, or of the pair it makes with `neighbour`.
    static func key(field: Int, _ neighbour: WordNeighbour? = nil, _ word: UnsafeRawBufferPointer) -> [UInt8] {
        Array(unsafeUninitializedCapacity: keyByteCount(neighbour, word)) { key, count in
            if let start = key.baseAddress { count = writeKey(field: field, neighbour, word, to: start) }
        }
    }

    static func keyByteCount(_ neighbour: WordNeighbour?, _ word: UnsafeRawBufferPointer) -> Int {
        word.count + (neighbour == nil ? 2 : 6)
    }

    /// Writes the `keyByteCount` bytes of the key, and returns how many they are.
    @discardableResult
    static func writeKey(
        field: Int, _ neighbour: WordNeighbour?, _ word: UnsafeRawBufferPointer, to key: UnsafeMutableRawPointer
    ) -> Int {
        key.storeBytes(of: UInt16(truncatingIfNeeded: field).bigEndian, as: UInt16.self)
        var start = key + 2
        if let neighbour {
            start.storeBytes(of: (pairMark &<< 24 | neighbour.code).bigEndian, as: UInt32.self)
            start += 4
        }
        if let bytes = word.baseAddress { start.copyMemory(from: bytes, byteCount: word.count) }
        return start - key + word.count
    }

    /// The first byte of a pair behind its field.
    private static let pairMark: UInt32 = 0xFF

    /// What the list of a word or pair keeps of its occurrences; `hasLinks`: in segments whose pairs have links.
    @inline(__always)
    static func occurrences(isPair: Bool, hasLinks: Bool) -> OccurrenceKind {
        isPair && hasLinks ? .linkAndPosition : .position
    }

    /// Whether a key is that of a pair, by the byte behind its field.
    @inline(__always)
    static func isPair(_ byte: UInt8) -> Bool { byte == UInt8(pairMark) }
}

/// Gram keys in ascending order, with their entries, to blocks of 64 under a sparse index.
///
/// Section: blocks (per term varint key minus the key before, 0 for the first of a block, then its entry); the index
/// (per block u64 first key, u64 offset of the block, u64 postings offset, u64 positions offset); u64 terms, u64
/// blocks.
struct GramDictionaryWriter: ~Copyable {
    static let blockTermCount = 64
    static let indexStride = 32

    private(set) var termCount = 0
    private var previous: UInt64 = 0
    private var index = ByteWriter()

    init() {}

    /// Appends a term above all before; `entry` as `PostingListWriter.finish` made it, the offsets where its list began.
    mutating func append(
        _ key: UInt64, entry: borrowing ByteWriter, postingsOffset: Int, positionsOffset: Int,
        to section: inout SectionWriter
    ) {
        if termCount % Self.blockTermCount == 0 {
            index.append64(key)
            index.append64(UInt64(section.count))
            index.append64(UInt64(postingsOffset))
            index.append64(UInt64(positionsOffset))
            previous = key
        }
        section.buffer.appendVarint(key &- previous)
        entry.withBytes { section.buffer.append(bytes: $0) }
        previous = key
        termCount += 1
    }

    mutating func finish(to section: inout SectionWriter) {
        index.withBytes { section.buffer.append(bytes: $0) }
        section.buffer.append64(UInt64(termCount))
        section.buffer.append64(UInt64(index.count / Self.indexStride))
    }
}

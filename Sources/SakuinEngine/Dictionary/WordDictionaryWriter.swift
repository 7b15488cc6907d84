/// Words of all fields in ascending byte order to front-coded blocks of 32 under a sparse index.
///
/// The key of a word is its field number (two bytes, big-endian) and its folded UTF-8. Section: blocks (per term
/// varint bytes shared with the key before, varint bytes that follow, those bytes, the entry); the index (per block
/// u64 offset of the block, u64 postings offset, u64 positions offset); u64 terms, u64 blocks.
struct WordDictionaryWriter: ~Copyable {
    static let blockTermCount = 32
    static let indexStride = 24

    private(set) var termCount = 0
    private var previous: [UInt8] = []
    private var index = ByteWriter()

    init() {}

    /// Appends a term above all before.
    mutating func append(
        _ key: UnsafeRawBufferPointer, entry: borrowing ByteWriter, postingsOffset: Int, positionsOffset: Int,
        to section: inout SectionWriter
    ) {
        var shared = 0
        if termCount % Self.blockTermCount == 0 {
            index.append64(UInt64(section.count))
            index.append64(UInt64(postingsOffset))
            index.append64(UInt64(positionsOffset))
        } else {
            let limit = min(previous.count, key.count)
            while shared < limit, previous[shared] == key[shared] { shared += 1 }
        }
        section.buffer.appendVarint(UInt64(shared))
        section.buffer.appendVarint(UInt64(key.count - shared))
        section.buffer.append(bytes: UnsafeRawBufferPointer(rebasing: key[shared...]))
        entry.withBytes { section.buffer.append(bytes: $0) }
        previous.removeAll(keepingCapacity: true)
        previous.append(contentsOf: key)
        termCount += 1
    }

    mutating func finish(to section: inout SectionWriter) {
        index.withBytes { section.buffer.append(bytes: $0) }
        section.buffer.append64(UInt64(termCount))
        section.buffer.append64(UInt64(index.count / Self.indexStride))
    }

    /// The key of a word.
    static func key(field: Int, _ word: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        [UInt8(truncatingIfNeeded: field >> 8), UInt8(truncatingIfNeeded: field)] + word
    }
}

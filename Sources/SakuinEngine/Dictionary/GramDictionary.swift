/// A gram key to its term: a binary search over the sparse index, then one block read from its start.
struct GramDictionary: Sendable {
    private let section: SectionView
    /// Points into `section`, which keeps it mapped and which nobody writes to.
    private nonisolated(unsafe) let index: UnsafeRawPointer
    private let blockCount: Int
    private let indexOffset: Int
    let termCount: Int

    init(_ section: SectionView) throws(StorageError) {
        self.section = section
        let trailer = try section.bytes(section.count - 16, 16)
        var reader = ByteReader(trailer, file: section.file, base: section.fileOffset + section.count - 16)
        let terms = try reader.read64()
        let blocks = try reader.read64()
        let bytes = UInt64(section.count - 16)
        guard blocks <= bytes / UInt64(GramDictionaryWriter.indexStride), terms <= bytes,
            (terms + 63) / 64 == blocks
        else { throw reader.corrupt("\(terms) grams in \(blocks) blocks cannot be") }
        termCount = Int(terms)
        blockCount = Int(blocks)
        indexOffset = section.count - 16 - blockCount * GramDictionaryWriter.indexStride
        index = try section.start(indexOffset, blockCount * GramDictionaryWriter.indexStride)
    }

    @inline(__always)
    private func indexValue(_ block: Int, _ column: Int) -> UInt64 {
        index.loadUnaligned(fromByteOffset: block &* 32 &+ column &* 8, as: UInt64.self)
    }

    /// The bytes of a block and where its lists begin.
    private func block(_ number: Int) throws(StorageError) -> TermEntryCursor {
        let start = indexValue(number, 1)
        let end = number + 1 < blockCount ? indexValue(number + 1, 1) : UInt64(indexOffset)
        let limit = UInt64(1) << 48
        guard start <= end, end <= UInt64(indexOffset), indexValue(number, 2) < limit, indexValue(number, 3) < limit
        else { throw section.corrupt(indexOffset, "dictionary block \(number) out of place") }
        let bytes = try section.start(Int(start), Int(end - start))
        return TermEntryCursor(
            cursor: RawCursor(bytes, end: bytes + Int(end - start)), postingsOffset: Int(indexValue(number, 2)),
            positionsOffset: Int(indexValue(number, 3)))
    }

    /// The last block whose first key is not above `key`; nil when all are.
    private func blockNumber(of key: UInt64) -> Int? {
        guard blockCount > 0, indexValue(0, 0) <= key else { return nil }
        var low = 0
        var length = blockCount
        while length > 1 {
            let half = length &>> 1
            low = indexValue(low &+ half, 0) <= key ? low &+ half : low
            length &-= half
        }
        return low
    }

    func find(_ key: UInt64) throws(StorageError) -> TermInfo? {
        guard let number = blockNumber(of: key) else { return nil }
        var entries = try block(number)
        var at = indexValue(number, 0)
        var info = TermInfo()
        while !entries.cursor.isAtEnd {
            at = at &+ entries.cursor.varint()
            guard entries.next(hasPositions: GramKey.hasPositions(at), into: &info) else {
                throw section.corrupt(Int(clamping: indexValue(number, 1)), "damaged dictionary entry")
            }
            if at == key { return info }
            if at > key { return nil }
        }
        return nil
    }

    /// All terms in key order.
    struct Iterator {
        private let dictionary: GramDictionary
        private var entries: TermEntryCursor?
        private var number = -1
        /// The current key and term, valid after `next` said true.
        private(set) var key: UInt64 = 0
        private(set) var info = TermInfo()

        fileprivate init(_ dictionary: GramDictionary) { self.dictionary = dictionary }

        mutating func next() throws(StorageError) -> Bool {
            while entries?.cursor.isAtEnd ?? true {
                number += 1
                if number >= dictionary.blockCount { return false }
                entries = try dictionary.block(number)
                key = dictionary.indexValue(number, 0)
            }
            key = key &+ (entries?.cursor.varint() ?? 0)
            guard entries?.next(hasPositions: GramKey.hasPositions(key), into: &info) == true else {
                throw dictionary.section.corrupt(
                    Int(clamping: dictionary.indexValue(number, 1)), "damaged dictionary entry")
            }
            return true
        }
    }

    func iterator() -> Iterator { Iterator(self) }
}

/// A word or a pair, or the beginning of one, to its terms.
struct WordDictionary: Sendable {
    private let section: SectionView
    /// Points into `section`, which keeps it mapped and which nobody writes to.
    private nonisolated(unsafe) let index: UnsafeRawPointer
    private let blockCount: Int
    private let indexOffset: Int
    private let hasPositions: Bool
    private let hasLinks: Bool
    let termCount: Int

    /// `end` is where the dictionary ends when something stands behind it. Without `hasPositions` it is one of lists that
    /// have none; `hasLinks`: whether pairs have links, see `WordDictionaryWriter.occurrences`.
    init(
        _ section: SectionView, hasPositions: Bool = true, hasLinks: Bool = false, upTo end: Int? = nil
    ) throws(StorageError) {
        self.section = section
        self.hasLinks = hasLinks
        self.hasPositions = hasPositions
        let end = end ?? section.count
        let trailer = try section.bytes(end - 16, 16)
        var reader = ByteReader(trailer, file: section.file, base: section.fileOffset + end - 16)
        let terms = try reader.read64()
        let blocks = try reader.read64()
        let bytes = UInt64(end - 16)
        guard blocks <= bytes / UInt64(WordDictionaryWriter.indexStride), terms <= bytes,
            (terms + 31) / 32 == blocks
        else { throw reader.corrupt("\(terms) words in \(blocks) blocks cannot be") }
        termCount = Int(terms)
        blockCount = Int(blocks)
        indexOffset = end - 16 - blockCount * WordDictionaryWriter.indexStride
        index = try section.start(indexOffset, blockCount * WordDictionaryWriter.indexStride)
    }

    private func indexValue(_ block: Int, _ column: Int) -> UInt64 {
        index.loadUnaligned(fromByteOffset: block &* 24 &+ column &* 8, as: UInt64.self)
    }

    private func block(_ number: Int) throws(StorageError) -> WordEntryCursor {
        let start = indexValue(number, 0)
        let end = number + 1 < blockCount ? indexValue(number + 1, 0) : UInt64(indexOffset)
        let limit = UInt64(1) << 48
        guard start <= end, end <= UInt64(indexOffset), indexValue(number, 1) < limit, indexValue(number, 2) < limit
        else { throw section.corrupt(indexOffset, "dictionary block \(number) out of place") }
        let bytes = try section.start(Int(start), Int(end - start))
        return WordEntryCursor(
            cursor: RawCursor(bytes, end: bytes + Int(end - start)), postingsOffset: Int(indexValue(number, 1)),
            positionsOffset: Int(indexValue(number, 2)), hasPositions: hasPositions, hasLinks: hasLinks)
    }

    private func damaged(_ number: Int) -> StorageError {
        section.corrupt(Int(clamping: indexValue(number, 0)), "damaged dictionary entry")
    }

    /// The first key of a block, which is written whole.
    private func firstKey(_ number: Int) throws(StorageError) -> UnsafeRawBufferPointer {
        var cursor = try block(number).cursor
        let shared = cursor.varint()
        let length = Int(cursor.varint32())
        guard shared == 0, let bytes = cursor.bytes(length), !cursor.failed else { throw damaged(number) }
        return UnsafeRawBufferPointer(start: bytes, count: length)
    }

    /// The last block whose first key is not above `key`, 0 when all are.
    private func blockNumber(of key: UnsafeRawBufferPointer) throws(StorageError) -> Int {
        var low = 0
        var high = blockCount
        while high - low > 1 {
            let middle = (low + high) / 2
            if Self.compare(try firstKey(middle), key) <= 0 { low = middle } else { high = middle }
        }
        return low
    }

    /// Below 0, 0 or above 0, as the bytes of `a` sort against those of `b`.
    @inline(__always)
    static func compare(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
        let shared = min(a.count, b.count)
        for i in 0..<shared where a[i] != b[i] { return a[i] < b[i] ? -1 : 1 }
        return a.count - b.count
    }

    /// The term of a key. Keys are not put together: how far one agrees with `key` follows from what it shares with the
    /// one before.
    func find(_ key: UnsafeRawBufferPointer) throws(StorageError) -> TermInfo? {
        guard blockCount > 0 else { return nil }
        let number = try blockNumber(of: key)
        var entries = try block(number)
        var info = TermInfo()
        // Bytes of `key` that the key before begins with; it is below `key`.
        var agreed: UInt64 = 0
        while !entries.cursor.isAtEnd {
            let shared = entries.cursor.varint()
            let more = Int(entries.cursor.varint32())
            guard let bytes = entries.cursor.bytes(more), !entries.cursor.failed else { throw damaged(number) }
            entries.enter(bytes, more, shared: shared)
            // A key that shares less than was agreed is above `key`.
            if shared < agreed { return nil }
            var order = -1
            if shared == agreed {
                let rest = UnsafeRawBufferPointer(start: bytes, count: more)
                let wanted = UnsafeRawBufferPointer(rebasing: key[Int(truncatingIfNeeded: agreed)...])
                var same = 0
                while same < min(more, wanted.count), rest[same] == wanted[same] { same &+= 1 }
                order = Self.compare(
                    UnsafeRawBufferPointer(rebasing: rest[same...]), UnsafeRawBufferPointer(rebasing: wanted[same...]))
                agreed &+= UInt64(same)
            }
            if order > 0 { return nil }
            if order == 0 {
                guard entries.next(into: &info) else { throw damaged(number) }
                return info
            }
            guard entries.skip() else { throw damaged(number) }
        }
        return nil
    }

    /// Every term whose key begins with `prefix`, in order, until `body` says false.
    func withPrefix(
        _ prefix: [UInt8], _ body: (UnsafeRawBufferPointer, TermInfo) throws(StorageError) -> Bool
    ) throws(StorageError) {
        try scan(from: prefix) { (word, info) throws(StorageError) in
            let begins =
                word.count >= prefix.count
                && prefix.withUnsafeBytes {
                    Self.compare(UnsafeRawBufferPointer(rebasing: word.prefix(prefix.count)), $0) == 0
                }
            return begins ? try body(word, info) : false
        }
    }

    /// Whether the key of a term begins so.
    func hasPrefix(_ prefix: [UInt8]) throws(StorageError) -> Bool {
        var isThere = false
        try withPrefix(prefix) { (_, _) throws(StorageError) in
            isThere = true
            return false
        }
        return isThere
    }

    /// Hands the terms from `key` on to `body` until it says false.
    private func scan(
        from key: [UInt8], _ body: (UnsafeRawBufferPointer, TermInfo) throws(StorageError) -> Bool
    ) throws(StorageError) {
        guard blockCount > 0 else { return }
        var number = 0
        do {
            // Typed throws do not pass through withUnsafeBytes in one expression.
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: key.count, alignment: 1)
            defer { bytes.deallocate() }
            bytes.copyBytes(from: key)
            number = try blockNumber(of: UnsafeRawBufferPointer(bytes))
        }
        var iterator = Iterator(self, block: number)
        while try iterator.next() {
            let below = iterator.withKey { word in key.withUnsafeBytes { Self.compare(word, $0) < 0 } }
            if below { continue }
            let goOn = try iterator.withKey { (word) throws(StorageError) in try body(word, iterator.info) }
            if !goOn { return }
        }
    }

    /// All terms in key order.
    struct Iterator {
        private let dictionary: WordDictionary
        private var entries: WordEntryCursor?
        private var number: Int
        /// The current key (field and word) and term, valid after `next` said true.
        private(set) var key: [UInt8] = []
        private(set) var info = TermInfo()

        fileprivate init(_ dictionary: WordDictionary, block: Int) {
            self.dictionary = dictionary
            number = block - 1
        }

        @inline(__always)
        func withKey<R>(_ body: (UnsafeRawBufferPointer) throws(StorageError) -> R) throws(StorageError) -> R {
            let result: Result<R, StorageError> = key.withUnsafeBytes { bytes in
                do throws(StorageError) { return .success(try body(bytes)) } catch { return .failure(error) }
            }
            return try result.get()
        }

        @inline(__always)
        func withKey<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { key.withUnsafeBytes(body) }

        mutating func next() throws(StorageError) -> Bool {
            while entries?.cursor.isAtEnd ?? true {
                number += 1
                if number >= dictionary.blockCount { return false }
                entries = try dictionary.block(number)
                key.removeAll(keepingCapacity: true)
            }
            guard var at = entries else { return false }
            let shared = at.cursor.varint()
            let more = Int(at.cursor.varint32())
            guard shared <= UInt64(key.count), let bytes = at.cursor.bytes(more) else {
                throw dictionary.damaged(number)
            }
            at.enter(bytes, more, shared: shared)
            key.removeLast(key.count - Int(shared))
            key.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: more))
            guard key.count >= 2, at.next(into: &info) else { throw dictionary.damaged(number) }
            entries = at
            return true
        }
    }

    func iterator() -> Iterator { Iterator(self, block: 0) }
}

/// Reads the entries of a block one after another; an entry says how long its list is, so the sums of those lengths say
/// where.
private struct WordEntryCursor {
    var cursor: RawCursor
    var postingsOffset: Int
    var positionsOffset: Int
    let hasPositions: Bool
    let hasLinks: Bool
    /// What the entry at hand keeps of its occurrences.
    private var occurrences = OccurrenceKind.none

    init(cursor: RawCursor, postingsOffset: Int, positionsOffset: Int, hasPositions: Bool, hasLinks: Bool) {
        self.cursor = cursor
        self.postingsOffset = postingsOffset
        self.positionsOffset = positionsOffset
        self.hasPositions = hasPositions
        self.hasLinks = hasLinks
        occurrences = hasPositions ? .position : .none
    }

    /// Enters the entry whose key is what it shares with the one before and these bytes. What tells pairs stands behind the
    /// two bytes of the field.
    @inline(__always)
    mutating func enter(_ bytes: UnsafeRawPointer, _ count: Int, shared: UInt64) {
        guard hasLinks, shared < 3, Int(truncatingIfNeeded: shared) &+ count > 2 else { return }
        let isPair = WordDictionaryWriter.isPair(
            bytes.load(fromByteOffset: 2 &- Int(truncatingIfNeeded: shared), as: UInt8.self))
        occurrences = WordDictionaryWriter.occurrences(isPair: isPair, hasLinks: hasLinks)
    }

    /// Steps over the entry that begins here; false when the bytes cannot be one.
    mutating func skip() -> Bool {
        let tag = cursor.varint()
        // A list that has no positions of its own.
        if tag >= 4, tag >> 1 < UInt64(PostingListWriter.blockCount) || !hasPositions {
            let postings = cursor.varint()
            postingsOffset &+= Int(truncatingIfNeeded: postings)
            return !cursor.failed && postings < 1 << 40
        }
        return skipSlowly(tag)
    }

    private mutating func skipSlowly(_ tag: UInt64) -> Bool {
        var info = TermInfo()
        return next(tag, into: &info)
    }

    /// Reads the entry that begins here; false when the bytes cannot be one.
    mutating func next(into info: inout TermInfo) -> Bool { next(cursor.varint(), into: &info) }

    private mutating func next(_ tag: UInt64, into info: inout TermInfo) -> Bool {
        info = TermInfo()
        info.occurrences = occurrences
        if tag < 2 {
            info.documentFrequency = 1
            info.document = cursor.varint32()
            info.frequency = tag == 0 ? 1 : cursor.varint32()
            guard hasPositions else { return !cursor.failed }
            var bits = BitReader(cursor.at, end: cursor.end)
            info.inlinePositions = bits
            OccurrenceCode.skip(Int(info.frequency), occurrences, order: InlinePositions.order, in: &bits)
            return !bits.isOverrun && cursor.bytes(bits.byteCount) != nil && !cursor.failed
        }
        info.documentFrequency = Int(clamping: tag >> 1)
        info.isOnceEach = tag & 1 == 0
        let postings = cursor.varint()
        let positions = info.hasOwnPositions ? cursor.varint() : 0
        guard !cursor.failed, tag >= 4, info.documentFrequency <= Int(UInt32.max),
            !info.isOnceEach || info.documentFrequency < PostingListWriter.blockCount, postings < 1 << 40,
            positions < 1 << 40
        else { return false }
        info.postingsOffset = postingsOffset
        info.postingsByteCount = Int(postings)
        info.positionsOffset = positionsOffset
        info.positionsByteCount = Int(positions)
        postingsOffset &+= Int(postings)
        positionsOffset &+= Int(positions)
        return true
    }
}

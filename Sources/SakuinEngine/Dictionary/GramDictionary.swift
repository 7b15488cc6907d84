import Synchronization

/// A gram key to its term: a binary search over the sparse index, then the terms of one block from its start, or from
/// the last of its marks before the key.
final class GramDictionary: Sendable {
    private let section: SectionView
    /// Points into `section`, which keeps it mapped and which nobody writes to.
    private nonisolated(unsafe) let index: UnsafeRawPointer
    private let blockCount: Int
    private let indexOffset: Int
    let termCount: Int
    private let hasLinks: Bool
    /// Where the blocks of a character are.
    private let blocks: CharacterBlocks?
    /// Made when the first is asked for; whoever comes second frees its own. Set once, atomically, and never written through.
    private nonisolated(unsafe) let characters = Atomic<UnsafeMutablePointer<CharacterTerms>?>(nil)

    /// `hasLinks`: whether grams have links, see `GramKey.occurrences`.
    init(_ section: SectionView, hasLinks: Bool) throws(StorageError) {
        self.section = section
        self.hasLinks = hasLinks
        let trailer = try section.bytes(section.count - 16, 16)
        var reader = ByteReader(trailer, file: section.file, base: section.fileOffset + section.count - 16)
        let terms = try reader.read64()
        let blocks = try reader.read64()
        let bytes = UInt64(section.count - 16)
        guard blocks <= bytes / UInt64(GramDictionaryWriter.indexStride), blocks <= terms,
            terms <= blocks * UInt64(GramDictionaryWriter.blockTermCount)
        else { throw reader.corrupt("\(terms) grams in \(blocks) blocks cannot be") }
        termCount = Int(terms)
        blockCount = Int(blocks)
        indexOffset = section.count - 16 - blockCount * GramDictionaryWriter.indexStride
        let index = try section.start(indexOffset, blockCount * GramDictionaryWriter.indexStride)
        self.index = index
        self.blocks = CharacterBlocks(count: blockCount) { Self.firstKey($0, index) }
    }

    deinit {
        blocks?.deallocate()
        if let characters = characters.load(ordering: .acquiring) { Self.free(characters) }
    }

    private static func free(_ characters: UnsafeMutablePointer<CharacterTerms>) {
        characters.pointee.deallocate()
        characters.deallocate()
    }

    @inline(__always)
    private func firstKey(_ block: Int) -> UInt64 { Self.firstKey(block, index) }

    @inline(__always)
    private static func firstKey(_ block: Int, _ index: UnsafeRawPointer) -> UInt64 {
        UInt64(
            littleEndian: index.loadUnaligned(
                fromByteOffset: block &* GramDictionaryWriter.indexStride, as: UInt64.self))
    }

    /// Offsets of a block: 0 its own, 1 of its lists, 2 of their positions.
    @inline(__always)
    private func offset(_ block: Int, _ column: Int) -> Int {
        let at = block &* GramDictionaryWriter.indexStride &+ 8 &+ 5 &* column
        let low = index.loadUnaligned(fromByteOffset: at, as: UInt32.self)
        return Int(UInt32(littleEndian: low)) | Int(index.load(fromByteOffset: at &+ 4, as: UInt8.self)) &<< 32
    }

    /// The terms of a block, behind the last mark before `key`.
    private func entries(_ number: Int, upTo key: UInt64) throws(StorageError) -> GramEntryCursor {
        let start = offset(number, 0)
        let end = number + 1 < blockCount ? offset(number + 1, 0) : indexOffset
        guard start <= end, end <= indexOffset else {
            throw section.corrupt(indexOffset, "dictionary block \(number) out of place")
        }
        let bytes = try section.start(start, end - start)
        return GramEntryCursor(
            BitReader(bytes, end: bytes + (end - start)), firstKey: firstKey(number), upTo: key, hasLinks: hasLinks,
            postingsOffset: offset(number, 1), positionsOffset: offset(number, 2))
    }

    private func damaged(_ number: Int) -> StorageError {
        section.corrupt(offset(number, 0), "damaged dictionary entry")
    }

    /// The last block whose first key is not above `key`; nil when all are.
    private func blockNumber(of key: UInt64) -> Int? {
        guard blockCount > 0, firstKey(0) <= key else { return nil }
        var (low, length) = blocks?.range(of: key) ?? (0, blockCount)
        while length > 1 {
            let half = length &>> 1
            // A jump, which may go wrong, but lets the processor read on while a first key is on its way: without one
            // look-ups took longer.
            if firstKey(low &+ half) <= key { low &+= half }
            length &-= half
        }
        return low
    }

    /// The number of the one block that can have a key, whose memory is asked for; nil when none can.
    func prefetchBlock(of key: UInt64) -> Int? {
        guard let number = blockNumber(of: key) else { return nil }
        let start = offset(number, 0)
        section.area.line(at: start)
        section.area.line(at: start &+ 128)
        return number
    }

    func find(_ key: UInt64) throws(StorageError) -> TermInfo? {
        var info = TermInfo()
        return try find(key, into: &info) ? info : nil
    }

    /// Looks a key up, in its block if that is known; `info` is the term then. False when there is none.
    @inline(__always)
    func find(_ key: UInt64, inBlock known: Int? = nil, into info: inout TermInfo) throws(StorageError) -> Bool {
        guard let number = known ?? blockNumber(of: key) else { return false }
        return try findTerm(key, number, &info)
    }

    @inline(never)
    private func findTerm(_ key: UInt64, _ number: Int, _ info: inout TermInfo) throws(StorageError) -> Bool {
        var entries = try entries(number, upTo: key)
        guard entries.find(key) else { return false }
        if !entries.entry(into: &info) { throw damaged(number) }
        return true
    }

    /// Makes `info` the term of a character whose key it is, without a look into the blocks; false when that does not tell.
    func findCharacter(_ key: UInt64, into info: inout TermInfo) -> Bool {
        guard blockCount >= CharacterTerms.blockCountMin else { return false }
        return (characters.load(ordering: .acquiring) ?? makeCharacters()).pointee.find(key, into: &info)
    }

    @inline(never)
    private func makeCharacters() -> UnsafeMutablePointer<CharacterTerms> {
        let made = UnsafeMutablePointer<CharacterTerms>.allocate(capacity: 1)
        made.initialize(to: readCharacters())
        let (isOurs, known) = characters.compareExchange(
            expected: nil, desired: made, ordering: .acquiringAndReleasing)
        guard !isOurs, let known else { return made }
        Self.free(made)
        return known
    }

    /// Blocks that cannot be read are left out, as their characters are looked up in them then, which says why.
    private func readCharacters() -> CharacterTerms {
        CharacterTerms(field: firstKey(blockCount / 2) &>> GramKey.fieldShift) { take in
            for number in 0..<blockCount {
                let first = firstKey(number)
                // All of its terms begin with one character.
                let isWithin =
                    number + 1 < blockCount
                    && GramKey.character(of: firstKey(number + 1)) == GramKey.character(of: first)
                if isWithin, !GramKey.isCharacter(first) { continue }
                guard var entries = try? entries(number, upTo: 0) else { continue }
                var info = TermInfo()
                while entries.goToCharacter(), entries.entry(into: &info) {
                    take(entries.key, info)
                    if isWithin { break }
                }
            }
        }
    }

    /// All terms in key order.
    struct Iterator {
        private let dictionary: GramDictionary
        private var entries: GramEntryCursor?
        private var number = -1
        /// The current term, valid after `next` said true.
        private(set) var info = TermInfo()

        fileprivate init(_ dictionary: GramDictionary) { self.dictionary = dictionary }

        /// The current key.
        var key: UInt64 { entries?.key ?? 0 }

        mutating func next() throws(StorageError) -> Bool {
            while true {
                if entries?.nextKey() == true, entries?.entry(into: &info) == true { return true }
                if entries?.isDamaged == true { throw dictionary.damaged(number) }
                number += 1
                if number >= dictionary.blockCount { return false }
                entries = try dictionary.entries(number, upTo: 0)
            }
        }
    }

    func iterator() -> Iterator { Iterator(self) }
}

/// Reads the terms of a block one after another; a term says how long its list is, so the sums of those lengths say
/// where.
private struct GramEntryCursor {
    private var bits: BitReader
    private(set) var key: UInt64
    private var left: Int
    private let keyOrder: Int
    private let width: Int
    private let listOrder: Int
    private let hasLinks: Bool
    private var postingsOffset: Int
    private var positionsOffset: Int
    private(set) var isDamaged = false

    @inline(__always)
    init(
        _ start: BitReader, firstKey: UInt64, upTo wanted: UInt64, hasLinks: Bool, postingsOffset: Int,
        positionsOffset: Int
    ) {
        self.hasLinks = hasLinks
        bits = start
        key = firstKey
        left = Int(truncatingIfNeeded: bits.next(width: 6)) + 1
        keyOrder = Int(truncatingIfNeeded: bits.next(width: 5))
        width = min(Int(truncatingIfNeeded: bits.next(width: 6)), 32)
        listOrder = Int(truncatingIfNeeded: bits.next(width: 5))
        self.postingsOffset = postingsOffset
        self.positionsOffset = positionsOffset
        goToMark(before: wanted)
    }

    /// Reads the marks and goes to the last one before the wanted key; its key is that of the term before it.
    @inline(__always)
    private mutating func goToMark(before wanted: UInt64) {
        let groups = (left &- 1) / GramDictionaryWriter.groupTermCount
        var (bit, chosenBit) = (0, 0)
        var (markKey, postings, positions) = (key, postingsOffset, positionsOffset)
        for _ in 0..<groups {
            let mark = nextMark()
            markKey = markKey &+ mark.key
            bit &+= Int(truncatingIfNeeded: mark.bit & 0xFFFF_FFFF)
            postings &+= Int(truncatingIfNeeded: mark.postings)
            positions &+= Int(truncatingIfNeeded: mark.positions)
            if markKey < wanted {
                (key, chosenBit, postingsOffset, positionsOffset) = (markKey, bit, postings, positions)
                left &-= GramDictionaryWriter.groupTermCount
            }
        }
        bits.align()
        bits.skip(chosenBit)
    }

    /// How far the next mark is from the one before.
    @inline(__always)
    private mutating func nextMark() -> (key: UInt64, bit: UInt64, postings: UInt64, positions: UInt64) {
        var window = BitWindow(bits)
        let (key, bit) = (window.next(order: keyOrder &+ 4), window.next(order: 9))
        let (postings, positions) = (window.next(order: listOrder &+ 4), window.next(order: 0))
        if window.isWhole {
            bits.skip(window.used)
            return (key, bit, postings, positions)
        }
        return (
            bits.next(order: keyOrder &+ 4), bits.next(order: 9), bits.next(order: listOrder &+ 4), bits.next(order: 0)
        )
    }

    /// Reads the key of the next term; false at the end.
    @inline(__always)
    mutating func nextKey() -> Bool {
        guard left > 0 else { return false }
        left &-= 1
        key = key &+ bits.next(order: keyOrder)
        return true
    }

    /// Goes to the term of a key, which `entry` reads then; false when there is none.
    @inline(__always)
    mutating func find(_ wanted: UInt64) -> Bool { goOn { $0 >= wanted } && key == wanted }

    /// Goes on to the next term that is a character, which `entry` reads then; false when there is none.
    mutating func goToCharacter() -> Bool { goOn { GramKey.isCharacter($0) } }

    /// Goes on to the next term whose key is a wanted one; false when there is none. Bits that cannot be a term are noticed
    /// when one is read.
    @inline(__always)
    private mutating func goOn(to isWanted: (UInt64) -> Bool) -> Bool {
        while left > 0 {
            left &-= 1
            var window = BitWindow(bits)
            let next = key &+ window.next(order: keyOrder)
            guard window.isWhole else {
                key = key &+ bits.next(order: keyOrder)
                if isWanted(key) { return true }
                skipSlowly()
                continue
            }
            key = next
            if isWanted(next) {
                bits.skip(window.used)
                return true
            }
            skip(behind: &window)
        }
        return false
    }

    /// Steps over what stands behind the key, which `window` has read.
    @inline(__always)
    private mutating func skip(behind window: inout BitWindow) {
        let keyBitCount = window.used
        // One document, once: its number has a fixed width, and behind it stands its place. Else the documents of a list
        // shorter than a block, a flag, and the bytes of the list. No branch, since nobody knows which comes next.
        let isOne = window.bits & 3 == 3
        let n = window.bits.trailingZeroBitCount
        window.skip(isOne ? 2 &+ width : 2 &* n &+ 2)
        var (isKnown, order) = (isOne ? !GramKey.isCharacter(key) : n > 0 && n < 7, InlinePositions.order)
        if hasLinks, isOne {
            // Two links of 0 are a one, which is what a code of order 0 is too.
            let kind = GramKey.occurrences(key, hasLinks: true)
            isKnown = kind == .position || kind == .links && window.bits & 1 == 1
            order = kind == .links ? 0 : order
        }
        let value = Int(truncatingIfNeeded: window.next(order: isOne ? order : listOrder))
        guard isKnown, window.isWhole else {
            bits.skip(keyBitCount)
            return skipSlowly()
        }
        bits.skip(window.used)
        postingsOffset &+= isOne ? 0 : value
    }

    /// The same for any term, of which nothing behind the key was read.
    private mutating func skipSlowly() {
        let documents = bits.gamma()
        let kind = GramKey.occurrences(key, hasLinks: hasLinks)
        if documents == 1 {
            let frequency = Int(truncatingIfNeeded: bits.gamma() & 0xFFFF_FFFF)
            _ = bits.next(width: width)
            OccurrenceCode.skip(frequency, kind, order: InlinePositions.order, in: &bits)
            return
        }
        let isShort = documents < UInt64(PostingListWriter.blockCount)
        if isShort { _ = bits.next(width: 1) }
        postingsOffset &+= Int(truncatingIfNeeded: bits.next(order: listOrder))
        if kind != .none, !isShort { positionsOffset &+= Int(truncatingIfNeeded: bits.next(order: listOrder)) }
    }

    /// Reads what stands behind the key; false when the bits cannot be a term.
    @inline(__always)
    mutating func entry(into info: inout TermInfo) -> Bool {
        let documents = bits.gamma()
        guard documents <= UInt64(UInt32.max), postingsOffset >= 0, positionsOffset >= 0 else { return damaged() }
        info.documentFrequency = Int(truncatingIfNeeded: documents)
        info.occurrences = GramKey.occurrences(key, hasLinks: hasLinks)
        info.isRanked = GramKey.isRanked(key, documentFrequency: info.documentFrequency)
        info.isCharacter = GramKey.isCharacter(key)
        info.postingsOffset = postingsOffset
        info.positionsOffset = positionsOffset
        info.isOnceEach = false
        if documents == 1 {
            info.frequency = UInt32(truncatingIfNeeded: bits.gamma())
            info.document = UInt32(truncatingIfNeeded: bits.next(width: width))
            info.inlinePositions = bits
            OccurrenceCode.skip(Int(info.frequency), info.occurrences, order: InlinePositions.order, in: &bits)
            return bits.isOverrun ? damaged() : true
        }
        info.isOnceEach = documents < UInt64(PostingListWriter.blockCount) && bits.next(width: 1) == 1
        let postings = bits.next(order: listOrder)
        let positions = info.hasOwnPositions ? bits.next(order: listOrder) : 0
        guard !bits.isOverrun, postings < 1 << 40, positions < 1 << 40 else { return damaged() }
        info.postingsByteCount = Int(truncatingIfNeeded: postings)
        info.positionsByteCount = Int(truncatingIfNeeded: positions)
        postingsOffset &+= info.postingsByteCount
        positionsOffset &+= info.positionsByteCount
        return true
    }

    @inline(never)
    private mutating func damaged() -> Bool {
        isDamaged = true
        left = 0
        return false
    }
}

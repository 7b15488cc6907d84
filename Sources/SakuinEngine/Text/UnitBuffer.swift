/// What a text breaks into that is no valid text.
enum TextError: Error, Equatable {
    /// The first byte that cannot stand where it stands.
    case invalidUTF8(byteOffset: Int)
}

/// The normal form of one text as units, in memory that is used again for the next one.
///
/// A code: bit 31 set for a word, bit 30 when a gap stands before the unit (never before the first), bit 29 for Hangul;
/// a character's low 21 bits are its folded scalar, a word's low 29 bits its number in this buffer.
final class UnitBuffer {
    static let wordBit: UInt32 = 1 << 31
    static let gapBit: UInt32 = 1 << 30
    static let hangulBit: UInt32 = 1 << 29
    static let scalarMask: UInt32 = 0x1F_FFFF
    static let wordMask: UInt32 = (1 << 29) - 1

    private(set) var codes: UnsafeMutablePointer<UInt32>
    /// Byte range of each unit in the original, when it was normalised with offsets.
    private(set) var sourceStart: UnsafeMutablePointer<UInt32>
    private(set) var sourceEnd: UnsafeMutablePointer<UInt32>
    /// Folded UTF-8 of the words, one after another, and where each ends.
    private(set) var wordBytes: UnsafeMutablePointer<UInt8>
    private(set) var wordEnds: UnsafeMutablePointer<UInt32>
    private var capacity = 0
    private var wordByteCapacity = 0
    private var offsetCapacity = 0

    var count = 0
    var wordCount = 0

    init() {
        codes = .allocate(capacity: 1)
        sourceStart = .allocate(capacity: 1)
        sourceEnd = .allocate(capacity: 1)
        wordBytes = .allocate(capacity: 1)
        wordEnds = .allocate(capacity: 1)
    }

    deinit {
        codes.deallocate()
        sourceStart.deallocate()
        sourceEnd.deallocate()
        wordBytes.deallocate()
        wordEnds.deallocate()
    }

    /// Makes room for the normal form of a text that folds to at most `unitCount` scalars of `byteCount` bytes, and
    /// empties the buffer.
    func prepare(unitCount: Int, byteCount: Int, offsets: Bool) {
        count = 0
        wordCount = 0
        if unitCount > capacity {
            capacity = max(unitCount, 2 * capacity, 1024)
            codes.deallocate()
            codes = .allocate(capacity: capacity)
            wordEnds.deallocate()
            wordEnds = .allocate(capacity: capacity)
        }
        if byteCount > wordByteCapacity {
            wordByteCapacity = max(byteCount, 2 * wordByteCapacity, 4096)
            wordBytes.deallocate()
            wordBytes = .allocate(capacity: wordByteCapacity)
        }
        if offsets, capacity > offsetCapacity {
            offsetCapacity = capacity
            sourceStart.deallocate()
            sourceEnd.deallocate()
            sourceStart = .allocate(capacity: capacity)
            sourceEnd = .allocate(capacity: capacity)
        }
    }

    /// Folded UTF-8 of a word.
    func word(_ number: Int) -> UnsafeBufferPointer<UInt8> {
        let start = number == 0 ? 0 : Int(wordEnds[number - 1])
        return UnsafeBufferPointer(start: wordBytes + start, count: Int(wordEnds[number]) - start)
    }
}

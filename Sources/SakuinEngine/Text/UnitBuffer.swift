/// Why a text has no normal form.
enum TextError: Error, Equatable {
    /// The text is not UTF-8 (RFC 3629) from this byte on: the first of the sequence that is wrong or cut off.
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
    /// Byte range of each unit in the original, when it was normalised with offsets; before the first time there is no room
    /// for any.
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

    /// With room for so many units and bytes of words, without offsets.
    init(unitCount: Int = 0, byteCount: Int = 0) {
        capacity = unitCount
        wordByteCapacity = byteCount
        codes = .allocate(capacity: max(unitCount, 1))
        (sourceStart, sourceEnd) = (codes, codes)
        wordBytes = .allocate(capacity: max(byteCount, 1))
        wordEnds = .allocate(capacity: max(unitCount, 1))
    }

    deinit {
        codes.deallocate()
        wordBytes.deallocate()
        wordEnds.deallocate()
        deallocateSources()
    }

    private func deallocateSources() {
        guard offsetCapacity > 0 else { return }
        sourceStart.deallocate()
        sourceEnd.deallocate()
    }

    /// One unit and two bytes of a word a byte of text are enough unless something expands, which makes room.
    static func unitCount(for textByteCount: Int) -> Int { textByteCount + 1 }
    static func byteCount(for textByteCount: Int) -> Int { 2 * textByteCount + 64 }

    /// Empties the buffer and makes room for at least `unitCount` units and `byteCount` bytes of words.
    func prepare(unitCount: Int, byteCount: Int, offsets: Bool) {
        count = 0
        wordCount = 0
        if unitCount > capacity {
            capacity = max(unitCount, 2 * capacity, 64)
            codes.deallocate()
            codes = .allocate(capacity: capacity)
            wordEnds.deallocate()
            wordEnds = .allocate(capacity: capacity)
        }
        if byteCount > wordByteCapacity {
            wordByteCapacity = max(byteCount, 2 * wordByteCapacity, 256)
            wordBytes.deallocate()
            wordBytes = .allocate(capacity: wordByteCapacity)
        }
        if offsets, capacity > offsetCapacity {
            deallocateSources()
            offsetCapacity = capacity
            sourceStart = .allocate(capacity: capacity)
            sourceEnd = .allocate(capacity: capacity)
        }
    }

    /// Makes room for that much in all and keeps what is there. The pointers may change.
    func reserve(unitCount: Int, byteCount: Int, offsets: Bool) {
        if unitCount > capacity {
            capacity = max(unitCount, 2 * capacity)
            Self.move(&codes, count, capacity)
            Self.move(&wordEnds, wordCount, capacity)
        }
        if byteCount > wordByteCapacity {
            let held = wordByteCapacity
            wordByteCapacity = max(byteCount, 2 * wordByteCapacity)
            Self.move(&wordBytes, held, wordByteCapacity)
        }
        if offsets, capacity > offsetCapacity {
            let held = min(count, offsetCapacity)
            if offsetCapacity == 0 {
                (sourceStart, sourceEnd) = (.allocate(capacity: capacity), .allocate(capacity: capacity))
            } else {
                Self.move(&sourceStart, held, capacity)
                Self.move(&sourceEnd, held, capacity)
            }
            offsetCapacity = capacity
        }
    }

    private static func move<T: BitwiseCopyable>(_ from: inout UnsafeMutablePointer<T>, _ count: Int, _ room: Int) {
        let to = UnsafeMutablePointer<T>.allocate(capacity: room)
        to.update(from: from, count: count)
        from.deallocate()
        from = to
    }

    /// Folded UTF-8 of a word.
    func word(_ number: Int) -> UnsafeBufferPointer<UInt8> {
        let start = number == 0 ? 0 : Int(wordEnds[number - 1])
        return UnsafeBufferPointer(start: wordBytes + start, count: Int(wordEnds[number]) - start)
    }
}

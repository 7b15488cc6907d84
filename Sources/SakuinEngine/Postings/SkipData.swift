/// Where the blocks of a list end, what they end with, and the most their documents can score: behind the blocks of a
/// list of more than one.
///
/// Per block: last document (d bytes), for ranked lists last rank (d bytes), end of the block in the list (p bytes),
/// with positions end of its positions (q bytes), u8 highest frequency (255: that or more), u8 shortest length code;
/// little-endian. d is what the segment's document count needs. Behind them the `ListHead`, if the list has one, u16 its
/// bytes, and a byte p + 16 q.
struct SkipData {
    private let base: UnsafeRawPointer
    private let stride: Int
    private let postingsAt: Int
    private let positionsAt: Int
    private let documentMask: UInt32
    private let postingsMask: UInt32
    private let positionsMask: UInt32

    /// How many bytes each kind of number takes.
    struct Widths {
        var document: Int
        var postings: Int
        var positions: Int
        var isRanked: Bool

        var stride: Int { document &* (isRanked ? 2 : 1) &+ postings &+ positions &+ 2 }
        /// The byte behind the skip data.
        var trailer: UInt8 { UInt8(truncatingIfNeeded: postings | positions << 4) }

        init(documentCount: Int, postings: Int, positions: Int, isRanked: Bool) {
            document = Self.bytes(documentCount)
            self.postings = postings
            self.positions = positions
            self.isRanked = isRanked
        }

        /// nil when no skip data ends with that byte.
        init?(trailer: UInt8, documentCount: Int, hasPositions: Bool, isRanked: Bool) {
            let (postings, positions) = (Int(trailer & 15), Int(trailer >> 4))
            guard (1...4).contains(postings), hasPositions ? (1...4).contains(positions) : positions == 0 else {
                return nil
            }
            self.init(documentCount: documentCount, postings: postings, positions: positions, isRanked: isRanked)
        }

        /// Bytes of the numbers up to `value`.
        static func bytes(_ value: Int) -> Int { max(1, (71 - UInt64(value).leadingZeroBitCount) / 8) }
    }

    /// The skip data at the end of a list of `blocks` (more than 1) blocks; nil when it cannot be there.
    init?(endingAt end: UnsafeRawPointer, listByteCount: Int, blocks: Int, documentCount: Int, info: TermInfo) {
        guard listByteCount > 0,
            let widths = Widths(
                trailer: (end - 1).load(as: UInt8.self), documentCount: documentCount,
                hasPositions: info.hasPositions, isRanked: info.isRanked),
            blocks * widths.stride + 3 <= listByteCount
        else { return nil }
        let headEnd = end - 3
        let headCount = Int(UInt16(littleEndian: headEnd.loadUnaligned(as: UInt16.self)))
        guard blocks * widths.stride + 3 + headCount <= listByteCount else { return nil }
        let headStart = headEnd - headCount
        self.init(headStart - blocks * widths.stride, widths, head: headCount == 0 ? nil : (headStart, headEnd))
    }

    /// Where the head of the list stands, if it has one.
    let head: (start: UnsafeRawPointer, end: UnsafeRawPointer)?

    /// Where the blocks of the list end.
    var start: UnsafeRawPointer { base }

    private init(
        _ base: UnsafeRawPointer, _ widths: Widths, head: (start: UnsafeRawPointer, end: UnsafeRawPointer)?
    ) {
        self.base = base
        self.head = head
        stride = widths.stride
        postingsAt = widths.document * (widths.isRanked ? 2 : 1)
        positionsAt = postingsAt + widths.postings
        documentMask = Self.mask(widths.document)
        postingsMask = Self.mask(widths.postings)
        positionsMask = Self.mask(widths.positions)
    }

    private static func mask(_ bytes: Int) -> UInt32 { bytes >= 4 ? .max : (1 << UInt32(8 * bytes)) - 1 }

    @inline(__always)
    private func value(_ offset: Int, _ mask: UInt32) -> UInt32 {
        UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) & mask
    }

    /// Asks for the memory of a block's numbers.
    @inline(__always)
    func prefetch(_ block: Int) { Prefetch.line(base + block &* stride) }

    @inline(__always)
    func lastDocument(_ block: Int) -> UInt32 { value(block &* stride, documentMask) }

    /// Only for ranked lists.
    @inline(__always)
    func lastRank(_ block: Int) -> UInt32 { value(block &* stride &+ postingsAt / 2, documentMask) }

    @inline(__always)
    func postingsEnd(_ block: Int) -> Int { Int(value(block &* stride &+ postingsAt, postingsMask)) }

    /// Only for lists with positions.
    @inline(__always)
    func positionsEnd(_ block: Int) -> Int { Int(value(block &* stride &+ positionsAt, positionsMask)) }

    /// Nothing in the block has a higher frequency or a shorter length: its score bound.
    @inline(__always)
    func bound(_ block: Int) -> (frequency: UInt32, lengthCode: UInt8) {
        let at = block &* stride &+ stride &- 2
        let frequency = base.load(fromByteOffset: at, as: UInt8.self)
        return (frequency == 255 ? .max : UInt32(frequency), base.load(fromByteOffset: at &+ 1, as: UInt8.self))
    }
}

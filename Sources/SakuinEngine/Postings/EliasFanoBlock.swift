/// The documents of a block of a character's list, in a code of which one document is read without the others: other
/// lists are places in these.
///
/// Elias–Fano code (Elias, "Efficient storage and retrieval by content and address of static files", 1974), by blocks as
/// in Ottaviano and Venturini, "Partitioned Elias-Fano indexes", 2014. A value is a document's distance from the one
/// behind the last of the block before; what the highest is the skip data say, and that says how wide the low bits are:
/// l = ⌊log2((highest + 1) / documents)⌋, but 0 below 2.
///
/// Layout: bits of the high parts, from the lowest on, to a whole byte: for value number i bit (value >> l) + i is set.
/// Then l low bits of each. Where l is 0 bit `value` is set, so the block is a set of bits.
struct EliasFanoBlock {
    private let high: UnsafeRawPointer
    private let low: BitReader
    private let count: Int
    /// The document of value 0, and the one of the highest.
    private let first: UInt32
    private let last: UInt32
    private let lowWidth: Int
    private let highBitCount: Int
    /// The first byte behind the block.
    let end: UnsafeRawPointer

    /// How a block of so many values is coded, of which the highest is `highest`.
    private static func widths(_ count: Int, highest: Int) -> (low: Int, highBits: Int) {
        // A division costs as much as finding a document in the block.
        let ratio =
            count == PostingListWriter.blockCount
            ? (highest &+ 1) / PostingListWriter.blockCount : (highest &+ 1) / max(count, 1)
        if ratio < 4 { return (0, highest &+ 1) }
        let low = 63 &- ratio.leadingZeroBitCount
        return (low, highest &>> low &+ count)
    }

    /// The block at `at` of `count` (at least 1) documents of `first...last`; nil when there cannot be one. At least
    /// seven bytes behind `limit` are readable.
    @inline(__always)
    init?(at: UnsafeRawPointer, limit: UnsafeRawPointer, count: Int, _ first: UInt32, _ last: UInt32) {
        guard last >= first, Int(last &- first) &+ 1 >= count else { return nil }
        let widths = Self.widths(count, highest: Int(last &- first))
        let lowAt = at + (widths.highBits &+ 7) &>> 3
        end = lowAt + (count &* widths.low &+ 7) &>> 3
        guard end <= limit else { return nil }
        (high, low) = (at, BitReader(lowAt, end: end))
        (self.count, self.first, self.last) = (count, first, last)
        (lowWidth, highBitCount) = (widths.low, widths.highBits)
    }

    /// Appends the block of `count` ascending documents, none of which is below `first`.
    static func encode(
        _ documents: UnsafePointer<UInt32>, count: Int, first: UInt32, into bits: inout BitWriter
    ) {
        let highest = Int(documents[count - 1] &- first)
        let low = widths(count, highest: highest).low
        var at = 0
        for i in 0..<count {
            let value = Int(documents[i] &- first)
            let place = low == 0 ? value : value &>> low &+ i
            while place &- at >= 56 {
                bits.append(0, width: 56)
                at &+= 56
            }
            bits.append(1 &<< UInt64(truncatingIfNeeded: place &- at), width: place &- at &+ 1)
            at = place &+ 1
        }
        bits.finish()
        if low == 0 { return }
        let mask: UInt32 = (1 &<< UInt32(truncatingIfNeeded: low)) &- 1
        for i in 0..<count { bits.append(UInt64((documents[i] &- first) & mask), width: low) }
        bits.finish()
    }

    /// 64 of the high bits, and whatever is behind their end.
    @inline(__always)
    private func bits(_ number: Int) -> UInt64 {
        UInt64(littleEndian: high.loadUnaligned(fromByteOffset: number &* 8, as: UInt64.self))
    }

    /// 64 of the high bits; zeros behind their end.
    @inline(__always)
    private func word(_ number: Int) -> UInt64 {
        let bits = bits(number)
        let left = highBitCount &- number &<< 6
        return left >= 64 ? bits : bits & ((1 &<< UInt64(truncatingIfNeeded: left)) &- 1)
    }

    private var wordCount: Int { (highBitCount &+ 63) &>> 6 }

    @inline(__always)
    private func lowBits(_ i: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: low.value(at: i &* lowWidth, width: lowWidth))
    }

    /// Writes the documents to `out`; false when they are not so many, or do not ascend up to the last.
    func decode(into out: UnsafeMutablePointer<UInt32>) -> Bool {
        var known = 0
        for number in 0..<wordCount {
            var bits = word(number)
            guard Broadword(bits).count <= count &- known else { return false }
            let base = number &<< 6
            while bits != 0 {
                out[known] = UInt32(truncatingIfNeeded: base &+ bits.trailingZeroBitCount)
                bits &= bits &- 1
                known &+= 1
            }
        }
        guard known == count else { return false }
        let width = UInt32(truncatingIfNeeded: lowWidth)
        if width == 0 {
            for i in 0..<count { out[i] &+= first }
        } else {
            for i in 0..<count { out[i] = document(i, highBit: Int(out[i])) }
        }
        var disorder: UInt32 = 0
        for i in 1..<max(count, 1) { disorder |= out[i] > out[i &- 1] ? 0 : 1 }
        return disorder == 0 && out[count &- 1] == last
    }

    /// Document number `i`, whose high bit is at a place.
    @inline(__always)
    private func document(_ i: Int, highBit: Int) -> UInt32 {
        if lowWidth == 0 { return first &+ UInt32(truncatingIfNeeded: highBit) }
        let high = UInt32(truncatingIfNeeded: highBit &- i) &<< UInt32(truncatingIfNeeded: lowWidth)
        return first &+ (high | lowBits(i))
    }

    /// Reads documents at places that ascend.
    struct Walk {
        private let block: EliasFanoBlock
        /// The word of the high bits it stands at, and the documents before that.
        private var number = 0
        private var before = 0
        private var word: Broadword

        @inline(__always)
        init(_ block: EliasFanoBlock) {
            self.block = block
            word = Broadword(block.bits(0))
        }

        /// The document at a place that is not below the one asked for before; nil when the bits do not have one there.
        @inline(__always)
        mutating func document(at place: Int) -> UInt32? {
            guard place < block.count else { return nil }
            while place &- before >= word.count {
                before &+= word.count
                number &+= 1
                guard number < block.wordCount else { return nil }
                word = Broadword(block.bits(number))
            }
            let document = block.document(place, highBit: number &<< 6 &+ word.place(of: place &- before))
            return document >= block.first && document <= block.last ? document : nil
        }
    }
}

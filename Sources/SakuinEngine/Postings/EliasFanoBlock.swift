/// The documents of a block of a character's list, in a code of which one document, or the place of one, is read without
/// the others: other lists are places in these.
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

    /// 64 of the high bits; zeros behind their end.
    @inline(__always)
    private func word(_ number: Int) -> UInt64 {
        let bits = UInt64(littleEndian: high.loadUnaligned(fromByteOffset: number &* 8, as: UInt64.self))
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
            guard Broadword.count(bits) <= count &- known else { return false }
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

    /// The document at a place; nil when the bits do not have one there.
    @inline(__always)
    func document(at place: Int) -> UInt32? {
        var left = place
        for number in 0..<wordCount {
            let bits = word(number)
            let here = Broadword.count(bits)
            if left < here {
                let document = document(place, highBit: number &<< 6 &+ Broadword.place(of: left, in: bits))
                return document >= first && document <= last ? document : nil
            }
            left &-= here
        }
        return nil
    }

    /// The place of a document; nil when the block does not have it.
    @inline(__always)
    func place(of document: UInt32) -> Int? {
        guard document >= first, document <= last else { return nil }
        let value = Int(document &- first)
        if lowWidth == 0 {
            let (number, bit) = (value &>> 6, UInt64(truncatingIfNeeded: value & 63))
            let bits = word(number)
            guard bits &>> bit & 1 == 1 else { return nil }
            var place = Broadword.count(bits & ((1 &<< bit) &- 1))
            for before in 0..<number { place &+= Broadword.count(word(before)) }
            return place < count ? place : nil
        }
        // Behind so many zeros stand the values with this high part.
        let zeros = value &>> lowWidth
        var at = 0
        if zeros > 0 {
            var (left, number) = (zeros &- 1, 0)
            var unset = ~word(0)
            while number &+ 1 < wordCount {
                let here = Broadword.count(unset)
                if left < here { break }
                left &-= here
                number &+= 1
                unset = ~word(number)
            }
            guard left < Broadword.count(unset) else { return nil }
            at = number &<< 6 &+ Broadword.place(of: left, in: unset) &+ 1
        }
        let wanted = UInt32(truncatingIfNeeded: value & ((1 &<< lowWidth) &- 1))
        while at < highBitCount, word(at &>> 6) &>> UInt64(truncatingIfNeeded: at & 63) & 1 == 1 {
            let found = lowBits(at &- zeros)
            if found >= wanted { return found == wanted && at &- zeros < count ? at &- zeros : nil }
            at &+= 1
        }
        return nil
    }
}

/// Bits of a word counted and found by arithmetic on its bytes (Vigna, "Broadword implementation of rank/select queries",
/// 2008), since not every processor has an instruction for it.
enum Broadword {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// By byte the bits that are set in it and in those below.
    @inline(__always)
    private static func sums(_ word: UInt64) -> UInt64 {
        var sums = word &- (word &>> 1 & 0x5555_5555_5555_5555)
        sums = (sums & 0x3333_3333_3333_3333) &+ (sums &>> 2 & 0x3333_3333_3333_3333)
        sums = (sums &+ sums &>> 4) & 0x0F0F_0F0F_0F0F_0F0F
        return sums &* ones
    }

    @inline(__always)
    static func count(_ word: UInt64) -> Int { Int(truncatingIfNeeded: sums(word) &>> 56) }

    /// Where bit number `rank` of those that are set stands, of which there are more.
    @inline(__always)
    static func place(of rank: Int, in word: UInt64) -> Int {
        let sums = sums(word)
        let more = ((sums | highs) &- (UInt64(truncatingIfNeeded: rank &+ 1) &* ones)) & highs
        // The first byte up to which there are more than `rank`.
        let at = UInt64(truncatingIfNeeded: more.trailingZeroBitCount & 56)
        var left = rank &- Int(truncatingIfNeeded: (sums &<< 8) &>> at & 0xFF)
        var byte = word &>> at
        while left > 0 {
            byte &= byte &- 1
            left &-= 1
        }
        return Int(truncatingIfNeeded: at) &+ byte.trailingZeroBitCount
    }
}

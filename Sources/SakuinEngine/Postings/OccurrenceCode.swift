// What a list keeps of each occurrence of its term.
//
// *Position*: where it stands in the field. *Link*: which occurrence of a character of the term in the document it is,
// counted from 0. A bigram needs no position: it stands beside another one where the character they share is the same
// occurrence, and that number is small where a position is as large as the document is long. Edges and pairs have both:
// they are where a chain of links meets a word or a gap, whose places are told by positions.

/// What stands in a list for each occurrence.
enum OccurrenceKind: UInt8, BitwiseCopyable {
    /// Nothing: lists of characters.
    case none
    /// A position: words, units, and all lists of segments without links.
    case position
    /// Links of the first character and of the second: bigrams.
    case links
    /// The link of the character, then the position: of it for an edge, of the word for a pair.
    case linkAndPosition

    /// Numbers of an occurrence.
    var valueCount: Int { @inline(__always) get { self == .none ? 0 : self == .position ? 1 : 2 } }
}

/// The occurrences of a document one after another, each number by how far it is from the one before in the document:
/// the first itself, then each distance minus one.
///
/// A position is an exponential Golomb code. Two links: a one when both distances are 0; 0 and 1 when the first is, then
/// gamma of the second; 0, 0 and 1 when the second is, then gamma of the first; else three zeros, then both in gamma code.
/// Link and position: gamma of the first plus one, Golomb code of the second.
enum OccurrenceCode {
    /// The most bytes an occurrence can take.
    static let byteCountMax = 26

    @inline(__always)
    static func write<Output: BitOutput & ~Copyable>(
        _ values: UnsafePointer<UInt32>, _ count: Int, _ kind: OccurrenceKind, order: Int, to bits: inout Output
    ) {
        switch kind {
        case .none: break
        case .position: PositionCode.write(values, count, order: order, to: &bits)
        case .links, .linkAndPosition:
            var (a, b): (UInt32, UInt32) = (0, 0)
            for i in 0..<count {
                let (first, second) = (UInt64(values[2 &* i] &- a), UInt64(values[2 &* i &+ 1] &- b))
                (a, b) = (values[2 &* i] &+ 1, values[2 &* i &+ 1] &+ 1)
                if kind == .links {
                    writeLinks(first, second, to: &bits)
                } else {
                    bits.append(gamma: first &+ 1)
                    bits.append(second, order: order)
                }
            }
        }
    }

    @inline(__always)
    private static func writeLinks<Output: BitOutput & ~Copyable>(
        _ first: UInt64, _ second: UInt64, to bits: inout Output
    ) {
        if first | second == 0 { return bits.append(1, width: 1) }
        bits.append(first == 0 ? 2 : second == 0 ? 4 : 0, width: first == 0 ? 2 : 3)
        if first > 0 { bits.append(gamma: first) }
        if second > 0 { bits.append(gamma: second) }
    }

    /// Steps over occurrences.
    @inline(__always)
    static func skip(_ count: Int, _ kind: OccurrenceKind, order: Int, in bits: inout BitReader) {
        if kind == .position { return PositionCode.skip(count, order: order, in: &bits) }
        var rest = kind == .none ? 0 : count
        while rest > 0, !bits.isOverrun {
            _ = next(kind, order: order, from: &bits)
            rest &-= 1
        }
    }

    /// Appends the numbers of occurrences; false when the bits end before them.
    @inline(__always)
    static func read(
        _ count: Int, _ kind: OccurrenceKind, order: Int, from bits: inout BitReader, into out: PositionBuffer
    ) -> Bool {
        if kind == .position { return PositionCode.read(count, order: order, from: &bits, into: out) }
        var (a, b): (UInt32, UInt32) = (0, 0)
        var rest = kind == .none ? 0 : count
        while rest > 0, !bits.isOverrun {
            let (first, second) = next(kind, order: order, from: &bits)
            (a, b) = (a &+ first, b &+ second)
            out.append(a)
            out.append(b)
            (a, b) = (a &+ 1, b &+ 1)
            rest &-= 1
        }
        return !bits.isOverrun
    }

    @inline(__always)
    private static func next(
        _ kind: OccurrenceKind, order: Int, from bits: inout BitReader
    ) -> (first: UInt32, second: UInt32) {
        if kind == .linkAndPosition {
            let first = UInt32(truncatingIfNeeded: bits.gamma() &- 1)
            return (first, UInt32(truncatingIfNeeded: bits.next(order: order)))
        }
        let zeros = min(bits.window().trailingZeroBitCount, 3)
        bits.skip(min(zeros &+ 1, 3))
        let first = zeros > 1 ? UInt32(truncatingIfNeeded: bits.gamma()) : 0
        let second = zeros & 1 == 1 ? UInt32(truncatingIfNeeded: bits.gamma()) : 0
        return (first, second)
    }
}

/// Occurrences of a token in a document, told by what their two ends name.
protocol OccurrenceStream {
    var count: Int { get }
    /// The next one, of which there are `count`; both ends ascend.
    mutating func next() -> (left: UInt32, right: UInt32)
}

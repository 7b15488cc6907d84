// The occurrences of a block of documents whose lists keep two numbers of each, so that any of them is found without
// reading those before it.
//
// Each number, as its distance from the one before in the document (`OccurrenceCode`), is in Rice code, of an order for all
// first numbers of the block and one for all second: its low bits, and the rest in unary code. The low bits of all
// stand side by side, then the unary codes: the one with number 2 i begins behind as many ones, which are counted a word
// at a time.

/// The two numbers of each occurrence in a block.
struct LinkBlock: BitwiseCopyable {
    /// Orders above are not used.
    private static let orderMax = 15

    private let bits: BitReader
    /// Orders of the first numbers, and of the second.
    private let first: Int
    private let second: Int
    private let lowAt: Int
    /// Where the unary codes begin.
    private let unaryAt: Int

    /// The block of documents with these frequencies that begins where the reader stands; nil when there are fewer bits.
    init?(_ bits: BitReader, _ frequencies: UnsafePointer<UInt32>, count: Int) {
        let occurrenceCount = Self.occurrenceCount(frequencies, count)
        guard bits.has(8) else { return nil }
        let orders = Int(truncatingIfNeeded: bits.value(at: bits.bit, width: 8))
        self.bits = bits
        (first, second) = (orders & 15, orders &>> 4)
        lowAt = bits.bit &+ 8
        let (lowCount, overflows) = occurrenceCount.multipliedReportingOverflow(by: first &+ second &+ 2)
        // Each unary code takes a bit at least.
        guard !overflows, occurrenceCount >= 0, bits.has(lowCount, behind: lowAt) else { return nil }
        unaryAt = lowAt &+ occurrenceCount &* (first &+ second)
    }

    /// How many occurrences up to a block of documents has: a sum of 128 frequencies fits.
    @inline(__always)
    static func occurrenceCount(_ frequencies: UnsafePointer<UInt32>, _ count: Int) -> Int {
        var sum = 0
        for i in 0..<count { sum &+= Int(frequencies[i]) }
        return sum
    }

    /// Where the unary codes of an occurrence begin.
    struct Place: BitwiseCopyable {
        var occurrence: Int
        var bit: Int
    }

    var start: Place { Place(occurrence: 0, bit: unaryAt) }

    /// The place of an occurrence at or behind another. Where the bits do not have it it is behind their end.
    @inline(__always)
    func place(of occurrence: Int, from place: Place) -> Place {
        var left = 2 &* (occurrence &- place.occurrence)
        var bit = place.bit
        while left > 0 {
            let word = Broadword(bits.value(at: bit, width: 56))
            if word.count >= left {
                bit &+= word.place(of: left &- 1) &+ 1
                break
            }
            left &-= word.count
            bit &+= 56
            guard bits.has(1, behind: bit) else { return Place(occurrence: occurrence, bit: .max / 2) }
        }
        return Place(occurrence: occurrence, bit: bit)
    }

    /// The distances of the next occurrence, to which `place` goes on; whether it was there is told by `isSound`.
    @inline(__always)
    func next(_ place: inout Place) -> (first: UInt32, second: UInt32) {
        // Mostly both are short.
        let word = bits.value(at: place.bit, width: 56)
        let rest = word & (word &- 1)
        var (a, b): (Int, Int)
        if rest != 0 {
            a = word.trailingZeroBitCount
            let both = rest.trailingZeroBitCount
            b = both &- a &- 1
            place.bit &+= both &+ 1
        } else {
            (a, b) = (unary(&place.bit), unary(&place.bit))
        }
        let width = first &+ second
        if width > 0 {
            let low = Int(truncatingIfNeeded: bits.value(at: lowAt &+ place.occurrence &* width, width: width))
            a = a &<< first | low & ((1 &<< first) &- 1)
            b = b &<< second | low &>> first
        }
        place.occurrence &+= 1
        return (UInt32(truncatingIfNeeded: a), UInt32(truncatingIfNeeded: b))
    }

    /// Zeros up to the next one, which is passed over.
    @inline(never)
    private func unary(_ bit: inout Int) -> Int {
        var zeros = 0
        while bit < .max / 2, bits.has(1, behind: bit) {
            let word = bits.value(at: bit, width: 56)
            if word != 0 {
                bit &+= word.trailingZeroBitCount &+ 1
                return zeros &+ word.trailingZeroBitCount
            }
            zeros &+= 56
            bit &+= 56
        }
        bit &+= 1
        return zeros
    }

    /// Appends the numbers of the next occurrences, which are those of a document.
    @inline(__always)
    func append(_ count: Int, from place: inout Place, to out: PositionBuffer) {
        var (a, b): (UInt32, UInt32) = (0, 0)
        for _ in 0..<count {
            let (first, second) = next(&place)
            (a, b) = (a &+ first, b &+ second)
            out.append(a)
            out.append(b)
            (a, b) = (a &+ 1, b &+ 1)
        }
    }

    /// Whether what was read up to a place was there.
    @inline(__always)
    func isSound(_ place: Place) -> Bool { bits.has(0, behind: place.bit) }

    /// Appends the numbers of the occurrences of documents with these frequencies, which are `occurrenceCount` together.
    static func encode(
        _ values: UnsafePointer<UInt32>, _ frequencies: UnsafePointer<UInt32>, count: Int, into bits: inout BitWriter
    ) {
        let (first, second) = orders(values, frequencies, count)
        bits.append(UInt64(first | second << 4), width: 8)
        forEach(values, frequencies, count) { a, b in
            let low = UInt64(a) & ((1 &<< UInt64(first)) &- 1)
            let high = UInt64(b) & ((1 &<< UInt64(second)) &- 1)
            bits.append(low | high &<< UInt64(first), width: first &+ second)
        }
        forEach(values, frequencies, count) { a, b in
            appendUnary(a &>> UInt32(first), to: &bits)
            appendUnary(b &>> UInt32(second), to: &bits)
        }
    }

    @inline(__always)
    private static func appendUnary(_ value: UInt32, to bits: inout BitWriter) {
        var left = Int(value)
        while left >= 48 {
            bits.append(0, width: 48)
            left &-= 48
        }
        bits.append(1 &<< UInt64(truncatingIfNeeded: left), width: left &+ 1)
    }

    /// The distances of each occurrence.
    @inline(__always)
    private static func forEach(
        _ values: UnsafePointer<UInt32>, _ frequencies: UnsafePointer<UInt32>, _ count: Int,
        _ body: (UInt32, UInt32) -> Void
    ) {
        var at = values
        for i in 0..<count {
            var (a, b): (UInt32, UInt32) = (0, 0)
            for _ in 0..<frequencies[i] {
                body(at[0] &- a, at[1] &- b)
                (a, b) = (at[0] &+ 1, at[1] &+ 1)
                at += 2
            }
        }
    }

    /// The orders in which the block takes the fewest bits.
    private static func orders(
        _ values: UnsafePointer<UInt32>, _ frequencies: UnsafePointer<UInt32>, _ count: Int
    ) -> (first: Int, second: Int) {
        var occurrences = 0
        // By order the sum of what is left of the numbers without their low bits.
        return withUnsafeTemporaryAllocation(of: Int.self, capacity: 2 * (orderMax + 1)) { sums in
            sums.update(repeating: 0)
            forEach(values, frequencies, count) { a, b in
                occurrences &+= 1
                var (a, b, order) = (Int(a), Int(b), 0)
                while a | b != 0, order <= orderMax {
                    sums[2 &* order] &+= a
                    sums[2 &* order &+ 1] &+= b
                    (a, b, order) = (a &>> 1, b &>> 1, order &+ 1)
                }
            }
            func best(_ column: Int) -> Int {
                (0...orderMax).min {
                    sums[2 * $0 + column] + $0 * occurrences < sums[2 * $1 + column] + $1 * occurrences
                } ?? 0
            }
            return (best(0), best(1))
        }
    }
}

/// Positions of single documents out of the bits of a block, in any order.
struct PositionReader {
    /// Length codes of the field by document.
    var norms: UnsafePointer<UInt8>?
    private(set) var isInBlock = false
    private var bits: BitReader?
    private var documents: UnsafePointer<UInt32>?
    private var frequencies: UnsafePointer<UInt32>?
    /// Bits before document `summed`.
    private var before = 0
    private var summed = 0

    mutating func leaveBlock() { isInBlock = false }

    /// Prepares for the documents of a block, whose buffers stay as they are until `leaveBlock`.
    mutating func enterBlock(
        _ bits: BitReader, documents: UnsafePointer<UInt32>, frequencies: UnsafePointer<UInt32>
    ) {
        self.bits = bits
        self.documents = documents
        self.frequencies = frequencies
        before = bits.bit
        summed = 0
        isInBlock = true
    }

    /// Appends the positions of document `place` of the block; false when there are fewer bits.
    @inline(__always)
    mutating func read(_ place: Int, into out: inout CodeBuffer) -> Bool {
        guard let bits, let documents, let frequencies, let norms else { return false }
        if place < summed {
            before = bits.bit
            summed = 0
        }
        // Frequencies may be damaged, widths are not above 32: a sum of 128 fits.
        while summed < place {
            before &+= Int(frequencies[summed]) &* PositionWidth.bits(norms[Int(documents[summed])])
            summed &+= 1
        }
        return Self.append(
            Int(frequencies[place]), width: PositionWidth.bits(norms[Int(documents[place])]), bits.at(bit: before), &out
        )
    }

    /// Appends `count` positions of `width` bits.
    @inline(__always)
    static func append(_ count: Int, width: Int, _ from: BitReader, _ out: inout CodeBuffer) -> Bool {
        var bits = from
        guard bits.has(count &* max(width, 1)) else { return false }
        for _ in 0..<count { out.append(UInt32(truncatingIfNeeded: bits.next(width: width))) }
        return true
    }
}

/// Positions of single documents out of the bits of a block, in any order.
///
/// A class, so that its owner need not be locked while it reads.
final class PositionReader {
    private(set) var isInBlock = false
    private var bits: BitReader
    /// Bits before document `summed`.
    private var before = 0
    private var summed = 0

    init(_ bits: BitReader) { self.bits = bits }

    func leaveBlock() { isInBlock = false }

    /// Prepares for the documents of a block, whose positions begin at `bits`.
    func enterBlock(_ bits: BitReader) {
        self.bits = bits
        before = bits.bit
        summed = 0
        isInBlock = true
    }

    private func rewind(to place: Int) {
        guard place < summed else { return }
        before = bits.bit
        summed = 0
    }

    /// Of a short list: appends the positions of document `place`; false when there are fewer bits.
    @inline(__always)
    func read(
        _ place: Int, order: Int, _ frequencies: UnsafePointer<UInt32>, into out: PositionBuffer
    ) -> Bool {
        rewind(to: place)
        var at = bits.at(bit: before)
        while summed < place {
            PositionCode.skip(Int(frequencies[summed]), order: order, in: &at)
            summed &+= 1
        }
        before = at.bit
        return PositionCode.read(Int(frequencies[place]), order: order, from: &at, into: out)
    }

    /// Of a block: the same.
    @inline(__always)
    func read(
        _ place: Int, norms: UnsafePointer<UInt8>, documents: UnsafePointer<UInt32>,
        _ frequencies: UnsafePointer<UInt32>, into out: PositionBuffer
    ) -> Bool {
        rewind(to: place)
        // Frequencies may be damaged, widths are not above 32: a sum of 128 fits.
        while summed < place {
            before &+= Int(frequencies[summed]) &* PositionWidth.bits(norms[Int(documents[summed])])
            summed &+= 1
        }
        let width = PositionWidth.bits(norms[Int(documents[place])])
        let count = Int(frequencies[place])
        var at = bits.at(bit: before)
        guard at.has(count &* max(width, 1)) else { return false }
        for _ in 0..<count { out.append(UInt32(truncatingIfNeeded: at.next(width: width))) }
        return true
    }
}

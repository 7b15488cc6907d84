/// What lists of a field need to know of its documents' lengths.
struct FieldLengths: BitwiseCopyable {
    /// Length codes by document; they outlive who holds this.
    var norms: UnsafePointer<UInt8>?
    /// Order of the Golomb codes of positions in short lists.
    var positionOrder = 0

    init() {}

    /// For a field of so many documents and so long in all: positions up to about twice the mean length.
    init(norms: UnsafePointer<UInt8>?, documentCount: Int, lengthSum: Int) {
        self.norms = norms
        let mean = UInt32(clamping: max(lengthSum, 0) / max(documentCount, 1))
        positionOrder = min(31 - max(mean, 1).leadingZeroBitCount, 20)
    }
}

/// Positions of a document one after another in exponential Golomb codes: the first, then each distance from the one
/// before minus one.
enum PositionCode {
    /// The most bytes a position can take.
    static let byteCountMax = 13

    @inline(__always)
    static func write<Output: BitOutput & ~Copyable>(
        _ positions: UnsafePointer<UInt32>, _ count: Int, order: Int, to bits: inout Output
    ) {
        var next: UInt32 = 0
        for i in 0..<count {
            bits.append(UInt64(positions[i] &- next), order: order)
            next = positions[i] &+ 1
        }
    }

    /// Steps over positions.
    @inline(__always)
    static func skip(_ count: Int, order: Int, in bits: inout BitReader) {
        var rest = count
        while rest > 0, !bits.isOverrun {
            _ = bits.next(order: order)
            rest &-= 1
        }
    }

    /// Appends the positions; false when the bits end before them.
    @inline(__always)
    static func read(_ count: Int, order: Int, from bits: inout BitReader, into out: PositionBuffer) -> Bool {
        var next: UInt32 = 0
        var rest = count
        while rest > 0, !bits.isOverrun {
            let position = next &+ UInt32(truncatingIfNeeded: bits.next(order: order))
            out.append(position)
            next = position &+ 1
            rest &-= 1
        }
        return !bits.isOverrun
    }
}

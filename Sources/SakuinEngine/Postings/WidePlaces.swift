// Positions of lists of a block and more, each of which takes a width that follows from the length of its document: any
// document's are read without those before it.

extension PostingCursor {
    /// Whether positions take a width that follows from the document's length: in lists of a block and more.
    var hasPositionWidths: Bool {
        info.occurrences == .position && documentFrequency >= PostingListWriter.blockCount
    }

    /// The current block of a list whose positions have widths, of which those of so many documents are wanted.
    @inline(__always)
    func widePlaces(_ wantedCount: Int = 1) throws(StorageError) -> WidePlaces {
        try mapRanks()
        let frequencies = try frequencies()
        try enterPositions()
        guard let norms = lengths.norms else { throw corrupt("positions of a field without lengths") }
        if wantedCount >= Self.startCountMin, !positions.pointee.hasStarts { sumStarts(frequencies, norms) }
        return WidePlaces(
            documents: documents, frequencies: frequencies, norms: norms, widths: PositionWidth.byLengthCode,
            place: positions)
    }

    /// From so many wanted documents of a block on summing up to each of them takes longer than one pass over all.
    private static let startCountMin = 4

    /// Where the positions of each document of the block begin.
    @inline(never)
    private func sumStarts(_ frequencies: UnsafePointer<UInt32>, _ norms: UnsafePointer<UInt8>) {
        let starts = positions.pointee.starts ?? scratch.take(Int.self, PostingListWriter.blockCount)
        let widths = PositionWidth.byLengthCode
        // What is written might be the cursor, for all the compiler knows.
        let (documents, count) = (documents, count)
        var before = positions.pointee.bits.bit
        // Frequencies may be damaged, widths are not above 32: a sum of 128 fits.
        for i in 0..<count {
            starts[i] = before
            before &+= Int(frequencies[i]) &* Int(widths[Int(norms[Int(documents[i])])])
        }
        positions.pointee.starts = starts
        positions.pointee.hasStarts = true
    }
}

/// The documents of a block with the positions of each.
struct WidePlaces: BitwiseCopyable {
    let documents: UnsafeMutablePointer<UInt32>
    let frequencies: UnsafeMutablePointer<UInt32>
    let norms: UnsafePointer<UInt8>
    fileprivate let widths: UnsafePointer<UInt8>
    fileprivate let place: UnsafeMutablePointer<PositionPlace>

    /// The positions of one document.
    struct Run: BitwiseCopyable {
        fileprivate let bits: BitReader
        fileprivate let at: Int
        fileprivate let width: Int
        let count: Int

        @inline(__always)
        subscript(_ i: Int) -> Int { Int(truncatingIfNeeded: bits.value(at: at &+ i &* width, width: width)) }
    }

    /// The positions of the document at a place, mostly not below the one asked for before; nil when they are damaged.
    @inline(__always)
    func run(_ wanted: Int) -> Run? {
        let bits = place.pointee.bits
        let before: Int
        if let starts = place.pointee.starts, place.pointee.hasStarts {
            before = starts[wanted]
        } else {
            before = sum(before: wanted)
        }
        let width = Int(widths[Int(norms[Int(documents[wanted])])])
        let count = Int(frequencies[wanted])
        guard bits.has(count &* max(width, 1), behind: before) else { return nil }
        return Run(bits: bits, at: before, width: width, count: count)
    }

    /// The bits before a document.
    @inline(__always)
    private func sum(before wanted: Int) -> Int {
        place.pointee.rewind(to: wanted)
        var (before, summed) = (place.pointee.before, place.pointee.summed)
        // Frequencies may be damaged, widths are not above 32: a sum of 128 fits.
        while summed < wanted {
            before &+= Int(frequencies[summed]) &* Int(widths[Int(norms[Int(documents[summed])])])
            summed &+= 1
        }
        place.pointee.before = before
        place.pointee.summed = summed
        return before
    }
}

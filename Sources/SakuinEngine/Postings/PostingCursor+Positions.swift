// Frequencies and positions of the documents of a cursor's block.

/// How far the positions of a block have been stepped over.
struct PositionPlace: BitwiseCopyable {
    var isInBlock = false
    /// Where the positions of the list begin, once they are verified.
    var list: UnsafeRawPointer?
    var bits: BitReader
    /// Bits before document `summed`.
    var before = 0
    var summed = 0
    /// Bits before each document, once many were asked for in a block; valid for the block if `hasStarts`.
    var starts: UnsafeMutablePointer<Int>?
    var hasStarts = false

    init(_ bits: BitReader) { self.bits = bits }

    /// Prepares for the documents of a block, whose positions begin at `bits`.
    @inline(__always)
    mutating func enterBlock(_ bits: BitReader) {
        self.bits = bits
        before = bits.bit
        summed = 0
        isInBlock = true
        hasStarts = false
    }

    @inline(__always)
    mutating func rewind(to place: Int) {
        guard place < summed else { return }
        before = bits.bit
        summed = 0
    }
}

extension PostingCursor {
    /// Frequencies of the current block, by the index of the document.
    @inline(__always)
    func frequencies() throws(StorageError) -> UnsafeMutablePointer<UInt32> {
        if !frequenciesLoaded { try loadFrequencies() }
        return frequencyBuffer
    }

    private func loadFrequencies() throws(StorageError) {
        if documentFrequency == 1 {
            frequencyBuffer[0] = info.frequency
        } else if info.isOnceEach {
            frequencyBuffer.update(repeating: 1, count: count)
        } else if documentFrequency < PostingListWriter.blockCount {
            var bits = bits
            for i in 0..<count { frequencyBuffer[i] = UInt32(truncatingIfNeeded: bits.gamma()) }
            guard !bits.isOverrun else { throw corrupt("damaged frequencies") }
            self.bits = bits
        } else if FrequencyBlock.decode(
            at: frequenciesAt, end: listEnd, count: count, isOld: source.isOld, into: frequencyBuffer) == nil
        {
            throw corrupt("damaged frequencies of block \(block)")
        }
        frequenciesLoaded = true
    }

    /// Whether positions take a width that follows from the document's length: in lists of a block and more.
    var hasPositionWidths: Bool { hasPositions && documentFrequency >= PostingListWriter.blockCount }

    /// The positions of document `place` of the current block, ascending; in `found`, which holds nothing else then.
    func positions(of place: Int, into found: PositionBuffer) throws(StorageError) -> PositionRun {
        found.removeAll()
        guard hasPositions else { throw corrupt("a list without positions was asked for them") }
        if hasPositionWidths {
            guard let run = try widePlaces().run(place) else { throw corrupt("damaged positions") }
            for i in 0..<run.count { found.append(UInt32(truncatingIfNeeded: run[i])) }
            return found.run
        }
        let frequencies = try frequencies()
        try enterPositions()
        let order = documentFrequency == 1 ? InlinePositions.order : lengths.positionOrder
        guard readShort(place, order: order, frequencies, into: found) else { throw corrupt("damaged positions") }
        return found.run
    }

    /// Prepares for the positions of the current block.
    @inline(__always)
    func enterPositions() throws(StorageError) {
        if !positions.pointee.isInBlock { positions.pointee.enterBlock(try positionBits()) }
    }

    /// Where the positions of the current block begin.
    private func positionBits() throws(StorageError) -> BitReader {
        if documentFrequency == 1, let inline = info.inlinePositions { return inline }
        if documentFrequency < PostingListWriter.blockCount { return bits }
        let start: UnsafeRawPointer
        if let list = positions.pointee.list { start = list } else { start = try verifiedPositions() }
        let from = block == 0 ? 0 : skip?.positionsEnd(block &- 1) ?? 0
        let to = skip?.positionsEnd(block) ?? info.positionsByteCount
        guard from <= to, to <= info.positionsByteCount else { throw corrupt("positions out of their list") }
        return BitReader(start + from, end: start + to)
    }

    private func verifiedPositions() throws(StorageError) -> UnsafeRawPointer {
        let start = try source.positions.start(info.positionsOffset, info.positionsByteCount)
        positions.pointee.list = start
        return start
    }

    /// Of a short list: appends the positions of document `place` to `found`; false when there are fewer bits.
    @inline(__always)
    private func readShort(
        _ place: Int, order: Int, _ frequencies: UnsafePointer<UInt32>, into found: PositionBuffer
    ) -> Bool {
        positions.pointee.rewind(to: place)
        var at = positions.pointee.bits.at(bit: positions.pointee.before)
        var summed = positions.pointee.summed
        while summed < place {
            PositionCode.skip(Int(frequencies[summed]), order: order, in: &at)
            summed &+= 1
        }
        positions.pointee.summed = summed
        positions.pointee.before = at.bit
        return PositionCode.read(Int(frequencies[place]), order: order, from: &at, into: found)
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

/// The documents of a block with the positions of each, whose width follows from the document's length: any document's
/// are read without those before it.
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

/// Whole lists, block after block with positions, through one set of buffers: what merging and checking read.
struct PostingListReader: ~Copyable {
    private let documents: UnsafeMutablePointer<UInt32>
    private let frequencies: UnsafeMutablePointer<UInt32>
    private let places: PositionBuffer
    private let memory = ScratchMemory()

    /// One block: ascending documents, their frequencies, and what is kept of all their occurrences one after another.
    struct Block {
        let documents: UnsafeMutablePointer<UInt32>
        let frequencies: UnsafeMutablePointer<UInt32>
        let count: Int
        /// Empty for lists that keep nothing of occurrences.
        let positions: UnsafeMutablePointer<UInt32>
        let positionCount: Int
    }

    init() {
        documents = memory.scratch.take(UInt32.self, PostingListWriter.blockCount)
        frequencies = memory.scratch.take(UInt32.self, PostingListWriter.blockCount)
        places = PositionBuffer(memory.scratch)
    }

    /// Hands the blocks of the list to `body` in order; throws when the bytes cannot be such a list. `base` are all
    /// documents of the first character, for ranked lists.
    @inline(__always)
    mutating func read(
        _ info: TermInfo, _ source: PostingSource, base: UnsafeBufferPointer<UInt32>, _ lengths: FieldLengths,
        _ body: (Block) throws(StorageError) -> Void
    ) throws(StorageError) {
        let limit = info.isRanked ? base.count : source.documentCount
        guard info.documentFrequency <= limit else {
            throw source.corrupt(info, "\(info.documentFrequency) documents of \(limit)")
        }
        let list = try OpenList(info, source)
        if list.isShort {
            var bits = try list.readShort(below: limit, into: documents)
            guard list.readShortFrequencies(&bits, into: frequencies) else { throw list.corrupt("damaged list") }
            if info.isRanked { replaceRanks(info.documentFrequency, base) }
            try readShortPositions(bits, info, source, lengths)
            try body(block(info.documentFrequency))
            return
        }
        for number in 0..<list.blockCount {
            let size = list.size(of: number)
            let second = try list.readBlock(number, below: limit, areRanks: info.isRanked, into: documents)
            let next = FrequencyBlock.decode(
                at: second, end: list.end, count: size, isOld: source.isOld, into: frequencies)
            guard next != nil else { throw list.corrupt("damaged block \(number)") }
            if info.isRanked { replaceRanks(size, base) }
            places.removeAll()
            if info.hasPositions { try readPositions(number, size, list, lengths, source) }
            try body(block(size))
        }
    }

    /// Reads what is kept of the occurrences of a block's documents.
    @inline(__always)
    private mutating func readPositions(
        _ number: Int, _ size: Int, _ list: OpenList, _ lengths: FieldLengths, _ source: PostingSource
    ) throws(StorageError) {
        let info = list.info
        let start = try source.positions.start(info.positionsOffset, info.positionsByteCount)
        let from = number == 0 ? 0 : list.skip?.positionsEnd(number - 1) ?? 0
        guard from <= info.positionsByteCount else { throw source.corrupt(info, "positions out of place") }
        var bits = BitReader(start + from, end: start + info.positionsByteCount)
        if info.occurrences == .position {
            try appendPositions(&bits, size, lengths.norms, source, info)
        } else {
            try appendLinks(bits, size, source, info)
        }
    }

    private func block(_ count: Int) -> Block {
        Block(
            documents: documents, frequencies: frequencies, count: count, positions: places.values,
            positionCount: places.count)
    }

    private func replaceRanks(_ count: Int, _ base: UnsafeBufferPointer<UInt32>) {
        for i in 0..<count { documents[i] = base[Int(documents[i])] }
    }

    /// Reads the occurrences of a list shorter than a block; `behind` stands behind its frequencies.
    private mutating func readShortPositions(
        _ behind: BitReader, _ info: TermInfo, _ source: PostingSource, _ lengths: FieldLengths
    ) throws(StorageError) {
        places.removeAll()
        guard info.hasPositions else { return }
        let order = info.documentFrequency == 1 ? InlinePositions.order : lengths.positionOrder
        guard var bits = info.documentFrequency == 1 ? info.inlinePositions : behind else { return }
        for i in 0..<info.documentFrequency {
            guard
                OccurrenceCode.read(Int(frequencies[i]), info.occurrences, order: order, from: &bits, into: places)
            else {
                throw source.corrupt(info, "damaged positions")
            }
        }
    }

    /// Reads the links of the first `count` documents.
    private mutating func appendLinks(
        _ bits: BitReader, _ count: Int, _ source: PostingSource, _ info: TermInfo
    ) throws(StorageError) {
        guard let links = LinkBlock(bits, frequencies, count: count) else {
            throw source.corrupt(info, "damaged links")
        }
        var place = links.start
        for i in 0..<count { links.append(Int(frequencies[i]), from: &place, to: places) }
        guard links.isSound(place) else { throw source.corrupt(info, "damaged links") }
    }

    /// Reads the positions of the first `count` documents.
    @inline(__always)
    private mutating func appendPositions(
        _ bits: inout BitReader, _ count: Int, _ norms: UnsafePointer<UInt8>?, _ source: PostingSource, _ info: TermInfo
    ) throws(StorageError) {
        guard let norms else { throw source.corrupt(info, "positions of a field without lengths") }
        for i in 0..<count {
            let width = PositionWidth.bits(norms[Int(documents[i])])
            let more = Int(frequencies[i])
            guard bits.has(more &* max(width, 1)) else { throw source.corrupt(info, "damaged positions") }
            for _ in 0..<more { places.append(UInt32(truncatingIfNeeded: bits.next(width: width))) }
        }
    }
}

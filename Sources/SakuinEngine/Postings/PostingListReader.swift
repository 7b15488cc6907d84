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
        if info.documentFrequency < PostingListWriter.blockCount {
            try readShort(info, source, limit)
            if info.isRanked { replaceRanks(info.documentFrequency, base) }
            try readShortPositions(info, source, lengths)
            try body(block(info.documentFrequency))
            return
        }
        let (start, end, skip) = try source.list(info)
        var at = start
        let isEliasFano = source.hasEliasFano(info)
        var done = 0
        var block = 0
        while done < info.documentFrequency {
            let size = min(PostingListWriter.blockCount, info.documentFrequency - done)
            let second =
                info.isRanked
                ? RankBlock.decode(at: at, end: end, count: size, block, skip, limit: limit, into: documents)
                : DocumentBlock.decode(
                    at: at, end: end, count: size, block, skip, isEliasFano: isEliasFano, limit: limit,
                    into: documents)
            guard let second,
                let next = FrequencyBlock.decode(
                    at: second, end: end, count: size, isOld: source.isOld, into: frequencies),
                info.isRanked || skip?.lastDocument(block) ?? documents[size - 1] == documents[size - 1]
            else { throw source.corrupt(info, "damaged block \(block)") }
            at = next
            if info.isRanked { replaceRanks(size, base) }
            places.removeAll()
            if info.hasPositions {
                let list = try source.positions.start(info.positionsOffset, info.positionsByteCount)
                let from = block == 0 ? 0 : skip?.positionsEnd(block - 1) ?? 0
                guard from <= info.positionsByteCount else { throw source.corrupt(info, "positions out of place") }
                var bits = BitReader(list + from, end: list + info.positionsByteCount)
                if info.occurrences == .position {
                    try appendPositions(&bits, size, lengths.norms, source, info)
                } else {
                    try appendLinks(bits, size, source, info)
                }
            }
            try body(self.block(size))
            done += size
            block += 1
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

    private var shortBits: BitReader?

    private mutating func readShort(
        _ info: TermInfo, _ source: PostingSource, _ limit: Int
    ) throws(StorageError) {
        if info.documentFrequency == 1 {
            guard Int(info.document) < limit else {
                throw source.corrupt(info, "document \(info.document) of \(limit)")
            }
            documents[0] = info.document
            frequencies[0] = info.frequency
            return
        }
        let (start, end, _) = try source.list(info)
        var bits = BitReader(start, end: end)
        let count = info.documentFrequency
        guard InterpolativeCode.decode(&bits, count: count, limit: limit, into: documents) else {
            throw source.corrupt(info, "damaged list")
        }
        if info.isOnceEach {
            frequencies.update(repeating: 1, count: count)
        } else {
            for i in 0..<count { frequencies[i] = UInt32(truncatingIfNeeded: bits.gamma()) }
        }
        guard !bits.isOverrun else { throw source.corrupt(info, "damaged list") }
        shortBits = bits
    }

    private mutating func readShortPositions(
        _ info: TermInfo, _ source: PostingSource, _ lengths: FieldLengths
    ) throws(StorageError) {
        places.removeAll()
        guard info.hasPositions else { return }
        let order = info.documentFrequency == 1 ? InlinePositions.order : lengths.positionOrder
        guard var bits = info.documentFrequency == 1 ? info.inlinePositions : shortBits else { return }
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

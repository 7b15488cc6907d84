/// What reading a list has to know of where it stands. The segment outlives who has it, so that nothing is counted.
struct ListOrigin: BitwiseCopyable {
    unowned(unsafe) let source: PostingSource
    let documentCount: Int
    let isOld: Bool

    init(_ source: borrowing PostingSource) {
        self.source = copy source
        documentCount = source.documentCount
        isOld = source.isOld
    }

    @inline(never)
    func corrupt(at offset: Int, _ reason: String) -> StorageError { source.postings.corrupt(offset, reason) }
}

/// A list whose bytes are verified, and where its blocks are.
struct OpenList: BitwiseCopyable {
    let info: TermInfo
    let start: UnsafeRawPointer
    let end: UnsafeRawPointer
    /// Of lists of more than one block.
    let skip: SkipData?
    /// Whether blocks are Elias–Fano code; of those one document is read without the others.
    let isEliasFano: Bool
    let origin: ListOrigin

    init(_ info: TermInfo, _ source: borrowing PostingSource) throws(StorageError) {
        guard info.documentFrequency <= source.documentCount else {
            throw source.corrupt(info, "a list longer than the segment")
        }
        self.info = info
        (start, end, skip) = try source.list(info)
        isEliasFano = source.hasEliasFano(info)
        origin = ListOrigin(source)
    }

    @inline(__always)
    func corrupt(_ reason: String) -> StorageError { origin.corrupt(at: info.postingsOffset, reason) }

    var documentFrequency: Int { @inline(__always) get { info.documentFrequency } }

    var blockCount: Int {
        @inline(__always)
        get { (info.documentFrequency &+ PostingListWriter.blockCount &- 1) / PostingListWriter.blockCount }
    }

    /// Documents of a block there is.
    @inline(__always)
    func size(of number: Int) -> Int {
        min(documentFrequency &- PostingListWriter.blockCount &* number, PostingListWriter.blockCount)
    }

    /// The first block from `first` on whose last document is not below `target`; without skip data `first`.
    @inline(__always)
    func block(of target: UInt32, from first: Int) -> Int {
        guard let skip else { return first }
        return BlockSearch.firstPlace(from: first, to: blockCount) { skip.lastDocument($0) < target }
    }

    /// Whether the list is shorter than a block.
    var isShort: Bool { @inline(__always) get { info.documentFrequency < PostingListWriter.blockCount } }

    /// Reads the documents, or ranks, of a short list to `out`: ascending, below `limit`. Returns what stands behind them.
    @inline(__always)
    func readShort(below limit: Int, into out: UnsafeMutablePointer<UInt32>) throws(StorageError) -> BitReader {
        var bits = BitReader(start, end: end)
        if documentFrequency == 1 {
            out[0] = info.document
            guard info.document < UInt32(clamping: limit) else {
                throw corrupt("document \(info.document) of \(limit)")
            }
            return bits
        }
        guard InterpolativeCode.decode(&bits, count: documentFrequency, limit: limit, into: out), !bits.isOverrun
        else { throw corrupt("damaged documents") }
        return bits
    }

    /// Reads the frequencies of a short list, which stand behind its documents; false when the bits end before them.
    @inline(__always)
    func readShortFrequencies(_ bits: inout BitReader, into out: UnsafeMutablePointer<UInt32>) -> Bool {
        if documentFrequency == 1 {
            out[0] = info.frequency
        } else if info.isOnceEach {
            out.update(repeating: 1, count: documentFrequency)
        } else {
            for i in 0..<documentFrequency { out[i] = UInt32(truncatingIfNeeded: bits.gamma()) }
        }
        return !bits.isOverrun
    }

    /// Reads the documents, or ranks, of a block of a longer list to `out` (room for 128): ascending, below `limit`, up to the
    /// last document that the skip data have unless they are ranks. Returns what stands behind them.
    @inline(__always)
    func readBlock(
        _ number: Int, below limit: Int, areRanks: Bool, into out: UnsafeMutablePointer<UInt32>
    ) throws(StorageError) -> UnsafeRawPointer {
        let from = number == 0 ? 0 : skip?.postingsEnd(number &- 1) ?? 0
        guard from <= end - start else { throw corrupt("block out of its list") }
        let count = size(of: number)
        let next =
            areRanks
            ? RankBlock.decode(at: start + from, end: end, count: count, number, skip, limit: limit, into: out)
            : DocumentBlock.decode(
                at: start + from, end: end, count: count, number, skip, isEliasFano: isEliasFano, limit: limit,
                into: out)
        guard let next else { throw corrupt("damaged block \(number)") }
        if !areRanks { try checkLast(of: number, out[count &- 1]) }
        return next
    }

    /// Throws unless a block ends with this document.
    @inline(__always)
    func checkLast(of number: Int, _ document: UInt32) throws(StorageError) {
        guard let skip, skip.lastDocument(number) != document else { return }
        throw corrupt("block \(number) ends with another document")
    }

    /// A block of which single documents are read: none of them is behind the segment.
    @inline(__always)
    private func start(of number: Int, _ skip: SkipData) throws(StorageError)
        -> UnsafeRawPointer
    {
        let from = number == 0 ? 0 : skip.postingsEnd(number &- 1)
        guard from <= end - start, Int(skip.lastDocument(number)) < origin.documentCount else {
            throw corrupt("damaged block \(number)")
        }
        return start + from
    }

    /// A block in Elias–Fano code.
    @inline(__always)
    func eliasFano(_ number: Int, _ skip: SkipData) throws(StorageError) -> EliasFanoBlock {
        let start = try start(of: number, skip)
        guard let block = DocumentBlock.eliasFano(at: start, end: end, count: size(of: number), number, skip)
        else { throw corrupt("damaged block \(number)") }
        return block
    }

    /// The document at a place of a block of packed gaps, without the others, as a sum: the block has 128 documents and
    /// is not the last.
    func document(at place: Int, of number: Int) throws(StorageError) -> UInt32 {
        guard let skip else { throw corrupt("a list without skip data") }
        let start = try start(of: number, skip)
        // From the nearer end of the block.
        let last = Int(skip.lastDocument(number))
        let before = number == 0 ? -1 : Int(skip.lastDocument(number &- 1))
        let isBehind = place >= PostingListWriter.blockCount / 2
        let (first, end) = isBehind ? (place &+ 1, PostingListWriter.blockCount) : (0, place &+ 1)
        guard let sum = PackedBlock.sum(first, end, at: start, end: self.end) else {
            throw corrupt("damaged block \(number)")
        }
        let distance = sum &+ end &- first
        let document = isBehind ? last &- distance : before &+ distance
        guard document <= last, document > before else {
            throw corrupt("block \(number) ends with another document")
        }
        return UInt32(truncatingIfNeeded: document)
    }

    /// Asks for the memory of the blocks that have the documents at such places.
    func prefetchBlocks(of ranks: UnsafePointer<UInt32>, _ rankCount: Int) {
        guard let skip else { return }
        for i in 0..<rankCount { skip.prefetch(min(Int(ranks[i] &>> 7), blockCount &- 1)) }
        for i in 0..<rankCount {
            let number = min(Int(ranks[i] &>> 7), blockCount &- 1)
            Prefetch.line(start + (number == 0 ? 0 : skip.postingsEnd(number &- 1)))
        }
    }
}

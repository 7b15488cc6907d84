/// Whole lists, block after block with position codes, through one set of buffers: what merging and checking read.
struct PostingListReader: ~Copyable {
    private let documents: UnsafeMutablePointer<UInt32>
    private let frequencies: UnsafeMutablePointer<UInt32>
    private let run: UnsafeMutablePointer<UInt32>
    private var codes = CodeBuffer(capacity: 1024)

    /// One block: ascending documents, their frequencies, and all their position codes one after another.
    struct Block {
        let documents: UnsafeMutablePointer<UInt32>
        let frequencies: UnsafeMutablePointer<UInt32>
        let count: Int
        /// Empty for lists without positions.
        let codes: UnsafeMutablePointer<UInt32>
        let codeCount: Int
    }

    init() {
        documents = .allocate(capacity: 128)
        frequencies = .allocate(capacity: 128)
        run = .allocate(capacity: 128)
    }

    deinit {
        documents.deallocate()
        frequencies.deallocate()
        run.deallocate()
    }

    /// Hands the blocks of the list to `body` in order; throws when the bytes cannot be such a list of a segment of
    /// `documentCount` documents.
    @inline(__always)
    mutating func read(
        _ info: TermInfo, postings: SectionView, positions: SectionView, documentCount: Int,
        _ body: (Block) throws(StorageError) -> Void
    ) throws(StorageError) {
        if info.documentFrequency == 1 {
            try body(try single(info, postings, documentCount))
            return
        }
        let blocks = (info.documentFrequency + 127) / 128
        let skipBytes = blocks > 1 ? blocks * SkipData.stride(hasPositions: info.hasPositions) : 0
        guard info.documentFrequency <= documentCount, skipBytes <= info.postingsByteCount else {
            throw postings.corrupt(info.postingsOffset, "a list longer than the segment")
        }
        var at = try postings.start(info.postingsOffset, info.postingsByteCount)
        let end = at + (info.postingsByteCount - skipBytes)
        var codesAt = try positions.start(
            info.hasPositions ? info.positionsOffset : 0, info.hasPositions ? info.positionsByteCount : 0)
        let codesEnd = codesAt + info.positionsByteCount
        var document = -1
        for number in 0..<blocks {
            let size = min(128, info.documentFrequency - number * 128)
            guard let second = PackedBlock.decode(at: at, end: end, count: size, into: documents),
                let next = PackedBlock.decode(at: second, end: end, count: size, into: frequencies)
            else { throw postings.corrupt(info.postingsOffset, "damaged block \(number)") }
            at = next
            var sum = 0
            for i in 0..<size {
                document &+= Int(documents[i]) &+ 1
                guard document < documentCount else {
                    throw postings.corrupt(info.postingsOffset, "document \(document) of \(documentCount)")
                }
                documents[i] = UInt32(truncatingIfNeeded: document)
                frequencies[i] &+= 1
                sum &+= Int(frequencies[i])
            }
            codes.removeAll()
            if info.hasPositions {
                codesAt = try readCodes(sum, at: codesAt, end: codesEnd, positions, info)
            }
            try body(
                Block(
                    documents: documents, frequencies: frequencies, count: size, codes: codes.values,
                    codeCount: codes.count))
        }
    }

    private mutating func single(
        _ info: TermInfo, _ postings: SectionView, _ documentCount: Int
    ) throws(StorageError) -> Block {
        guard info.document < UInt32(clamping: documentCount) else {
            throw postings.corrupt(0, "document \(info.document) of \(documentCount)")
        }
        documents[0] = info.document
        frequencies[0] = info.frequency
        codes.removeAll()
        if info.hasPositions, let from = info.inlineCodes, let end = info.inlineCodesEnd {
            var cursor = RawCursor(from, end: end)
            var rest = info.frequency
            while rest > 0, !cursor.failed {
                codes.append(cursor.varint32())
                rest &-= 1
            }
            if cursor.failed { throw postings.corrupt(0, "damaged positions in the dictionary") }
        }
        return Block(
            documents: documents, frequencies: frequencies, count: 1, codes: codes.values, codeCount: codes.count)
    }

    private mutating func readCodes(
        _ total: Int, at start: UnsafeRawPointer, end: UnsafeRawPointer, _ positions: SectionView, _ info: TermInfo
    ) throws(StorageError) -> UnsafeRawPointer {
        var at = start
        var rest = total
        while rest > 0 {
            let size = min(128, rest)
            guard let next = PackedBlock.decode(at: at, end: end, count: size, into: run) else {
                throw positions.corrupt(info.positionsOffset, "damaged positions")
            }
            codes.append(run, size)
            at = next
            rest -= size
        }
        return at
    }
}

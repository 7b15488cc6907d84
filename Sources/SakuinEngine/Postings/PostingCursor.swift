/// Blocks of a posting list back to documents: the next block, or the one that can hold a target.
///
/// Moves forward only. `documents[0..<count]` is the current block, ascending; before the first `seek` or `loadNext`
/// there is none.
final class PostingCursor {
    let documentFrequency: Int
    let hasPositions: Bool
    let blockCount: Int
    /// The current block; its buffer belongs to the cursor.
    let documents: UnsafeMutablePointer<UInt32>
    private(set) var count = 0
    private(set) var block = -1
    /// The place in the current block where the last `seek` stopped.
    private(set) var index = 0

    private let view: SectionView?
    private let list: UnsafeRawPointer
    private let listEnd: UnsafeRawPointer
    private let skip: SkipData?
    private let documentCount: UInt32
    private let frequencyBuffer: UnsafeMutablePointer<UInt32>
    private var frequenciesAt: UnsafeRawPointer?
    private let info: TermInfo
    private let positionsView: SectionView?
    private var positions: PositionReader?

    /// Opens the list of a term; its bytes are verified here. `documentCount` bounds the documents of the segment.
    init(
        _ info: TermInfo, postings: SectionView, positions: SectionView, documentCount: Int
    ) throws(StorageError) {
        self.info = info
        documentFrequency = info.documentFrequency
        hasPositions = info.hasPositions
        self.documentCount = UInt32(clamping: documentCount)
        guard info.documentFrequency <= documentCount else {
            throw postings.corrupt(info.postingsOffset, "a list longer than the segment")
        }
        documents = .allocate(capacity: 128)
        frequencyBuffer = .allocate(capacity: 128)
        positionsView = positions
        let blocks = (info.documentFrequency + 127) / 128
        blockCount = blocks
        if info.documentFrequency == 1 {
            view = nil
            skip = nil
            list = UnsafeRawPointer(documents)
            listEnd = list
            guard info.document < self.documentCount else {
                throw postings.corrupt(info.postingsOffset, "document \(info.document) of \(documentCount)")
            }
            return
        }
        view = postings
        list = try postings.start(info.postingsOffset, info.postingsByteCount)
        let skipBytes = blocks > 1 ? blocks * SkipData.stride(hasPositions: info.hasPositions) : 0
        guard skipBytes <= info.postingsByteCount else {
            throw postings.corrupt(info.postingsOffset, "skip data cut short")
        }
        listEnd = list + (info.postingsByteCount - skipBytes)
        skip = blocks > 1 ? SkipData(listEnd, hasPositions: info.hasPositions) : nil
    }

    deinit {
        documents.deallocate()
        frequencyBuffer.deallocate()
    }

    private func corrupt(_ reason: String) -> StorageError {
        (view ?? positionsView)?.corrupt(info.postingsOffset, reason) ?? .cancelled
    }

    /// Decodes the next block; false at the end.
    func loadNext() throws(StorageError) -> Bool {
        if block &+ 1 >= blockCount {
            block = blockCount
            count = 0
            return false
        }
        try load(block &+ 1)
        return true
    }

    /// Goes to the first document not below `target`, at or behind the current place; false when there is none.
    @inline(__always)
    func seek(_ target: UInt32) throws(StorageError) -> Bool {
        if count == 0 || documents[count &- 1] < target {
            guard try seekBlock(target) else { return false }
        }
        var at = index
        if documents[at] < target {
            // Branch-free search of the rest of the block (its last document is not below the target).
            var length = count &- at
            while length > 1 {
                let half = length &>> 1
                at = documents[at &+ half &- 1] < target ? at &+ half : at
                length &-= half
            }
            index = at
        }
        return true
    }

    /// The document `seek` stopped at.
    var document: UInt32 { @inline(__always) get { documents[index] } }

    /// Moves behind the current document of the block, as far as the block goes.
    @inline(__always)
    func setIndex(_ place: Int) { index = place }

    private func seekBlock(_ target: UInt32) throws(StorageError) -> Bool {
        var next = block &+ 1
        if next >= blockCount {
            block = blockCount
            count = 0
            return false
        }
        if let skip {
            // Gallop, then bisect: the first block whose last document is not below the target.
            var step = 1
            var low = next
            while next < blockCount, skip.lastDocument(next) < target {
                low = next &+ 1
                next &+= step
                step &*= 2
            }
            var high = min(next, blockCount)
            while low < high {
                let middle = (low &+ high) &>> 1
                if skip.lastDocument(middle) < target { low = middle &+ 1 } else { high = middle }
            }
            if low >= blockCount {
                block = blockCount
                count = 0
                return false
            }
            try load(low)
            return true
        }
        try load(next)
        if documents[count &- 1] < target {
            block = blockCount
            count = 0
            return false
        }
        return true
    }

    private func load(_ number: Int) throws(StorageError) {
        block = number
        index = 0
        positions?.leaveBlock()
        if view == nil {
            documents[0] = info.document
            count = 1
            return
        }
        let from = number == 0 ? 0 : skip?.postingsEnd(number &- 1) ?? 0
        guard from <= listEnd - list else { throw corrupt("block out of its list") }
        let size = number == blockCount &- 1 ? documentFrequency &- 128 &* number : 128
        guard let next = PackedBlock.decode(at: list + from, end: listEnd, count: size, into: documents) else {
            throw corrupt("damaged block \(number)")
        }
        BitPacking.prefixSumOfGaps(
            documents, count: size, start: number == 0 ? .max : skip?.lastDocument(number &- 1) ?? .max)
        var highest = SIMD4<UInt32>(repeating: 0)
        var i = 0
        while i &+ 4 <= size {
            highest = pointwiseMax(
                highest, UnsafeRawPointer(documents).loadUnaligned(fromByteOffset: i &* 4, as: SIMD4<UInt32>.self))
            i &+= 4
        }
        var top = highest.max()
        while i < size {
            top = max(top, documents[i])
            i &+= 1
        }
        guard top < documentCount, top == documents[size &- 1],
            skip.map({ $0.lastDocument(number) == top }) ?? true
        else {
            count = 0
            throw corrupt("documents of block \(number) out of order")
        }
        count = size
        frequenciesAt = next
        frequenciesLoaded = false
    }

    private var frequenciesLoaded = false

    /// Frequencies of the current block, by the index of the document.
    func frequencies() throws(StorageError) -> UnsafeMutablePointer<UInt32> {
        if frequenciesLoaded { return frequencyBuffer }
        if view == nil {
            frequencyBuffer[0] = info.frequency
        } else {
            guard let at = frequenciesAt,
                PackedBlock.decode(at: at, end: listEnd, count: count, into: frequencyBuffer) != nil
            else { throw corrupt("damaged frequencies of block \(block)") }
            for i in 0..<count { frequencyBuffer[i] &+= 1 }
        }
        frequenciesLoaded = true
        return frequencyBuffer
    }

    /// The score bound of a block; nil when the list keeps none.
    func bound(_ block: Int) -> (frequency: UInt32, lengthCode: UInt8)? { skip?.bound(block) }

    /// Appends the position codes of documents `from..<to` of the current block to `codes`.
    func appendCodes(from: Int, to: Int, into codes: inout CodeBuffer) throws(StorageError) {
        let frequencies = try frequencies()
        if positions == nil { positions = try openPositions() }
        try positions?.enterBlock(block, skip: skip, frequencies: frequencies, count: count)
        try positions?.append(from: from, to: to, into: &codes)
    }

    private func openPositions() throws(StorageError) -> PositionReader {
        guard hasPositions, let positionsView else { throw corrupt("a list without positions was asked for them") }
        if let codes = info.inlineCodes, let end = info.inlineCodesEnd {
            return PositionReader(inline: codes, end: end, file: positionsView)
        }
        return try PositionReader(positionsView, offset: info.positionsOffset, byteCount: info.positionsByteCount)
    }

    /// Replaces `out` by the positions of document `place` of the current block, ascending.
    func positions(of place: Int, into out: inout CodeBuffer) throws(StorageError) {
        out.removeAll()
        try appendCodes(from: place, to: place &+ 1, into: &out)
        let values = out.values
        if out.count > 1 {
            BitPacking.prefixSumOfGaps(values + 1, count: out.count &- 1, start: values[0])
        }
    }
}

/// Blocks of a posting list back to documents: the next block, or the one that can hold a target.
///
/// Moves forward only. `documents[0..<count]` is the current block, ascending; before the first `seek` or `loadNext`
/// there is none.
final class PostingCursor {
    let documentFrequency: Int
    let blockCount: Int
    /// The current block, after `seek`, `loadNext` or `mapRanks`; its buffer belongs to the cursor.
    let documents: UnsafeMutablePointer<UInt32>
    private(set) var count = 0
    private(set) var block = -1
    /// The place in the current block where the last `seek` stopped.
    private(set) var index = 0

    let source: PostingSource
    let info: TermInfo
    let lengths: FieldLengths
    let list: UnsafeRawPointer
    let listEnd: UnsafeRawPointer
    let skip: SkipData?
    /// The list of the first character, for ranked lists.
    let base: PostingCursor?
    /// Whose memory the buffers are.
    let scratch: Scratch
    let frequencyBuffer: UnsafeMutablePointer<UInt32>
    var frequenciesLoaded = false
    /// Where the frequencies of the current block begin; of a short list the bits behind its documents.
    var frequenciesAt: UnsafeRawPointer
    var bits: BitReader
    /// Finds documents of the current block by their number; made when it is first needed.
    private var filter: BlockFilter?
    private var filterIsReady = false
    /// In scratch memory, so that views of a block need not hold the cursor.
    let positions: UnsafeMutablePointer<PositionPlace>
    /// Whether blocks are Elias–Fano code; of those one document is read without the others.
    let isEliasFano: Bool
    /// Whether `documents` holds documents: until they are needed it holds their ranks.
    private(set) var isMapped = true

    /// Opens the list of a term; its bytes are verified here. `base` is the list of the first character of a ranked one
    /// and used by this cursor alone.
    init(
        _ info: TermInfo, _ source: PostingSource, base: PostingCursor?, _ lengths: FieldLengths, _ scratch: Scratch
    ) throws(StorageError) {
        self.info = info
        self.source = source
        self.scratch = scratch
        self.base = info.isRanked ? base : nil
        documentFrequency = info.documentFrequency
        isEliasFano = source.hasEliasFano(info)
        guard info.documentFrequency <= source.documentCount, !info.isRanked || base != nil else {
            throw source.corrupt(info, "a list longer than the segment, or without its character")
        }
        blockCount = (info.documentFrequency + PostingListWriter.blockCount - 1) / PostingListWriter.blockCount
        (list, listEnd, skip) = try source.list(info)
        frequenciesAt = list
        bits = BitReader(list, end: listEnd)
        documents = scratch.take(UInt32.self, PostingListWriter.blockCount)
        frequencyBuffer = scratch.take(UInt32.self, PostingListWriter.blockCount)
        positions = scratch.take(PositionPlace.self, 1)
        positions.initialize(to: PositionPlace(bits))
        self.lengths = lengths
    }

    func corrupt(_ reason: String) -> StorageError {
        count = 0
        return source.corrupt(info, reason)
    }

    /// Decodes the next block; false at the end.
    func loadNext() throws(StorageError) -> Bool {
        if block &+ 1 >= blockCount { return end() }
        try load(block &+ 1)
        try mapRanks()
        return true
    }

    private func end() -> Bool {
        block = blockCount
        count = 0
        return false
    }

    /// Goes to the first document not below `target`, at or behind the current place; false when there is none.
    @inline(__always)
    func seek(_ target: UInt32) throws(StorageError) -> Bool {
        if !isMapped { try mapRanks() }
        if count == 0 || documents[count &- 1] < target {
            guard try seekBlock(target) else { return false }
        }
        search(target)
        return true
    }

    /// Moves on in the block to the first value not below `target`, which its last is not.
    @inline(__always)
    func search(_ target: UInt32) {
        guard documents[index] < target else { return }
        index = BlockSearch.place(of: target, in: documents, index, count)
    }

    /// Whether the list has the document, which is not below those asked for before; `index` then is its place.
    @inline(__always)
    func has(_ document: UInt32) throws(StorageError) -> Bool {
        guard let base else { return try seek(document) && documents[index] == document }
        return try hasRanked(document, base)
    }

    /// The document `seek` stopped at.
    var document: UInt32 { @inline(__always) get { documents[index] } }

    /// The filter of the current block.
    @inline(__always)
    func readyFilter() -> BlockFilter {
        if filterIsReady, let filter { return filter }
        let filter = filter ?? BlockFilter(scratch)
        filter.fill(documents, count)
        self.filter = filter
        filterIsReady = true
        return filter
    }

    /// Moves to a place of the current block.
    @inline(__always)
    func setIndex(_ place: Int) { index = place }

    /// `seek` that passes over blocks whose bound is not wanted: goes to the first document not below `target` of the
    /// others.
    @inline(__always)
    func seek(
        _ target: UInt32, where isWanted: ((frequency: UInt32, lengthCode: UInt8)) -> Bool
    ) throws(StorageError) -> Bool {
        guard let skip else { return try seek(target) }
        var number =
            count > 0 && skip.lastDocument(block) >= target ? block : blockNumber(of: target, from: block &+ 1, skip)
        while number < blockCount, !isWanted(skip.bound(number)) { number &+= 1 }
        if number >= blockCount { return end() }
        if number != block {
            try load(number)
            try mapRanks()
        }
        return try seek(target)
    }

    func seekBlock(_ target: UInt32) throws(StorageError) -> Bool {
        guard try enterBlock(of: target) else { return false }
        try mapRanks()
        return skip == nil && documents[count &- 1] < target ? end() : true
    }

    /// Loads the next block that can hold the target, without mapping ranks; false when there is none.
    func enterBlock(of target: UInt32) throws(StorageError) -> Bool {
        let number = skip.map { blockNumber(of: target, from: block &+ 1, $0) } ?? (block &+ 1)
        if number >= blockCount { return end() }
        try load(number)
        return true
    }

    /// The first block from `first` on whose last document is not below `target`.
    private func blockNumber(of target: UInt32, from first: Int, _ skip: SkipData) -> Int {
        BlockSearch.firstPlace(from: first, to: blockCount) { skip.lastDocument($0) < target }
    }

    private func load(_ number: Int) throws(StorageError) {
        block = number
        index = 0
        frequenciesLoaded = false
        filterIsReady = false
        positions.pointee.isInBlock = false
        switch documentFrequency {
        case 1:
            documents[0] = info.document
            guard info.document < UInt32(clamping: base?.documentFrequency ?? source.documentCount) else {
                throw corrupt("document \(info.document) of \(source.documentCount)")
            }
            count = 1
        case ..<PostingListWriter.blockCount: try loadShort()
        default: try loadBlock(number)
        }
        isMapped = base == nil
        if isMapped { try checkLast() }
    }

    /// Makes the ranks of the current block documents.
    func mapRanks() throws(StorageError) {
        guard !isMapped, let base else { return }
        try base.replaceRanks(documents, count)
        isMapped = true
        try checkLast()
    }

    private func checkLast() throws(StorageError) {
        guard let skip, skip.lastDocument(block) != documents[count &- 1] else { return }
        throw corrupt("block \(block) ends with another document")
    }

    private func loadShort() throws(StorageError) {
        // A copy, since a property handed over to be changed would be watched for exclusive access.
        var bits = BitReader(list, end: listEnd)
        guard
            InterpolativeCode.decode(
                &bits, count: documentFrequency, limit: base?.documentFrequency ?? source.documentCount,
                into: documents), !bits.isOverrun
        else { throw corrupt("damaged documents") }
        self.bits = bits
        count = documentFrequency
    }

    private func loadBlock(_ number: Int) throws(StorageError) {
        let from = number == 0 ? 0 : skip?.postingsEnd(number &- 1) ?? 0
        guard from <= listEnd - list else { throw corrupt("block out of its list") }
        let size = min(documentFrequency &- PostingListWriter.blockCount &* number, PostingListWriter.blockCount)
        let next =
            base.map {
                RankBlock.decode(
                    at: list + from, end: listEnd, count: size, number, skip, limit: $0.documentFrequency,
                    into: documents)
            }
            ?? DocumentBlock.decode(
                at: list + from, end: listEnd, count: size, number, skip, isEliasFano: isEliasFano,
                limit: source.documentCount, into: documents)
        guard let next else { throw corrupt("damaged block \(number)") }
        count = size
        frequenciesAt = next
    }

    /// Where a block begins of which single documents are read: none of them is behind the segment.
    @inline(__always)
    private func start(of number: Int, _ skip: SkipData) throws(StorageError) -> UnsafeRawPointer {
        let from = number == 0 ? 0 : skip.postingsEnd(number &- 1)
        guard from <= listEnd - list, Int(skip.lastDocument(number)) < source.documentCount else {
            throw corrupt("damaged block \(number)")
        }
        return list + from
    }

    /// A block in Elias–Fano code.
    func eliasFano(_ number: Int, _ skip: SkipData) throws(StorageError) -> EliasFanoBlock {
        let start = try start(of: number, skip)
        let size = min(documentFrequency &- PostingListWriter.blockCount &* number, PostingListWriter.blockCount)
        guard let block = DocumentBlock.eliasFano(at: start, end: listEnd, count: size, number, skip)
        else { throw corrupt("damaged block \(number)") }
        return block
    }

    /// Puts the documents at the places of this list that `ranks` names, ascending and below `documentFrequency`, in
    /// their stead.
    private func replaceRanks(_ ranks: UnsafeMutablePointer<UInt32>, _ rankCount: Int) throws(StorageError) {
        if rankCount > 1, let skip { prefetchBlocks(of: ranks, rankCount, skip) }
        var i = 0
        while i < rankCount {
            let number = Int(ranks[i] &>> 7)
            let limit = UInt32(truncatingIfNeeded: number &+ 1) &<< 7
            // Reading a whole block is worth it when several of its documents are wanted.
            let other = i &+ (isEliasFano ? Self.manyOfBlock : 2)
            if number == block || other < rankCount && ranks[other] < limit || !isEliasFano && number &+ 1 == blockCount
            {
                if number != block { try load(number) }
                repeat {
                    ranks[i] = documents[Int(ranks[i] & 127)]
                    i &+= 1
                } while i < rankCount && ranks[i] < limit
            } else if isEliasFano, let skip {
                var walk = EliasFanoBlock.Walk(try eliasFano(number, skip))
                repeat {
                    guard let document = walk.document(at: Int(ranks[i] & 127)) else {
                        throw corrupt("damaged block \(number)")
                    }
                    ranks[i] = document
                    i &+= 1
                } while i < rankCount && ranks[i] < limit
            } else {
                ranks[i] = try document(at: Int(ranks[i] & 127), of: number)
                i &+= 1
            }
        }
        for i in 1..<max(rankCount, 1) where ranks[i] <= ranks[i &- 1] { throw corrupt("documents do not ascend") }
    }

    /// Asks for the memory of the blocks that have the documents at such places.
    private func prefetchBlocks(of ranks: UnsafeMutablePointer<UInt32>, _ rankCount: Int, _ skip: SkipData) {
        for i in 0..<rankCount { skip.prefetch(min(Int(ranks[i] &>> 7), blockCount &- 1)) }
        for i in 0..<rankCount {
            let number = min(Int(ranks[i] &>> 7), blockCount &- 1)
            Prefetch.line(list + (number == 0 ? 0 : skip.postingsEnd(number &- 1)))
        }
    }

    /// From so many documents of an Elias–Fano block on the whole is read.
    private static let manyOfBlock = 8

    /// The document at a place of a block of packed gaps, without the others, as a sum: the block has 128 documents and
    /// is not the last.
    private func document(at place: Int, of number: Int) throws(StorageError) -> UInt32 {
        guard let skip else { throw corrupt("a list without skip data") }
        let start = try start(of: number, skip)
        // From the nearer end of the block.
        let last = Int(skip.lastDocument(number))
        let before = number == 0 ? -1 : Int(skip.lastDocument(number &- 1))
        let isBehind = place >= PostingListWriter.blockCount / 2
        let (first, end) = isBehind ? (place &+ 1, PostingListWriter.blockCount) : (0, place &+ 1)
        guard let sum = PackedBlock.sum(first, end, at: start, end: listEnd) else {
            throw corrupt("damaged block \(number)")
        }
        let distance = sum &+ end &- first
        let document = isBehind ? last &- distance : before &+ distance
        guard document <= last, document > before else { throw corrupt("block \(number) ends with another document") }
        return UInt32(truncatingIfNeeded: document)
    }

    /// The score bound of a block; nil when the list keeps none.
    func bound(_ block: Int) -> (frequency: UInt32, lengthCode: UInt8)? { skip?.bound(block) }

    /// The highest bound of the blocks that reach into `target..<end`, none of which is before the current one, and the
    /// last document of those blocks; nil when the list keeps no bounds. At the end of the list nothing bounds.
    func highestBound(
        from target: UInt32, below end: UInt32, _ score: ((frequency: UInt32, lengthCode: UInt8)) -> Double
    ) -> (bound: Double, last: UInt32?)? {
        guard let skip else { return nil }
        let isHere = block >= 0 && block < blockCount && skip.lastDocument(block) >= target
        var number = isHere ? block : blockNumber(of: target, from: block &+ 1, skip)
        var highest = 0.0
        while number < blockCount {
            highest = max(highest, score(skip.bound(number)))
            let last = skip.lastDocument(number)
            if last >= end &- 1 { return (highest, last) }
            number &+= 1
        }
        return (highest, nil)
    }

    /// The highest bound of all blocks.
    func highestBound(_ score: ((frequency: UInt32, lengthCode: UInt8)) -> Double) -> Double {
        guard let skip else { return score((info.isOnceEach ? 1 : .max, 0)) }
        var highest = 0.0
        for number in 0..<blockCount { highest = max(highest, score(skip.bound(number))) }
        return highest
    }
}

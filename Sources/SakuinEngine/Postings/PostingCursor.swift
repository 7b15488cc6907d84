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
    let lengths: FieldLengths
    let list: OpenList
    /// The list of the first character, for ranked lists; in scratch memory.
    let base: UnsafeMutablePointer<CharacterList>?
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
    /// Whether `documents` holds documents: until they are needed it holds their ranks.
    private(set) var isMapped = true

    /// Opens the list of a term; its bytes are verified here. `character` is the first character of a ranked one.
    init(
        _ info: TermInfo, _ source: PostingSource, character: TermInfo?, _ lengths: FieldLengths, _ scratch: Scratch
    ) throws(StorageError) {
        list = try OpenList(info, source)
        documentFrequency = info.documentFrequency
        blockCount = list.blockCount
        frequenciesAt = list.start
        bits = BitReader(list.start, end: list.end)
        if info.isRanked {
            guard let character else { throw source.corrupt(info, "a list without its character") }
            let base = scratch.take(CharacterList.self, 1)
            base.initialize(to: try CharacterList(character, source, scratch))
            self.base = base
        } else {
            base = nil
        }
        documents = scratch.take(UInt32.self, PostingListWriter.blockCount)
        frequencyBuffer = scratch.take(UInt32.self, PostingListWriter.blockCount)
        positions = scratch.take(PositionPlace.self, 1)
        positions.initialize(to: PositionPlace(bits))
        self.source = source
        self.scratch = scratch
        self.lengths = lengths
    }

    var info: TermInfo { @inline(__always) get { list.info } }
    var skip: SkipData? { @inline(__always) get { list.skip } }

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
            count > 0 && skip.lastDocument(block) >= target ? block : list.block(of: target, from: block &+ 1)
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
        let number = list.block(of: target, from: block &+ 1)
        if number >= blockCount { return end() }
        try load(number)
        return true
    }

    private func load(_ number: Int) throws(StorageError) {
        block = number
        index = 0
        frequenciesLoaded = false
        filterIsReady = false
        positions.pointee.isInBlock = false
        count = 0
        let limit = if let base { base.pointee.list.documentFrequency } else { source.documentCount }
        if list.isShort {
            bits = try list.readShort(below: limit, into: documents, source)
        } else {
            frequenciesAt = try list.readBlock(number, below: limit, areRanks: base != nil, into: documents, source)
        }
        count = list.size(of: number)
        isMapped = base == nil
    }

    /// Makes the ranks of the current block documents.
    func mapRanks() throws(StorageError) {
        guard !isMapped, let base else { return }
        do throws(StorageError) {
            try base.pointee.replaceRanks(documents, count, source)
            try list.checkLast(of: block, documents[count &- 1], source)
        } catch {
            count = 0
            throw error
        }
        isMapped = true
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
        var number = isHere ? block : list.block(of: target, from: block &+ 1)
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

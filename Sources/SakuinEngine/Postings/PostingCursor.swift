/// Blocks of a posting list back to documents: the next block, or the one that can hold a target.
///
/// Moves forward only. `documents[0..<count]` is the current block, ascending; before the first `seek` or `loadNext`
/// there is none.
///
/// What it knows stands in scratch memory, and this says where: copies are the same cursor, and neither opening nor handing
/// over a list costs an object or a count. The scratch and the segment outlive it.
struct PostingCursor: BitwiseCopyable {
    /// What is known of the list, and of the current block.
    private struct State: BitwiseCopyable {
        var list: OpenList
        var blockCount: Int
        var lengths: FieldLengths
        var scratch: Scratch
        var base: UnsafeMutablePointer<CharacterList>?
        var documents: UnsafeMutablePointer<UInt32>
        var frequencyBuffer: UnsafeMutablePointer<UInt32>
        var positions: UnsafeMutablePointer<PositionPlace>
        var bits: BitReader
        var frequenciesAt: UnsafeRawPointer
        var count: Int
        var block: Int
        var index: Int
        var filter: BlockFilter?
        var filterIsReady: Bool
        var frequenciesLoaded: Bool
        var isMapped: Bool
    }

    private let state: UnsafeMutablePointer<State>

    /// Opens the list of a term; its bytes are verified here. `character` is the first character of a ranked one.
    init(
        _ info: TermInfo, _ source: borrowing PostingSource, character: TermInfo?, _ lengths: FieldLengths,
        _ scratch: Scratch
    ) throws(StorageError) {
        state = scratch.take(State.self, 1)
        let positions = scratch.take(PositionPlace.self, 1)
        // Each by itself: made elsewhere they would be copied here.
        state.pointee.list = try OpenList(info, source)
        state.pointee.base = try Self.base(of: info, character, source, scratch)
        state.pointee.blockCount = state.pointee.list.blockCount
        state.pointee.lengths = lengths
        state.pointee.scratch = scratch
        state.pointee.documents = scratch.take(UInt32.self, PostingListWriter.blockCount)
        state.pointee.frequencyBuffer = scratch.take(UInt32.self, PostingListWriter.blockCount)
        state.pointee.frequenciesAt = state.pointee.list.start
        state.pointee.bits = BitReader(state.pointee.list.start, end: state.pointee.list.end)
        (state.pointee.count, state.pointee.block, state.pointee.index) = (0, -1, 0)
        state.pointee.filter = nil
        (state.pointee.filterIsReady, state.pointee.frequenciesLoaded, state.pointee.isMapped) = (false, false, true)
        positions.initialize(to: PositionPlace(state.pointee.bits))
        state.pointee.positions = positions
    }

    /// The character's list that the numbers of a ranked one are places in.
    private static func base(
        of info: TermInfo, _ character: TermInfo?, _ source: borrowing PostingSource, _ scratch: Scratch
    ) throws(StorageError) -> UnsafeMutablePointer<CharacterList>? {
        if !info.isRanked { return nil }
        guard let character else { throw source.corrupt(info, "a list without its character") }
        let base = scratch.take(CharacterList.self, 1)
        base.initialize(to: try CharacterList(character, source, scratch))
        return base
    }

    var list: OpenList { @inline(__always) get { state.pointee.list } }
    var lengths: FieldLengths { @inline(__always) get { state.pointee.lengths } }
    var documentFrequency: Int { @inline(__always) get { state.pointee.list.info.documentFrequency } }
    var blockCount: Int { @inline(__always) get { state.pointee.blockCount } }
    /// The list of the first character, for ranked lists; in scratch memory.
    var base: UnsafeMutablePointer<CharacterList>? { @inline(__always) get { state.pointee.base } }
    /// Whose memory the buffers are.
    var scratch: Scratch { @inline(__always) get { state.pointee.scratch } }
    /// The current block, after `seek`, `loadNext` or `mapRanks`; its buffer belongs to the cursor.
    var documents: UnsafeMutablePointer<UInt32> { @inline(__always) get { state.pointee.documents } }
    var frequencyBuffer: UnsafeMutablePointer<UInt32> { @inline(__always) get { state.pointee.frequencyBuffer } }
    var positions: UnsafeMutablePointer<PositionPlace> { @inline(__always) get { state.pointee.positions } }

    private(set) var count: Int {
        @inline(__always) get { state.pointee.count }
        @inline(__always) nonmutating set { state.pointee.count = newValue }
    }

    private(set) var block: Int {
        @inline(__always) get { state.pointee.block }
        @inline(__always) nonmutating set { state.pointee.block = newValue }
    }

    /// The place in the current block where the last `seek` stopped.
    private(set) var index: Int {
        @inline(__always) get { state.pointee.index }
        @inline(__always) nonmutating set { state.pointee.index = newValue }
    }

    /// Whether `documents` holds documents: until they are needed it holds their ranks.
    private(set) var isMapped: Bool {
        @inline(__always) get { state.pointee.isMapped }
        @inline(__always) nonmutating set { state.pointee.isMapped = newValue }
    }

    var frequenciesLoaded: Bool {
        @inline(__always) get { state.pointee.frequenciesLoaded }
        @inline(__always) nonmutating set { state.pointee.frequenciesLoaded = newValue }
    }

    /// Where the frequencies of the current block begin.
    private(set) var frequenciesAt: UnsafeRawPointer {
        @inline(__always) get { state.pointee.frequenciesAt }
        @inline(__always) nonmutating set { state.pointee.frequenciesAt = newValue }
    }

    /// Of a short list the bits behind its documents.
    var bits: BitReader {
        @inline(__always) get { state.pointee.bits }
        @inline(__always) nonmutating set { state.pointee.bits = newValue }
    }

    var info: TermInfo { @inline(__always) get { list.info } }
    var skip: SkipData? { @inline(__always) get { list.skip } }

    func corrupt(_ reason: String) -> StorageError {
        count = 0
        return list.corrupt(reason)
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
        if state.pointee.filterIsReady, let filter = state.pointee.filter { return filter }
        let filter = state.pointee.filter ?? BlockFilter(scratch)
        filter.fill(documents, count)
        state.pointee.filter = filter
        state.pointee.filterIsReady = true
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
        state.pointee.filterIsReady = false
        positions.pointee.isInBlock = false
        count = 0
        let limit = if let base { base.pointee.list.documentFrequency } else { list.origin.documentCount }
        if list.isShort {
            bits = try state.pointee.list.readShort(below: limit, into: documents)
        } else {
            frequenciesAt = try state.pointee.list.readBlock(
                number, below: limit, areRanks: base != nil, into: documents)
        }
        count = state.pointee.list.size(of: number)
        isMapped = base == nil
    }

    /// Makes the ranks of the current block documents.
    func mapRanks() throws(StorageError) {
        guard !isMapped, let base else { return }
        do throws(StorageError) {
            try base.pointee.replaceRanks(documents, count)
            try state.pointee.list.checkLast(of: block, documents[count &- 1])
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

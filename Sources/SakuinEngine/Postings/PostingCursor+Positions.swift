// Frequencies and positions of the documents of a cursor's block.

/// How far what is kept of the occurrences in a block has been stepped over.
struct PositionPlace: BitwiseCopyable {
    var isInBlock = false
    /// Where the positions of the list begin, once they are verified.
    var list: UnsafeRawPointer?
    var bits: BitReader
    /// Bits before document `summed`, or where its links begin.
    var before = 0
    var summed = 0
    /// Bits before each document, once many were asked for in a block; valid for the block if `hasStarts`.
    var starts: UnsafeMutablePointer<Int>?
    var hasStarts = false
    var links: LinkBlock?
    var link = LinkBlock.Place(occurrence: 0, bit: 0)

    init(_ bits: BitReader) { self.bits = bits }

    /// Prepares for the documents of a block, whose positions begin at `bits`.
    @inline(__always)
    mutating func enterBlock(_ bits: BitReader) {
        self.bits = bits
        before = bits.bit
        summed = 0
        links = nil
        hasStarts = false
        isInBlock = true
    }

    @inline(__always)
    mutating func rewind(to place: Int) {
        guard place < summed else { return }
        before = bits.bit
        summed = 0
        if let links { link = links.start }
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
        if list.isShort {
            var bits = bits
            guard list.readShortFrequencies(&bits, into: frequencyBuffer) else { throw corrupt("damaged frequencies") }
            self.bits = bits
        } else if FrequencyBlock.decode(
            at: frequenciesAt, end: list.end, count: count, isOld: list.origin.isOld, into: frequencyBuffer) == nil
        {
            throw corrupt("damaged frequencies of block \(block)")
        }
        frequenciesLoaded = true
    }

    /// The positions of document `place` of the current block, ascending; in `found`, which holds nothing else then.
    func positions(of place: Int, into found: PositionBuffer) throws(StorageError) -> PositionRun {
        found.removeAll()
        guard info.occurrences == .position else { throw corrupt("a list without positions was asked for them") }
        let isSound =
            hasPositionWidths ? try readWide(place, into: found) : try readShort(place, .position, into: found)
        guard isSound else { throw corrupt("damaged positions") }
        return found.run
    }

    /// Appends the numbers of the occurrences in document `place` of the current block, see `OccurrenceKind`.
    func appendOccurrences(of place: Int, to out: PositionBuffer) throws(StorageError) {
        let kind = info.occurrences
        let isSound: Bool
        if documentFrequency < PostingListWriter.blockCount {
            isSound = try readShort(place, kind, into: out)
        } else if hasPositionWidths {
            isSound = try readWide(place, into: out)
        } else {
            var walk = try linkWalk()
            walk.go(to: place)
            try keep(walk)
            isSound = walk.append(to: out)
        }
        guard isSound, kind != .none else { throw corrupt("damaged positions") }
    }

    private func readWide(_ place: Int, into out: PositionBuffer) throws(StorageError) -> Bool {
        guard let run = try widePlaces().run(place) else { return false }
        for i in 0..<run.count { out.append(UInt32(truncatingIfNeeded: run[i])) }
        return true
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
        let start = try list.origin.source.positions.start(info.positionsOffset, info.positionsByteCount)
        positions.pointee.list = start
        return start
    }

    /// Of a short list; false when there are fewer bits.
    @inline(__always)
    private func readShort(
        _ place: Int, _ kind: OccurrenceKind, into out: PositionBuffer
    ) throws(StorageError) -> Bool {
        let frequencies = try frequencies()
        try enterPositions()
        let order = documentFrequency == 1 ? InlinePositions.order : lengths.positionOrder
        positions.pointee.rewind(to: place)
        var at = positions.pointee.bits.at(bit: positions.pointee.before)
        var summed = positions.pointee.summed
        while summed < place {
            OccurrenceCode.skip(Int(frequencies[summed]), kind, order: order, in: &at)
            summed &+= 1
        }
        positions.pointee.summed = summed
        positions.pointee.before = at.bit
        return OccurrenceCode.read(Int(frequencies[place]), kind, order: order, from: &at, into: out)
    }

    /// Whether occurrences of any document of a block are read without those before it: links of a block and more.
    var hasLinkBlocks: Bool {
        info.occurrences.valueCount == 2 && documentFrequency >= PostingListWriter.blockCount
    }

    /// The occurrences in the documents of the current block, of a list that has `hasLinkBlocks`; from the first on, or
    /// from where `keep` was told.
    @inline(__always)
    func linkWalk() throws(StorageError) -> LinkWalk {
        let frequencies = try frequencies()
        try enterPositions()
        if let links = positions.pointee.links {
            return LinkWalk(links, frequencies, summed: positions.pointee.summed, positions.pointee.link)
        }
        guard let links = LinkBlock(positions.pointee.bits, frequencies, count: count) else {
            throw corrupt("damaged links")
        }
        positions.pointee.links = links
        positions.pointee.link = links.start
        return LinkWalk(links, frequencies, summed: 0, links.start)
    }

    /// Goes on from there in the current block, if the walk was sound.
    @inline(__always)
    func keep(_ walk: LinkWalk) throws(StorageError) {
        guard walk.isSound else { throw corrupt("damaged links") }
        positions.pointee.summed = walk.summed
        positions.pointee.link = walk.place
    }
}

/// Goes along the documents of a block with the links of each.
struct LinkWalk {
    let frequencies: UnsafeMutablePointer<UInt32>
    private let links: LinkBlock
    /// Where the occurrences of document `summed` begin.
    fileprivate private(set) var summed: Int
    fileprivate private(set) var place: LinkBlock.Place

    @inline(__always)
    fileprivate init(
        _ links: LinkBlock, _ frequencies: UnsafeMutablePointer<UInt32>, summed: Int, _ place: LinkBlock.Place
    ) {
        self.links = links
        self.frequencies = frequencies
        self.summed = summed
        self.place = place
    }

    /// Goes to the document at a place, mostly not below the one asked for before.
    @inline(__always)
    mutating func go(to wanted: Int) {
        if wanted < summed { (summed, place) = (0, links.start) }
        var occurrence = place.occurrence
        while summed < wanted {
            occurrence &+= Int(frequencies[summed])
            summed &+= 1
        }
        place = links.place(of: occurrence, from: place)
    }

    /// The first occurrence in the document.
    @inline(__always)
    func first() -> (left: UInt32, right: UInt32) {
        var place = place
        let (left, right) = links.next(&place)
        return (left, right)
    }

    /// All of them.
    @inline(__always)
    func stream() -> LinkStream { LinkStream(links, place, count: Int(frequencies[summed])) }

    /// Appends the numbers of all of them; false when they are not there.
    @inline(__always)
    func append(to out: PositionBuffer) -> Bool {
        var place = place
        links.append(Int(frequencies[summed]), from: &place, to: out)
        return links.isSound(place)
    }

    /// Whether what was gone to was there.
    var isSound: Bool { @inline(__always) get { links.isSound(place) } }
}

/// The occurrences of a document one after another.
struct LinkStream: OccurrenceStream {
    let count: Int
    private let links: LinkBlock
    private var place: LinkBlock.Place
    private var first: UInt32 = 0
    private var second: UInt32 = 0

    @inline(__always)
    fileprivate init(_ links: LinkBlock, _ place: LinkBlock.Place, count: Int) {
        self.links = links
        self.place = place
        self.count = count
    }

    @inline(__always)
    mutating func next() -> (left: UInt32, right: UInt32) {
        let distances = links.next(&place)
        let (left, right) = (first &+ distances.first, second &+ distances.second)
        (first, second) = (left &+ 1, right &+ 1)
        return (left, right)
    }

    /// Whether what was read was there.
    var isSound: Bool { links.isSound(place) }
}

/// Documents of one term, in order, to a list.
///
/// *One document*: no list, the dictionary has it. *Fewer than a block of 128*: one run of bits: interpolative code of
/// the documents, or of their ranks; unless all are 1 the gamma code of each frequency; `OccurrenceCode` of each document.
/// *More*: blocks of 128 documents, the last one fewer, then, when there is more than one, `SkipData`, which
/// also has the `ListHead` of the longest. A
/// block is a packed block of gaps minus one of the documents, the first counting from −1, or, of the list of a character
/// that has more than one, an `EliasFanoBlock`, or interpolative code of the
/// ranks between the last of the block before and its own last, which the skip data have (if there are none, of all
/// ranks); then a `FrequencyBlock`. What there is of occurrences stands in the positions section, each
/// block's beginning at a byte: positions, `PositionWidth` bits each, or a `LinkBlock`.
struct PostingListWriter: ~Copyable {
    /// Documents of a block.
    static let blockCount = 128

    private let ownDocs: UnsafeMutablePointer<UInt32>
    private let ownFrequencies: UnsafeMutablePointer<UInt32>
    /// Ranks, or gaps.
    private let numbers: UnsafeMutablePointer<UInt32>
    private var ownPlaces = CodeBuffer(capacity: 1024)
    /// What is held and not written yet: the own buffers, or a part of a `PostingRun`.
    private var docs: UnsafePointer<UInt32>
    private var frequencies: UnsafePointer<UInt32>
    private var places: UnsafePointer<UInt32>
    /// The ranks of what is held, if they are known, and how many there are.
    private var ranks: UnsafePointer<UInt32>?
    private var rankLimit = 0
    private var count = 0
    private var previousNumber = UInt32.max

    private var isRanked = false
    private var isCharacter = false
    private var lengths = FieldLengths()
    private var entry = TermEntry()
    private var blocks: [Block] = []
    private var bits = BitWriter(capacity: 1024)
    private var head = ListHeadBuilder()
    private let documentCount: Int
    private var isSound = true
    /// Whether the list may grow so long that it gets a head.
    private var mayHaveHead = true

    /// What the skip data keep of a block.
    private struct Block {
        var lastDocument: UInt32
        var lastRank: UInt32
        var postingsEnd: Int
        var positionsEnd: Int
        var bestFrequency: UInt8
        var shortestLength: UInt8
    }

    /// Documents are below `documentCount`.
    init(documentCount: Int) {
        self.documentCount = documentCount
        ownDocs = .allocate(capacity: Self.blockCount)
        ownFrequencies = .allocate(capacity: Self.blockCount)
        numbers = .allocate(capacity: Self.blockCount)
        docs = UnsafePointer(ownDocs)
        frequencies = UnsafePointer(ownFrequencies)
        places = UnsafePointer(ownPlaces.values)
    }

    deinit {
        ownDocs.deallocate()
        ownFrequencies.deallocate()
        numbers.deallocate()
    }

    /// Occurrences of the last list, if it has one document.
    var inlinePositions: UnsafePointer<UInt32> { places }

    /// Starts a list that keeps so much of its occurrences. `isRanked`: blocks hold ranks. `isCharacter`: it is that of a
    /// character.
    mutating func begin(
        _ occurrences: OccurrenceKind, isRanked: Bool, isCharacter: Bool = false, _ lengths: FieldLengths,
        postings: borrowing SectionWriter,
        positions: borrowing SectionWriter
    ) {
        entry = TermEntry()
        entry.occurrences = occurrences
        entry.postingsOffset = postings.count
        entry.positionsOffset = positions.count
        self.isRanked = isRanked
        self.isCharacter = isCharacter
        self.lengths = lengths
        blocks.removeAll(keepingCapacity: true)
        count = 0
        ownPlaces.removeAll()
        docs = UnsafePointer(ownDocs)
        frequencies = UnsafePointer(ownFrequencies)
        places = UnsafePointer(ownPlaces.values)
        ranks = nil
        previousNumber = .max
        isSound = true
        mayHaveHead = true
        head.removeAll()
    }

    /// Adds all documents of the list at once; nothing else is added before or behind. The run stays until `finish`.
    mutating func add(_ run: PostingRun, postings: inout SectionWriter, positions: inout SectionWriter) {
        entry.documentFrequency = run.count
        rankLimit = run.rankLimit
        mayHaveHead = run.count > Self.blockCount * (ListHead.blockCountMin(isCharacter: isCharacter) - 1)
        places = run.positions ?? places
        var from = 0
        while true {
            docs = run.documents + from
            frequencies = run.frequencies + from
            ranks = run.ranks.map { $0 + from }
            count = min(Self.blockCount, run.count - from)
            from += count
            if from == run.count { return }
            flushBlock(isOnly: false, postings: &postings, positions: &positions)
        }
    }

    /// Adds a document above all before, its frequency (at least 1) and the numbers of that many occurrences.
    @inline(__always)
    mutating func add(
        _ document: UInt32, frequency: UInt32, positions from: UnsafePointer<UInt32>?,
        ranks: borrowing CharacterRanks, postings: inout SectionWriter, positions: inout SectionWriter
    ) {
        if count == Self.blockCount {
            rank(ranks)
            flushBlock(isOnly: false, postings: &postings, positions: &positions)
        }
        ownDocs[count] = document
        ownFrequencies[count] = frequency
        count &+= 1
        entry.documentFrequency &+= 1
        if entry.hasPositions, let from {
            ownPlaces.append(from, Int(frequency) &* entry.occurrences.valueCount)
            places = UnsafePointer(ownPlaces.values)
        }
    }

    /// Finds the ranks of what is held, if blocks hold ranks and they are not known.
    private mutating func rank(_ known: borrowing CharacterRanks) {
        guard isRanked, ranks == nil else { return }
        isSound = known.ranks(of: docs, count: count, into: numbers) && isSound
        rankLimit = known.count
    }

    private mutating func flushBlock(
        isOnly: Bool, postings: inout SectionWriter, positions: inout SectionWriter
    ) {
        let last = docs[count - 1]
        let (best, shortest) = bounds()
        if isRanked {
            if let ranks { numbers.update(from: ranks, count: count) }
            appendRanks(limit: isOnly ? rankLimit : nil, postings: &postings)
        } else if isCharacter, !isOnly {
            appendEliasFano(postings: &postings)
        } else {
            appendGaps(postings: &postings)
        }
        let (frequencies, count) = (frequencies, count)
        postings.buffer.append(upTo: FrequencyBlock.byteCountMax) { out in
            FrequencyBlock.encode(frequencies, count: count, scratch: &bits, into: out)
        }
        if entry.hasPositions { appendPositions(to: &positions) }
        blocks.append(
            Block(
                lastDocument: last, lastRank: previousNumber, postingsEnd: postings.count - entry.postingsOffset,
                positionsEnd: positions.count - entry.positionsOffset, bestFrequency: UInt8(min(best, 255)),
                shortestLength: shortest))
        self.count = 0
        ownPlaces.removeAll()
    }

    /// The highest frequency and the shortest length of what is held, which the head is told of.
    @inline(__always)
    private mutating func bounds() -> (best: UInt32, shortest: UInt8) {
        let (docs, frequencies, count) = (docs, frequencies, count)
        var best: UInt32 = 1
        for i in 0..<count { best = max(best, frequencies[i]) }
        guard let norms = lengths.norms else { return (best, 0) }
        var shortest = UInt8.max
        if isRanked || !mayHaveHead {
            for i in 0..<count { shortest = min(shortest, norms[Int(docs[i])]) }
        } else {
            for i in 0..<count {
                let lengthCode = norms[Int(docs[i])]
                shortest = min(shortest, lengthCode)
                head.add(docs[i], frequencies[i], lengthCode)
            }
        }
        return (best, shortest)
    }

    private mutating func appendGaps(postings: inout SectionWriter) {
        for i in 0..<count {
            numbers[i] = docs[i] &- previousNumber &- 1
            previousNumber = docs[i]
        }
        let (numbers, count) = (numbers, count)
        postings.buffer.append(upTo: PackedBlock.byteCountMax) { PackedBlock.encode(numbers, count: count, into: $0) }
    }

    private mutating func appendEliasFano(postings: inout SectionWriter) {
        bits.removeAll()
        EliasFanoBlock.encode(docs, count: count, first: previousNumber &+ 1, into: &bits)
        bits.bytes.withBytes { postings.buffer.append(bytes: $0) }
        previousNumber = docs[count - 1]
    }

    /// Appends the held ranks: all, below `limit`, or without it all but the last, which the skip data keep.
    private mutating func appendRanks(limit: Int?, postings: inout SectionWriter) {
        let last = numbers[count - 1]
        // What does not ascend cannot be coded, and is refused in the end.
        if isSound {
            let low = previousNumber &+ 1
            for i in 0..<count { numbers[i] &-= low }
            bits.removeAll()
            InterpolativeCode.encode(
                numbers, count: limit == nil ? count - 1 : count, limit: limit ?? Int(last - low), into: &bits)
            bits.finish()
            bits.bytes.withBytes { postings.buffer.append(bytes: $0) }
        }
        previousNumber = last
    }

    /// Appends the occurrences of the held documents.
    private mutating func appendPositions(to positions: inout SectionWriter) {
        bits.removeAll()
        if entry.occurrences == .position { appendWidePositions() } else { appendLinks() }
        bits.finish()
        bits.bytes.withBytes { positions.buffer.append(bytes: $0) }
    }

    private mutating func appendLinks() {
        LinkBlock.encode(places, frequencies, count: count, into: &bits)
        places += entry.occurrences.valueCount &* LinkBlock.occurrenceCount(frequencies, count)
    }

    private mutating func appendWidePositions() {
        let (docs, frequencies, norms) = (docs, frequencies, lengths.norms)
        var from = places
        for i in 0..<count {
            let width = PositionWidth.bits(norms.map { $0[Int(docs[i])] } ?? .max)
            let mask: UInt64 = (1 &<< UInt64(truncatingIfNeeded: width)) &- 1
            for _ in 0..<frequencies[i] {
                bits.append(UInt64(from.pointee) & mask, width: width)
                from += 1
            }
        }
        places = from
    }

    /// Writes a list shorter than a block.
    private mutating func flushShort(
        _ known: borrowing CharacterRanks, isRanked: Bool, postings: inout SectionWriter
    ) {
        bits.removeAll()
        let (frequencies, count, order) = (frequencies, count, lengths.positionOrder)
        if !isRanked {
            InterpolativeCode.encode(docs, count: count, limit: documentCount, into: &bits)
        } else if let ranks {
            InterpolativeCode.encode(ranks, count: count, limit: rankLimit, into: &bits)
        } else {
            isSound = known.ranks(of: docs, count: count, into: numbers) && isSound
            // What does not ascend cannot be coded, and is refused in the end.
            if isSound { InterpolativeCode.encode(numbers, count: count, limit: known.count, into: &bits) }
        }
        var all: UInt32 = 0
        for i in 0..<count { all |= frequencies[i] }
        entry.isOnceEach = all == 1
        if all != 1 {
            bits.write(upTo: 10 * count) { bits in
                for i in 0..<count { bits.append(gamma: UInt64(frequencies[i])) }
            }
        }
        let kind = entry.occurrences
        if kind == .position, all == 1 {
            let places = places
            bits.write(upTo: PositionCode.byteCountMax * count) { bits in
                for i in 0..<count { bits.append(UInt64(places[i]), order: order) }
            }
        } else if kind != .none {
            var from = places
            for i in 0..<count {
                let frequency = Int(frequencies[i])
                bits.write(upTo: OccurrenceCode.byteCountMax * frequency) {
                    OccurrenceCode.write(from, frequency, kind, order: order, to: &$0)
                }
                from += frequency &* kind.valueCount
            }
        }
        bits.finish()
        bits.bytes.withBytes { postings.buffer.append(bytes: $0) }
    }

    /// Ends the list; nil when it is empty. `isRanked`: a list of up to a block is to hold ranks. Throws when a list
    /// of ranks has a document that its character does not have, which a damaged segment may bring into a merge.
    mutating func finish(
        isRanked isShortRanked: Bool, ranks: borrowing CharacterRanks, postings: inout SectionWriter,
        positions: inout SectionWriter
    ) throws(StorageError) -> TermEntry? {
        switch entry.documentFrequency {
        case 0: return nil
        case 1:
            entry.document = docs[0]
            entry.frequency = frequencies[0]
            if isShortRanked, let held = self.ranks {
                entry.document = held[0]
            } else if isShortRanked {
                isSound = ranks.ranks(of: docs, count: 1, into: &entry.document)
            }
        case ..<Self.blockCount: flushShort(ranks, isRanked: isShortRanked, postings: &postings)
        default:
            rank(ranks)
            flushBlock(isOnly: blocks.isEmpty, postings: &postings, positions: &positions)
            appendSkipData(to: &postings)
        }
        guard isSound else {
            throw .corrupt(file: "postings", offset: 0, reason: "a gram's document is not one of its character's")
        }
        entry.postingsByteCount = postings.count - entry.postingsOffset
        entry.positionsByteCount = positions.count - entry.positionsOffset
        return entry
    }

    private mutating func appendSkipData(to postings: inout SectionWriter) {
        guard blocks.count > 1, let last = blocks.last else { return }
        let widths = SkipData.Widths(
            documentCount: documentCount, postings: SkipData.Widths.bytes(last.postingsEnd),
            positions: entry.hasPositions ? SkipData.Widths.bytes(last.positionsEnd) : 0, isRanked: isRanked)
        for block in blocks {
            postings.buffer.append(block.lastDocument, byteCount: widths.document)
            if isRanked { postings.buffer.append(block.lastRank, byteCount: widths.document) }
            postings.buffer.append(UInt32(truncatingIfNeeded: block.postingsEnd), byteCount: widths.postings)
            postings.buffer.append(UInt32(truncatingIfNeeded: block.positionsEnd), byteCount: widths.positions)
            postings.buffer.append(block.bestFrequency)
            postings.buffer.append(block.shortestLength)
        }
        bits.removeAll()
        if blocks.count >= ListHead.blockCountMin(isCharacter: isCharacter), !isRanked {
            head.append(documentCount: documentCount, to: &bits)
            bits.finish()
        }
        // A head of so many bytes is none that would be worth reading.
        let headCount = bits.bytes.count <= Int(UInt16.max) ? bits.bytes.count : 0
        if headCount > 0 { bits.bytes.withBytes { postings.buffer.append(bytes: $0) } }
        postings.buffer.append16(UInt16(headCount))
        postings.buffer.append(widths.trailer)
    }
}

/// Documents of one term, in order, to a list.
///
/// *One document*: no list, the dictionary has it. *Fewer than a block of 128*: one run of bits: interpolative code of
/// the documents, or of their ranks; unless all are 1 the gamma code of each frequency; `PositionCode` of each document.
/// *More*: blocks of 128 documents, the last one fewer, then, when there is more than one, `SkipData`, which
/// also has the `ListHead` of the longest. A
/// block is a packed block of gaps minus one of the documents, the first counting from −1, or interpolative code of the
/// ranks between the last of the block before and its own last, which the skip data have (if there are none, of all
/// ranks); then a `FrequencyBlock`. Their positions stand in the positions section, `PositionWidth` bits each, each block's beginning at a byte.
struct PostingListWriter: ~Copyable {
    /// Documents of a block.
    static let blockCount = 128

    private let docs: UnsafeMutablePointer<UInt32>
    private let frequencies: UnsafeMutablePointer<UInt32>
    /// Ranks, or gaps.
    private let numbers: UnsafeMutablePointer<UInt32>
    private var places = CodeBuffer(capacity: 1024)
    private var count = 0
    private var previousNumber = UInt32.max

    private var isRanked = false
    private var lengths = FieldLengths()
    private var entry = TermEntry()
    private var blocks: [Block] = []
    private var bits = BitWriter(capacity: 1024)
    private var head = ListHeadBuilder()
    private let documentCount: Int
    private var isSound = true

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
        docs = .allocate(capacity: Self.blockCount)
        frequencies = .allocate(capacity: Self.blockCount)
        numbers = .allocate(capacity: Self.blockCount)
    }

    deinit {
        docs.deallocate()
        frequencies.deallocate()
        numbers.deallocate()
    }

    /// Positions of the last list, if it has one document.
    var inlinePositions: UnsafePointer<UInt32> { UnsafePointer(places.values) }

    /// Starts a list. `isRanked`: blocks hold ranks.
    mutating func begin(
        hasPositions: Bool, isRanked: Bool, _ lengths: FieldLengths, postings: borrowing SectionWriter,
        positions: borrowing SectionWriter
    ) {
        entry = TermEntry()
        entry.hasPositions = hasPositions
        entry.postingsOffset = postings.count
        entry.positionsOffset = positions.count
        self.isRanked = isRanked
        self.lengths = lengths
        blocks.removeAll(keepingCapacity: true)
        count = 0
        places.removeAll()
        previousNumber = .max
        isSound = true
        head.removeAll()
    }

    /// Adds a document above all before, its frequency (at least 1) and, with positions, that many, ascending.
    @inline(__always)
    mutating func add(
        _ document: UInt32, frequency: UInt32, positions from: UnsafePointer<UInt32>?,
        ranks: borrowing CharacterRanks, postings: inout SectionWriter, positions: inout SectionWriter
    ) {
        if count == Self.blockCount { flushBlock(ranks, isOnly: false, postings: &postings, positions: &positions) }
        docs[count] = document
        frequencies[count] = frequency
        count &+= 1
        entry.documentFrequency &+= 1
        if entry.hasPositions, let from { places.append(from, Int(frequency)) }
    }

    private mutating func flushBlock(
        _ ranks: borrowing CharacterRanks, isOnly: Bool, postings: inout SectionWriter,
        positions: inout SectionWriter
    ) {
        let last = docs[count - 1]
        var best: UInt32 = 1
        var shortest = lengths.norms == nil ? 0 : UInt8.max
        for i in 0..<count {
            if let norms = lengths.norms {
                let lengthCode = norms[Int(docs[i])]
                shortest = min(shortest, lengthCode)
                if !isRanked { head.add(docs[i], frequencies[i], lengthCode) }
            }
            best = max(best, frequencies[i])
        }
        if isRanked {
            isSound = ranks.ranks(of: docs, count: count, into: numbers) && isSound
            appendRanks(limit: isOnly ? ranks.count : nil, postings: &postings)
        } else {
            appendGaps(postings: &postings)
        }
        let (frequencies, count) = (frequencies, count)
        postings.buffer.append(upTo: FrequencyBlock.byteCountMax) { out in
            FrequencyBlock.encode(frequencies, count: count, scratch: &bits, into: out)
        }
        if entry.hasPositions {
            bits.removeAll()
            appendPositions()
            bits.finish()
            bits.bytes.withBytes { positions.buffer.append(bytes: $0) }
        }
        blocks.append(
            Block(
                lastDocument: last, lastRank: previousNumber, postingsEnd: postings.count - entry.postingsOffset,
                positionsEnd: positions.count - entry.positionsOffset, bestFrequency: UInt8(min(best, 255)),
                shortestLength: shortest))
        self.count = 0
        places.removeAll()
    }

    private mutating func appendGaps(postings: inout SectionWriter) {
        for i in 0..<count {
            numbers[i] = docs[i] &- previousNumber &- 1
            previousNumber = docs[i]
        }
        let (numbers, count) = (numbers, count)
        postings.buffer.append(upTo: PackedBlock.byteCountMax) { PackedBlock.encode(numbers, count: count, into: $0) }
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

    /// Appends the positions of the held documents to `bits`.
    private mutating func appendPositions() {
        var from = 0
        for i in 0..<count {
            let width = PositionWidth.bits(lengths.norms.map { $0[Int(docs[i])] } ?? .max)
            let mask: UInt64 = (1 &<< UInt64(truncatingIfNeeded: width)) &- 1
            for _ in 0..<frequencies[i] {
                bits.append(UInt64(places.values[from]) & mask, width: width)
                from &+= 1
            }
        }
    }

    /// Writes a list shorter than a block.
    private mutating func flushShort(
        _ ranks: borrowing CharacterRanks, isRanked: Bool, postings: inout SectionWriter
    ) {
        bits.removeAll()
        if isRanked {
            isSound = ranks.ranks(of: docs, count: count, into: numbers) && isSound
            // What does not ascend cannot be coded, and is refused in the end.
            if isSound { InterpolativeCode.encode(numbers, count: count, limit: ranks.count, into: &bits) }
        } else {
            InterpolativeCode.encode(docs, count: count, limit: documentCount, into: &bits)
        }
        entry.isOnceEach = true
        for i in 0..<count where frequencies[i] != 1 { entry.isOnceEach = false }
        if !entry.isOnceEach {
            for i in 0..<count { bits.append(gamma: UInt64(frequencies[i])) }
        }
        if entry.hasPositions {
            var from = 0
            for i in 0..<count {
                PositionCode.write(
                    places.values + from, Int(frequencies[i]), order: lengths.positionOrder, to: &bits)
                from &+= Int(frequencies[i])
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
            if isShortRanked { isSound = ranks.ranks(of: docs, count: 1, into: &entry.document) }
        case ..<Self.blockCount: flushShort(ranks, isRanked: isShortRanked, postings: &postings)
        default:
            flushBlock(ranks, isOnly: blocks.isEmpty, postings: &postings, positions: &positions)
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
        if blocks.count >= ListHead.blockCountMin, !isRanked {
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

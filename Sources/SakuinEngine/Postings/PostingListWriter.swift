/// Documents of one term, in order, to blocks of 128 with skip data.
///
/// A list in the postings section is its blocks, each two packed blocks (document gaps minus one, frequencies minus
/// one; the gap of the first document counts from -1), then, when there is more than one block, `SkipData`. Its
/// positions stand in the positions section: per block the position codes of its documents (first position, then
/// gaps minus one) in packed blocks of 128. A term of one document has neither: it stands in the dictionary.
struct PostingListWriter: ~Copyable {
    private let docs: UnsafeMutablePointer<UInt32>
    private let frequencies: UnsafeMutablePointer<UInt32>
    private var codes: UnsafeMutablePointer<UInt32>
    private var codeCapacity = 1024
    private var codeCount = 0
    private var count = 0
    private var previous = UInt32.max

    private var hasPositions = false
    private var norms: UnsafePointer<UInt8>?
    private var documentFrequency = 0
    private var postingsStart = 0
    private var positionsStart = 0
    private var blockCount = 0
    private var skip = ByteWriter(capacity: 1024)

    init() {
        docs = .allocate(capacity: 128)
        frequencies = .allocate(capacity: 128)
        codes = .allocate(capacity: codeCapacity)
    }

    deinit {
        docs.deallocate()
        frequencies.deallocate()
        codes.deallocate()
    }

    /// Starts a list. `norms` are the length codes of the field by document, and outlive the list.
    mutating func begin(
        hasPositions: Bool, norms: UnsafePointer<UInt8>?, postings: borrowing SectionWriter,
        positions: borrowing SectionWriter
    ) {
        self.hasPositions = hasPositions
        self.norms = norms
        documentFrequency = 0
        postingsStart = postings.count
        positionsStart = positions.count
        blockCount = 0
        count = 0
        codeCount = 0
        previous = .max
        skip.removeAll()
    }

    /// Adds a document above all before, its frequency (at least 1) and, with positions, that many position codes.
    @inline(__always)
    mutating func add(
        _ document: UInt32, frequency: UInt32, codes from: UnsafePointer<UInt32>?,
        postings: inout SectionWriter, positions: inout SectionWriter
    ) {
        if count == 128 { flushBlock(postings: &postings, positions: &positions) }
        docs[count] = document
        frequencies[count] = frequency
        count &+= 1
        documentFrequency &+= 1
        if hasPositions, let from {
            let more = Int(frequency)
            if codeCount &+ more > codeCapacity { growCodes(more) }
            (codes + codeCount).update(from: from, count: more)
            codeCount &+= more
        }
    }

    private mutating func growCodes(_ more: Int) {
        let wanted = max(codeCapacity * 2, codeCount + more)
        let moved = UnsafeMutablePointer<UInt32>.allocate(capacity: wanted)
        moved.update(from: codes, count: codeCount)
        codes.deallocate()
        codes = moved
        codeCapacity = wanted
    }

    private mutating func flushBlock(postings: inout SectionWriter, positions: inout SectionWriter) {
        let last = docs[count - 1]
        var best: UInt32 = 1
        var shortest = UInt8.max
        if let norms {
            for i in 0..<count { shortest = min(shortest, norms[Int(docs[i])]) }
        } else {
            shortest = 0
        }
        for i in 0..<count {
            let document = docs[i]
            docs[i] = document &- previous &- 1
            previous = document
            best = max(best, frequencies[i])
            frequencies[i] &-= 1
        }
        let (docs, frequencies, count) = (docs, frequencies, count)
        postings.buffer.append(upTo: 2 * PackedBlock.byteCountMax) { out in
            let first = PackedBlock.encode(docs, count: count, into: out)
            return first + PackedBlock.encode(frequencies, count: count, into: out + first)
        }
        if hasPositions { flushCodes(positions: &positions) }
        blockCount += 1
        skip.append32(last)
        skip.append32(UInt32(truncatingIfNeeded: postings.count - postingsStart))
        if hasPositions { skip.append32(UInt32(truncatingIfNeeded: positions.count - positionsStart)) }
        skip.append(UInt8(min(best, 255)))
        skip.append(shortest)
        self.count = 0
        codeCount = 0
    }

    private mutating func flushCodes(positions: inout SectionWriter) {
        var from = 0
        while from < codeCount {
            let piece = min(128, codeCount - from)
            let source = codes + from
            positions.buffer.append(upTo: PackedBlock.byteCountMax) {
                PackedBlock.encode(source, count: piece, into: $0)
            }
            from += piece
        }
    }

    /// Ends the list and appends its dictionary entry (`TermEntry`); nothing is appended for an empty list.
    /// Returns whether there was a document.
    mutating func finish(
        postings: inout SectionWriter, positions: inout SectionWriter, entries: inout ByteWriter
    ) -> Bool {
        if documentFrequency == 0 { return false }
        if documentFrequency == 1 {
            let single = frequencies[0] == 1
            entries.appendVarint(single ? 0 : 1)
            entries.appendVarint(UInt64(docs[0]))
            if !single { entries.appendVarint(UInt64(frequencies[0])) }
            if hasPositions {
                for i in 0..<codeCount { entries.appendVarint(UInt64(codes[i])) }
            }
            return true
        }
        flushBlock(postings: &postings, positions: &positions)
        if blockCount > 1 {
            skip.withBytes { postings.buffer.append(bytes: $0) }
        }
        entries.appendVarint(UInt64(documentFrequency))
        entries.appendVarint(UInt64(postings.count - postingsStart))
        if hasPositions { entries.appendVarint(UInt64(positions.count - positionsStart)) }
        return true
    }
}

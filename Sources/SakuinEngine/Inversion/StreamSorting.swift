// One character's stream to its grams in order: its documents with frequencies, where it is an edge, and each bigram it
// begins.
//
// 1. One pass over the stream takes documents and edges and counts the bigrams by second character, in the order of
//    scalars (`StreamRanks`). Chunks sealed together follow each other.
// 2. The counts become places, over which a second pass scatters the bigrams: a counting sort that keeps documents in
//    order. Reading the stream twice costs no more than keeping the bigrams of the first pass, and less memory; that of a
//    frequent character is read more often, each time for a part of its bigrams.

/// The order of a field's characters by scalar, over all chunks that are sealed together.
struct StreamRanks: ~Copyable {
    /// Ascending.
    let scalars: [UInt32]
    /// By chunk and rank: the number of the stream, -1 for none.
    private let numbers: [[Int32]]
    /// By chunk: rank by what a stream calls the character beside, see `TokenStreamReader.second`.
    private let rankByCode: [UnsafeMutablePointer<UInt32>]

    /// The scalars of each chunk, by stream number; the layout is that of the streams.
    init(_ chunks: [[UInt32]], _ layout: TokenLayout) {
        let all = chunks.count == 1 ? chunks[0].sorted() : Array(Set(chunks.joined())).sorted()
        scalars = all
        var numbers: [[Int32]] = []
        var tables: [UnsafeMutablePointer<UInt32>] = []
        for chunk in chunks {
            let table = UnsafeMutablePointer<UInt32>.allocate(capacity: chunk.count + 2)
            table.initialize(repeating: 0, count: chunk.count + 2)
            var mine = [Int32](repeating: -1, count: all.count)
            var rank = 0
            for number in chunk.indices.sorted(by: { chunk[$0] < chunk[$1] }) {
                while all[rank] != chunk[number] { rank += 1 }
                mine[rank] = Int32(number)
                table[Int(layout.code(number))] = UInt32(truncatingIfNeeded: rank)
            }
            numbers.append(mine)
            tables.append(table)
        }
        self.numbers = numbers
        rankByCode = tables
    }

    deinit {
        for table in rankByCode { table.deallocate() }
    }

    /// The stream of a rank in a chunk.
    func number(_ rank: Int, inChunk chunk: Int) -> Int? {
        let number = numbers[chunk][rank]
        return number < 0 ? nil : Int(number)
    }

    /// Ranks by what the streams of a chunk call the character beside.
    func codes(inChunk chunk: Int) -> UnsafePointer<UInt32> { UnsafePointer(rankByCode[chunk]) }
}

/// The parts in which the bigrams of a frequent character are put in order.
enum StreamParts {
    /// A part has at most so many, unless one second character has more.
    static let bigramCountMax = 1 << 20
}

/// The grams of one character at a time, in memory that is used again for the next.
struct StreamSorting<Place: TokenPlace>: ~Copyable {
    /// Ascending.
    private(set) var documents = CodeBuffer(capacity: 1024)
    /// By place in `documents`.
    private(set) var frequencies = CodeBuffer(capacity: 1024)
    /// Places by rank in `documents`.
    private(set) var edges = PlaceBuffer<Place>()
    private var hasEdges = true
    /// By second character, then as they came; by rank.
    private var bigrams = PlaceBuffer<Place>()
    private var bigramCount = 0
    /// Those of the part at hand and of the parts before.
    private var partedCount = 0
    /// The ranks of the second characters of the part.
    private var part = 0..<0
    private let partCountMax: Int
    /// Documents whose bigrams are scattered.
    private var scatteredCount: UInt32 = 0
    /// By rank: bigrams with this second character; while they are scattered, where the next goes. All 0 between.
    private let counts: UnsafeMutablePointer<UInt32>
    /// A bit for each rank that occurs.
    private let present: UnsafeMutablePointer<UInt64>
    private let wordCount: Int

    /// For a field of so many characters.
    init(characterCount: Int, partCountMax: Int = StreamParts.bigramCountMax) {
        self.partCountMax = partCountMax
        counts = .allocate(capacity: max(characterCount, 1))
        counts.initialize(repeating: 0, count: max(characterCount, 1))
        wordCount = (characterCount + 63) / 64
        present = .allocate(capacity: max(wordCount, 1))
        present.initialize(repeating: 0, count: max(wordCount, 1))
    }

    deinit {
        counts.deallocate()
        present.deallocate()
    }

    /// Forgets the character before. `hasEdges`: whether edges are taken.
    mutating func begin(hasEdges: Bool = true) {
        self.hasEdges = hasEdges
        documents.removeAll()
        frequencies.removeAll()
        edges.removeAll()
        bigramCount = 0
        partedCount = 0
        part = 0..<0
    }

    /// Takes documents and edges of the character's stream of a chunk, whose documents are counted from `documentBase`,
    /// above all before, and counts its bigrams.
    mutating func add(
        _ stream: TokenStreamReader, ofChunk chunk: Int, _ ranks: borrowing StreamRanks, documentBase: UInt32
    ) {
        var stream = stream
        let rankByCode = ranks.codes(inChunk: chunk)
        var frequency: UInt32 = 0
        var place = UInt32(truncatingIfNeeded: documents.count) &- 1
        while stream.next() {
            if stream.isFirst {
                if frequency > 0 { frequencies.append(frequency) }
                frequency = 0
                place &+= 1
                documents.append(stream.document &+ documentBase)
            }
            if hasEdges, stream.isEdge {
                edges.append(Place(document: place, link: frequency, position: stream.position))
            }
            frequency &+= 1
            if stream.hasSecond {
                let rank = rankByCode[Int(stream.second)]
                counts[Int(rank)] &+= 1
                present[Int(rank &>> 6)] |= 1 &<< UInt64(rank & 63)
                bigramCount &+= 1
            }
        }
        if frequency > 0 { frequencies.append(frequency) }
    }

    /// The list of the character; valid until the next `begin`.
    var characterRun: PostingRun {
        PostingRun(count: documents.count, documents: documents.values, frequencies: frequencies.values)
    }

    /// The list of a character with its positions, all of which are edges; in memory of `runs`.
    func unitRun(_ runs: inout RunBuffer) -> PostingRun {
        var run = runs.run(edges.places, ranksOf: documents)
        run.documents = UnsafePointer(documents.values)
        run.ranks = nil
        return run
    }

    /// The list of the character's edges; in memory of `runs`.
    func edgeRun(_ runs: inout RunBuffer) -> PostingRun {
        runs.run(edges.places, ranksOf: documents)
    }

    /// The next rank that occurs, from this one on.
    @inline(__always)
    private func nextRank(_ from: Int) -> Int? {
        var word = from &>> 6
        if word >= wordCount { return nil }
        var bits = present[word] & (UInt64.max &<< UInt64(from & 63))
        while bits == 0 {
            word &+= 1
            if word == wordCount { return nil }
            bits = present[word]
        }
        return word &<< 6 | bits.trailingZeroBitCount
    }

    /// Goes to the next part of the bigrams and makes places of their counts; false when there are no more. All streams are
    /// then handed to `scatter`, in the order in which they were added.
    mutating func beginPart() -> Bool {
        if partedCount == bigramCount { return false }
        scatteredCount = 0
        var (from, sum) = (part.upperBound, 0)
        while let rank = nextRank(from) {
            let count = counts[rank]
            if sum > 0, sum + Int(count) > partCountMax { break }
            counts[rank] = UInt32(truncatingIfNeeded: sum)
            sum += Int(count)
            from = rank + 1
        }
        part = part.upperBound..<from
        partedCount += sum
        bigrams.resize(sum + 1)
        return true
    }

    /// Puts the bigrams of a stream where they belong, those of other parts behind all; the counts of the part become where
    /// each second character's end. Whether a bigram is of the part cannot be foreseen.
    mutating func scatter(_ stream: TokenStreamReader, ofChunk chunk: Int, _ ranks: borrowing StreamRanks) {
        var stream = stream
        let rankByCode = ranks.codes(inChunk: chunk)
        let (to, counts) = (bigrams.values, counts)
        let behind = UInt32(truncatingIfNeeded: bigrams.count &- 1)
        let (first, width) = (UInt(bitPattern: part.lowerBound), UInt(bitPattern: part.count))
        var place = scatteredCount &- 1
        var occurrence: UInt32 = 0
        while stream.next() {
            place &+= stream.isFirst ? 1 : 0
            occurrence = stream.isFirst ? 0 : occurrence &+ 1
            if !stream.hasSecond { continue }
            let rank = Int(rankByCode[Int(stream.second)])
            let isOfPart = UInt(bitPattern: rank) &- first < width
            let at = counts[rank]
            to[Int(isOfPart ? at : behind)] = Place(
                document: place, first: occurrence, link: stream.link, position: stream.position)
            counts[rank] = at &+ (isOfPart ? 1 : 0)
        }
        scatteredCount = place &+ 1
    }

    /// Hands out the bigrams of the part, when they are scattered: the rank of the second character, and the list, in
    /// memory of `runs`.
    mutating func forEachBigram(
        _ runs: inout RunBuffer, _ body: (_ rank: Int, PostingRun) throws(StorageError) -> Void
    ) throws(StorageError) {
        var from = 0
        var next = nextRank(part.lowerBound)
        while let rank = next, rank < part.upperBound {
            let end = Int(counts[rank])
            counts[rank] = 0
            present[rank &>> 6] &= ~(1 &<< UInt64(rank & 63))
            let places = UnsafeBufferPointer(start: bigrams.values + from, count: end &- from)
            try body(rank, runs.run(places, ranksOf: documents))
            from = end
            next = nextRank(rank + 1)
        }
    }
}

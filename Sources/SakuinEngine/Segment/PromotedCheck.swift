/// Reads the promoted grams of a segment and re-derives what they say from its bigrams.
struct PromotedCheck: ~Copyable {
    private let segment: SegmentReader
    private let promoted: PromotedGrams
    private var reader = PostingListReader()
    private var bigramReader = PostingListReader()

    /// Of so many grams one is compared with where its bigrams stand, which are read as wholes for it.
    private static let gramsPerComparison = 64

    init(_ segment: SegmentReader, _ promoted: PromotedGrams) {
        self.segment = segment
        self.promoted = promoted
    }

    /// Throws the first that does not hold; tells `pace` of each gram.
    mutating func run(_ pace: () throws(StorageError) -> Void) throws(StorageError) {
        var grams = promoted.dictionary.iterator()
        var last: [UInt8] = []
        var count = 0
        while try grams.next() {
            guard last.lexicographicallyPrecedes(grams.key), let gram = PromotedGrams.gram(of: grams.key),
                let field = promoted.fields[gram.field],
                (PromotedGrams.lengthMin...field.depth).contains(gram.characters.count)
            else { throw promoted.postings.corrupt(0, "promoted gram \(grams.key) behind \(last)") }
            last = grams.key
            try pace()
            try checkParts(gram.field, gram.characters, field)
            let found = try postings(of: grams.info, gram.field)
            count += 1
            guard count % Self.gramsPerComparison == 1 else { continue }
            let expected = try Self.count(occurrences(of: gram.characters, gram.field))
            guard found == expected else {
                throw promoted.postings.corrupt(
                    grams.info.postingsOffset, "promoted gram \(gram.characters) is in other documents")
            }
        }
        guard count == promoted.dictionary.termCount else {
            throw promoted.postings.corrupt(0, "\(count) promoted grams of \(promoted.dictionary.termCount)")
        }
    }

    /// Both grams of a character less have to be frequent.
    private func checkParts(
        _ field: Int, _ characters: [UInt32], _ limits: PromotedGrams.Field
    ) throws(StorageError) {
        for part in [characters.dropLast(), characters.dropFirst()] {
            let info =
                part.count == 2
                ? try segment.grams.find(Self.key(field, part.first ?? 0, part.last ?? 0))
                : try promoted.find(field: field, part)
            let least = part.count == 2 ? limits.threshold : limits.longerThreshold
            guard let info, info.documentFrequency >= least else {
                throw promoted.postings.corrupt(0, "promoted gram \(characters) has a rare part")
            }
        }
    }

    private static func key(_ field: Int, _ first: UInt32, _ second: UInt32) -> UInt64 {
        GramKey.make(field: field, kind: .bigram, first, second)
    }

    private struct Posting: Equatable {
        var document: UInt32
        var frequency: UInt32
    }

    private mutating func postings(of info: TermInfo, _ field: Int) throws(StorageError) -> [Posting] {
        var postings: [Posting] = []
        let source = segment.promotedSource
        try reader.read(info, source, base: UnsafeBufferPointer(start: nil, count: 0), try segment.lengths(field)) {
            (block) in
            for i in 0..<block.count {
                postings.append(Posting(document: block.documents[i], frequency: block.frequencies[i]))
            }
        }
        try source.checkHead(info)
        let ascends = zip(postings, postings.dropFirst()).allSatisfy { $0.document < $1.document }
        guard postings.count == info.documentFrequency, ascends else {
            throw promoted.postings.corrupt(info.postingsOffset, "documents of a promoted gram do not ascend")
        }
        return postings
    }

    /// An occurrence of a bigram: the document above, what it begins or ends with below.
    private struct Place {
        var left: UInt64
        var right: UInt64
    }

    /// Where a gram ends: the document above; by its bigrams.
    private mutating func occurrences(of characters: [UInt32], _ field: Int) throws(StorageError) -> [UInt64] {
        var ends = try places(of: Self.key(field, characters[0], characters[1]), field).map(\.right)
        for at in 1..<(characters.count - 1) {
            let next = try places(of: Self.key(field, characters[at], characters[at + 1]), field)
            var (kept, j) = (0, 0)
            for end in ends {
                while j < next.count, next[j].left < end { j += 1 }
                guard j < next.count, next[j].left == end else { continue }
                ends[kept] = next[j].right
                kept += 1
            }
            ends.removeLast(ends.count - kept)
        }
        return ends
    }

    private mutating func places(of key: UInt64, _ field: Int) throws(StorageError) -> [Place] {
        var places: [Place] = []
        guard let info = try segment.grams.find(key) else { return places }
        let lengths = try segment.lengths(field)
        let base = CharacterBase()
        if info.isRanked, let character = try segment.grams.find(GramKey.character(of: key)) {
            try reader.read(
                character, segment.postingSource, base: UnsafeBufferPointer(start: nil, count: 0), lengths
            ) { (block) in base.add(block) }
        }
        try bigramReader.read(info, segment.postingSource, base: base.documents, lengths) { (block) in
            var values = block.positions
            for i in 0..<block.count {
                let document = UInt64(block.documents[i]) << 32
                for _ in 0..<block.frequencies[i] {
                    // A position is that of the first character, two before the second.
                    let right = info.occurrences == .links ? values[1] : values[0] &+ 2
                    places.append(Place(left: document | UInt64(values[0]), right: document | UInt64(right)))
                    values += info.occurrences.valueCount
                }
            }
        }
        return places
    }

    private static func count(_ occurrences: [UInt64]) -> [Posting] {
        var postings: [Posting] = []
        for occurrence in occurrences {
            let document = UInt32(truncatingIfNeeded: occurrence >> 32)
            if postings.last?.document == document {
                postings[postings.count - 1].frequency += 1
            } else {
                postings.append(Posting(document: document, frequency: 1))
            }
        }
        return postings
    }
}

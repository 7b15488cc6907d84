// The promoted grams of a field of chunks that are sealed together, from its token streams.

extension FieldSealing {
    /// Looks for what is promoted of the field; `frequent` are the frequent bigrams of all fields. The streams are only
    /// read, but for the marks of their ends.
    func promotion(
        _ frequent: FrequentGrams, _ rule: PromotionRule, _ limits: PromotionLimits, withHelper: Bool
    ) -> FieldPromotion {
        let documentCount = lengthCodeCount
        let pass = PromotionPass(field: field, frequent, lengths, documentCount: documentCount, rule, limits)
        let streams = BigramStreams(pass.bigrams, slots, ranks, documentBases, documentCount: documentCount)
        return FieldPromotion(pass, StreamWindows(self, streams, isHelped: withHelper))
    }
}

/// What is promoted of one field. With helpers it is looked for from the beginning, while the one that writes is at other
/// things, then at the lists of the grams found so far.
final class FieldPromotion {
    /// `@unchecked Sendable`: the pass is a value that nobody changes; the source and a level are with one thread until
    /// what it found is asked for. While a finished level is read for grams of four characters, its lists are only read;
    /// while streams of characters are read for it, nobody appends to any, and only those of words are read beside them.
    private struct Search: @unchecked Sendable {
        let pass: PromotionPass
        let source: StreamWindows
        var trigrams: FoundTrigrams?

        func findTrigrams() throws(StorageError) -> FoundTrigrams? { try pass.findTrigrams(source) }
        func findFourGrams() throws(StorageError) -> GramLevelSlot? {
            guard let trigrams else { return nil }
            return try pass.findFourGrams(of: trigrams, source)
        }
    }

    private let search: Search
    private let trigrams: WorkAhead<FoundTrigrams?, StorageError>?

    fileprivate init(_ pass: PromotionPass, _ source: StreamWindows) {
        let search = Search(pass: pass, source: source)
        self.search = search
        trigrams =
            source.isHelped
            ? WorkAhead { () throws(StorageError) in try search.findTrigrams() } : nil
    }

    var field: Int { search.pass.field }

    /// Writes it; once.
    func write(to sections: inout PromotedSections) throws(StorageError) {
        guard let trigrams else { return try search.pass.write(to: &sections, search.source) }
        var search = search
        search.trigrams = try trigrams.result()
        guard let found = search.trigrams else { return }
        let fourGrams = WorkAhead { [search] () throws(StorageError) in try search.findFourGrams() }
        try search.pass.append(found.level, to: &sections)
        try search.pass.end(found, try fourGrams.result(), to: &sections)
    }
}

/// Windows that are filled from token streams.
private struct StreamWindows: GramWindowSource {
    private let sealing: FieldSealing
    private let streams: BigramStreams
    let isHelped: Bool

    init(_ sealing: FieldSealing, _ streams: BigramStreams, isHelped: Bool) {
        self.sealing = sealing
        self.streams = streams
        self.isHelped = isHelped
    }

    func forEachWindow(
        of pass: PromotionPass, wanted: [Bool], level: GramLevelSlot?, _ body: (borrowing GramWindow) -> [Bool]?
    ) throws(StorageError) {
        try pass.forEachWindow(
            wanted: wanted, level: level, withHelper: isHelped,
            fill: { [sealing, streams] (window, wanted) throws(StorageError) in
                guard streams.fill(window, sealing.ranks, wanted) else {
                    throw .corrupt(file: "sealing", offset: 0, reason: "a position behind its document")
                }
            }, body)
    }
}

/// The streams of the characters that begin frequent bigrams, read as far as windows have come.
private final class BigramStreams {
    /// The bigrams that a character begins.
    private struct Group {
        var rank: Int
        var numbers: Range<Int>
    }
    private struct Reader {
        var stream: TokenStreamReader
        /// Whether the event at which the stream stands is of a later window.
        var isAhead = false
    }

    private let slots: [FieldSlot]
    private let layout: TokenLayout
    /// By chunk, and the end.
    private let documentBases: [UInt32]
    /// By chunk and number of the bigram: what streams call its second character, see `TokenStreamReader.second`.
    private var seconds: [[UInt32]] = []
    private var groups: [Group] = []
    /// By chunk and group.
    private var readers: [[Reader?]] = []
    /// By what streams call the second character, which may be `none`: the bigram with the first at hand, or 0.
    private let numbers: UnsafeMutablePointer<UInt32>

    init(
        _ bigrams: NumberedGrams, _ slots: [FieldSlot], _ ranks: borrowing StreamRanks, _ documentBases: [UInt32],
        documentCount: Int
    ) {
        self.slots = slots
        layout = slots.first?.inverter.characters.layout ?? .withoutLinks
        self.documentBases = documentBases + [UInt32(documentCount)]
        let scalars = ranks.scalars
        // More characters than any stream of any chunk has numbers, and `none`.
        let codeCount = scalars.count + Int(layout.none) + 3
        numbers = .allocate(capacity: codeCount)
        numbers.initialize(repeating: 0, count: codeCount)
        var rankByScalar: [UInt32: Int] = [:]
        for (rank, scalar) in scalars.enumerated() { rankByScalar[scalar] = rank }
        seconds = slots.map { _ in [layout.none] }
        for number in 1..<(bigrams.count + 1) {
            let both = bigrams.characters(of: number).map { rankByScalar[$0] ?? 0 }
            for chunk in slots.indices { seconds[chunk].append(code(both[1], ranks, inChunk: chunk)) }
            add(number, rank: both[0])
        }
    }

    deinit { numbers.deallocate() }

    /// What the streams of a chunk call the character of a rank; `none` if the chunk does not have it.
    private func code(_ rank: Int, _ ranks: borrowing StreamRanks, inChunk chunk: Int) -> UInt32 {
        guard let number = ranks.number(rank, inChunk: chunk) else { return layout.none }
        return layout.code(number)
    }

    /// Adds a bigram to the group of its first character.
    private func add(_ number: Int, rank: Int) {
        var group = Group(rank: rank, numbers: number..<number)
        if let last = groups.last, last.rank == rank {
            group = last
            groups.removeLast()
        }
        group.numbers = group.numbers.lowerBound..<(number + 1)
        groups.append(group)
    }

    private func restart(_ ranks: borrowing StreamRanks) {
        readers = []
        for (chunk, slot) in slots.enumerated() {
            var mine: [Reader?] = []
            for group in groups {
                mine.append(
                    ranks.number(group.rank, inChunk: chunk).map {
                        Reader(stream: slot.inverter.characters.reader($0))
                    })
            }
            readers.append(mine)
        }
    }

    /// Puts the bigrams that are wanted into the window, which is the first or the one behind that of the call before, when
    /// no others were wanted than were then; false when a position cannot be.
    func fill(_ window: borrowing GramWindow, _ ranks: borrowing StreamRanks, _ wanted: [Bool]) -> Bool {
        let documents = window.documents
        if documents.lowerBound == 0 { restart(ranks) }
        for chunk in slots.indices
        where documentBases[chunk] < documents.upperBound && documentBases[chunk + 1] > documents.lowerBound {
            for (place, group) in groups.enumerated() where group.numbers.contains(where: { wanted[$0] }) {
                guard var reader = readers[chunk][place] else { continue }
                for number in group.numbers where wanted[number] {
                    numbers[Int(seconds[chunk][number])] = UInt32(truncatingIfNeeded: number)
                }
                numbers[Int(layout.none)] = 0
                let isSound = read(&reader, documentBases[chunk], window)
                readers[chunk][place] = reader
                for number in group.numbers { numbers[Int(seconds[chunk][number])] = 0 }
                if !isSound { return false }
            }
        }
        return true
    }

    /// Puts what the stream has of the window's documents. Whether an event is a frequent bigram cannot be foreseen, so
    /// the others are put too: as 0, which is where they stand already.
    private func read(_ reader: inout Reader, _ documentBase: UInt32, _ window: borrowing GramWindow) -> Bool {
        let (numbers, codes, starts) = (numbers, window.codes.values, window.starts.values)
        let first = UInt32(truncatingIfNeeded: window.documents.lowerBound)
        let end = UInt32(truncatingIfNeeded: window.documents.upperBound)
        var stream = reader.stream
        var isThere = reader.isAhead || stream.next()
        var isNew = true
        var (start, placeCount) = (0, 0)
        while isThere {
            if isNew {
                let document = stream.document &+ documentBase
                if document >= end { break }
                // Windows follow each other, so the document is not before this one.
                let at = Int(document &- first)
                start = Int(starts[at])
                placeCount = Int(starts[at &+ 1]) &- start
            }
            let place = Int(stream.position &>> 1)
            if place >= placeCount { return false }
            codes[start &+ place] = numbers[Int(stream.second)]
            isThere = stream.next()
            isNew = stream.isFirst
        }
        reader = Reader(stream: stream, isAhead: isThere)
        return true
    }
}

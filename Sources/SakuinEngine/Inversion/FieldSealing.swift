// Token streams of a field, of all chunks that are sealed together, to posting lists.

extension FieldInverter {
    /// Analyses a text into this field's streams; returns the position behind its last unit.
    mutating func index(
        _ text: UnsafeBufferPointer<UInt8>, _ analyzer: Analyzer, _ scratch: UnitBuffer
    ) throws(TextError) -> UInt32 {
        try analyzer.index(text, scratch: scratch, positionBase: 0, sink: &self).nextPosition
    }
}

/// One field of the chunks that are sealed together. Made on one thread; then the parts of its characters may be written
/// on several, since each reads streams of its own.
final class FieldSealing {
    let field: Int
    let slots: [FieldSlot]
    /// By chunk: the number of its first document in the segment.
    let documentBases: [UInt32]
    let ranks: StreamRanks
    let hasUnits: Bool
    let hasLinks: Bool
    private let hasEdges: Bool
    let statistics: FieldStatistics
    private var norms = ByteWriter()

    /// `hasLinks`: whether grams and pairs are to have links; `hasEdges`: whether all characters are to have edges.
    init(
        _ field: Int, _ slots: [FieldSlot], documentBases: [UInt32], documentCount: Int, hasLinks: Bool, hasEdges: Bool
    ) {
        self.hasLinks = hasLinks
        self.hasEdges = hasEdges
        self.field = field
        self.slots = slots
        self.documentBases = documentBases
        ranks = StreamRanks(
            slots.map { $0.inverter.numbers.scalars }, hasLinks ? .withLinks : .withoutLinks)
        hasUnits = slots.contains { $0.inverter.hasUnits }
        var statistics = FieldStatistics()
        for slot in slots {
            statistics.documentCount += slot.inverter.statistics.documentCount
            statistics.lengthSum += slot.inverter.statistics.lengthSum
        }
        self.statistics = statistics
        for (slot, base) in zip(slots, documentBases) {
            while norms.count < Int(base) { norms.append(0) }
            slot.inverter.norms.withBytes { norms.append(bytes: $0) }
        }
        while norms.count < documentCount { norms.append(0) }
    }

    var lengthCodeCount: Int { norms.count }

    /// Length codes by document.
    var lengthCodes: [UInt8] { norms.array() }

    /// Valid as long as the object.
    var lengths: FieldLengths {
        FieldLengths(
            norms: norms.start.assumingMemoryBound(to: UInt8.self), documentCount: statistics.documentCount,
            lengthSum: statistics.lengthSum)
    }

    /// About how much there is to write of each character, by rank.
    var weights: [Int] {
        var weights = [Int](repeating: 0, count: ranks.scalars.count)
        for rank in weights.indices {
            for (chunk, slot) in slots.enumerated() {
                guard let number = ranks.number(rank, inChunk: chunk) else { continue }
                weights[rank] += slot.inverter.characters.wordCount(number)
            }
        }
        return weights
    }

    /// Codes the grams of the characters with these ranks. Per first character its list, its edges and its bigrams;
    /// under analyzer `words` there are units alone. `sorting` and `runs` are memory that is used again.
    func code<Place: TokenPlace>(
        _ part: Range<Int>, _ sorting: inout StreamSorting<Place>, _ runs: inout RunBuffer, into lists: inout GramLists
    ) throws(StorageError) {
        let lengths = lengths
        let scalars = ranks.scalars
        for rank in part {
            let first = scalars[rank]
            sorting.begin(hasEdges: hasUnits || hasEdges || Analyzer.hasEdge(first))
            for (chunk, slot) in slots.enumerated() {
                guard let number = ranks.number(rank, inChunk: chunk) else { continue }
                sorting.add(
                    slot.inverter.characters.reader(number), ofChunk: chunk, ranks, documentBase: documentBases[chunk])
            }
            if hasUnits {
                try lists.add(GramKey.make(field: field, kind: .unit, first), sorting.unitRun(&runs), lengths)
                continue
            }
            try lists.add(GramKey.make(field: field, kind: .character, first), sorting.characterRun, lengths)
            if sorting.edges.count > 0 {
                try lists.add(
                    GramKey.make(field: field, kind: .edge, first),
                    sorting.edgeRun(&runs), lengths)
            }
            while sorting.beginPart() {
                for (chunk, slot) in slots.enumerated() {
                    guard let number = ranks.number(rank, inChunk: chunk) else { continue }
                    sorting.scatter(slot.inverter.characters.reader(number), ofChunk: chunk, ranks)
                }
                try sorting.forEachBigram(&runs) { (second, run) throws(StorageError) in
                    try lists.add(GramKey.make(field: field, kind: .bigram, first, scalars[second]), run, lengths)
                }
            }
        }
    }

    /// Writes the words of the field, then its pairs; called for the fields in order.
    func writeWords(to terms: inout TermSections) throws(StorageError) {
        if hasLinks {
            try writeWords(PairSorting<LinkedPlace>(characterCount: ranks.scalars.count), to: &terms)
        } else {
            try writeWords(PairSorting<PositionedPlace>(characterCount: ranks.scalars.count), to: &terms)
        }
    }

    private func writeWords<Place: TokenPlace>(
        _ sorting: consuming PairSorting<Place>, to terms: inout TermSections
    ) throws(StorageError) {
        let lengths = lengths
        let order = WordRanks(slots)
        var pairs = sorting
        var runs = RunBuffer()
        var places = PlaceBuffer<PositionedPlace>()
        var key = ByteWriter()
        for word in 0..<order.count {
            places.removeAll()
            forEachEvent(of: word, order) { document, stream, neighbour in
                if stream.isEdge {
                    places.append(PositionedPlace(document: document, link: 0, position: stream.position))
                }
                if let neighbour { pairs.count(neighbour) }
            }
            terms.beginWord(isPair: false, lengths)
            terms.add(runs.run(places.places))
            try end(word, order, neighbour: nil, &key, &terms)
        }
        while pairs.beginPart() {
            for word in 0..<order.count {
                forEachEvent(of: word, order) { document, stream, neighbour in
                    guard let neighbour else { return }
                    // A position alone is that of the first of the two, beside a link that of the word.
                    let first = stream.isEdge || hasLinks ? stream.position : stream.position &- 2
                    pairs.add(neighbour, word: word, document, link: stream.link, first)
                }
            }
            try pairs.forEach { (place, word, places) throws(StorageError) in
                terms.beginWord(isPair: true, lengths)
                terms.add(runs.run(places))
                try end(word, order, neighbour: PairOrder.neighbour(place, ranks.scalars), &key, &terms)
            }
        }
    }

    /// Hands out the events of a word with their documents, and the places in `PairOrder` of the pairs that are in them.
    @inline(__always)
    private func forEachEvent(
        of word: Int, _ order: borrowing WordRanks,
        _ body: (_ document: UInt32, TokenStreamReader, _ neighbour: Int?) -> Void
    ) {
        for chunk in slots.indices {
            guard let number = order.number(word, inChunk: chunk) else { continue }
            let rankByCode = ranks.codes(inChunk: chunk)
            var stream = slots[chunk].inverter.words.reader(number)
            while stream.next() {
                let neighbour =
                    stream.hasSecond
                    ? PairOrder.place(rankByCode[Int(stream.second)], isBehind: stream.isEdge) : nil
                body(stream.document &+ documentBases[chunk], stream, neighbour)
            }
        }
    }

    /// Ends the list of a word, or of the pair it makes with `neighbour`; `key` is room for its key.
    private func end(
        _ word: Int, _ order: borrowing WordRanks, neighbour: WordNeighbour?, _ key: inout ByteWriter,
        _ terms: inout TermSections
    ) throws(StorageError) {
        key.removeAll()
        order.withWord(word) { word in
            key.append(upTo: WordDictionaryWriter.keyByteCount(neighbour, word)) {
                WordDictionaryWriter.writeKey(field: field, neighbour, word, to: $0)
            }
        }
        try terms.endWord(UnsafeRawBufferPointer(start: key.start, count: key.count))
    }
}

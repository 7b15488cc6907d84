/// The terms of several segments to one: lists are remapped and packed anew, texts are not analysed again.
struct TermMerger: ~Copyable {
    private let inputs: [MergeInput]
    /// Of each input the documents of the character whose grams are being merged.
    private let bases: [CharacterBase]
    private var reader = PostingListReader()
    private let control: MergeControl
    private let hasEdges: (_ field: Int) -> Bool
    /// Bytes of lists read since the control was told.
    private var bytesRead = 0

    /// Of fields without `hasEdges` only those of Hangul are kept.
    init(_ inputs: [MergeInput], _ control: MergeControl, hasEdges: @escaping (_ field: Int) -> Bool) {
        self.hasEdges = hasEdges
        self.inputs = inputs
        self.control = control
        bases = inputs.map { _ in CharacterBase() }
    }

    /// `lengths` are those of the merged segment by field.
    mutating func merge(
        into terms: inout TermSections, lengths: [Int: FieldLengths]
    ) throws(StorageError) {
        try mergeGrams(into: &terms, lengths)
        try mergeWords(into: &terms, lengths)
    }

    private mutating func mergeGrams(
        into terms: inout TermSections, _ lengths: [Int: FieldLengths]
    ) throws(StorageError) {
        var iterators = inputs.map { $0.segment.grams.iterator() }
        // The key each input stands at; .max when it is at its end (no key is that high).
        var keys = [UInt64](repeating: .max, count: inputs.count)
        for i in iterators.indices where try iterators[i].next() { keys[i] = iterators[i].key }
        var inputLengths = InputLengths(inputs)
        var count = 0
        while let key = keys.min(), key != .max {
            let isKept = isKept(key)
            if isKept {
                try inputLengths.enter(GramKey.field(key))
                terms.beginGram(key, lengths[GramKey.field(key)] ?? FieldLengths())
            }
            for i in keys.indices where keys[i] == key {
                if isKept {
                    bases[i].enter(key)
                    try append(iterators[i].info, of: i, inputLengths.lengths[i], to: &terms)
                }
                keys[i] = try iterators[i].next() ? iterators[i].key : .max
                // Keys that do not ascend would never end.
                guard keys[i] > key else { throw inputs[i].segment.postings.corrupt(0, "grams out of order") }
            }
            if isKept { try terms.endGram() }
            count &+= 1
            if count & 1023 == 0 { try report() }
        }
        try report()
    }

    /// Whether the merged segment has the list of a gram.
    private func isKept(_ key: UInt64) -> Bool {
        !GramKey.isEdge(key) || hasEdges(GramKey.field(key)) || Analyzer.hasEdge(GramKey.first(key))
    }

    private mutating func report() throws(StorageError) {
        try control.didRead(bytesRead)
        bytesRead = 0
    }

    private mutating func mergeWords(
        into terms: inout TermSections, _ lengths: [Int: FieldLengths]
    ) throws(StorageError) {
        var iterators = inputs.map { $0.segment.words.iterator() }
        var alive = [Bool](repeating: false, count: inputs.count)
        for i in iterators.indices { alive[i] = try iterators[i].next() }
        var key: [UInt8] = []
        var written = ByteWriter()
        var inputLengths = InputLengths(inputs)
        while let first = Self.lowest(iterators, alive) {
            key = iterators[first].key
            let field = Int(key[0]) << 8 | Int(key[1])
            try inputLengths.enter(field)
            let isPair = key.count > 2 && WordDictionaryWriter.isPair(key[2])
            terms.beginWord(isPair: isPair, lengths[field] ?? FieldLengths())
            for i in iterators.indices where alive[i] && iterators[i].key == key {
                try append(iterators[i].info, of: i, inputLengths.lengths[i], to: &terms)
                alive[i] = try iterators[i].next()
                guard !alive[i] || key.lexicographicallyPrecedes(iterators[i].key) else {
                    throw inputs[i].segment.postings.corrupt(0, "words out of order")
                }
            }
            written.removeAll()
            key.withUnsafeBytes { written.append(bytes: $0) }
            try terms.endWord(UnsafeRawBufferPointer(start: written.start, count: written.count))
            try report()
        }
    }

    private static func lowest(_ iterators: [WordDictionary.Iterator], _ alive: [Bool]) -> Int? {
        var lowest: Int?
        for i in iterators.indices where alive[i] {
            if let current = lowest, !iterators[i].key.lexicographicallyPrecedes(iterators[current].key) { continue }
            lowest = i
        }
        return lowest
    }

    @inline(__always)
    private mutating func append(
        _ info: TermInfo, of number: Int, _ lengths: FieldLengths, to terms: inout TermSections
    ) throws(StorageError) {
        let input = inputs[number]
        let base = bases[number]
        let first = input.firstDocument
        if info.documentFrequency > 1 { bytesRead &+= info.postingsByteCount &+ info.positionsByteCount }
        try reader.read(
            info, input.segment.postingSource, base: base.documents, lengths
        ) { (block) throws(StorageError) in
            if !info.hasPositions { base.add(block) }
            var positions = block.positions
            for i in 0..<block.count {
                let frequency = block.frequencies[i]
                let document = input.remap.map { $0[Int(block.documents[i])] } ?? block.documents[i]
                if document != .max {
                    terms.add(document &+ first, frequency: frequency, positions: positions)
                }
                positions += Int(frequency) &* info.occurrences.valueCount
            }
        }
    }
}

/// The lengths of one field in each input.
private struct InputLengths {
    private let inputs: [MergeInput]
    private var field = -1
    private(set) var lengths: [FieldLengths]

    init(_ inputs: [MergeInput]) {
        self.inputs = inputs
        lengths = inputs.map { _ in FieldLengths() }
    }

    mutating func enter(_ field: Int) throws(StorageError) {
        if field == self.field { return }
        self.field = field
        for i in inputs.indices { lengths[i] = try inputs[i].segment.lengths(field) }
    }
}

/// A segment that goes into a merge.
struct MergeInput {
    let segment: SegmentReader
    let live: LiveDocuments?
    /// The merged segment's number of its first living document.
    let firstDocument: UInt32
    /// By document: its place among the living, `.max` when dead; nil when all live.
    let remap: [UInt32]?

    init(_ segment: SegmentReader, live: LiveDocuments?, firstDocument: UInt32) {
        self.segment = segment
        self.firstDocument = firstDocument
        guard let live, live.liveCount < segment.meta.documentCount else {
            self.live = nil
            remap = nil
            return
        }
        self.live = live
        var next: UInt32 = 0
        remap = (0..<UInt32(segment.meta.documentCount)).map { document in
            guard live.isLive(document) else { return .max }
            next += 1
            return next - 1
        }
    }

    var liveCount: Int { live?.liveCount ?? segment.meta.documentCount }

    /// Of sections.
    func byteCount(of sections: Set<String>) -> Int {
        segment.sectionSizes.reduce(0) { sections.contains($1.name) ? $0 + $1.byteCount : $0 }
    }

    /// The document that is at a place among the living.
    func document(at place: Int) -> UInt32? {
        guard let remap else { return UInt32(place) }
        return remap.firstIndex(of: UInt32(place)).map { UInt32($0) }
    }

    /// Whether none of these documents is dead.
    func allLive(_ documents: Range<Int>) -> Bool {
        remap.map { remap in documents.allSatisfy { remap[$0] != .max } } ?? true
    }

    /// The merged number of a document; nil when it was dead.
    func mapped(_ document: UInt32) -> UInt32? {
        guard let remap else { return document + firstDocument }
        let place = remap[Int(document)]
        return place == .max ? nil : place + firstDocument
    }
}

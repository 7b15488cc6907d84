/// The four sections that terms go to: both dictionaries, postings, positions.
///
/// Per term: `beginGram` or (for pairs too) `beginWord`, `add` for each document in order, then `endGram` or `endWord`; keys ascend. A
/// term without documents leaves nothing behind. A character's list comes before its edges and bigrams, which are
/// written as places in it.
struct TermSections: ~Copyable {
    private(set) var grams: SectionWriter
    private(set) var words: SectionWriter
    private(set) var postings: SectionWriter
    private(set) var positions: SectionWriter
    private let hasLinks: Bool
    private var list: PostingListWriter
    private var ranks: CharacterRanks
    private var gramDictionary = GramDictionaryWriter()
    private var wordDictionary = WordDictionaryWriter()
    private var key: UInt64 = 0
    private var isCharacter = false
    private var documentFrequency = 0
    /// The bigrams with long lists, of what was written so far.
    private(set) var frequent: FrequentGrams

    /// Sections that grow large go to temporary files of `directory` whose names begin with `name`, postings to `sink` if
    /// there is one. Documents are below `documentCount`. `hasLinks`: whether grams and pairs have links, see
    /// `OccurrenceKind`.
    init(
        directory: any SpillPlace, name: String, postingsIn sink: SectionSink? = nil, documentCount: Int,
        hasLinks: Bool, spillByteCount: Int = SectionWriter.usualSpillByteCount,
        promotion: PromotionRule = PromotionRule()
    ) {
        self.hasLinks = hasLinks
        frequent = FrequentGrams(documentFrequencyMin: promotion.thresholdMin)
        func section(_ kind: String) -> SectionWriter {
            SectionWriter(directory: directory, name: name + "-" + kind, spillByteCount: spillByteCount)
        }
        grams = section("grams")
        words = section("words")
        postings =
            sink.map { SectionWriter(in: $0, spillByteCount: spillByteCount) } ?? section("postings")
        positions = section("positions")
        list = PostingListWriter(documentCount: documentCount)
        ranks = CharacterRanks(documentCount: documentCount)
    }

    mutating func beginGram(_ key: UInt64, _ lengths: FieldLengths) {
        self.key = key
        documentFrequency = 0
        isCharacter = GramKey.isCharacter(key)
        let character = GramKey.character(of: key)
        if isCharacter || ranks.key != character { ranks.begin(character) }
        list.begin(gram: key, hasLinks: hasLinks, lengths, postings: postings, positions: positions)
    }

    mutating func beginWord(isPair: Bool, _ lengths: FieldLengths) {
        isCharacter = false
        list.begin(
            WordDictionaryWriter.occurrences(isPair: isPair, hasLinks: hasLinks), isRanked: false, lengths,
            postings: postings, positions: positions)
    }

    /// A document above all before, and the numbers of as many occurrences as its frequency says.
    @inline(__always)
    mutating func add(_ document: UInt32, frequency: UInt32, positions places: UnsafePointer<UInt32>?) {
        if isCharacter { ranks.add(document) }
        documentFrequency &+= 1
        list.add(
            document, frequency: frequency, positions: places, ranks: ranks, postings: &postings,
            positions: &positions)
    }

    /// All documents of the list at once, which stay until it is ended; a gram's with ranks, where `GramKey.isRanked`
    /// says so, since those of its character are only known when they came one by one.
    mutating func add(_ run: PostingRun) {
        documentFrequency = run.count
        list.add(run, postings: &postings, positions: &positions)
    }

    mutating func endGram() throws(StorageError) {
        let isRanked = GramKey.isRanked(key, documentFrequency: documentFrequency)
        guard
            let entry = try list.finish(
                isRanked: isRanked, ranks: ranks, postings: &postings, positions: &positions)
        else { return }
        if GramKey.kind(key) == .bigram { frequent.add(key, entry.documentFrequency) }
        gramDictionary.append(key, entry, inlinePositions: list.inlinePositions, to: &grams)
        try spill()
    }

    /// Takes over grams above all before with their lists.
    mutating func append(_ lists: borrowing GramLists) throws(StorageError) {
        try lists.forEach { (key, listed, listPostings, listPositions, inlinePositions) throws(StorageError) in
            var entry = listed
            entry.postingsOffset = postings.count
            entry.positionsOffset = positions.count
            postings.buffer.append(bytes: listPostings)
            positions.buffer.append(bytes: listPositions)
            if GramKey.kind(key) == .bigram { frequent.add(key, entry.documentFrequency) }
            gramDictionary.append(key, entry, inlinePositions: inlinePositions, to: &grams)
            try spill()
        }
    }

    mutating func endWord(_ key: UnsafeRawBufferPointer) throws(StorageError) {
        guard
            let entry = try list.finish(isRanked: false, ranks: ranks, postings: &postings, positions: &positions)
        else { return }
        wordDictionary.append(key, entry, inlinePositions: list.inlinePositions, to: &words)
        try spill()
    }

    private mutating func spill() throws(StorageError) {
        try postings.spillIfLarge()
        try positions.spillIfLarge()
        try grams.spillIfLarge()
        try words.spillIfLarge()
    }

    /// Ends the dictionaries.
    mutating func finish() {
        gramDictionary.finish(to: &grams)
        wordDictionary.finish(to: &words)
    }

    /// Ends the dictionaries and appends the four sections to the file.
    mutating func finish(to file: inout SegmentFileWriter) throws(StorageError) {
        finish()
        try file.append(.postings, &postings)
        try file.append(.grams, &grams)
        try file.append(.words, &words)
        try file.append(.positions, &positions)
    }

    /// Hands out the blocks of the gram dictionary, and notes in `index` what they, the lists and the words are; of parts
    /// in the order of their keys. Then `drainWords`.
    mutating func drainGrams(to sink: SectionSink, _ index: inout TermIndex) throws(StorageError) {
        gramDictionary.end(to: &grams)
        index.add(
            &gramDictionary, gramByteCount: grams.count, &wordDictionary, wordByteCount: words.count,
            postingsByteCount: postings.count, positionsByteCount: positions.count)
        try grams.drain { (piece) throws(StorageError) in try sink.write(piece) }
    }

    mutating func drainWords(to sink: SectionSink) throws(StorageError) {
        try words.drain { (piece) throws(StorageError) in try sink.write(piece) }
    }

    mutating func drainPostings(to sink: SectionSink) throws(StorageError) {
        try postings.drain { (piece) throws(StorageError) in try sink.write(piece) }
    }

    mutating func drainPositions(to sink: SectionSink) throws(StorageError) {
        try positions.drain { (piece) throws(StorageError) in try sink.write(piece) }
    }
}

/// The dictionaries' indexes over the parts of a segment that were written apart.
struct TermIndex: ~Copyable {
    private var grams = ByteWriter()
    private var gramCount = 0
    private var words = ByteWriter()
    private var wordCount = 0
    private var starts = (grams: 0, words: 0, postings: 0, positions: 0)

    init() {}

    fileprivate mutating func add(
        _ gramDictionary: inout GramDictionaryWriter, gramByteCount: Int, _ wordDictionary: inout WordDictionaryWriter,
        wordByteCount: Int, postingsByteCount: Int, positionsByteCount: Int
    ) {
        gramDictionary.appendIndex(
            to: &grams, blocks: starts.grams, postings: starts.postings, positions: starts.positions)
        gramCount += gramDictionary.termCount
        wordDictionary.appendIndex(
            to: &words, blocks: starts.words, postings: starts.postings, positions: starts.positions)
        wordCount += wordDictionary.termCount
        starts.grams += gramByteCount
        starts.words += wordByteCount
        starts.postings += postingsByteCount
        starts.positions += positionsByteCount
    }

    /// What stands behind the blocks of the gram dictionary.
    mutating func appendGrams(to sink: SectionSink) throws(StorageError) {
        GramDictionaryWriter.appendTrailer(termCount: gramCount, to: &grams)
        try grams.withBytes { (bytes) throws(StorageError) in try sink.write(bytes) }
    }

    /// What stands behind the blocks of the word dictionary.
    mutating func appendWords(to sink: SectionSink) throws(StorageError) {
        WordDictionaryWriter.appendTrailer(termCount: wordCount, to: &words)
        try words.withBytes { (bytes) throws(StorageError) in try sink.write(bytes) }
    }
}

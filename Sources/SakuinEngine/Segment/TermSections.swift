/// The four sections that terms go to: both dictionaries, postings, positions.
///
/// Per term: `beginGram` or `beginWord`, `add` for each document in order, then `endGram` or `endWord`; keys ascend. A
/// term without documents leaves nothing behind. A character's list comes before its edges and bigrams, which are
/// written as places in it.
struct TermSections: ~Copyable {
    private(set) var grams: SectionWriter
    private(set) var words: SectionWriter
    private(set) var postings: SectionWriter
    private(set) var positions: SectionWriter
    private var list: PostingListWriter
    private var ranks: CharacterRanks
    private var gramDictionary = GramDictionaryWriter()
    private var wordDictionary = WordDictionaryWriter()
    private var key: UInt64 = 0
    private var isCharacter = false
    private var documentFrequency = 0

    /// Sections that grow large go to temporary files of `directory` whose names begin with `name`. Documents are below
    /// `documentCount`.
    init(directory: any Directory, name: String, documentCount: Int) {
        grams = SectionWriter(directory: directory, name: name + "-grams")
        words = SectionWriter(directory: directory, name: name + "-words")
        postings = SectionWriter(directory: directory, name: name + "-postings")
        positions = SectionWriter(directory: directory, name: name + "-positions")
        list = PostingListWriter(documentCount: documentCount)
        ranks = CharacterRanks(documentCount: documentCount)
    }

    mutating func beginGram(_ key: UInt64, _ lengths: FieldLengths) {
        self.key = key
        documentFrequency = 0
        isCharacter = GramKey.kind(key) == .character
        let character = GramKey.character(of: key)
        if isCharacter || ranks.key != character { ranks.begin(character) }
        list.begin(
            hasPositions: GramKey.hasPositions(key),
            isRanked: GramKey.isRanked(key, documentFrequency: PostingListWriter.blockCount), lengths,
            postings: postings, positions: positions)
    }

    mutating func beginWord(_ lengths: FieldLengths) {
        isCharacter = false
        list.begin(hasPositions: true, isRanked: false, lengths, postings: postings, positions: positions)
    }

    /// A document above all before, and as many ascending positions as its frequency says.
    @inline(__always)
    mutating func add(_ document: UInt32, frequency: UInt32, positions places: UnsafePointer<UInt32>?) {
        if isCharacter { ranks.add(document) }
        documentFrequency &+= 1
        list.add(
            document, frequency: frequency, positions: places, ranks: ranks, postings: &postings,
            positions: &positions)
    }

    mutating func endGram() throws(StorageError) {
        let isRanked = GramKey.isRanked(key, documentFrequency: documentFrequency)
        guard
            let entry = try list.finish(
                isRanked: isRanked, ranks: ranks, postings: &postings, positions: &positions)
        else { return }
        gramDictionary.append(key, entry, inlinePositions: list.inlinePositions, to: &grams)
        try spill()
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
        try file.append(.grams, &grams)
        try file.append(.words, &words)
        try file.append(.postings, &postings)
        try file.append(.positions, &positions)
    }
}

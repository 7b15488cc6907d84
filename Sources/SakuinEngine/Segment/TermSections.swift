/// The four sections that terms go to: both dictionaries, postings, positions.
///
/// Per term: `begin`, `add` for each document in order, then `endGram` or `endWord` with a key above all before of its
/// kind. A term without documents leaves nothing behind.
struct TermSections: ~Copyable {
    private(set) var grams: SectionWriter
    private(set) var words: SectionWriter
    private(set) var postings: SectionWriter
    private(set) var positions: SectionWriter
    private var list = PostingListWriter()
    private var gramDictionary = GramDictionaryWriter()
    private var wordDictionary = WordDictionaryWriter()
    private var entry = ByteWriter()
    private var postingsStart = 0
    private var positionsStart = 0

    /// Sections that grow large go to temporary files of `directory` whose names begin with `name`.
    init(directory: any Directory, name: String) {
        grams = SectionWriter(directory: directory, name: name + "-grams")
        words = SectionWriter(directory: directory, name: name + "-words")
        postings = SectionWriter(directory: directory, name: name + "-postings")
        positions = SectionWriter(directory: directory, name: name + "-positions")
    }

    mutating func begin(hasPositions: Bool, norms: UnsafePointer<UInt8>?) {
        postingsStart = postings.count
        positionsStart = positions.count
        list.begin(hasPositions: hasPositions, norms: norms, postings: postings, positions: positions)
    }

    @inline(__always)
    mutating func add(_ document: UInt32, frequency: UInt32, codes: UnsafePointer<UInt32>?) {
        list.add(document, frequency: frequency, codes: codes, postings: &postings, positions: &positions)
    }

    mutating func endGram(_ key: UInt64) throws(StorageError) {
        entry.removeAll()
        guard list.finish(postings: &postings, positions: &positions, entries: &entry) else { return }
        gramDictionary.append(
            key, entry: entry, postingsOffset: postingsStart, positionsOffset: positionsStart, to: &grams)
        try spill()
    }

    mutating func endWord(_ key: UnsafeRawBufferPointer) throws(StorageError) {
        entry.removeAll()
        guard list.finish(postings: &postings, positions: &positions, entries: &entry) else { return }
        wordDictionary.append(
            key, entry: entry, postingsOffset: postingsStart, positionsOffset: positionsStart, to: &words)
        try spill()
    }

    private mutating func spill() throws(StorageError) {
        try postings.spillIfLarge()
        try positions.spillIfLarge()
        try grams.spillIfLarge()
        try words.spillIfLarge()
    }

    /// Ends the dictionaries and appends the four sections to the file.
    mutating func finish(to file: inout SegmentFileWriter) throws(StorageError) {
        gramDictionary.finish(to: &grams)
        wordDictionary.finish(to: &words)
        try file.append(.grams, &grams)
        try file.append(.words, &words)
        try file.append(.postings, &postings)
        try file.append(.positions, &positions)
    }
}

/// Writes the two sections of promoted grams: their dictionary with what was promoted of each field, and their lists.
///
/// The dictionary is a `WordDictionary` of lists without positions; a key is the field number (two bytes, big-endian), the
/// number of characters (one byte), and each character (three bytes, big-endian). Behind it stand u32 field, u32
/// threshold, u32 depth, u32 threshold of grams of more than three characters of each field with frequent bigrams,
/// ascending, and u32 their number.
struct PromotedSections: ~Copyable {
    static let fieldByteCount = 16

    private var grams: SectionWriter
    private var postings: SectionWriter
    /// Lists have no positions and no ranks, but whoever writes them wants a place for both.
    private var positions = SectionWriter(directory: nil, name: "")
    private let ranks = CharacterRanks(documentCount: 0)
    private var list: PostingListWriter
    private var dictionary = WordDictionaryWriter()
    private var fields = ByteWriter()

    /// Sections that grow large go to temporary files of `directory` whose names begin with `name`.
    init(directory: any SpillPlace, name: String, documentCount: Int, spillByteCount: Int) {
        grams = SectionWriter(directory: directory, name: name + "-promoted", spillByteCount: spillByteCount)
        postings = SectionWriter(
            directory: directory, name: name + "-promotedPostings", spillByteCount: spillByteCount)
        list = PostingListWriter(documentCount: documentCount)
    }

    /// Writes the list of a gram above all before.
    mutating func append(
        field: Int, _ characters: [UInt32], _ run: PostingRun, _ lengths: FieldLengths
    ) throws(StorageError) {
        list.begin(.none, isRanked: false, lengths, postings: postings, positions: positions)
        list.add(run, postings: &postings, positions: &positions)
        guard
            let entry = try list.finish(isRanked: false, ranks: ranks, postings: &postings, positions: &positions)
        else { return }
        PromotedGrams.withKey(field: field, characters) { key in
            dictionary.append(key, entry, inlinePositions: list.inlinePositions, to: &grams)
        }
        try postings.spillIfLarge()
        try grams.spillIfLarge()
    }

    /// Notes what was promoted of a field above all before.
    mutating func end(field: Int, _ limits: PromotedGrams.Field) {
        fields.append32(UInt32(field))
        fields.append32(UInt32(clamping: limits.threshold))
        fields.append32(UInt32(limits.depth))
        fields.append32(UInt32(clamping: limits.longerThreshold))
    }

    /// Appends the sections to the file; none when no field has frequent bigrams.
    mutating func finish(to file: inout SegmentFileWriter) throws(StorageError) {
        let count = fields.count / Self.fieldByteCount
        if count == 0 { return }
        dictionary.finish(to: &grams)
        fields.withBytes { grams.buffer.append(bytes: $0) }
        grams.buffer.append32(UInt32(count))
        try file.append(.promoted, &grams)
        try file.append(.promotedPostings, &postings)
    }
}

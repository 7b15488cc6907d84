/// Lists of grams in ascending order, coded apart from the sections they are for: on any thread, and then taken over by
/// `TermSections`.
struct GramLists: ~Copyable {
    private var keys = GrowableBuffer<UInt64>()
    /// Offsets count from the beginning of the lists.
    private var entries = GrowableBuffer<TermEntry>()
    /// Occurrences of the terms of one document, one after another.
    private var inline = CodeBuffer()
    private var postings = SectionWriter(directory: nil, name: "")
    private var positions = SectionWriter(directory: nil, name: "")
    private let hasLinks: Bool
    private var list: PostingListWriter
    /// Runs come with ranks, but the writer of lists wants a place to look for them.
    private let ranks = CharacterRanks(documentCount: 0)

    /// Documents are below `documentCount`. `hasLinks`: whether grams have links.
    init(documentCount: Int, hasLinks: Bool) {
        self.hasLinks = hasLinks
        list = PostingListWriter(documentCount: documentCount)
    }

    /// Bytes of memory it takes.
    var byteCount: Int {
        keys.count * MemoryLayout<UInt64>.stride + entries.count * MemoryLayout<TermEntry>.stride
            + inline.count * MemoryLayout<UInt32>.stride + postings.buffer.capacity + positions.buffer.capacity
    }

    mutating func removeAll() {
        keys.removeAll()
        entries.removeAll()
        inline.removeAll()
        postings.buffer.removeAll()
        positions.buffer.removeAll()
    }

    /// Adds a gram above all before, with all its documents; with ranks where `GramKey.isRanked` says so.
    mutating func add(_ key: UInt64, _ run: PostingRun, _ lengths: FieldLengths) throws(StorageError) {
        list.begin(gram: key, hasLinks: hasLinks, lengths, postings: postings, positions: positions)
        list.add(run, postings: &postings, positions: &positions)
        guard
            let entry = try list.finish(
                isRanked: GramKey.isRanked(key, documentFrequency: run.count), ranks: ranks, postings: &postings,
                positions: &positions)
        else { return }
        keys.append(key)
        entries.append(entry)
        inline.append(list.inlinePositions, entry.inlineValueCount)
    }

    /// Hands out the grams in order; offsets in the entries are those in `postings` and `positions`.
    func forEach(
        _ body: (
            _ key: UInt64, TermEntry, _ postings: UnsafeRawBufferPointer, _ positions: UnsafeRawBufferPointer,
            _ inlinePositions: UnsafePointer<UInt32>
        ) throws(StorageError) -> Void
    ) throws(StorageError) {
        var inlinePositions = UnsafePointer(inline.values)
        for i in 0..<keys.count {
            let entry = entries.values[i]
            try body(
                keys.values[i], entry,
                UnsafeRawBufferPointer(
                    start: postings.buffer.start + entry.postingsOffset, count: entry.postingsByteCount),
                UnsafeRawBufferPointer(
                    start: positions.buffer.start + entry.positionsOffset, count: entry.positionsByteCount),
                inlinePositions)
            inlinePositions += entry.inlineValueCount
        }
    }
}

extension PostingListWriter {
    /// Starts the list of a gram.
    mutating func begin(
        gram key: UInt64, hasLinks: Bool, _ lengths: FieldLengths, postings: borrowing SectionWriter,
        positions: borrowing SectionWriter
    ) {
        begin(
            GramKey.occurrences(key, hasLinks: hasLinks),
            isRanked: GramKey.isRanked(key, documentFrequency: Self.blockCount),
            isCharacter: GramKey.isCharacter(key), lengths, postings: postings, positions: positions)
    }
}

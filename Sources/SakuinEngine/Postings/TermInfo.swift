/// What the dictionary says of a term: how many documents, and where its list stands.
struct TermInfo: BitwiseCopyable {
    var documentFrequency = 0
    var occurrences = OccurrenceKind.none
    /// Every frequency is 1, and the list keeps none; only for lists shorter than a block.
    var isOnceEach = false
    /// The numbers of the list are places in the list of the first character, see `GramKey.isRanked`.
    var isRanked = false
    /// The list is of a character.
    var isCharacter = false
    /// For two documents and more: the list in the postings section; of a list of a block and more, its positions in
    /// the positions section.
    var postingsOffset = 0
    var postingsByteCount = 0
    var positionsOffset = 0
    var positionsByteCount = 0
    /// For one document: the posting itself (the document or its rank).
    var document: UInt32 = 0
    var frequency: UInt32 = 0
    /// For one document with occurrences: where they stand in the dictionary, see `InlinePositions`.
    var inlinePositions: BitReader?

    var hasPositions: Bool { @inline(__always) get { occurrences != .none } }

    var hasOwnPositions: Bool { hasPositions && documentFrequency >= PostingListWriter.blockCount }
}

/// What a finished list hands to the dictionary.
struct TermEntry: BitwiseCopyable {
    var documentFrequency = 0
    var isOnceEach = false
    var postingsOffset = 0
    var postingsByteCount = 0
    var positionsOffset = 0
    var positionsByteCount = 0
    var occurrences = OccurrenceKind.none
    /// For one document.
    var document: UInt32 = 0
    var frequency: UInt32 = 0

    var hasPositions: Bool { occurrences != .none }
    /// Numbers of the occurrences that stand in the dictionary.
    var inlineValueCount: Int { isInline ? Int(frequency) * occurrences.valueCount : 0 }
    /// Whether the list has occurrences in the positions section.
    var hasOwnPositions: Bool { hasPositions && documentFrequency >= PostingListWriter.blockCount }
    /// Whether its positions stand in the dictionary.
    var isInline: Bool { hasPositions && documentFrequency == 1 }
}

/// Occurrences of a term of one document stand in its dictionary entry, as `OccurrenceCode` of this order.
enum InlinePositions {
    static let order = 6
}

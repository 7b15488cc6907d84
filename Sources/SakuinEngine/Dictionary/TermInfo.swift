/// What the dictionary says of a term: how many documents, and where its list stands.
struct TermInfo {
    var documentFrequency = 0
    var hasPositions = false
    /// For two documents and more: the list in the postings section, its position codes in the positions section.
    var postingsOffset = 0
    var postingsByteCount = 0
    var positionsOffset = 0
    var positionsByteCount = 0
    /// For one document: the posting itself.
    var document: UInt32 = 0
    var frequency: UInt32 = 0
    /// For one document with positions: its `frequency` position codes as varints in the dictionary.
    var inlineCodes: UnsafeRawPointer?
    var inlineCodesEnd: UnsafeRawPointer?
}

/// Reads the entries of a dictionary block one after another; an entry says how long its list is, so the sums of
/// those lengths say where.
///
/// Entry: varint tag; 0: one document, once; 1: one document, several times; n ≥ 2: n documents. Then for one
/// document: varint document, for tag 1 varint frequency, with positions that many varint codes; for more: varint
/// bytes in postings, with positions varint bytes in positions.
struct TermEntryCursor {
    var cursor: RawCursor
    var postingsOffset: Int
    var positionsOffset: Int

    /// Reads the entry that begins here; false when the bytes cannot be one.
    @inline(__always)
    mutating func next(hasPositions: Bool, into info: inout TermInfo) -> Bool {
        let tag = cursor.varint()
        info.hasPositions = hasPositions
        info.inlineCodes = nil
        if tag < 2 {
            info.documentFrequency = 1
            info.document = cursor.varint32()
            info.frequency = tag == 0 ? 1 : cursor.varint32()
            info.inlineCodes = cursor.at
            if hasPositions {
                var rest = info.frequency
                while rest > 0, !cursor.failed {
                    _ = cursor.varint()
                    rest &-= 1
                }
            }
            info.inlineCodesEnd = cursor.at
            return !cursor.failed && info.frequency > 0
        }
        let postings = cursor.varint()
        let positions = hasPositions ? cursor.varint() : 0
        guard !cursor.failed, tag <= UInt64(UInt32.max), postings < 1 << 40, positions < 1 << 40 else { return false }
        info.documentFrequency = Int(tag)
        info.postingsOffset = postingsOffset
        info.postingsByteCount = Int(postings)
        info.positionsOffset = positionsOffset
        info.positionsByteCount = Int(positions)
        postingsOffset &+= Int(postings)
        positionsOffset &+= Int(positions)
        return true
    }
}

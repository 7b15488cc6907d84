/// The key of a gram: field, first character, kind and second character in one sortable integer, so that everything
/// that begins with a character stands together.
///
/// Bits 44-59 field, 23-43 first character, 21-22 kind, 0-20 second character (0 for one-character kinds).
enum GramKey {
    /// What a gram's list holds.
    enum Kind: UInt64, CaseIterable {
        /// One character wherever it stands: documents and frequencies, no positions.
        case character = 0
        /// One character at the first or last place of its run, beside a gap (analyzer version 1: beside anything). Its
        /// documents are among those of the character.
        case edge = 1
        /// Two neighbours. Its documents are among those of the first character.
        case bigram = 2
        /// One character at every place, under analyzer `words`, where there are no other kinds: with positions.
        case unit = 3
    }

    /// The kind to be added to a key of field and first character.
    static let kindShift: UInt64 = 21
    static let characterShift: UInt64 = 23
    static let fieldShift: UInt64 = 44

    @inline(__always)
    static func make(field: Int, kind: Kind, _ first: UInt32, _ second: UInt32 = 0) -> UInt64 {
        UInt64(truncatingIfNeeded: field) &<< fieldShift | UInt64(first) &<< characterShift | kind.rawValue
            &<< kindShift | UInt64(second)
    }

    @inline(__always)
    static func kind(_ key: UInt64) -> Kind { Kind(rawValue: key &>> kindShift & 3) ?? .unit }

    /// What the list of a gram keeps of its occurrences; `hasLinks`: in segments whose grams have links.
    @inline(__always)
    static func occurrences(_ key: UInt64, hasLinks: Bool) -> OccurrenceKind {
        switch key &>> kindShift & 3 {
        case Kind.character.rawValue: .none
        case Kind.edge.rawValue: hasLinks ? .linkAndPosition : .position
        case Kind.bigram.rawValue: hasLinks ? .links : .position
        default: .position
        }
    }

    @inline(__always)
    static func isCharacter(_ key: UInt64) -> Bool { key &>> kindShift & 3 == Kind.character.rawValue }

    @inline(__always)
    static func isEdge(_ key: UInt64) -> Bool { key &>> kindShift & 3 == Kind.edge.rawValue }

    /// The key of the list of the first character.
    @inline(__always)
    static func character(of key: UInt64) -> UInt64 { key & ~((1 &<< characterShift) &- 1) }

    /// Whether a list of so many documents is stored as their ranks, their places in the list of the first character:
    /// edges always, bigrams while they are short, since ranks are smaller and documents faster.
    @inline(__always)
    static func isRanked(_ key: UInt64, documentFrequency: Int) -> Bool {
        switch key &>> kindShift & 3 {
        case Kind.edge.rawValue: true
        case Kind.bigram.rawValue: documentFrequency < PostingListWriter.blockCount
        default: false
        }
    }

    static func field(_ key: UInt64) -> Int { Int(key &>> fieldShift) }
    static func first(_ key: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: key &>> characterShift & 0x1F_FFFF) }
    static func second(_ key: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: key & 0x1F_FFFF) }

    /// The length codes of fields are kept by this number too.
    static let fieldCountMax = 1 << 16
}

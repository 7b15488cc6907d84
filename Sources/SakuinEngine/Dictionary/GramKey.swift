/// The key of a gram: field, kind and characters in one sortable integer.
///
/// Bits 48-63 field, 46-47 kind, 21-41 first character, 0-20 second character (0 for one-character kinds).
enum GramKey {
    /// What a gram's list holds.
    enum Kind: UInt64, CaseIterable {
        /// One character wherever it stands: documents and frequencies, no positions.
        case character = 0
        /// One character at the first or last place of its run (every place under analyzer `words`): with positions.
        case edge = 1
        /// Two neighbours: with positions of the first.
        case bigram = 2
    }

    @inline(__always)
    static func make(field: Int, kind: Kind, _ first: UInt32, _ second: UInt32 = 0) -> UInt64 {
        UInt64(truncatingIfNeeded: field) &<< 48 | kind.rawValue &<< 46 | UInt64(first) &<< 21 | UInt64(second)
    }

    @inline(__always)
    static func hasPositions(_ key: UInt64) -> Bool { key &>> 46 & 3 != 0 }

    static func field(_ key: UInt64) -> Int { Int(key >> 48) }

    /// The length codes of fields are kept by this number too.
    static let fieldCountMax = 1 << 16
}

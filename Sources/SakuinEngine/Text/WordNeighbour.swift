/// A CJK character directly beside a word, without a gap, and on which side of it; with the word it makes a pair.
struct WordNeighbour: Sendable, Hashable, BitwiseCopyable {
    /// Twice the scalar, and one more when the character stands behind the word.
    let code: UInt32

    var isBehind: Bool { code & 1 == 1 }
    var scalar: UInt32 { code &>> 1 }

    /// Another character on the same side.
    func with(_ scalar: UInt32) -> WordNeighbour { WordNeighbour(code: scalar &<< 1 | code & 1) }

    static func before(_ scalar: UInt32) -> WordNeighbour { WordNeighbour(code: scalar &<< 1) }
    static func behind(_ scalar: UInt32) -> WordNeighbour { WordNeighbour(code: scalar &<< 1 | 1) }
}

/// Which bigrams of a run to read: the cheapest that still prove every character at its place.
///
/// Bigram i holds characters i and i + 1 of the run, so a set proves the run when it has the first and the last bigram
/// and leaves out no two in a row. The rarest is always read, since it leads. A list costs its documents only as far
/// as candidates reach it, so the number of lists weighs most; found by dynamic programming.
struct PhraseCover {
    private var bits: UInt64

    /// The most bigrams a choice is made of.
    static let countMax = 64

    /// All bigrams, however many.
    static let all = PhraseCover(bits: .max)

    /// Whether bigram i is read.
    func has(_ i: Int) -> Bool { i >= Self.countMax || bits &>> UInt64(truncatingIfNeeded: i) & 1 == 1 }

    /// The cheapest of `count` (1...64) bigrams that so many documents have.
    static func choose(_ count: Int, _ frequency: (Int) -> Int) -> PhraseCover {
        if count <= 2 || count > countMax { return all }
        var rarest = 0
        for i in 1..<count where frequency(i) < frequency(rarest) { rarest = i }
        let base = Double(frequency(rarest)) + 1
        // The cheapest choices that end with the bigram before, and with the one before that.
        var (last, beforeLast) = (Choice(cost: 0, bits: 1), Choice(cost: .infinity, bits: 0))
        for i in 1..<count {
            let cost = i == rarest ? 0 : base + Double(frequency(i)) / 16
            // Stepping over the rarest is not allowed.
            let from = i - 1 != rarest && beforeLast.cost < last.cost ? beforeLast : last
            (beforeLast, last) = (last, Choice(cost: from.cost + cost, bits: from.bits | 1 << UInt64(i)))
        }
        return PhraseCover(bits: last.bits)
    }

    private struct Choice {
        var cost: Double
        var bits: UInt64
    }
}

/// Which bigrams of a run to read: the cheapest that still prove every character at its place.
///
/// Bigram i holds characters i and i + 1 of the run, so a set proves the run when it has the first and the last bigram
/// and leaves out no two in a row. The rarest is always read, since it leads. A list costs its documents only as far
/// as candidates reach it, so the number of lists weighs most; found by dynamic programming.
enum PhraseCover {
    /// Indexes of the chosen bigrams, ascending; `frequencies` is not empty.
    static func choose(_ frequencies: [Int]) -> [Int] {
        let count = frequencies.count
        if count <= 2 { return Array(0..<count) }
        let rarest = frequencies.indices.min { frequencies[$0] < frequencies[$1] } ?? 0
        let base = Double(frequencies[rarest]) + 1
        func cost(_ i: Int) -> Double { i == rarest ? 0 : base + Double(frequencies[i]) / 16 }
        // best[i]: the cheapest choice of 0...i that has i; before[i]: the one chosen before i.
        var best = [Double](repeating: .infinity, count: count)
        var before = [Int](repeating: -1, count: count)
        best[0] = cost(0)
        for i in 1..<count {
            for gap in 1...2 where i - gap >= 0 {
                // Stepping over the rarest is not allowed.
                if gap == 2, i - 1 == rarest { continue }
                let total = best[i - gap] + cost(i)
                if total < best[i] {
                    best[i] = total
                    before[i] = i - gap
                }
            }
        }
        var chosen: [Int] = []
        var at = count - 1
        while at >= 0 {
            chosen.append(at)
            at = before[at]
        }
        return chosen.reversed()
    }
}

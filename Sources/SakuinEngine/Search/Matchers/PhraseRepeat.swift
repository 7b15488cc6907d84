// Lists that a phrase has several times, as "哈哈哈哈" has that of 哈哈: read once for all of their places.

/// Places of a list in a phrase that are equally far apart.
struct PhraseRepeat: Hashable {
    /// Of the first of them, behind the phrase's first unit.
    let offset: UInt32
    let step: UInt32
    let count: Int

    /// Some places, which ascend, as few of those.
    static func make(_ offsets: [UInt32]) -> [PhraseRepeat] {
        var found: [PhraseRepeat] = []
        var at = 0
        while at < offsets.count {
            let step = at + 1 < offsets.count ? offsets[at + 1] &- offsets[at] : 0
            var end = at + 1
            while end < offsets.count, offsets[end] &- offsets[end - 1] == step { end += 1 }
            found.append(PhraseRepeat(offset: offsets[at], step: step, count: end - at))
            at = end
        }
        return found
    }

    /// The positions at which `count` of a run begin that are `step` apart; in `out`, which holds nothing else then.
    func beginnings(in run: PositionRun, into out: PositionBuffer) -> PositionRun {
        if count == 1 { return run }
        let values = run.values
        out.removeAll()
        // First how many of them end at each position.
        var before = 0
        for i in 0..<run.count {
            while before < i, values[before] &+ step < values[i] { before &+= 1 }
            out.append(before < i && values[before] &+ step == values[i] ? out.values[before] &+ 1 : 1)
        }
        var kept = 0
        for i in 0..<run.count where Int(out.values[i]) >= count {
            out.values[kept] = values[i] &- UInt32(truncatingIfNeeded: count &- 1) &* step
            kept &+= 1
        }
        out.truncate(to: kept)
        return out.run
    }
}

/// The first of equal tokens of a phrase, with the places of all of them.
struct RepeatedToken: Hashable {
    /// Which of the tokens it is.
    let number: Int
    /// Empty when it is there once.
    let repeats: [PhraseRepeat]

    /// From so many tokens on it is looked for equal ones; in fewer, a list that is read twice costs less than that.
    static let tokenCountMin = 16

    /// Each of some tokens once, in their order.
    static func joined(_ tokens: ArraySlice<PlanToken>) -> [RepeatedToken] {
        var offsets: [PlanTerm: [UInt32]] = [:]
        for token in tokens { offsets[token.term, default: []].append(token.offset) }
        return tokens.indices.compactMap { number in
            offsets.removeValue(forKey: tokens[number].term).map { places in
                RepeatedToken(number: number, repeats: places.count == 1 ? [] : PhraseRepeat.make(places.sorted()))
            }
        }
    }
}

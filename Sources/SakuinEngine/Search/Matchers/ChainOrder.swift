// In which order the lists of a phrase are asked.
//
// The rarest leads. A list beside those that were asked thins documents out most, since occurrences have to hang together;
// so the rarer of the two neighbours is next, unless some list farther away is so much rarer that looking for documents
// in the neighbour, whose blocks have to be read for it, would take longer than in that one.

/// What is done with a list of a phrase.
struct ChainStep {
    enum Kind {
        /// Documents are looked for in it, and its occurrences kept until it is beside the chain.
        case keep
        /// Documents are looked for in it, and its occurrences continue the chains.
        case extend
        /// What was kept of it continues the chains.
        case extendKept
    }

    let kind: Kind
    let list: ChainList
    let link: ChainLink
}

enum ChainOrder {
    /// So many times rarer than the neighbours a list is asked before them.
    private static let rarerCount = 4

    /// What is done with all but the lead, which is at a place of the lists; they are in the order of the text.
    static func steps(_ lists: [ChainList], lead: Int) -> [ChainStep] {
        var steps: [ChainStep] = []
        steps.reserveCapacity(lists.count)
        // The chain is of `low...high`; what was kept is beyond it.
        var (low, high) = (lead, lead)
        var isKept = [Bool](repeating: false, count: lists.count)
        var rarest: ArraySlice<Int>?
        while low > 0 || high + 1 < lists.count {
            let place = neighbour(lists, low, high)
            let link = ChainLink(isLeft: place < low, distance: lists[place < low ? low : place].distance)
            if isKept[place] {
                steps.append(ChainStep(kind: .extendKept, list: lists[place], link: link))
            } else if lists[lead].cursor.documentFrequency < lists[place].cursor.documentFrequency / rarerCount,
                let rarer = next(&rarest, lists, low, high, isKept, than: lists[place].cursor.documentFrequency)
            {
                isKept[rarer] = true
                steps.append(ChainStep(kind: .keep, list: lists[rarer], link: link))
                continue
            } else {
                steps.append(ChainStep(kind: .extend, list: lists[place], link: link))
            }
            (low, high) = (min(low, place), max(high, place))
        }
        return steps
    }

    /// The rarer of the two lists beside the chain.
    private static func neighbour(_ lists: [ChainList], _ low: Int, _ high: Int) -> Int {
        if low == 0 { return high + 1 }
        if high + 1 == lists.count { return low - 1 }
        let isLeft = lists[low - 1].cursor.documentFrequency < lists[high + 1].cursor.documentFrequency
        return isLeft ? low - 1 : high + 1
    }

    /// The rarest list beyond the chain that was not asked, if it is much rarer than so many documents. `rarest` are
    /// the places that may be it, by that; what was asked, which stays so, is taken from its front.
    private static func next(
        _ rarest: inout ArraySlice<Int>?, _ lists: [ChainList], _ low: Int, _ high: Int, _ isKept: [Bool],
        than documentFrequency: Int
    ) -> Int? {
        var places =
            rarest
            ?? lists.indices.sorted { lists[$0].cursor.documentFrequency < lists[$1].cursor.documentFrequency }[...]
        defer { rarest = places }
        while let place = places.first, isKept[place] || low...high ~= place { places.removeFirst() }
        guard let place = places.first, lists[place].cursor.documentFrequency < documentFrequency / rarerCount
        else { return nil }
        return place
    }
}

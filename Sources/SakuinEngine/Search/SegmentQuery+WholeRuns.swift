// The bigrams of long runs that the plan leaves out.
//
// Of a run of more than five bigrams every second one is looked up. When all of those are frequent, one of the others may be
// much rarer: they are looked up too then, and the cheapest that prove the run are read.

/// The tokens of a phrase with all bigrams of its runs, and what the dictionary has of them.
struct WholeRuns {
    let tokens: [PlanToken]
    let parts: [PlanPart]
    let found: UnsafeMutablePointer<LookedUpToken>
    /// Whether all are there.
    let isWhole: Bool
}

extension SegmentQuery {
    /// In so many documents the rarest token is when it is worth looking further ones up.
    static let wholeRunFrequencyMin = 512

    /// All bigrams of the long runs of a phrase whose tokens were looked up, each in one way; nil when it has none.
    func wholeRuns(
        _ phrase: PhrasePlan, _ found: UnsafeMutablePointer<LookedUpToken>
    ) throws(StorageError) -> WholeRuns? {
        let proof = proof(of: phrase)
        let first = proof.tokens.lowerBound
        var tokens: [PlanToken] = []
        var parts: [PlanPart] = []
        // By token: its place among those that were looked up.
        var places: [Int?] = []
        for part in plan.parts[proof.parts] {
            let start = tokens.count
            for place in part.tokens {
                let token = plan.tokens[place]
                if tokens.count > start, let between = PlanToken.between(tokens[tokens.count - 1], token) {
                    tokens.append(between)
                    places.append(nil)
                }
                tokens.append(token)
                places.append(place - first)
            }
            let isLonger = tokens.count - start > part.tokens.count
            // Of more there is no choice: all would be read.
            if isLonger, tokens.count - start > PhraseCover.countMax { return nil }
            parts.append(PlanPart(tokens: start..<tokens.count, isRun: part.isRun || isLonger))
        }
        if tokens.count == proof.tokens.count { return nil }
        let all = scratch.take(LookedUpToken.self, tokens.count)
        let isWhole = try lookUp(tokens, places, phrase.field, found, into: all)
        return WholeRuns(tokens: tokens, parts: parts, found: all, isWhole: isWhole)
    }

    /// Takes over what was looked up, and looks the others up; whether all of them are there.
    private func lookUp(
        _ tokens: [PlanToken], _ places: [Int?], _ field: Int, _ found: UnsafeMutablePointer<LookedUpToken>,
        into all: UnsafeMutablePointer<LookedUpToken>
    ) throws(StorageError) -> Bool {
        let blocks = scratch.take(Int?.self, tokens.count)
        func key(_ i: Int) -> UInt64? {
            guard places[i] == nil, case .bigram(let a, let b) = tokens[i].term else { return nil }
            return GramKey.make(field: field, kind: .bigram, a, b)
        }
        for i in tokens.indices { blocks[i] = key(i).flatMap { segment.grams.prefetchBlock(of: $0) } }
        for i in tokens.indices {
            if let place = places[i] { all[i] = found[place] }
            guard let key = key(i) else { continue }
            all[i] = try gram(key, inBlock: blocks[i])
            if all[i].count == 0 { return false }
        }
        return true
    }
}

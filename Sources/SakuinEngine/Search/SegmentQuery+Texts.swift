// Matchers of phrases that need edges, in segments that have none.

extension SegmentQuery {
    /// The documents in whose stored text a phrase occurs, among those that have what lists know of it: by positions all of
    /// its tokens but single characters between gaps, by links what stands between two gaps.
    func textMatcher(
        _ text: ReadText, _ phrase: PhrasePlan, _ found: UnsafeMutablePointer<LookedUpToken>, _ lengths: FieldLengths,
        _ score: LeafScore?
    ) throws(StorageError) -> Matcher {
        let proof = proof(of: phrase)
        let groups = segment.hasLinks ? linkedTokens(phrase) : placedTokens(phrase, found)
        var rarest: (group: Int, documentFrequency: Int)?
        for (number, group) in groups.enumerated() {
            for i in group where found[i].documentFrequency < rarest?.documentFrequency ?? .max {
                rarest = (number, found[i].documentFrequency)
            }
        }
        var required: [Matcher] = []
        for (number, group) in groups.enumerated() {
            // The rarest is as frequent as the phrase at least, and scores the most that a document can get.
            let most = number == rarest?.group ? score : nil
            guard let matcher = try matcher(group, proof, found, lengths, most) else { return EmptyMatcher() }
            required.append(matcher)
        }
        if required.isEmpty { return EmptyMatcher() }
        return TextPhraseMatcher(
            ConjunctionMatcher.make(required, buffers, cancellation), text, in: phrase.field, texts, score: score,
            buffers, cancellation)
    }

    /// The tokens that are read by their positions, in the order of the text, then each that has none by itself.
    private func placedTokens(_ phrase: PhrasePlan, _ found: UnsafeMutablePointer<LookedUpToken>) -> [[Int]] {
        let proof = proof(of: phrase)
        var placed: [Int] = []
        var alone: [PlanTerm: Int] = [:]
        for i in chosenTokens(proof, found).sorted() {
            let term = plan.tokens[proof.tokens.lowerBound + i].term
            if isUnknown(term, phrase) { alone[term] = i } else { placed.append(i) }
        }
        return (placed.isEmpty ? [] : [placed]) + alone.values.sorted().map { [$0] }
    }

    /// The tokens of each part of a phrase, of equal ones once.
    private func linkedTokens(_ phrase: PhrasePlan) -> [[Int]] {
        let proof = proof(of: phrase)
        var parts: Set<[PlanTerm]> = []
        var groups: [[Int]] = []
        for part in plan.parts[proof.parts] {
            let terms = plan.tokens[part.tokens].map(\.term)
            // What a character at the end of a run is, its bigram says.
            if let term = terms.first, isUnknown(term, phrase), !plan.tokens[part.tokens.lowerBound].counts { continue }
            guard parts.insert(terms).inserted else { continue }
            groups.append(part.tokens.map { $0 - proof.tokens.lowerBound })
        }
        return groups
    }

    /// The documents in which these tokens, in the order of the text, are at their places.
    private func matcher(
        _ places: [Int], _ proof: PhraseProof, _ found: UnsafeMutablePointer<LookedUpToken>, _ lengths: FieldLengths,
        _ score: LeafScore?
    ) throws(StorageError) -> Matcher? {
        guard let first = places.first else { return nil }
        if places.count == 1 || places.contains(where: { found[$0].count > 1 }) {
            return try unionMatcher(proof, found, places, lengths, score)
        }
        if segment.hasLinks {
            // They are one behind the other.
            let part = first..<(first + places.count)
            let start = proof.tokens.lowerBound
            return TokenRun.areMany(plan.tokens[(start + part.lowerBound)..<(start + part.upperBound)])
                ? try unionMatcher(proof, found, places, lengths, score)
                : try chainMatcher(proof, found, part, lengths, score)
        }
        let chosen = places.sorted { found[$0].documentFrequency < found[$1].documentFrequency }
        return try chosen.withUnsafeBufferPointer { (chosen) throws(StorageError) in
            try positionMatcher(plan.tokens[proof.tokens], found, chosen, lengths, score)
        }
    }
}

// Matchers of phrases with a character alone beside a gap, in segments that do not know where those stand.

extension SegmentQuery {
    /// The documents in whose stored text a phrase occurs, among those that have all of its tokens and, of those with
    /// positions, have them at their places.
    func textMatcher(
        _ text: ReadText, _ phrase: PhrasePlan, _ found: UnsafeMutablePointer<LookedUpToken>, _ lengths: FieldLengths,
        _ score: LeafScore?
    ) throws(StorageError) -> Matcher {
        let proof = proof(of: phrase)
        let first = proof.tokens.lowerBound
        let chosen = chosenTokens(proof, found)
        var (lone, placed) = ([Int](), [Int]())
        for i in chosen {
            let term = plan.tokens[first + i].term
            if !isRead(term, phrase) {
                placed.append(i)
            } else if !lone.contains(where: { plan.tokens[first + $0].term == term }) {
                lone.append(i)
            }
        }
        // The rarest is as frequent as the phrase at least, and scores what a document can get.
        func most(_ places: [Int]) -> LeafScore? { places.first == chosen.first ? score : nil }
        var required: [Matcher] = []
        if let matcher = try placedMatcher(placed, proof, found, lengths, most(placed)) { required.append(matcher) }
        for i in lone { required.append(try matcher(found[i], lengths, most([i]))) }
        return TextPhraseMatcher(
            ConjunctionMatcher.make(&required, scratch, cancellation), text.pattern,
            StoredTexts(segment, field: phrase.field, text.analyzer), score: score, scratch, cancellation)
    }

    /// The documents that have these tokens, the rarest first, at their places; nil when there are none.
    private func placedMatcher(
        _ places: [Int], _ proof: PhraseProof, _ found: UnsafeMutablePointer<LookedUpToken>, _ lengths: FieldLengths,
        _ score: LeafScore?
    ) throws(StorageError) -> Matcher? {
        if places.isEmpty { return nil }
        if places.count == 1 || places.contains(where: { found[$0].count > 1 }) {
            return try unionMatcher(proof, found, places.sorted(), lengths, score)
        }
        let chosen = scratch.take(Int.self, places.count)
        chosen.update(from: places, count: places.count)
        return try positionMatcher(
            proof, found, UnsafeBufferPointer(start: chosen, count: places.count), lengths, score)
    }
}

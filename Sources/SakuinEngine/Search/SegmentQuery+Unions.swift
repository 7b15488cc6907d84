// Matchers of phrases with a token that stands for several terms (spellings of it, or the words of a prefix), or that is there
// many times.

extension SegmentQuery {
    /// The documents of a phrase whose tokens are all there, one of them several times; `read`: those that are read, in the
    /// order of the text.
    func unionMatcher(
        _ proof: PhraseProof, _ found: UnsafeMutablePointer<LookedUpToken>, _ read: [Int], _ lengths: FieldLengths,
        _ score: LeafScore?
    ) throws(StorageError) -> Matcher {
        if read.count == 1 { return try matcher(found[read[0]], lengths, score) }
        let (places, steps) = steps(proof, found, read)
        let ordered = places.sorted { found[$0].documentFrequency < found[$1].documentFrequency }
        var tokens: [Matcher] = []
        for place in ordered { tokens.append(try matcher(found[place], lengths, nil)) }
        return UnionPhraseMatcher(
            lead: try matcher(found[ordered[0]], lengths, score), tokens: tokens,
            PhraseChecker(try slots(places, proof, found, lengths), steps, buffers, cancellation), score: score)
    }

    /// The different ones among the tokens that are read, in the order of the text, and at which places of the phrase each of
    /// them is first.
    private func steps(
        _ proof: PhraseProof, _ found: UnsafeMutablePointer<LookedUpToken>, _ read: [Int]
    ) -> (places: [Int], steps: [PhraseStep]) {
        var (places, steps) = ([Int](), [PhraseStep]())
        var slots: [PlanTerm: Int] = [:]
        var before: Int?
        for place in read {
            let term = found[place].written(plan.tokens[proof.tokens.lowerBound + place].term)
            let slot = slots[term] ?? places.count
            if slot == places.count {
                slots[term] = slot
                places.append(place)
            }
            steps.append(PhraseStep(slot: slot, distance: before.map { distance(from: $0, to: place, of: proof) } ?? 0))
            before = place
        }
        return (places, steps)
    }

    /// The documents of the terms that a token stands for.
    func matcher(
        _ token: LookedUpToken, _ lengths: FieldLengths, _ score: LeafScore?
    ) throws(StorageError) -> Matcher {
        try cancellation?.check()
        let cursors = try cursors(token, lengths)
        if cursors.count == 1 { return TermMatcher(cursors[0], score: score, buffers) }
        return UnionMatcher(cursors, score: score, buffers, cancellation)
    }

    /// The matchers of the terms that the only token of a phrase stands for; nil when they are not several.
    func listsOfOneToken(_ number: Int) throws(SearchError) -> [Matcher]? {
        let phrase = plan.phrases[number]
        guard proof(of: phrase).tokens.count == 1, tokens[starts[number]].count > 1 else { return nil }
        do throws(StorageError) {
            return try cursors(tokens[starts[number]], segment.lengths(phrase.field)).map {
                TermMatcher($0, score: nil, buffers)
            }
        } catch { throw .storage(error) }
    }

    private func cursors(_ token: LookedUpToken, _ lengths: FieldLengths) throws(StorageError) -> [PostingCursor] {
        var cursors: [PostingCursor] = []
        cursors.reserveCapacity(token.count)
        for k in 0..<token.count { cursors.append(try cursor(token.terms[k], lengths)) }
        return cursors
    }

    /// The places of the tokens that are read, in the order of the text: where there are links all, for each says what the
    /// next one hangs together with.
    func readPlaces(_ proof: PhraseProof, _ found: UnsafeMutablePointer<LookedUpToken>) -> [Int] {
        segment.hasLinks ? Array(0..<proof.tokens.count) : chosenTokens(proof, found).sorted()
    }

    private func slots(
        _ places: [Int], _ proof: PhraseProof, _ found: UnsafeMutablePointer<LookedUpToken>, _ lengths: FieldLengths
    ) throws(StorageError) -> [PhraseSlot] {
        var slots: [PhraseSlot] = []
        for place in places {
            let term = plan.tokens[proof.tokens.lowerBound + place].term
            // Terms of one kind keep the same of their occurrences.
            let occurrences = found[place].count > 0 ? found[place].terms[0].info.occurrences : .none
            let ends = ChainEnds(term, occurrences)
            var lists: [PhraseSlot.List] = []
            for (k, cursor) in try cursors(found[place], lengths).enumerated() {
                lists.append(
                    PhraseSlot.List(cursor: cursor, characters: ends.characters(term, found[place].terms[k])))
            }
            slots.append(PhraseSlot(lists: lists, ends: ends))
        }
        return slots
    }
}

// A looked-up plan to matchers.

extension SegmentQuery {
    /// The tree that finds the matching documents and scores them by `leaves`.
    func matcher(_ leaves: [WeightedPhrase]) throws(SearchError) -> Matcher { try matcher(plan.root, leaves) }

    func matcher(_ node: PlanNode, _ leaves: [WeightedPhrase]) throws(SearchError) -> Matcher {
        switch node {
        case .all: return AllMatcher(documentCount: segment.meta.documentCount)
        case .none: return EmptyMatcher()
        case .phrase(let number):
            do throws(StorageError) {
                return try phraseMatcher(number, score(of: number, leaves))
            } catch {
                throw .storage(error)
            }
        case .column(let column): return try ColumnMatcher.make(column, segment, scratch)
        case .or(let children):
            var matchers: [Matcher] = []
            for child in children {
                let matcher = try matcher(child, leaves)
                if !(matcher is EmptyMatcher) { matchers.append(matcher) }
            }
            if matchers.isEmpty { return EmptyMatcher() }
            return matchers.count == 1 ? matchers[0] : disjunction(matchers)
        case .not: return try conjunction([node], leaves)
        case .and(let children): return try conjunction(children, leaves)
        }
    }

    private func disjunction(_ matchers: [Matcher]) -> DisjunctionMatcher {
        DisjunctionMatcher(matchers, documentCount: segment.meta.documentCount, scratch)
    }

    private func conjunction(_ children: [PlanNode], _ leaves: [WeightedPhrase]) throws(SearchError) -> Matcher {
        var required: [Matcher] = []
        var excluded: [Matcher] = []
        for child in children {
            if case .not(let inner) = child {
                let matcher = try matcher(inner, leaves)
                if !(matcher is EmptyMatcher) { excluded.append(matcher) }
            } else {
                let matcher = try matcher(child, leaves)
                if matcher is EmptyMatcher { return matcher }
                required.append(matcher)
            }
        }
        let base: Matcher =
            required.isEmpty
            ? AllMatcher(documentCount: segment.meta.documentCount)
            : ConjunctionMatcher.make(required)
        if excluded.isEmpty { return base }
        let without = excluded.count == 1 ? excluded[0] : disjunction(excluded)
        return ExclusionMatcher(base, without: without, scratch)
    }

    private func phraseMatcher(_ number: Int, _ score: LeafScore?) throws(StorageError) -> Matcher {
        let phrase = plan.phrases[number]
        let lengths = try segment.lengths(phrase.field)
        let leads: [TermInfo]
        switch finding(of: number) {
        case .nowhere: return EmptyMatcher()
        case .list(let list): return TermMatcher(try cursor(list, lengths), score: score, scratch)
        case .places(let infos): leads = infos
        }
        let proof = proof(of: phrase)
        let found = tokens + starts[number]
        let count = proof.tokens.count
        for i in 0..<count where found[i].count > 1 { return try prefixMatcher(proof, found, lengths, score) }
        var lists: [PhraseList] = []
        lists.reserveCapacity(count)
        let (chosen, chosenCount) = chosenTokens(proof, found)
        for k in 0..<chosenCount {
            let i = chosen[k]
            lists.append(
                PhraseList(
                    cursor: try cursor(found[i].terms[0], lengths),
                    offset: plan.tokens[proof.tokens.lowerBound + i].offset))
        }
        guard let matcher = PhraseMatcher(lists, score: score, scratch) else { return EmptyMatcher() }
        if leads.isEmpty { return matcher }
        var cursors: [PostingCursor] = []
        for info in leads { cursors.append(try cursor(promotedList(info), lengths)) }
        return PromotedPhraseMatcher(cursors, matcher, score: score, scratch) ?? matcher
    }

    /// Which tokens of a phrase are read, by their place in it, the rarest first; in scratch memory.
    private func chosenTokens(
        _ proof: PhraseProof, _ found: UnsafeMutablePointer<LookedUpToken>
    ) -> (places: UnsafeMutablePointer<Int>, count: Int) {
        let places = scratch.take(Int.self, proof.tokens.count)
        var count = 0
        for number in proof.parts {
            let part = plan.parts[number]
            let from = part.tokens.lowerBound - proof.tokens.lowerBound
            let cover =
                part.isRun && part.tokens.count > 2
                ? PhraseCover.choose(part.tokens.count) { found[from + $0].terms[0].info.documentFrequency }
                : .all
            for i in from..<(from + part.tokens.count) where cover.has(i - from) {
                let frequency = found[i].terms[0].info.documentFrequency
                var at = count
                while at > 0, found[places[at - 1]].terms[0].info.documentFrequency > frequency {
                    places[at] = places[at - 1]
                    at -= 1
                }
                places[at] = i
                count += 1
            }
        }
        return (places, count)
    }

    private func cursor(_ term: FoundTerm, _ lengths: FieldLengths) throws(StorageError) -> PostingCursor {
        try cursor(FoundList(term: term), lengths)
    }

    private func cursor(_ list: FoundList, _ lengths: FieldLengths) throws(StorageError) -> PostingCursor {
        let (info, source) = (list.term.info, source(of: list))
        var base: PostingCursor?
        if info.isRanked, let character = try segment.grams.find(GramKey.character(of: list.term.gram)) {
            base = try PostingCursor(character, source, base: nil, lengths, scratch)
        }
        return try PostingCursor(info, source, base: base, lengths, scratch)
    }

    // MARK: Prefixes

    /// A phrase with a prefix, which stands for several words.
    private func prefixMatcher(
        _ proof: PhraseProof, _ found: UnsafeMutablePointer<LookedUpToken>, _ lengths: FieldLengths, _ score: LeafScore?
    ) throws(StorageError) -> Matcher {
        let slots = try slots(proof, found, lengths)
        if slots.count == 1, score == nil {
            return disjunction(slots[0].cursors.map { TermMatcher($0, score: nil, scratch) })
        }
        guard let checker = PhraseChecker(slots) else { return EmptyMatcher() }
        if checker.lead != nil { return PrefixPhraseMatcher(checker, leads: nil, score: score) }
        // The rarest place is a prefix: its words lead, through cursors of their own.
        let rarest = slots.min { $0.documentFrequency < $1.documentFrequency }
        guard let place = rarest,
            let second = try self.slots(proof, found, lengths).first(where: { $0.offset == place.offset })
        else { return EmptyMatcher() }
        let leads = disjunction(second.cursors.map { TermMatcher($0, score: nil, scratch) })
        return PrefixPhraseMatcher(checker, leads: leads, score: score)
    }

    private func slots(
        _ proof: PhraseProof, _ found: UnsafeMutablePointer<LookedUpToken>, _ lengths: FieldLengths
    ) throws(StorageError) -> [PhraseSlot] {
        var slots: [PhraseSlot] = []
        for (i, token) in plan.tokens[proof.tokens].enumerated() {
            var cursors: [PostingCursor] = []
            for k in 0..<found[i].count { cursors.append(try cursor(found[i].terms[k], lengths)) }
            slots.append(PhraseSlot(cursors: cursors, offset: token.offset))
        }
        return slots
    }
}

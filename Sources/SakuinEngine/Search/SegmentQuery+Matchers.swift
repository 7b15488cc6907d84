// A looked-up plan to matchers.

extension SegmentQuery {
    /// The tree that finds the matching documents and scores them by `leaves`.
    func matcher(_ leaves: [WeightedPhrase]) throws(SearchError) -> Matcher {
        if plan.phrases.count > 1 {
            do throws(StorageError) { try findBasesOfSingleTokens() } catch { throw .storage(error) }
        }
        return try matcher(plan.root, leaves)
    }

    /// Looks the characters up whose lists the phrases of one token need.
    private func findBasesOfSingleTokens() throws(StorageError) {
        let places = scratch.take(Int.self, plan.phrases.count)
        var count = 0
        for number in 0..<plan.phrases.count where starts[number + 1] == starts[number] + 1 {
            places[count] = starts[number]
            count += 1
        }
        try findBases(tokens, UnsafeBufferPointer(start: places, count: count))
    }

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
        case .column(let column): return try ColumnMatcher.make(column, segment, buffers, cancellation)
        case .hasText(let field):
            do throws(StorageError) {
                return try segment.norms(field).map { TextPresenceMatcher($0, segment) } ?? EmptyMatcher()
            } catch {
                throw .storage(error)
            }
        case .near(let near):
            let matcher = try conjunction(near.phrases, leaves)
            return matcher is EmptyMatcher ? matcher : NearMatcher(matcher, near, texts, cancellation)
        case .or(let children):
            var matchers: [Matcher] = []
            matchers.reserveCapacity(children.count)
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
        DisjunctionMatcher(matchers, documentCount: segment.meta.documentCount, buffers, cancellation)
    }

    private func conjunction(_ children: [PlanNode], _ leaves: [WeightedPhrase]) throws(SearchError) -> Matcher {
        var required: [Matcher] = []
        required.reserveCapacity(children.count)
        var excluded: [Matcher] = []
        for place in children.indices {
            if case .not(let inner) = children[place] {
                let matcher = try matcher(inner, leaves)
                if !(matcher is EmptyMatcher) { excluded.append(matcher) }
            } else {
                let matcher = try matcher(children[place], leaves)
                if matcher is EmptyMatcher { return matcher }
                required.append(matcher)
            }
        }
        let base: Matcher =
            required.isEmpty
            ? AllMatcher(documentCount: segment.meta.documentCount)
            : ConjunctionMatcher.make(consume required, buffers, cancellation)
        if excluded.isEmpty { return base }
        let without = excluded.count == 1 ? excluded[0] : disjunction(excluded)
        return ExclusionMatcher(base, without: without, buffers, cancellation)
    }

    private func phraseMatcher(_ number: Int, _ score: LeafScore?) throws(StorageError) -> Matcher {
        try heedDeadline()
        let phrase = plan.phrases[number]
        let lengths = try segment.lengths(phrase.field)
        let leads: [TermInfo]
        switch finding(of: number) {
        case .nowhere: return EmptyMatcher()
        case .list(let list): return TermMatcher(try cursor(list, lengths), score: score, buffers)
        case .places(let infos): leads = infos
        }
        let proof = proof(of: phrase)
        let found = tokens + starts[number]
        if isRead(phrase), let text = plan.readText(of: number) {
            return try textMatcher(text, phrase, found, lengths, score)
        }
        let isSeveral = (0..<proof.tokens.count).contains { found[$0].count > 1 }
        let phraseMatcher =
            isSeveral || segment.hasLinks && TokenRun.areMany(plan.tokens[proof.tokens])
            ? try unionMatcher(proof, found, readPlaces(proof, found), lengths, score)
            : segment.hasLinks
                ? try chainMatcher(proof, found, 0..<proof.tokens.count, lengths, score)
                : try positionMatcher(phrase, found, leads.first?.documentFrequency ?? .max, lengths, score)
        guard let matcher = phraseMatcher else { return EmptyMatcher() }
        if leads.isEmpty { return matcher }
        var cursors: [PostingCursor] = []
        for info in leads { cursors.append(try cursor(promotedList(info), lengths)) }
        return PromotedPhraseMatcher(cursors, matcher, score: score, buffers, cancellation) ?? matcher
    }

    /// A phrase, or the part of one that these tokens are, of tokens that have links.
    func chainMatcher(
        _ proof: PhraseProof, _ found: UnsafeMutablePointer<LookedUpToken>, _ places: Range<Int>,
        _ lengths: FieldLengths, _ score: LeafScore?
    ) throws(StorageError) -> Matcher? {
        var lists: [ChainList] = []
        lists.reserveCapacity(places.count)
        var rarest = 0
        for i in places {
            let (term, found) = (plan.tokens[proof.tokens.lowerBound + i].term, found[i].terms[0])
            lists.append(
                ChainList(
                    cursor: try cursor(found, lengths), place: i - places.lowerBound,
                    ends: ChainEnds(term, found.info.occurrences),
                    distance: i == places.lowerBound ? 0 : distance(from: i - 1, to: i, of: proof)))
            if found.info.documentFrequency < lists[rarest].cursor.documentFrequency { rarest = lists.count - 1 }
        }
        return ChainMatcher(lists, rarest: rarest, score: score, buffers, cancellation)
    }

    /// A phrase of tokens that have positions.
    private func positionMatcher(
        _ phrase: PhrasePlan, _ found: UnsafeMutablePointer<LookedUpToken>, _ leadFrequency: Int,
        _ lengths: FieldLengths, _ score: LeafScore?
    ) throws(StorageError) -> Matcher? {
        let proof = proof(of: phrase)
        let chosen = chosenTokens(proof, found)
        let frequency = min(chosen.first.map { found[$0].documentFrequency } ?? 0, leadFrequency)
        guard frequency >= Self.wholeRunFrequencyMin, let whole = try wholeRuns(phrase, found) else {
            return try positionMatcher(plan.tokens[proof.tokens], found, chosen, lengths, score)
        }
        if !whole.isWhole { return nil }
        return try positionMatcher(
            whole.tokens[...], whole.found, chosenTokens(whole.parts[...], whole.found), lengths, score)
    }

    /// A phrase of tokens that have positions, of which these are read, the rarest first.
    func positionMatcher(
        _ tokens: ArraySlice<PlanToken>, _ found: UnsafeMutablePointer<LookedUpToken>,
        _ chosen: UnsafeBufferPointer<Int>, _ lengths: FieldLengths, _ score: LeafScore?
    ) throws(StorageError) -> Matcher? {
        let chosenCount = chosen.count
        var lists: [PhraseList] = []
        lists.reserveCapacity(chosenCount)
        try findBases(found, chosen)
        let first = tokens.startIndex
        let second = second(tokens, found, chosen)
        /// The token that is read as number `k`.
        func token(_ k: Int) -> Int { chosen[k == 1 ? second : k > 1 && k <= second ? k - 1 : k] }
        func append(_ k: Int, _ repeats: [PhraseRepeat]) throws(StorageError) {
            let i = token(k)
            lists.append(
                PhraseList(
                    cursor: try cursor(found[i].terms[0], lengths), offset: tokens[first + i].offset,
                    repeats: repeats))
        }
        // The first two find candidates together and stay by themselves.
        let together = chosenCount < RepeatedToken.tokenCountMin ? chosenCount : 2
        for k in 0..<together { try append(k, []) }
        if together < chosenCount {
            let others = (0..<chosenCount).map { tokens[first + token($0)] }[together...]
            for token in RepeatedToken.joined(others) { try append(token.number, token.repeats) }
        }
        return PhraseMatcher(lists, score: score, buffers, cancellation)
    }

    /// Which of the chosen tokens is read second: the rarest but the first, or one that is not much more frequent and shares
    /// no character with the first, since what does stands beside it more often than not.
    private func second(
        _ tokens: ArraySlice<PlanToken>, _ found: UnsafeMutablePointer<LookedUpToken>,
        _ chosen: UnsafeBufferPointer<Int>
    ) -> Int {
        if chosen.count < 3 { return 1 }
        let lead = tokens[tokens.startIndex + chosen[0]]
        let most = Self.secondFactor * found[chosen[1]].documentFrequency
        for k in 1..<min(chosen.count, 4) where found[chosen[k]].documentFrequency <= most {
            let token = tokens[tokens.startIndex + chosen[k]]
            if token.offset > lead.end || token.end < lead.offset { return k }
        }
        return 1
    }

    private static let secondFactor = 4

    /// Which tokens of a phrase are read, by their place in it, the rarest first; in scratch memory.
    func chosenTokens(
        _ proof: PhraseProof, _ found: UnsafeMutablePointer<LookedUpToken>
    ) -> UnsafeBufferPointer<Int> {
        chosenTokens(plan.parts[proof.parts], found, from: proof.tokens.lowerBound)
    }

    /// The same of the tokens of these parts, which are counted from `first` on.
    func chosenTokens(
        _ parts: ArraySlice<PlanPart>, _ found: UnsafeMutablePointer<LookedUpToken>, from first: Int = 0
    ) -> UnsafeBufferPointer<Int> {
        let places = scratch.take(Int.self, (parts.last?.tokens.upperBound ?? first) - first)
        var count = 0
        for number in parts.indices {
            let part = parts[number]
            let from = part.tokens.lowerBound - first
            let cover =
                part.isRun && part.tokens.count > 2
                ? PhraseCover.choose(part.tokens.count) { found[from + $0].documentFrequency }
                : .all
            for i in from..<(from + part.tokens.count) where cover.has(i - from) {
                let frequency = found[i].documentFrequency
                var at = count
                while at > 0, count < Self.insertedMax, found[places[at - 1]].documentFrequency > frequency {
                    places[at] = places[at - 1]
                    at -= 1
                }
                places[at] = i
                count += 1
            }
        }
        if count > Self.insertedMax {
            var chosen = UnsafeMutableBufferPointer(start: places, count: count)
            chosen.sort {
                (found[$0].documentFrequency, $0) < (found[$1].documentFrequency, $1)
            }
        }
        return UnsafeBufferPointer(start: places, count: count)
    }

    /// So many tokens are put in order while they are chosen.
    private static let insertedMax = 64

    /// How far the first unit of a token is behind the last of another one before it.
    func distance(from before: Int, to place: Int, of proof: PhraseProof) -> UInt32 {
        let first = proof.tokens.lowerBound
        return plan.tokens[first + place].offset &- plan.tokens[first + before].end
    }

    func cursor(_ term: FoundTerm, _ lengths: FieldLengths) throws(StorageError) -> PostingCursor {
        try cursor(FoundList(term: term), lengths)
    }

    private func cursor(_ list: FoundList, _ lengths: FieldLengths) throws(StorageError) -> PostingCursor {
        let (info, source) = (list.term.info, source(of: list))
        let character = info.isRanked ? try character(of: list.term) : nil
        return try PostingCursor(info, source, character: character, lengths, buffers)
    }

    /// The list of the first character of a ranked gram.
    private func character(of term: FoundTerm) throws(StorageError) -> TermInfo? {
        if let base = term.base { return base.pointee }
        let key = GramKey.character(of: term.gram)
        var info = TermInfo()
        return grams.findCharacter(key, into: &info) ? info : try grams.find(key)
    }
}

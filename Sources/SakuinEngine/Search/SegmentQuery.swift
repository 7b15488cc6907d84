/// A term that a dictionary has.
private struct FoundTerm {
    var info: TermInfo
    /// Its key, if it is a gram.
    var gram: UInt64 = 0
}

/// What a dictionary has of a token: nothing, a term, or for a prefix several.
private struct LookedUpToken {
    var first: FoundTerm?
    var others: [FoundTerm] = []

    var isMissing: Bool { first == nil }
    var count: Int { first == nil ? 0 : others.count + 1 }
}

/// A plan looked up in one segment: the terms of its phrases, and from them matchers and scorers.
struct SegmentQuery {
    /// More words than this are not expanded from a prefix.
    static let expansionMax = 10_000

    private let plan: QueryPlan
    private let segment: SegmentReader
    /// What the dictionary has of the tokens of all phrases, one phrase behind the other.
    private var tokens: [LookedUpToken] = []
    /// Where each phrase begins in `tokens`, and the end.
    private var starts: [Int] = [0]
    /// Words a prefix stood for.
    private(set) var expandedWordCount = 0

    init(_ plan: QueryPlan, _ segment: SegmentReader) throws(SearchError) {
        self.plan = plan
        self.segment = segment
        starts.reserveCapacity(plan.phrases.count + 1)
        tokens.reserveCapacity(plan.phrases.reduce(0) { $0 + $1.tokens.count })
        for phrase in plan.phrases {
            for token in phrase.tokens {
                let found = try Self.find(token.term, phrase.field, segment)
                if case .prefix = token.term { expandedWordCount += found.count }
                tokens.append(found)
                // One missing token decides; the others are not looked up.
                if found.isMissing { break }
            }
            starts.append(tokens.count)
        }
    }

    /// The looked-up token of a phrase; nil when it was not looked up.
    private func token(_ phrase: Int, _ token: Int) -> LookedUpToken? {
        let at = starts[phrase] + token
        return at < starts[phrase + 1] ? tokens[at] : nil
    }

    private static func find(
        _ term: PlanTerm, _ field: Int, _ segment: SegmentReader
    ) throws(SearchError) -> LookedUpToken {
        do throws(StorageError) {
            switch term {
            case .character(let c): return try gram(segment, GramKey.make(field: field, kind: .character, c))
            case .edge(let c): return try gram(segment, GramKey.make(field: field, kind: .edge, c))
            case .unit(let c): return try gram(segment, GramKey.make(field: field, kind: .unit, c))
            case .bigram(let a, let b): return try gram(segment, GramKey.make(field: field, kind: .bigram, a, b))
            case .word(let bytes):
                let key = bytes.withUnsafeBufferPointer { WordDictionaryWriter.key(field: field, $0) }
                return LookedUpToken(first: try segment.words.find(key).map { FoundTerm(info: $0) })
            case .prefix(let bytes):
                return try prefix(bytes, field, segment)
            }
        } catch .cancelled {
            throw .refused(
                .invalid(
                    "The prefix stands for more than \(expansionMax) words.", field: "query", limit: expansionMax,
                    nextStep: "Write more of the word."))
        } catch {
            throw .storage(error)
        }
    }

    private static func prefix(
        _ bytes: [UInt8], _ field: Int, _ segment: SegmentReader
    ) throws(StorageError) -> LookedUpToken {
        let key = bytes.withUnsafeBufferPointer { WordDictionaryWriter.key(field: field, $0) }
        var infos: [FoundTerm] = []
        try segment.words.withPrefix(key) { (_, info) throws(StorageError) in
            infos.append(FoundTerm(info: info))
            return infos.count <= expansionMax
        }
        guard infos.count <= expansionMax else { throw .cancelled }
        return LookedUpToken(first: infos.first, others: Array(infos.dropFirst()))
    }

    private static func gram(_ segment: SegmentReader, _ key: UInt64) throws(StorageError) -> LookedUpToken {
        LookedUpToken(first: try segment.grams.find(key).map { FoundTerm(info: $0, gram: key) })
    }

    /// Documents that hold a token of a phrase, 0 when it was not looked up.
    func documentFrequency(of phrase: Int, token: Int) -> Int {
        guard let token = self.token(phrase, token) else { return 0 }
        return token.others.reduce(token.first?.info.documentFrequency ?? 0) { $0 + $1.info.documentFrequency }
    }

    /// The one token of the plan, when it is a list of this segment, or none.
    private var onlyToken: (phrase: Int, token: LookedUpToken)? {
        guard case .phrase(let number) = plan.root, plan.phrases[number].tokens.count == 1,
            let token = token(number, 0), token.others.isEmpty
        else { return nil }
        return (number, token)
    }

    /// Exact number of documents when the plan is one list of this segment.
    var plainDocumentFrequency: Int? { onlyToken.map { $0.token.first?.info.documentFrequency ?? 0 } }

    /// When the plan is one list of this segment that scores and keeps a head: documents and scores of the head.
    func head(
        _ leaves: [WeightedPhrase]
    ) throws(SearchError) -> [(document: UInt32, score: Double)]? {
        guard let only = onlyToken, let term = only.token.first else { return nil }
        do throws(StorageError) {
            guard let score = try score(of: only.phrase, leaves), score.isStrict,
                let head = try segment.postingSource.head(term.info)
            else { return nil }
            return head.map { ($0.document, score.score($0.frequency, $0.document)) }
        } catch {
            throw .storage(error)
        }
    }

    /// How many documents match when the plan is an OR; nil for other plans.
    func unionCount() throws(SearchError) -> Int? {
        guard case .or(let children) = plan.root else { return nil }
        var matchers: [Matcher] = []
        for child in children {
            let matcher = try matcher(child, [])
            if !(matcher is EmptyMatcher) { matchers.append(matcher) }
        }
        do throws(StorageError) { return try UnionCount.count(matchers) } catch { throw .storage(error) }
    }

    private func cursor(_ term: FoundTerm, _ lengths: FieldLengths) throws(StorageError) -> PostingCursor {
        let source = segment.postingSource
        var base: PostingCursor?
        if term.info.isRanked, let character = try segment.grams.find(GramKey.character(of: term.gram)) {
            base = try PostingCursor(character, source, base: nil, lengths)
        }
        return try PostingCursor(term.info, source, base: base, lengths)
    }

    /// The tokens that are read for a phrase, nil when one is missing.
    private func slots(of number: Int) throws(StorageError) -> [PhraseSlot]? {
        let phrase = plan.phrases[number]
        let found = tokens[starts[number]..<starts[number + 1]]
        guard found.count == phrase.tokens.count, found.last?.isMissing == false else { return nil }
        let lengths = try segment.lengths(phrase.field)
        var slots: [PhraseSlot] = []
        slots.reserveCapacity(phrase.tokens.count)
        for part in phrase.parts {
            let from = starts[number] + part.tokens.lowerBound
            let chosen =
                part.isRun && part.tokens.count > 2
                ? PhraseCover.choose(part.tokens.indices.map { documentFrequency(of: number, token: $0) })
                : Array(0..<part.tokens.count)
            for i in chosen {
                let offset = phrase.tokens[part.tokens.lowerBound + i].offset
                slots.append(try slot(tokens[from + i], offset, lengths))
            }
        }
        return slots
    }

    private func slot(
        _ token: LookedUpToken, _ offset: UInt32, _ lengths: FieldLengths
    ) throws(StorageError) -> PhraseSlot {
        var cursors: [PostingCursor] = []
        if let first = token.first { cursors.append(try cursor(first, lengths)) }
        for term in token.others { cursors.append(try cursor(term, lengths)) }
        return PhraseSlot(cursors: cursors, offset: offset)
    }

    /// The tree that finds the matching documents and scores them by `leaves`.
    func matcher(_ leaves: [WeightedPhrase]) throws(SearchError) -> Matcher { try matcher(plan.root, leaves) }

    private func score(of phrase: Int, _ leaves: [WeightedPhrase]) throws(StorageError) -> LeafScore? {
        for leaf in leaves where leaf.number == phrase {
            guard let norms = try segment.norms(plan.phrases[phrase].field) else { return nil }
            return LeafScore(weight: leaf.weight, model: leaf.model, norms: norms)
        }
        return nil
    }

    private func matcher(_ node: PlanNode, _ leaves: [WeightedPhrase]) throws(SearchError) -> Matcher {
        switch node {
        case .all: return AllMatcher(documentCount: segment.meta.documentCount)
        case .none: return EmptyMatcher()
        case .phrase(let number):
            do throws(StorageError) {
                return try phraseMatcher(number, score(of: number, leaves))
            } catch {
                throw .storage(error)
            }
        case .column(let column): return try ColumnMatcher.make(column, segment)
        case .or(let children):
            var matchers: [Matcher] = []
            for child in children {
                let matcher = try matcher(child, leaves)
                if !(matcher is EmptyMatcher) { matchers.append(matcher) }
            }
            if matchers.isEmpty { return EmptyMatcher() }
            return matchers.count == 1 ? matchers[0] : DisjunctionMatcher(matchers)
        case .not: return try conjunction([node], leaves)
        case .and(let children): return try conjunction(children, leaves)
        }
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
            : required.count == 1 ? required[0] : ConjunctionMatcher(required)
        if excluded.isEmpty { return base }
        return ExclusionMatcher(base, without: excluded.count == 1 ? excluded[0] : DisjunctionMatcher(excluded))
    }

    private func phraseMatcher(_ number: Int, _ score: LeafScore?) throws(StorageError) -> Matcher {
        guard let slots = try slots(of: number) else { return EmptyMatcher() }
        if slots.count == 1, slots[0].cursors.count == 1 { return TermMatcher(slots[0].cursors[0], score: score) }
        if slots.count == 1, score == nil {
            return DisjunctionMatcher(slots[0].cursors.map { TermMatcher($0, score: nil) })
        }
        guard let checker = PhraseChecker(slots) else { return EmptyMatcher() }
        if checker.lead != nil { return PhraseMatcher(checker, leads: nil, score: score) }
        // The rarest place is a prefix: its words lead, through cursors of their own.
        let rarest = slots.min { $0.documentFrequency < $1.documentFrequency }
        guard let place = rarest, let second = try self.slots(of: number)?.first(where: { $0.offset == place.offset })
        else { return EmptyMatcher() }
        let leads = DisjunctionMatcher(second.cursors.map { TermMatcher($0, score: nil) })
        return PhraseMatcher(checker, leads: leads, score: score)
    }
}

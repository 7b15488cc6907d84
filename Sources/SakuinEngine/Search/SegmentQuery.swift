/// A term that a dictionary has.
private struct FoundTerm {
    var info: TermInfo
    /// Its key, if it is a gram.
    var gram: UInt64 = 0
}

/// A plan looked up in one segment: the terms of its phrases, and from them matchers and scorers.
struct SegmentQuery {
    /// More words than this are not expanded from a prefix.
    static let expansionMax = 10_000

    private let plan: QueryPlan
    private let segment: SegmentReader
    /// terms[phrase][token]: what the dictionary has of it; several only for prefixes.
    private let terms: [[[FoundTerm]]]
    /// Words a prefix stood for.
    private(set) var expandedWordCount = 0

    init(_ plan: QueryPlan, _ segment: SegmentReader) throws(SearchError) {
        self.plan = plan
        self.segment = segment
        var terms: [[[FoundTerm]]] = []
        for phrase in plan.phrases {
            var found: [[FoundTerm]] = []
            for token in phrase.tokens {
                let infos = try Self.find(token.term, phrase.field, segment)
                if case .prefix = token.term { expandedWordCount += infos.count }
                found.append(infos)
                // One missing token decides; the others are not looked up.
                if infos.isEmpty { break }
            }
            terms.append(found)
        }
        self.terms = terms
    }

    private static func find(
        _ term: PlanTerm, _ field: Int, _ segment: SegmentReader
    ) throws(SearchError) -> [FoundTerm] {
        do throws(StorageError) {
            switch term {
            case .character(let c): return try gram(segment, GramKey.make(field: field, kind: .character, c))
            case .edge(let c): return try gram(segment, GramKey.make(field: field, kind: .edge, c))
            case .unit(let c): return try gram(segment, GramKey.make(field: field, kind: .unit, c))
            case .bigram(let a, let b): return try gram(segment, GramKey.make(field: field, kind: .bigram, a, b))
            case .word(let bytes):
                let key = bytes.withUnsafeBufferPointer { WordDictionaryWriter.key(field: field, $0) }
                return try segment.words.find(key).map { [FoundTerm(info: $0)] } ?? []
            case .prefix(let bytes):
                let key = bytes.withUnsafeBufferPointer { WordDictionaryWriter.key(field: field, $0) }
                var infos: [FoundTerm] = []
                try segment.words.withPrefix(key) { (_, info) throws(StorageError) in
                    infos.append(FoundTerm(info: info))
                    return infos.count <= expansionMax
                }
                guard infos.count <= expansionMax else { throw StorageError.cancelled }
                return infos
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

    private static func gram(_ segment: SegmentReader, _ key: UInt64) throws(StorageError) -> [FoundTerm] {
        try segment.grams.find(key).map { [FoundTerm(info: $0, gram: key)] } ?? []
    }

    /// Documents that hold a token of a phrase, 0 when it was not looked up.
    func documentFrequency(of phrase: Int, token: Int) -> Int {
        guard token < terms[phrase].count else { return 0 }
        return terms[phrase][token].reduce(0) { $0 + $1.info.documentFrequency }
    }

    /// Exact number of documents when the plan is one list of this segment.
    var plainDocumentFrequency: Int? {
        guard case .phrase(let number) = plan.root, let only = terms[number].first, terms[number].count == 1,
            only.count <= 1, plan.phrases[number].tokens.count == 1
        else { return nil }
        return only.first?.info.documentFrequency ?? 0
    }

    /// When the plan is one list of this segment that scores and keeps a head: documents and scores of the head.
    func head(
        _ leaves: [WeightedPhrase]
    ) throws(SearchError) -> [(document: UInt32, score: Double)]? {
        guard case .phrase(let number) = plan.root, let only = terms[number].first, terms[number].count == 1,
            only.count == 1, plan.phrases[number].tokens.count == 1
        else { return nil }
        do throws(StorageError) {
            guard let score = try score(of: number, leaves), score.isStrict,
                let head = try segment.postingSource.head(only[0].info)
            else { return nil }
            return head.map { ($0.document, score.score($0.frequency, $0.document)) }
        } catch {
            throw .storage(error)
        }
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
        guard terms[number].count == phrase.tokens.count, terms[number].allSatisfy({ !$0.isEmpty }) else { return nil }
        let lengths = try segment.lengths(phrase.field)
        var slots: [PhraseSlot] = []
        slots.reserveCapacity(phrase.tokens.count)
        for part in phrase.parts {
            guard part.isRun else {
                for i in part.tokens { slots.append(try slot(terms[number][i], phrase.tokens[i].offset, lengths)) }
                continue
            }
            let frequencies = part.tokens.map { terms[number][$0][0].info.documentFrequency }
            for i in PhraseCover.choose(frequencies) {
                let token = part.tokens.lowerBound + i
                slots.append(try slot(terms[number][token], phrase.tokens[token].offset, lengths))
            }
        }
        return slots
    }

    private func slot(
        _ terms: [FoundTerm], _ offset: UInt32, _ lengths: FieldLengths
    ) throws(StorageError) -> PhraseSlot {
        var cursors: [PostingCursor] = []
        for term in terms { cursors.append(try cursor(term, lengths)) }
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

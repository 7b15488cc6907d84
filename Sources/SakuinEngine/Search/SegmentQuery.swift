/// A term that a dictionary has.
struct FoundTerm: BitwiseCopyable {
    var info: TermInfo
    /// Its key, if it is a gram.
    var gram: UInt64
}

/// A list, and where it stands.
private struct FoundList {
    var info: TermInfo
    var source: PostingSource
}

/// What a dictionary has of a token: nothing, a term, or for a prefix several; in scratch memory.
private struct LookedUpToken: BitwiseCopyable {
    var terms: UnsafeMutablePointer<FoundTerm>
    var count: Int

    /// Documents that hold the token, those with several of its terms counted several times.
    var documentFrequency: Int {
        var sum = 0
        for i in 0..<count { sum &+= terms[i].info.documentFrequency }
        return sum
    }
}

/// A plan looked up in one segment: the terms of its phrases, and from them matchers and scorers.
final class SegmentQuery {
    /// More words than this are not expanded from a prefix.
    static let expansionMax = 10_000

    private let plan: QueryPlan
    private let segment: SegmentReader
    private let scratch: Scratch
    /// What the dictionary has of the tokens of all phrases, one phrase behind the other.
    private let tokens: UnsafeMutablePointer<LookedUpToken>
    /// Where each phrase begins in `tokens`, and the end. One missing token decides: those behind it in its phrase are
    /// not looked up.
    private let starts: UnsafeMutablePointer<Int>
    /// Words a prefix stood for.
    private(set) var expandedWordCount = 0
    /// By phrase, up to the last of which promoted grams say anything.
    private var promotions: [PromotedPhrase?] = []

    init(_ plan: QueryPlan, _ segment: SegmentReader, _ scratch: Scratch) throws(SearchError) {
        self.plan = plan
        self.segment = segment
        self.scratch = scratch
        tokens = scratch.take(LookedUpToken.self, plan.tokens.count)
        starts = scratch.take(Int.self, plan.phrases.count + 1)
        var (at, number) = (0, 0)
        for phrase in plan.phrases {
            starts[number] = at
            number &+= 1
            for place in proof(of: phrase).tokens {
                let term = plan.tokens[place].term
                let found = try find(term, phrase.field)
                switch term {
                case .prefix, .pairPrefix: expandedWordCount += found.count
                case .character, .edge, .unit, .bigram, .word, .pair: break
                }
                tokens[at] = found
                at &+= 1
                if found.count == 0 { break }
            }
        }
        starts[number] = at
        if segment.promoted != nil {
            do throws(StorageError) { try findPromoted() } catch { throw .storage(error) }
        }
    }

    private func findPromoted() throws(StorageError) {
        for (number, phrase) in plan.phrases.enumerated() {
            let proof = proof(of: phrase)
            let (from, to) = (starts[number], starts[number + 1])
            // A token that is missing decides.
            guard to - from == proof.tokens.count, to > from, tokens[to - 1].count > 0,
                let found = try PromotedLookup.find(
                    plan.tokens[proof.tokens], segment, field: phrase.field, { tokens[from + $0].documentFrequency })
            else { continue }
            while promotions.count < number { promotions.append(nil) }
            promotions.append(found)
        }
    }

    private func promotion(of phrase: Int) -> PromotedPhrase? {
        phrase < promotions.count ? promotions[phrase] : nil
    }

    private func promotedSource() -> PostingSource {
        segment.promoted.map { segment.source(of: $0) } ?? segment.postingSource
    }

    @inline(__always)
    private func proof(of phrase: PhrasePlan) -> PhraseProof {
        phrase.proof(analyzerVersion: segment.meta.analyzerVersion)
    }

    private func find(_ term: PlanTerm, _ field: Int) throws(SearchError) -> LookedUpToken {
        do throws(StorageError) {
            switch term {
            case .character(let c): return try gram(GramKey.make(field: field, kind: .character, c))
            case .edge(let c): return try gram(GramKey.make(field: field, kind: .edge, c))
            case .unit(let c): return try gram(GramKey.make(field: field, kind: .unit, c))
            case .bigram(let a, let b): return try gram(GramKey.make(field: field, kind: .bigram, a, b))
            case .word(let place): return try word(plan.words[place], nil, field)
            case .pair(let neighbour, let place): return try word(plan.words[Int(place)], neighbour, field)
            case .prefix(let place): return try prefix(plan.words[place], nil, field)
            case .pairPrefix(let neighbour, let place):
                return try prefix(plan.words[Int(place)], neighbour, field)
            }
        } catch .cancelled {
            throw .refused(
                .invalid(
                    "The prefix stands for more than \(Self.expansionMax) words.", field: "query",
                    limit: Self.expansionMax, nextStep: "Write more of the word."))
        } catch {
            throw .storage(error)
        }
    }

    /// A word, or with a neighbour the pair.
    private func word(
        _ word: [UInt8], _ neighbour: WordNeighbour?, _ field: Int
    ) throws(StorageError) -> LookedUpToken {
        let key = word.withUnsafeBytes { word in
            let count = WordDictionaryWriter.keyByteCount(neighbour, word)
            let key = scratch.take(UInt8.self, count)
            WordDictionaryWriter.writeKey(field: field, neighbour, word, to: key)
            return UnsafeRawBufferPointer(start: key, count: count)
        }
        return token(try segment.words.find(key), gram: 0)
    }

    private func prefix(
        _ bytes: [UInt8], _ neighbour: WordNeighbour?, _ field: Int
    ) throws(StorageError) -> LookedUpToken {
        let key = bytes.withUnsafeBytes { WordDictionaryWriter.key(field: field, neighbour, $0) }
        var infos: [TermInfo] = []
        try segment.words.withPrefix(key) { (_, info) throws(StorageError) in
            infos.append(info)
            return infos.count <= Self.expansionMax
        }
        guard infos.count <= Self.expansionMax else { throw .cancelled }
        let found = LookedUpToken(terms: scratch.take(FoundTerm.self, infos.count), count: infos.count)
        for (i, info) in infos.enumerated() { found.terms[i] = FoundTerm(info: info, gram: 0) }
        return found
    }

    private func gram(_ key: UInt64) throws(StorageError) -> LookedUpToken {
        token(try segment.grams.find(key), gram: key)
    }

    private func token(_ info: TermInfo?, gram: UInt64) -> LookedUpToken {
        let found = LookedUpToken(terms: scratch.take(FoundTerm.self, 1), count: info == nil ? 0 : 1)
        if let info { found.terms[0] = FoundTerm(info: info, gram: gram) }
        return found
    }

    /// Whether phrases are proved as in segments that have no pairs.
    var isOld: Bool { !Analyzer.hasPairs(version: segment.meta.analyzerVersion) }

    /// Documents that hold a token of a phrase, counted in what proves it in this segment; 0 when it was not looked up.
    func documentFrequency(of phrase: Int, token: Int) -> Int {
        let at = starts[phrase] + token
        return at < starts[phrase + 1] ? tokens[at].documentFrequency : 0
    }

    /// The one phrase of the plan and its list, when it is a list of this segment, or none.
    private var onlyList: (phrase: Int, list: FoundList?)? {
        guard case .phrase(let number) = plan.root else { return nil }
        switch promotion(of: number) {
        case .nowhere: return (number, nil)
        case .list(let info): return (number, FoundList(info: info, source: promotedSource()))
        case .within: return nil
        case nil: break
        }
        guard proof(of: plan.phrases[number]).tokens.count == 1, tokens[starts[number]].count < 2 else { return nil }
        return (number, list(of: tokens[starts[number]]))
    }

    private func list(of token: LookedUpToken) -> FoundList? {
        token.count == 0 ? nil : FoundList(info: token.terms[0].info, source: segment.postingSource)
    }

    /// Exact number of documents when the plan is one list of this segment.
    var plainDocumentFrequency: Int? { onlyList.map { $0.list?.info.documentFrequency ?? 0 } }

    /// When the plan is one list of this segment that scores and keeps a head: documents and scores of the head.
    func head(
        _ leaves: [WeightedPhrase]
    ) throws(SearchError) -> [(document: UInt32, score: Double)]? {
        guard let only = onlyList, let list = only.list else { return nil }
        do throws(StorageError) {
            guard let score = try score(of: only.phrase, leaves), score.isStrict,
                let head = try list.source.head(list.info)
            else { return nil }
            return head.map { ($0.document, score.score($0.frequency, $0.document)) }
        } catch {
            throw .storage(error)
        }
    }

    /// Lists looked into for a score that is reached.
    private static let reachedListCount = 2

    /// When the plan is an OR: a score that so many documents of this segment reach, by the heads of its rarest lists
    /// that have one; nil when that is not known.
    func reachedScore(_ documentCount: Int, _ leaves: [WeightedPhrase]) throws(SearchError) -> Float? {
        guard case .or(let children) = plan.root else { return nil }
        var lists: [(number: Int, weight: Float)] = []
        for case .phrase(let number) in children where headedList(of: number) != nil {
            for leaf in leaves where leaf.number == number { lists.append((number, leaf.weight)) }
        }
        if lists.count > Self.reachedListCount { lists.sort { $0.weight > $1.weight } }
        var reached: Float?
        do throws(StorageError) {
            for list in lists.prefix(Self.reachedListCount) {
                guard let found = headedList(of: list.number), let score = try score(of: list.number, leaves),
                    let head = try found.source.head(found.info), head.count >= documentCount
                else { continue }
                let scores = head.map { Float(score.score($0.frequency, $0.document)) }.sorted(by: >)
                reached = max(reached ?? 0, scores[documentCount - 1])
            }
        } catch {
            throw .storage(error)
        }
        return reached
    }

    /// The list of a phrase that is one long list.
    private func headedList(of phrase: Int) -> FoundList? {
        if case .list(let info) = promotion(of: phrase) {
            return ListHead.isKept(info) ? FoundList(info: info, source: promotedSource()) : nil
        }
        let at = starts[phrase]
        guard starts[phrase + 1] == at + 1, proof(of: plan.phrases[phrase]).tokens.count == 1, tokens[at].count == 1,
            ListHead.isKept(tokens[at].terms[0].info)
        else { return nil }
        return list(of: tokens[at])
    }

    /// How many documents match when the plan is an OR; nil for other plans.
    func unionCount() throws(SearchError) -> Int? {
        guard case .or(let children) = plan.root else { return nil }
        var matchers: [Matcher] = []
        for child in children {
            let matcher = try matcher(child, [])
            if !(matcher is EmptyMatcher) { matchers.append(matcher) }
        }
        do throws(StorageError) { return try UnionCount.count(matchers, scratch) } catch { throw .storage(error) }
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
        case .column(let column): return try ColumnMatcher.make(column, segment, scratch)
        case .or(let children):
            var matchers: [Matcher] = []
            for child in children {
                let matcher = try matcher(child, leaves)
                if !(matcher is EmptyMatcher) { matchers.append(matcher) }
            }
            if matchers.isEmpty { return EmptyMatcher() }
            return matchers.count == 1 ? matchers[0] : DisjunctionMatcher(matchers, scratch)
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
        let without = excluded.count == 1 ? excluded[0] : DisjunctionMatcher(excluded, scratch)
        return ExclusionMatcher(base, without: without, scratch)
    }

    private func phraseMatcher(_ number: Int, _ score: LeafScore?) throws(StorageError) -> Matcher {
        let phrase = plan.phrases[number]
        let proof = proof(of: phrase)
        let found = tokens + starts[number]
        let count = starts[number + 1] - starts[number]
        guard count == proof.tokens.count, count > 0, found[count - 1].count > 0 else { return EmptyMatcher() }
        let lengths = try segment.lengths(phrase.field)
        var leads: [TermInfo] = []
        switch promotion(of: number) {
        case .nowhere: return EmptyMatcher()
        case .list(let info):
            return TermMatcher(try promotedCursor(info, lengths), score: score, scratch)
        case .within(let infos): leads = infos
        case nil: break
        }
        if count == 1, found[0].count == 1 {
            return TermMatcher(try cursor(found[0].terms[0], lengths), score: score, scratch)
        }
        for i in 0..<count where found[i].count > 1 { return try prefixMatcher(proof, found, lengths, score) }
        var lists: [PhraseList] = []
        lists.reserveCapacity(count)
        for place in proof.parts {
            let part = plan.parts[place]
            let from = part.tokens.lowerBound - proof.tokens.lowerBound
            let chosen =
                part.isRun && part.tokens.count > 2
                ? PhraseCover.choose(part.tokens.count) { found[from + $0].terms[0].info.documentFrequency }
                : .all
            for i in 0..<part.tokens.count where chosen.has(i) {
                let list = PhraseList(
                    cursor: try cursor(found[from + i].terms[0], lengths),
                    offset: plan.tokens[part.tokens.lowerBound + i].offset)
                var place = lists.count
                while place > 0, lists[place - 1].cursor.documentFrequency > list.cursor.documentFrequency {
                    place -= 1
                }
                lists.insert(list, at: place)
            }
        }
        guard let matcher = PhraseMatcher(lists, score: score, scratch) else { return EmptyMatcher() }
        if leads.isEmpty { return matcher }
        var cursors: [PostingCursor] = []
        for info in leads { cursors.append(try promotedCursor(info, lengths)) }
        return PromotedPhraseMatcher(cursors, matcher, score: score, scratch) ?? matcher
    }

    private func promotedCursor(_ info: TermInfo, _ lengths: FieldLengths) throws(StorageError) -> PostingCursor {
        try PostingCursor(info, promotedSource(), base: nil, lengths, scratch)
    }

    private func cursor(_ term: FoundTerm, _ lengths: FieldLengths) throws(StorageError) -> PostingCursor {
        let source = segment.postingSource
        var base: PostingCursor?
        if term.info.isRanked, let character = try segment.grams.find(GramKey.character(of: term.gram)) {
            base = try PostingCursor(character, source, base: nil, lengths, scratch)
        }
        return try PostingCursor(term.info, source, base: base, lengths, scratch)
    }

    // MARK: Prefixes

    /// A phrase with a prefix, which stands for several words.
    private func prefixMatcher(
        _ proof: PhraseProof, _ found: UnsafeMutablePointer<LookedUpToken>, _ lengths: FieldLengths, _ score: LeafScore?
    ) throws(StorageError) -> Matcher {
        let slots = try slots(proof, found, lengths)
        if slots.count == 1, score == nil {
            return DisjunctionMatcher(slots[0].cursors.map { TermMatcher($0, score: nil, scratch) }, scratch)
        }
        guard let checker = PhraseChecker(slots) else { return EmptyMatcher() }
        if checker.lead != nil { return PrefixPhraseMatcher(checker, leads: nil, score: score) }
        // The rarest place is a prefix: its words lead, through cursors of their own.
        let rarest = slots.min { $0.documentFrequency < $1.documentFrequency }
        guard let place = rarest,
            let second = try self.slots(proof, found, lengths).first(where: { $0.offset == place.offset })
        else { return EmptyMatcher() }
        let leads = DisjunctionMatcher(second.cursors.map { TermMatcher($0, score: nil, scratch) }, scratch)
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

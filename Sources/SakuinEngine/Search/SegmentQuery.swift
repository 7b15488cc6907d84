/// A plan looked up in one segment: the terms of its phrases, and from them matchers and scorers.
final class SegmentQuery {
    /// More words than this are not expanded from a prefix.
    static let expansionMax = 10_000
    /// All tokens that stand for several terms have at most so many together, each of which is a list with buffers.
    static let termCountMax = 65_536

    let plan: QueryPlan
    let segment: SegmentReader
    /// By what phrases are proved here.
    let proofKind: ProofKind
    /// Of the matchers, and of what was looked up unless that was much.
    private(set) var scratch: Scratch
    private let lookedUp: Scratch
    private let lists: Prefetch.Area
    /// Ends what reads documents.
    let cancellation: Cancellation?
    /// What the dictionary has of the tokens of all phrases, one phrase behind the other.
    let tokens: UnsafeMutablePointer<LookedUpToken>
    /// Where each phrase begins in `tokens`, and the end. One missing token decides: those behind it in its phrase are
    /// not looked up, or without having terms when one that counts may still tell the document frequency.
    let starts: UnsafeMutablePointer<Int>
    /// Whether all tokens of a phrase are there.
    private let isWhole: UnsafeMutablePointer<Bool>
    /// Words a prefix stood for.
    private(set) var expandedWordCount = 0
    /// Terms that tokens with variants stood for.
    private(set) var spellingCount = 0
    /// Terms of tokens that stand for several.
    private var termCount = 0
    /// Tokens that were looked up, and phrases that matchers were made of.
    private var doneCount: UInt8 = 0
    /// By phrase, up to the last of which promoted grams say anything.
    private var promotions: [PromotedPhrase?] = []

    init(
        _ plan: QueryPlan, _ segment: SegmentReader, _ scratch: Scratch, _ cancellation: Cancellation? = nil
    ) throws(SearchError) {
        self.plan = plan
        self.segment = segment
        lists = segment.postingSource.postings.area
        proofKind = ProofKind(analyzerVersion: segment.meta.analyzerVersion)
        self.scratch = scratch
        lookedUp = scratch
        self.cancellation = cancellation
        tokens = scratch.take(LookedUpToken.self, plan.tokens.count)
        starts = scratch.take(Int.self, plan.phrases.count + 1)
        isWhole = scratch.take(Bool.self, plan.phrases.count)
        let blocks = prefetchGrams()
        var at = 0
        for number in plan.phrases.indices {
            starts[number] = at
            at = try lookUp(number, at, blocks)
        }
        starts[plan.phrases.count] = at
        if segment.promoted != nil {
            do throws(StorageError) { try findPromoted() } catch { throw .storage(error) }
        }
        giveBack()
    }

    /// From so many terms on the buffers of their lists are not kept while other segments are searched.
    private static let keptTermCountMax = 4_096

    /// Leaves the buffers of many lists to the matchers that have them.
    func giveBack() { if termCount > Self.keptTermCountMax { scratch = Scratch() } }

    /// Looks the tokens of a phrase up, to a place of `tokens` and those behind it; returns the place behind them.
    private func lookUp(
        _ number: Int, _ start: Int, _ blocks: UnsafeMutablePointer<Int?>?
    ) throws(SearchError) -> Int {
        let phrase = plan.phrases[number]
        let places = proof(of: phrase).tokens
        var known = KnownTokens(tokenCount: places.count)
        var at = start
        isWhole[number] = !places.isEmpty
        for place in places {
            let token = plan.tokens[place]
            defer { at &+= 1 }
            if !isWhole[number], !token.counts {
                tokens[at] = self.token([])
                continue
            }
            let before = known.place(of: token.term, elseAt: at)
            let found =
                if let before { tokens[before] } else { try find(token.term, phrase, inBlock: blocks?[place] ?? nil) }
            tokens[at] = found
            try count(found, token.term, phrase, isNew: before == nil)
            if found.count > 0 { continue }
            isWhole[number] = false
            if token.counts || !phrase.scores { return at &+ 1 }
        }
        return at
    }

    /// Throws when the search was given up; looks once in a while, since what is done between is short.
    func heedDeadline() throws(StorageError) {
        doneCount &+= 1
        if doneCount & 15 == 0 { try cancellation?.check() }
    }

    /// Counts the terms of a token, whose lists are opened once when the phrase has it again.
    private func count(
        _ found: LookedUpToken, _ term: PlanTerm, _ phrase: PhrasePlan, isNew: Bool
    ) throws(SearchError) {
        switch term {
        case .prefix, .pairPrefix: expandedWordCount += found.count
        case .character, .edge, .head, .tail, .unit, .bigram, .word, .pair:
            spellingCount += phrase.variants.isEmpty ? 0 : found.count
        }
        do throws(StorageError) {
            if found.count > 1 { try cancellation?.check() } else { try heedDeadline() }
        } catch { throw .storage(error) }
        guard isNew, found.count > 1 else { return }
        termCount += found.count
        if termCount <= Self.termCountMax { return }
        throw .refused(
            .invalid(
                "The prefixes and variants of a query may stand for \(Self.termCountMax) words and grams in all.",
                field: "query", limit: Self.termCountMax,
                nextStep: "Write more of the words, or search fewer texts or fields."))
    }

    private func findPromoted() throws(StorageError) {
        for (number, phrase) in plan.phrases.enumerated() {
            let proof = proof(of: phrase)
            let (from, to) = (starts[number], starts[number + 1])
            guard isWhole[number], to - from > 1,
                let written = writtenTokens(proof, phrase, from),
                let found = try PromotedLookup.find(
                    written, segment, field: phrase.field, { tokens[from + $0].documentFrequency })
            else { continue }
            while promotions.count < number { promotions.append(nil) }
            promotions.append(found)
        }
    }

    /// The tokens of a phrase as they are written here; nil when one is written in several ways, of which promoted grams
    /// say nothing.
    private func writtenTokens(_ proof: PhraseProof, _ phrase: PhrasePlan, _ from: Int) -> ArraySlice<PlanToken>? {
        if phrase.variants.isEmpty { return plan.tokens[proof.tokens] }
        var written = plan.tokens[proof.tokens]
        for (i, place) in written.indices.enumerated() {
            guard tokens[from + i].count == 1 else { return nil }
            written[place].term = tokens[from + i].written(written[place].term)
        }
        return written
    }

    /// The list of a promoted gram.
    func promotedList(_ info: TermInfo) -> FoundList {
        FoundList(term: FoundTerm(info: info, gram: 0), isPromoted: true)
    }

    /// Where a list stands.
    func source(of list: FoundList) -> PostingSource {
        list.isPromoted ? segment.promotedSource : segment.postingSource
    }

    /// How the documents of a phrase are found here.
    func finding(of number: Int) -> PhraseFinding {
        let (from, to) = (starts[number], starts[number + 1])
        guard isWhole[number] else { return .nowhere }
        switch number < promotions.count ? promotions[number] : nil {
        case .nowhere: return .nowhere
        case .list(let info): return .list(promotedList(info))
        case .within(let infos): return .places(leads: infos)
        case nil: break
        }
        if to - from == 1, tokens[from].count == 1 {
            return .list(FoundList(term: tokens[from].terms[0]))
        }
        return .places(leads: [])
    }

    @inline(__always)
    func proof(of phrase: PhrasePlan) -> PhraseProof {
        phrase.proof(proofKind)
    }

    /// The key of a term that is a gram.
    @inline(__always)
    private func gramKey(_ term: PlanTerm, _ field: Int) -> UInt64? {
        switch term {
        case .character(let c): GramKey.make(field: field, kind: .character, c)
        case .edge(let c), .head(let c), .tail(let c): GramKey.make(field: field, kind: .edge, c)
        case .unit(let c): GramKey.make(field: field, kind: .unit, c)
        case .bigram(let a, let b): GramKey.make(field: field, kind: .bigram, a, b)
        case .word, .pair, .prefix, .pairPrefix: nil
        }
    }

    /// When several tokens are looked up, finds the dictionary block of each gram, by its place in the plan, so that
    /// their memory comes at once and not one after another; nil where none is known.
    private func prefetchGrams() -> UnsafeMutablePointer<Int?>? {
        guard plan.tokens.count > 1 else { return nil }
        let blocks = scratch.take(Int?.self, plan.tokens.count)
        for phrase in plan.phrases {
            for place in proof(of: phrase).tokens {
                let key = phrase.variants.isEmpty ? gramKey(plan.tokens[place].term, phrase.field) : nil
                blocks[place] = key.flatMap { segment.grams.prefetchBlock(of: $0) }
            }
        }
        return blocks
    }

    private func find(
        _ term: PlanTerm, _ phrase: PhrasePlan, inBlock block: Int?
    ) throws(SearchError) -> LookedUpToken {
        do throws(StorageError) {
            let field = phrase.field
            if !phrase.variants.isEmpty { return try find(term, field, phrase.variants) }
            switch term {
            case .character, .edge, .head, .tail, .unit, .bigram:
                guard let key = gramKey(term, field) else { return token([]) }
                return try gram(key, inBlock: block)
            case .word(let place): return try word(plan.words[place], nil, field)
            case .pair(let neighbour, let place): return try word(plan.words[Int(place)], neighbour, field)
            case .prefix(let place): return try prefix(plan.words[place], nil, field)
            case .pairPrefix(let neighbour, let place):
                return try prefix(plan.words[Int(place)], neighbour, field)
            }
        } catch .cancelled {
            let sought = phrase.variants.isEmpty ? "The prefix" : "The text, with its variants,"
            throw .refused(
                .invalid(
                    "\(sought) stands for more than \(Self.expansionMax) words.", field: "query",
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
        return token(try segment.words.find(key).map { FoundTerm(info: $0, neighbour: neighbour?.scalar ?? 0) })
    }

    private func prefix(
        _ bytes: [UInt8], _ neighbour: WordNeighbour?, _ field: Int
    ) throws(StorageError) -> LookedUpToken {
        let key = bytes.withUnsafeBytes { WordDictionaryWriter.key(field: field, neighbour, $0) }
        var found: [FoundTerm] = []
        try appendTerms(withPrefix: key, neighbour, to: &found)
        return token(found)
    }

    /// Appends the words, or pairs, whose keys begin so. Throws `cancelled` when there are more than `expansionMax`.
    func appendTerms(
        withPrefix key: [UInt8], _ neighbour: WordNeighbour?, to found: inout [FoundTerm]
    ) throws(StorageError) {
        var terms: [FoundTerm] = []
        let room = Self.expansionMax - found.count
        try segment.words.withPrefix(key) { (_, info) throws(StorageError) in
            terms.append(FoundTerm(info: info, neighbour: neighbour?.scalar ?? 0))
            return terms.count <= room
        }
        guard terms.count <= room else { throw .cancelled }
        found += terms
    }

    /// A gram, in its block if that is known.
    private func gram(_ key: UInt64, inBlock block: Int?) throws(StorageError) -> LookedUpToken {
        let terms = scratch.take(FoundTerm.self, 1)
        terms.initialize(to: FoundTerm(info: TermInfo(), gram: key))
        guard try segment.grams.find(key, inBlock: block, into: &terms[0].info) else {
            return LookedUpToken(terms: terms, count: 0)
        }
        lists.list(terms[0].info)
        return LookedUpToken(terms: terms, count: 1)
    }

    /// Looks the characters up whose lists the ranked grams among some tokens need, so that opening one list after another
    /// need not wait for each.
    func findBases(_ tokens: UnsafeMutablePointer<LookedUpToken>, _ places: some Collection<Int>) throws(StorageError) {
        let blocks = scratch.take(Int?.self, places.count)
        for (k, place) in places.enumerated() {
            blocks[k] = nil
            guard tokens[place].count == 1, needsBase(tokens[place].terms[0]) else { continue }
            let key = GramKey.character(of: tokens[place].terms[0].gram)
            blocks[k] = segment.grams.prefetchBlock(of: key)
        }
        for (k, place) in places.enumerated() {
            // A token that comes again has it by now.
            guard let block = blocks[k], needsBase(tokens[place].terms[0]) else { continue }
            let key = GramKey.character(of: tokens[place].terms[0].gram)
            let base = scratch.take(TermInfo.self, 1)
            base.initialize(to: TermInfo())
            guard try segment.grams.find(key, inBlock: block, into: &base.pointee) else { continue }
            lists.list(base.pointee)
            tokens[place].terms[0].base = base
        }
    }

    private func needsBase(_ term: FoundTerm) -> Bool { term.info.isRanked && term.base == nil }

    private func token(_ term: FoundTerm?) -> LookedUpToken {
        let found = LookedUpToken(terms: scratch.take(FoundTerm.self, 1), count: term == nil ? 0 : 1)
        if let term { found.terms[0] = term }
        return found
    }

    func token(_ terms: [FoundTerm]) -> LookedUpToken {
        let found = LookedUpToken(terms: scratch.take(FoundTerm.self, terms.count), count: terms.count)
        for (i, term) in terms.enumerated() { found.terms[i] = term }
        return found
    }

    /// Documents that hold a token of a phrase, counted in what proves it in this segment; 0 when it was not looked up.
    func documentFrequency(of phrase: Int, token: Int) -> Int {
        let at = starts[phrase] + token
        return at < starts[phrase + 1] ? tokens[at].documentFrequency : 0
    }

    /// Exact number of documents when the plan is one list of this segment.
    var plainDocumentFrequency: Int? {
        guard case .phrase(let number) = plan.root else { return nil }
        switch finding(of: number) {
        case .nowhere: return 0
        case .list(let list): return list.term.info.documentFrequency
        case .places: return nil
        }
    }

    /// When the plan is one list of this segment that scores and keeps a head: how many documents it has, the head, and
    /// what scores it.
    func head(
        _ leaves: [WeightedPhrase]
    ) throws(SearchError) -> (documentFrequency: Int, entries: ListHead.Entries, score: LeafScore)? {
        guard case .phrase(let number) = plan.root, case .list(let list) = finding(of: number),
            ListHead.isKept(list.term.info)
        else { return nil }
        do throws(StorageError) {
            guard let score = try score(of: number, leaves), score.isStrict,
                let head = try source(of: list).head(list.term.info, scratch)
            else { return nil }
            return (list.term.info.documentFrequency, head, score)
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
            if let leaf = WeightedPhrase.find(number, in: leaves) { lists.append((number, leaf.weight)) }
        }
        if lists.count > Self.reachedListCount { lists.sort { $0.weight > $1.weight } }
        var reached: Float?
        do throws(StorageError) {
            for list in lists.prefix(Self.reachedListCount) {
                guard let found = headedList(of: list.number), let score = try score(of: list.number, leaves),
                    let head = try source(of: found).head(found.term.info, scratch), head.count >= documentCount
                else { continue }
                let scores = (0..<head.count).map {
                    Float(score.score(head.frequencies[$0], head.documents[$0]))
                }.sorted(by: >)
                reached = max(reached ?? 0, scores[documentCount - 1])
            }
        } catch {
            throw .storage(error)
        }
        return reached
    }

    /// The list of a phrase that is one long list.
    private func headedList(of phrase: Int) -> FoundList? {
        guard case .list(let list) = finding(of: phrase), ListHead.isKept(list.term.info) else { return nil }
        return list
    }

    /// How many documents match when the plan is an OR, or a token that stands for several terms; nil for other plans.
    func unionCount() throws(SearchError) -> Int? {
        var matchers: [Matcher] = []
        if case .or(let children) = plan.root {
            for child in children {
                let matcher = try matcher(child, [])
                if !(matcher is EmptyMatcher) { matchers.append(matcher) }
            }
        } else if case .phrase(let number) = plan.root, let lists = try listsOfOneToken(number) {
            matchers = lists
        } else {
            return nil
        }
        do throws(StorageError) {
            return try UnionCount(
                documentCount: segment.meta.documentCount, scratch: scratch, cancellation: cancellation
            ).count(matchers)
        } catch { throw .storage(error) }
    }

    func score(of phrase: Int, _ leaves: [WeightedPhrase]) throws(StorageError) -> LeafScore? {
        guard let leaf = WeightedPhrase.find(phrase, in: leaves),
            let norms = try segment.norms(plan.phrases[phrase].field)
        else { return nil }
        return LeafScore(weight: leaf.weight, model: leaf.model, norms: norms)
    }
}

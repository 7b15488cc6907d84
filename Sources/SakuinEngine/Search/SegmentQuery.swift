/// A plan looked up in one segment: the terms of its phrases, and from them matchers and scorers.
final class SegmentQuery {
    /// More words than this are not expanded from a prefix.
    static let expansionMax = 10_000
    /// All tokens that stand for several terms have at most so many together, each of which is a list with buffers.
    static let termCountMax = 65_536

    let plan: QueryPlan
    let segment: SegmentReader
    let grams: GramDictionary
    /// By what phrases are proved here.
    let proofKind: ProofKind
    private let hasEdges: Bool
    /// Of what is looked up, and of the matchers unless that was much.
    let scratch: Scratch
    /// Whose memory the buffers of matchers are.
    private(set) var buffers: Scratch
    /// Has those where what was looked up is kept without them.
    private var bufferMemory: ScratchMemory?
    let lists: Prefetch.Area
    /// Ends what reads documents.
    let cancellation: Cancellation?
    /// What the dictionary has of the tokens of all phrases, one phrase behind the other.
    let tokens: UnsafeMutablePointer<LookedUpToken>
    /// Where each phrase begins in `tokens`, and the end. One missing token decides: those behind it in its phrase are
    /// not looked up, or without having terms when one that counts may still tell the document frequency.
    let starts: UnsafeMutablePointer<Int>
    /// Whether all tokens of a phrase are there.
    let isWhole: UnsafeMutablePointer<Bool>
    private var heldTexts: StoredTexts?
    private let room: SearchRoom?
    /// Words a prefix stood for.
    private(set) var expandedWordCount = 0
    /// Terms that tokens with variants stood for.
    private(set) var spellingCount = 0
    /// Lists of all tokens.
    private var listCount = 0
    /// Terms of tokens that stand for several.
    private var termCount = 0
    /// Tokens that were looked up, and phrases that matchers were made of; in scratch memory, since a property that is handed
    /// over to be changed is watched for exclusive access.
    private let rounds: UnsafeMutablePointer<ShortRounds>
    /// By phrase, up to the last of which promoted grams say anything.
    private var promotions: [PromotedPhrase?] = []
    /// Whether that has anything: told apart, since looking into an array that may change is watched, for each phrase.
    private var hasPromotions = false

    init(
        _ plan: QueryPlan, _ segment: SegmentReader, _ scratch: Scratch, _ cancellation: Cancellation? = nil,
        _ room: SearchRoom? = nil
    ) throws(SearchError) {
        self.room = room
        self.plan = plan
        self.segment = segment
        grams = segment.grams
        lists = segment.postings.area
        proofKind = ProofKind(analyzerVersion: segment.meta.analyzerVersion)
        hasEdges = Analyzer.hasEdges(version: segment.meta.analyzerVersion)
        self.scratch = scratch
        buffers = scratch
        self.cancellation = cancellation
        rounds = scratch.take(ShortRounds.self, 1)
        rounds.initialize(to: ShortRounds())
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
        if termCount > 0, let room {
            do throws(SakuinError) { try room.hold(lists: listCount) } catch { throw .refused(error) }
        }
        if segment.promoted != nil {
            do throws(StorageError) { try findPromoted() } catch { throw .storage(error) }
        }
        giveBack()
    }

    /// From so many lists on their buffers are not kept while other segments are searched.
    private static let keptListCountMax = 4_096

    /// Leaves the buffers of many lists, and of texts, to the matchers that have them.
    func giveBack() {
        if listCount > Self.keptListCountMax {
            let memory = ScratchMemory()
            buffers = memory.scratch
            bufferMemory = consume memory
        }
        heldTexts = nil
    }

    /// What matchers read stored documents by.
    var texts: StoredTexts {
        if let heldTexts { return heldTexts }
        let texts = StoredTexts(segment, room)
        heldTexts = texts
        return texts
    }

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
            if !token.counts, !isWhole[number] || isUnknown(token.term, phrase) {
                tokens[at] = self.token([])
                continue
            }
            let before = known.place(of: token.term, elseAt: at)
            let found =
                if let before { tokens[before] } else {
                    try findWeighted(token.term, phrase, inBlock: blocks?[place] ?? nil)
                }
            tokens[at] = found
            try count(found, token.term, phrase, isNew: before == nil)
            if found.count > 0 { continue }
            isWhole[number] = false
            // Where there are no edges the others would have been looked up, and weights are the same everywhere.
            if found.characterFrequency > 0 { continue }
            if token.counts || !phrase.scores { return at &+ 1 }
        }
        return at
    }

    /// Throws when the search was given up; looks once in a while.
    func heedDeadline() throws(StorageError) { try rounds.pointee.check(cancellation) }

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
        guard isNew else { return }
        listCount += found.count
        if found.count == 1 { return }
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
            guard isWhole[number], to - from > 1, !isRead(phrase),
                let written = writtenTokens(proof, phrase, from),
                let found = try PromotedLookup.find(
                    written, segment, field: phrase.field, { tokens[from + $0].documentFrequency })
            else { continue }
            while promotions.count < number { promotions.append(nil) }
            promotions.append(found)
            hasPromotions = true
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
        if hasPromotions, number < promotions.count {
            switch promotions[number] {
            case .nowhere: return .nowhere
            case .list(let info): return .list(promotedList(info))
            case .within(let infos): return .places(leads: infos)
            case nil: break
            }
        }
        if to - from == 1, tokens[from].count == 1 {
            return .list(FoundList(term: tokens[from].terms[0]))
        }
        return .places(leads: [])
    }

    /// Whether a phrase is looked for in stored text here: a character of it has no edge.
    @inline(__always)
    func isRead(_ phrase: PhrasePlan) -> Bool { !hasEdges && phrase.read.contains(ProofKinds(proofKind)) }

    @inline(__always)
    func proof(of phrase: PhrasePlan) -> PhraseProof {
        phrase.proof(proofKind)
    }

    /// Documents that hold a token of a phrase, counted in what proves it in this segment; 0 when it was not looked up.
    func documentFrequency(of phrase: Int, token: Int) -> Int {
        let at = starts[phrase] + token
        return at < starts[phrase + 1] ? tokens[at].weightFrequency : 0
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
                documentCount: segment.meta.documentCount, scratch: buffers, cancellation: cancellation
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

/// One token a phrase can be checked by.
enum PlanTerm: Sendable, Hashable, BitwiseCopyable {
    /// A character wherever it stands (no positions).
    case character(UInt32)
    /// A character at the edge of its run, beside a gap; in segments without pairs beside anything else too.
    case edge(UInt32)
    /// A character at the first place of its run, behind a gap, and what stands behind it.
    case head(UInt32)
    /// A character at the last place of its run, before a gap, and what stands before it.
    case tail(UInt32)
    /// A character at any place, under analyzer `words`.
    case unit(UInt32)
    case bigram(UInt32, UInt32)
    /// A word, by its place in `QueryPlan.words`.
    case word(Int)
    /// Every word that begins so, by its place in `QueryPlan.words`.
    case prefix(Int)
    /// A character beside a word, by its place in `QueryPlan.words`.
    case pair(WordNeighbour, Int32)
    /// A character before every word that begins so.
    case pairPrefix(WordNeighbour, Int32)

    /// Whether it says that a character stands beside a gap, which segments know of Hangul alone unless all characters have
    /// edges.
    var needsEdges: Bool {
        switch self {
        case .edge(let c), .head(let c), .tail(let c): !Analyzer.hasEdge(c)
        case .character, .unit, .bigram, .word, .prefix, .pair, .pairPrefix: false
        }
    }

    /// How far its last unit is behind its first.
    var span: UInt32 {
        switch self {
        case .bigram, .pair, .pairPrefix: 2
        case .character, .edge, .head, .tail, .unit, .word, .prefix: 0
        }
    }
}

struct PlanToken: Sendable, Hashable, BitwiseCopyable {
    var term: PlanTerm
    /// Positions behind the phrase's first unit.
    var offset: UInt32
    /// Whether the document frequency of its phrase is told by it: by the same tokens in all indexes with pairs, and a chain
    /// of links has more of them.
    var counts = true

    /// Behind the phrase's first unit where its last stands.
    var end: UInt32 { offset &+ term.span }

    /// The bigram that plans leave out between two bigrams of a long run, of which they have every second; nil when these are
    /// none with one between.
    static func between(_ a: PlanToken, _ b: PlanToken) -> PlanToken? {
        guard b.offset == a.offset &+ 4, case .bigram(_, let first) = a.term, case .bigram(let second, _) = b.term
        else { return nil }
        return PlanToken(term: .bigram(first, second), offset: a.offset &+ 2, counts: false)
    }
}

/// By what segments prove phrases.
enum ProofKind: Int, Sendable, CaseIterable {
    /// By the positions of tokens, pairs among them.
    case positions
    /// The same without pairs.
    case words
    /// By the links of tokens, each of which begins where the one before ends, or behind a gap there.
    case links

    init(analyzerVersion: UInt32) {
        self =
            Analyzer.hasLinks(version: analyzerVersion)
            ? .links : Analyzer.hasPairs(version: analyzerVersion) ? .positions : .words
    }
}

/// Several kinds of proofs.
struct ProofKinds: OptionSet, Sendable {
    let rawValue: UInt8

    static let positions = ProofKinds(.positions)
    static let words = ProofKinds(.words)
    static let links = ProofKinds(.links)
    static let all: ProofKinds = [.positions, .words, .links]

    init(rawValue: UInt8) { self.rawValue = rawValue }

    @inline(__always)
    init(_ kind: ProofKind) { rawValue = 1 &<< UInt8(truncatingIfNeeded: kind.rawValue) }
}

/// A token that is needed, or the bigrams and pairs of consecutive units that only have to cover them: a cover leaves out
/// no two in a row and has the first and the last.
struct PlanPart: Sendable, Hashable {
    /// Places in `QueryPlan.tokens`.
    var tokens: Range<Int>
    var isRun: Bool
}

/// The tokens that can prove a phrase, in the order of the text, and which of them are needed.
struct PhraseProof: Sendable, Equatable, BitwiseCopyable {
    private let tokenBounds: (UInt32, UInt32)
    private let partBounds: (UInt32, UInt32)

    init(tokens: Range<Int>, parts: Range<Int>) {
        tokenBounds = (UInt32(clamping: tokens.lowerBound), UInt32(clamping: tokens.upperBound))
        partBounds = (UInt32(clamping: parts.lowerBound), UInt32(clamping: parts.upperBound))
    }

    /// Places in `QueryPlan.tokens`.
    var tokens: Range<Int> { @inline(__always) get { Int(tokenBounds.0)..<Int(tokenBounds.1) } }
    /// Places in `QueryPlan.parts`, which one behind the other are all tokens.
    var parts: Range<Int> { @inline(__always) get { Int(partBounds.0)..<Int(partBounds.1) } }

    static func == (a: PhraseProof, b: PhraseProof) -> Bool {
        a.tokenBounds == b.tokenBounds && a.partBounds == b.partBounds
    }
}

/// An exact match of one pattern in one field.
struct PhrasePlan: Sendable {
    var field: Int
    var boost: Float
    /// Whether it gives scores: those below a NOT or in the filter do not.
    var scores: Bool
    /// What its characters may be written as besides; tokens say how the query writes them.
    var variants: VariantFolding
    /// In which segments, of those without edges, stored text is read for it: `QueryPlan.readTexts` has what is looked for.
    fileprivate(set) var read: ProofKinds = []
    private let proofs: (PhraseProof, PhraseProof, PhraseProof)

    init(
        field: Int, boost: Float, scores: Bool, variants: VariantFolding,
        _ proofs: (PhraseProof, PhraseProof, PhraseProof)
    ) {
        self.field = field
        self.boost = boost
        self.scores = scores
        self.variants = variants
        self.proofs = proofs
    }

    /// Whether it is proved alike in all segments.
    var isUniform: Bool { proofs.0 == proofs.1 && proofs.0 == proofs.2 }

    /// What proves it in segments of a kind that the plan was made for. Those of several kinds may be the same.
    @inline(__always)
    func proof(_ kind: ProofKind) -> PhraseProof {
        switch kind {
        case .positions: proofs.0
        case .words: proofs.1
        case .links: proofs.2
        }
    }
}

/// A condition on the column of a field.
struct ColumnPlan: Sendable, Hashable {
    var field: String
    var lower: RangeBound?
    var upper: RangeBound?
}

/// A node of a query plan.
enum PlanNode: Sendable, Hashable {
    case all
    case none
    /// Number of the phrase in `QueryPlan.phrases`.
    case phrase(Int)
    indirect case column(ColumnPlan)
    /// Whose text field of that number has a unit.
    case hasText(field: Int)
    indirect case near(NearPlan)
    case and([PlanNode])
    case or([PlanNode])
    indirect case not(PlanNode)
}

extension PlanNode {
    /// Each OR has a window of documents, and what a NOT leaves out may be one.
    fileprivate var windowCount: Int {
        switch self {
        case .all, .none, .phrase, .column, .hasText, .near: 0
        case .and(let children): Self.windowCount(of: children)
        case .or(let children): 1 + Self.windowCount(of: children)
        case .not(let child): 1 + child.windowCount
        }
    }

    private static func windowCount(of children: [PlanNode]) -> Int {
        var count = 0
        for place in children.indices {
            // Nearly all are phrases, which are not copied for this.
            if case .phrase = children[place] { continue }
            count += children[place].windowCount
        }
        return count
    }
}

/// A query made ready for any segment; behind one reference, since everything that searches has it.
final class QueryPlan: Sendable {
    let root: PlanNode
    let phrases: [PhrasePlan]
    /// Those of all phrases, one phrase behind the other.
    let tokens: [PlanToken]
    let parts: [PlanPart]
    let words: [[UInt8]]
    /// What highlighting looks for.
    let sought: [SoughtText]
    /// Windows of documents (`ScoreWindow`) that a search of one segment may take at once.
    let windowCount: Int
    /// Whether a token may stand for several terms.
    let hasUnions: Bool
    /// Whether stored documents are read to find what matches.
    let readsDocuments: Bool
    private let extras: PlanExtras.Box?

    init(_ draft: consuming QueryPlanDraft, root: PlanNode) {
        self.root = root
        phrases = Self.take(&draft.phrases)
        tokens = Self.take(&draft.tokens)
        parts = Self.take(&draft.parts)
        words = Self.take(&draft.words)
        sought = Self.take(&draft.sought)
        windowCount = draft.unionCount + root.windowCount
        hasUnions = draft.unionCount > 0
        readsDocuments = draft.readsDocuments
        extras = draft.extras
    }

    /// Different parts of texts that are looked for besides the texts.
    var smartPartCount: Int { extras?.value.smartParts.count ?? 0 }
    /// A text of the query of which nothing is looked for, if there is one.
    var emptyText: String? { extras?.value.emptyText }
    /// Of a phrase that needs edges, what is looked for.
    func readText(of phrase: Int) -> ReadText? { extras?.value.readTexts[phrase] }
    /// Fields outside the schema whose columns are read: a snapshot must have them.
    var dynamicColumns: Set<String> { extras?.value.dynamicColumns ?? [] }
    /// What is to be thrown when it has: a value that no column of such a field can hold.
    var refusal: SakuinError? { extras?.value.refusal }

    /// An array that is needed no more where it was, without counting it twice.
    private static func take<T>(_ array: inout [T]) -> [T] {
        var taken: [T] = []
        swap(&taken, &array)
        return taken
    }
}

/// What few plans have, and others neither make nor copy.
struct PlanExtras: Sendable {
    var smartParts: Set<String> = []
    var emptyText: String?
    fileprivate(set) var readTexts: [Int: ReadText] = [:]
    var dynamicColumns: Set<String> = []
    var refusal: SakuinError?

    /// Behind a reference, since plans are handed on.
    indirect enum Box: Sendable {
        case box(PlanExtras)

        var value: PlanExtras {
            switch self {
            case .box(let extras): extras
            }
        }
    }
}

/// A plan while its phrases are added.
struct QueryPlanDraft: ~Copyable {
    fileprivate(set) var phrases: [PhrasePlan] = []
    fileprivate(set) var tokens: [PlanToken] = []
    fileprivate(set) var parts: [PlanPart] = []
    fileprivate(set) var words: [[UInt8]] = []
    private var lastWord = 0
    var sought: [SoughtText] = []
    /// Phrases with a token that may stand for several terms, each of which has a window.
    var unionCount = 0
    var readsDocuments = false
    fileprivate private(set) var extras: PlanExtras.Box?

    /// What few plans have: made when it is changed first.
    var own: PlanExtras {
        get { extras?.value ?? PlanExtras() }
        _modify {
            var taken = extras.take()?.value ?? PlanExtras()
            defer { extras = .box(taken) }
            yield &taken
        }
    }

    /// What is to be thrown if the snapshot has a column that is read.
    var refusal: SakuinError? { extras?.value.refusal }

    init() {
        // Room for most queries, so that planning does not move them about.
        tokens.reserveCapacity(16)
        parts.reserveCapacity(8)
        phrases.reserveCapacity(4)
    }

    /// Appends the phrase whose tokens `append` appends for each of the kinds that are different; others are as the first.
    /// Returns its number.
    mutating func appendPhrase(
        field: Int, boost: Float, scores: Bool, variants: VariantFolding, for kinds: ProofKinds,
        _ append: (ProofKind, inout QueryPlanDraft) -> Void
    ) -> Int {
        let first: ProofKind =
            kinds.isEmpty || kinds.contains(.positions) ? .positions : kinds.contains(.words) ? .words : .links
        let proof = appendProof { append(first, &$0) }
        var proofs = (proof, proof, proof)
        if first == .positions, kinds.contains(.words) { proofs.1 = appendProof { append(.words, &$0) } }
        if first != .links, kinds.contains(.links) { proofs.2 = appendProof { append(.links, &$0) } }
        phrases.append(PhrasePlan(field: field, boost: boost, scores: scores, variants: variants, proofs))
        return phrases.count - 1
    }

    /// Has a phrase looked for in stored text, by segments of these kinds that have no edges, if it needs them.
    mutating func read(_ number: Int, for text: @autoclosure () -> ReadText, in kinds: ProofKinds) {
        for kind in [ProofKind.positions, .links] where kinds.contains(ProofKinds(kind)) {
            let needsEdges = tokens[phrases[number].proof(kind).tokens].contains { $0.term.needsEdges }
            if needsEdges { phrases[number].read.insert(ProofKinds(kind)) }
        }
        if phrases[number].read.isEmpty { return }
        own.readTexts[number] = text()
        readsDocuments = true
    }

    private mutating func appendProof(_ append: (inout QueryPlanDraft) -> Void) -> PhraseProof {
        let (firstToken, firstPart) = (tokens.count, parts.count)
        append(&self)
        return PhraseProof(tokens: firstToken..<tokens.count, parts: firstPart..<parts.count)
    }

    /// Appends a word or the beginning of words as a token of its own.
    mutating func append(word: [UInt8], isPrefix: Bool, at position: UInt32) {
        let place = self.place(of: word)
        append(PlanToken(term: isPrefix ? .prefix(place) : .word(place), offset: position))
    }

    mutating func append(_ token: PlanToken) {
        parts.append(PlanPart(tokens: tokens.count..<(tokens.count + 1), isRun: false))
        tokens.append(token)
    }

    /// Of longer runs every second bigram is looked up, and is needed: the rarest of so many is rare enough, and the
    /// others would cost a look into the dictionary each.
    private static let choiceCountMax = 5

    private static func isChoice(_ count: Int) -> Bool { count > 1 && count <= choiceCountMax }

    /// Whether bigram or pair `i` of `count` is looked up.
    private static func isLookedUp(_ i: Int, of count: Int) -> Bool {
        isChoice(count) || i % 2 == 0 || i == count - 1
    }

    /// Appends the bigrams of two or more characters that follow each other, all of them if they are to be a chain.
    mutating func append(run: UnsafeBufferPointer<UInt32>, at position: UInt32, isChain: Bool) {
        let first = tokens.count
        let count = run.count - 1
        for i in 0..<count where isChain || Self.isLookedUp(i, of: count) {
            tokens.append(
                PlanToken(
                    term: .bigram(run[i], run[i + 1]), offset: position + UInt32(2 * i),
                    counts: Self.isLookedUp(i, of: count)))
        }
        parts.append(PlanPart(tokens: first..<tokens.count, isRun: !isChain && Self.isChoice(count)))
    }

    /// Appends the bigrams and pairs of two or more units without a gap between, as a chain all of them, with the edges of
    /// characters at ends that are beside a gap.
    mutating func append(
        chain run: ArraySlice<TextPattern.Element>, isBehindGap: Bool, isBeforeGap: Bool, lastIsPrefix: Bool
    ) {
        if isBehindGap, let first = run.first, case .character(let c) = first.unit {
            append(PlanToken(term: .head(c), offset: first.position, counts: false))
        }
        append(run: run, isChain: true, lastIsPrefix: lastIsPrefix)
        if isBeforeGap, let last = run.last, case .character(let c) = last.unit {
            append(PlanToken(term: .tail(c), offset: last.position, counts: false))
        }
    }

    /// Appends the bigrams and pairs of two or more units without a gap between. The last one, a word, may be the
    /// beginning of words.
    mutating func append(run: ArraySlice<TextPattern.Element>, isChain: Bool = false, lastIsPrefix: Bool) {
        let first = tokens.count
        let count = run.count - 1
        for i in 0..<count {
            let (a, b) = (run[run.startIndex + i], run[run.startIndex + i + 1])
            let isPrefix = lastIsPrefix && i == count - 1
            guard let term = append(a.unit, b.unit, isFirst: i == 0, isPrefix: isPrefix) else { continue }
            let isLookedUp = Self.isLookedUp(i, of: count)
            if isChain || isLookedUp { tokens.append(PlanToken(term: term, offset: a.position, counts: isLookedUp)) }
        }
        parts.append(PlanPart(tokens: first..<tokens.count, isRun: !isChain && Self.isChoice(count)))
    }

    /// The place of a word; of one that was there not far before that of it, so that tokens of repeats are equal.
    private mutating func place(of word: [UInt8]) -> Int {
        lastWord = words.suffix(Self.knownWordCount).lastIndex(of: word) ?? words.count
        if lastWord == words.count { words.append(word) }
        return lastWord
    }

    private static let knownWordCount = 8

    /// What proves two units side by side; their words are appended, the first unit's unless the pair before has done it.
    private mutating func append(
        _ a: TextPattern.Unit, _ b: TextPattern.Unit, isFirst: Bool, isPrefix: Bool
    ) -> PlanTerm? {
        switch (a, b) {
        case (.character(let a), .character(let b)): return .bigram(a, b)
        case (.character(let a), .word(let b)):
            let place = Int32(truncatingIfNeeded: place(of: b))
            return isPrefix ? .pairPrefix(.before(a), place) : .pair(.before(a), place)
        case (.word(let a), .character(let b)):
            let place = isFirst ? place(of: a) : lastWord
            return .pair(.behind(b), Int32(truncatingIfNeeded: place))
        case (.word, .word): return nil
        }
    }
}

/// A text that is looked for in stored documents.
struct ReadText: Sendable {
    let pattern: TextPattern
    let analyzer: Analyzer
}

/// A text of the query that scores, in one field.
struct SoughtText: Sendable {
    let field: Int
    let text: String
    let analyzer: Analyzer
    let lastIsPrefix: Bool
    let variants: VariantFolding

    var pattern: TextPattern {
        TextPattern(text, analyzer: analyzer, lastIsPrefix: lastIsPrefix, variants: variants)
    }
}

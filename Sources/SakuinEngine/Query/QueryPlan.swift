/// One token a phrase can be checked by.
enum PlanTerm: Sendable, Hashable, BitwiseCopyable {
    /// A character wherever it stands (no positions).
    case character(UInt32)
    /// A character at the edge of its run.
    case edge(UInt32)
    /// A character at any place, under analyzer `words`.
    case unit(UInt32)
    case bigram(UInt32, UInt32)
    /// A word, by its place in `QueryPlan.words`.
    case word(Int)
    /// Every word that begins so, by its place in `QueryPlan.words`.
    case prefix(Int)
}

struct PlanToken: Sendable, Hashable, BitwiseCopyable {
    var term: PlanTerm
    /// Positions behind the phrase's first unit.
    var offset: UInt32
}

/// A token that is needed, or bigrams of consecutive characters that only have to cover them: a cover leaves out no two
/// in a row and has the first and the last.
struct PlanPart: Sendable, Hashable {
    /// Places in `QueryPlan.tokens`.
    var tokens: Range<Int>
    var isRun: Bool
}

/// An exact match of one pattern in one field: the tokens that can prove it, and which of them are needed.
struct PhrasePlan: Sendable, Hashable {
    var field: Int
    var boost: Float
    /// Whether it gives scores: those below a NOT or in the filter do not.
    var scores: Bool
    /// Places in `QueryPlan.tokens`.
    var tokens: Range<Int>
    /// Places in `QueryPlan.parts`, which one behind the other are all tokens.
    var parts: Range<Int>
}

/// A condition on the column of a field.
struct ColumnPlan: Sendable, Hashable {
    var field: String
    var lower: RangeBound?
    var upper: RangeBound?
}

/// A query made ready for any segment.
indirect enum PlanNode: Sendable, Hashable {
    case all
    case none
    /// Number of the phrase in `QueryPlan.phrases`.
    case phrase(Int)
    case column(ColumnPlan)
    case and([PlanNode])
    case or([PlanNode])
    case not(PlanNode)
}

struct QueryPlan: Sendable {
    var root: PlanNode
    private(set) var phrases: [PhrasePlan] = []
    /// Those of all phrases, one phrase behind the other.
    private(set) var tokens: [PlanToken] = []
    private(set) var parts: [PlanPart] = []
    private(set) var words: [[UInt8]] = []
    /// What highlighting looks for.
    var sought: [SoughtText] = []

    init(root: PlanNode) {
        self.root = root
        // Room for most queries, so that planning does not move them about.
        tokens.reserveCapacity(16)
        parts.reserveCapacity(8)
        phrases.reserveCapacity(4)
    }

    /// Appends the phrase whose tokens `append` appends; returns its number.
    mutating func appendPhrase(field: Int, boost: Float, scores: Bool, _ append: (inout QueryPlan) -> Void) -> Int {
        let (firstToken, firstPart) = (tokens.count, parts.count)
        append(&self)
        phrases.append(
            PhrasePlan(
                field: field, boost: boost, scores: scores, tokens: firstToken..<tokens.count,
                parts: firstPart..<parts.count))
        return phrases.count - 1
    }

    /// Appends a word or the beginning of words as a token of its own.
    mutating func append(word: [UInt8], isPrefix: Bool, at position: UInt32) {
        let place = words.count
        words.append(word)
        append(PlanToken(term: isPrefix ? .prefix(place) : .word(place), offset: position))
    }

    mutating func append(_ token: PlanToken) {
        parts.append(PlanPart(tokens: tokens.count..<(tokens.count + 1), isRun: false))
        tokens.append(token)
    }

    /// Of longer runs every second bigram is looked up, and is needed: the rarest of so many is rare enough, and the
    /// others would cost a look into the dictionary each.
    private static let choiceCountMax = 5

    /// Appends the bigrams of two or more characters that follow each other.
    mutating func append(run: UnsafeBufferPointer<UInt32>, at position: UInt32) {
        let first = tokens.count
        let last = run.count - 2
        guard last >= 0 else { return }
        let isChoice = last > 0 && last < Self.choiceCountMax
        for i in 0...last where isChoice || i % 2 == 0 || i == last {
            tokens.append(PlanToken(term: .bigram(run[i], run[i + 1]), offset: position + UInt32(2 * i)))
        }
        parts.append(PlanPart(tokens: first..<tokens.count, isRun: isChoice))
    }
}

/// A text of the query that scores, in one field.
struct SoughtText: Sendable {
    let field: Int
    let text: String
    let analyzer: Analyzer
    let lastIsPrefix: Bool

    var pattern: TextPattern { TextPattern(text, analyzer: analyzer, lastIsPrefix: lastIsPrefix) }
}

/// One token a phrase can be checked by.
enum PlanTerm: Sendable, Hashable {
    /// A character wherever it stands (no positions).
    case character(UInt32)
    /// A character at the edge of its run.
    case edge(UInt32)
    /// A character at any place, under analyzer `words`.
    case unit(UInt32)
    case bigram(UInt32, UInt32)
    case word([UInt8])
    /// Every word that begins so.
    case prefix([UInt8])
}

/// An exact match of one pattern in one field: the tokens that can prove it, and which of them are needed.
struct PhrasePlan: Sendable, Hashable {
    struct Token: Sendable, Hashable {
        var term: PlanTerm
        /// Positions behind the phrase's first unit.
        var offset: UInt32
    }
    /// A token that is needed, or bigrams of consecutive characters that only have to cover them: a cover leaves out no
    /// two in a row and has the first and the last.
    struct Part: Sendable, Hashable {
        /// Places in `tokens`.
        var tokens: Range<Int>
        var isRun: Bool
    }
    var field: Int
    var boost: Float
    var tokens: [Token] = []
    /// One behind the other they are all tokens.
    var parts: [Part] = []

    mutating func append(_ token: Token) {
        parts.append(Part(tokens: tokens.count..<(tokens.count + 1), isRun: false))
        tokens.append(token)
    }

    /// Of longer runs every second bigram is looked up, and is needed: the rarest of so many is rare enough, and the
    /// others would cost a look into the dictionary each.
    private static let choiceCountMax = 5

    /// Appends the tokens of a text of Han and kana alone, whose normal form is the text itself; false when it is
    /// another.
    mutating func append(plain text: String, _ kind: AnalyzerKind) -> Bool {
        guard kind == .cjk, let run = PlainText.scalars(text) else { return false }
        if run.count > 1 {
            append(run: run, at: 0)
        } else {
            append(Token(term: .character(run[0]), offset: 0))
        }
        return true
    }

    /// Appends the bigrams of two or more characters that follow each other.
    mutating func append(run: [UInt32], at position: UInt32) {
        let first = tokens.count
        let last = run.count - 2
        let isChoice = last > 0 && last < Self.choiceCountMax
        for i in 0...last where isChoice || i % 2 == 0 || i == last {
            tokens.append(Token(term: .bigram(run[i], run[i + 1]), offset: position + UInt32(2 * i)))
        }
        parts.append(Part(tokens: first..<tokens.count, isRun: isChoice))
    }
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
    var phrases: [PhrasePlan] = []
    /// Phrases that score: those not below a NOT or in the filter.
    var scoring: [Int] = []
    /// What highlighting looks for.
    var sought: [SoughtText] = []
}

/// A text of the query that scores, in one field.
struct SoughtText: Sendable {
    let field: Int
    let text: String
    let analyzer: Analyzer
    let lastIsPrefix: Bool

    var pattern: TextPattern { TextPattern(text, analyzer: analyzer, lastIsPrefix: lastIsPrefix) }
}

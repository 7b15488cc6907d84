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
    /// Tokens of which each is needed, or a run of bigrams that only have to cover their characters.
    enum Part: Sendable, Hashable {
        case token(Token)
        /// Bigrams of consecutive characters; a cover leaves out no two in a row and has the first and the last.
        case run([Token])
    }
    var field: Int
    var boost: Float
    var parts: [Part]

    var tokens: [Token] {
        parts.flatMap { part in
            switch part {
            case .token(let token): [token]
            case .run(let tokens): tokens
            }
        }
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
    /// What highlighting looks for: field number and pattern.
    var patterns: [(field: Int, pattern: TextPattern)] = []
}

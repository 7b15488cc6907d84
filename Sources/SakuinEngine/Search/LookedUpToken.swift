// What the dictionary of a segment has of the tokens of a plan.

/// A term that a dictionary has.
struct FoundTerm: BitwiseCopyable {
    var info: TermInfo
    /// Its key, if it is a gram.
    var gram: UInt64 = 0
    /// The character of a pair.
    var neighbour: UInt32 = 0
    /// The list of a ranked gram's first character, once it was looked up; in scratch memory.
    var base: UnsafeMutablePointer<TermInfo>?
}

/// A list, and whether it is that of a promoted gram.
struct FoundList: BitwiseCopyable {
    var term: FoundTerm
    var isPromoted = false
}

/// How the documents of a phrase are found in a segment.
enum PhraseFinding {
    /// It is in none.
    case nowhere
    /// They are those of a list.
    case list(FoundList)
    /// By the positions of its tokens, in documents that have these promoted grams, the rarest first.
    case places(leads: [TermInfo])
}

/// What a dictionary has of a token: nothing, a term, or for a prefix or variants several; in scratch memory.
struct LookedUpToken: BitwiseCopyable {
    var terms: UnsafeMutablePointer<FoundTerm>
    var count: Int
    /// Of an edge: documents that hold its character anywhere, which its phrase is weighted by in all segments, whether they
    /// have edges or not. Below 0 for other tokens.
    var characterFrequency = -1

    /// What its phrase is weighted by.
    var weightFrequency: Int { characterFrequency < 0 ? documentFrequency : characterFrequency }

    /// Documents that hold the token, those with several of its terms counted several times.
    var documentFrequency: Int {
        var sum = 0
        for i in 0..<count { sum &+= terms[i].info.documentFrequency }
        return sum
    }

    /// A term of the query as it is written here: with other characters, if it is a gram that is written in one way alone.
    func written(_ term: PlanTerm) -> PlanTerm {
        guard count == 1 else { return term }
        let (first, second) = (GramKey.first(terms[0].gram), GramKey.second(terms[0].gram))
        return switch term {
        case .bigram: .bigram(first, second)
        case .edge: .edge(first)
        case .head: .head(first)
        case .tail: .tail(first)
        case .unit: .unit(first)
        case .character, .word, .prefix, .pair, .pairPrefix: term
        }
    }
}

// How many spellings the tokens of a query have, before any is looked up.

extension QueryPlanDraft {
    /// All tokens of a query have at most so many spellings, each of which is looked up in every segment.
    static let spellingCountMax = 65_536

    /// How many spellings the tokens of a phrase have in the kind of segments where they are most; words and beginnings of
    /// words, whose spellings are counted where they are looked up, have one.
    func spellingCount(of phrase: PhrasePlan) -> Int {
        if phrase.variants.isEmpty { return 0 }
        return ProofKind.allCases.reduce(0) { most, kind in
            max(
                most,
                tokens[phrase.proof(kind).tokens].reduce(0) { $0 + Self.spellingCount(of: $1.term, phrase.variants) })
        }
    }

    private static func spellingCount(of term: PlanTerm, _ variants: VariantFolding) -> Int {
        let table = VariantTable.shared
        switch term {
        case .character(let c), .edge(let c), .head(let c), .tail(let c), .unit(let c):
            return table.variantCount(of: c, variants)
        case .bigram(let a, let b): return table.variantCount(of: a, variants) * table.variantCount(of: b, variants)
        case .pair(let neighbour, _), .pairPrefix(let neighbour, _):
            return table.variantCount(of: neighbour.scalar, variants)
        case .word, .prefix: return 1
        }
    }
}

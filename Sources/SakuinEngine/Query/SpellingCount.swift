// How many spellings the tokens of a query have, before any is looked up.

extension QueryPlanDraft {
    /// All tokens of a query have at most so many spellings, each of which is looked up in every segment.
    static let spellingCountMax = 65_536

    /// How many spellings the tokens of a phrase have in the kind of segments where they are most. Those of words, which are
    /// values of keyword fields or grams of analyzer `ngram`, are found character by character and counted so.
    func spellingCount(of phrase: PhrasePlan) -> Int {
        ProofKind.allCases.reduce(0) { most, kind in
            max(
                most,
                tokens[phrase.proof(kind).tokens].reduce(0) { $0 + spellingCount(of: $1.term, phrase.variants) })
        }
    }

    private func spellingCount(of term: PlanTerm, _ variants: VariantFolding) -> Int {
        let table = VariantTable.shared
        switch term {
        case .character(let c), .edge(let c), .head(let c), .tail(let c), .unit(let c):
            return table.variantCount(of: c, variants)
        case .bigram(let a, let b): return table.variantCount(of: a, variants) * table.variantCount(of: b, variants)
        case .pair(let neighbour, let place), .pairPrefix(let neighbour, let place):
            return table.variantCount(of: neighbour.scalar, variants) * spellingCount(of: words[Int(place)], variants)
        case .word(let place), .prefix(let place): return spellingCount(of: words[place], variants)
        }
    }

    private func spellingCount(of word: [UInt8], _ variants: VariantFolding) -> Int {
        String(decoding: word, as: UTF8.self).unicodeScalars.reduce(1) { sum, scalar in
            let count = VariantTable.shared.variantCount(of: scalar.value, variants)
            return count > 1 ? sum + count : sum
        }
    }
}

// A text of the query to the tokens that prove it.

extension QueryPlanDraft {
    /// Appends the tokens of a pattern: units without gaps between by their bigrams and pairs, single characters by their edge,
    /// single words by themselves. Without pairs words are single, and characters beside them edges.
    mutating func appendTokens(of pattern: TextPattern, kind: AnalyzerKind, _ proof: ProofKind) {
        let hasPairs = proof != .words
        let elements = pattern.elements
        var i = 0
        while i < elements.count {
            var end = i + 1
            while end < elements.count, pattern.isRun(at: end, kind, hasPairs: hasPairs) { end += 1 }
            let isPrefix = pattern.lastIsPrefix && end == elements.count
            if end - i > 1, proof == .links {
                append(
                    chain: elements[i..<end], isBehindGap: pattern.hasGap(before: i),
                    isBeforeGap: pattern.hasGap(before: end), lastIsPrefix: isPrefix)
            } else if end - i > 1 {
                append(run: elements[i..<end], lastIsPrefix: isPrefix)
            } else {
                switch elements[i].unit {
                case .word(let bytes): append(word: bytes, isPrefix: isPrefix, at: elements[i].position)
                case .character(let scalar):
                    let term: PlanTerm =
                        kind != .cjk ? .unit(scalar) : elements.count == 1 ? .character(scalar) : .edge(scalar)
                    append(PlanToken(term: term, offset: elements[i].position))
                }
            }
            i = end
        }
    }
}

extension TextPattern {
    /// Whether element `i` and the one before stand side by side, so that a bigram, or with pairs a pair, proves both.
    fileprivate func isRun(at i: Int, _ kind: AnalyzerKind, hasPairs: Bool) -> Bool {
        guard kind == .cjk, elements[i].position == elements[i - 1].position + 2 else { return false }
        switch (elements[i - 1].unit, elements[i].unit) {
        case (.character, .character): return true
        case (.word, .word): return false
        case (.character, .word), (.word, .character): return hasPairs
        }
    }

    /// Whether element `i` is there and stands behind a gap.
    fileprivate func hasGap(before i: Int) -> Bool {
        i > 0 && i < elements.count && elements[i].position > elements[i - 1].position + 2
    }

    /// The kinds of proofs that have other tokens than those before them.
    func distinct(_ kinds: ProofKinds, _ kind: AnalyzerKind) -> ProofKinds {
        guard kind == .cjk, elements.count > 1 else { return [] }
        // Without pairs words are no other proof than positions.
        guard kinds.contains(.words), !hasPairs(kind) else { return kinds }
        return kinds.subtracting(.words).union(.positions)
    }

    /// Whether a word and a character stand side by side.
    fileprivate func hasPairs(_ kind: AnalyzerKind) -> Bool {
        elements.indices.dropFirst().contains { i in
            isRun(at: i, kind, hasPairs: true) && !isRun(at: i, kind, hasPairs: false)
        }
    }
}

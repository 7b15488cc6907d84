// Stretches of a phrase that come again and again, as 国字 in 国字国字国字: looked for once, and then joined with themselves.

/// A token of a phrase: which of its different tokens it is, and how it hangs together with the one before.
struct PhraseStep: Hashable {
    let slot: Int
    /// How far its left end is behind the right end of the token before.
    let distance: UInt32
}

/// Steps of a phrase, and how many times they come one behind the other.
struct TokenRun: Hashable {
    /// The steps of the first time.
    let steps: Range<Int>
    let count: Int
    /// How far each time is behind the end of the one before.
    let distance: UInt32

    /// A stretch that comes again after more steps is not looked for: so many have few occurrences in a text.
    private static let lengthMax = 64

    /// All steps, in their order. A stretch that comes twice is no run, since joining it costs as much.
    static func make(_ steps: [PhraseStep]) -> [TokenRun] {
        var runs: [TokenRun] = []
        var at = 0
        while at < steps.count {
            let run = longest(steps, from: at) ?? TokenRun(steps: at..<(at + 1), count: 1, distance: 0)
            runs.append(run)
            at += run.steps.count * run.count
        }
        return runs
    }

    /// The run of the most steps that begins at one, of the shortest stretch; nil when there is none.
    private static func longest(_ steps: [PhraseStep], from start: Int) -> TokenRun? {
        var found: TokenRun?
        for length in 1...lengthMax where start + 3 * length <= steps.count {
            let (next, distance) = (start + length, steps[start + length].distance)
            var end = next
            // What the first step of a time hangs together with differs from that of the first time.
            while end < steps.count, steps[end].slot == steps[end - length].slot,
                steps[end].distance == ((end - start) % length == 0 ? distance : steps[end - length].distance)
            { end += 1 }
            let count = (end - start) / length
            guard count > 2, length * count > (found.map { $0.steps.count * $0.count } ?? 0) else { continue }
            found = TokenRun(steps: start..<next, count: count, distance: distance)
        }
        return found
    }

    /// From so many times on that a phrase has one of its tokens, lists are read once for all of them.
    private static let timesMin = 16

    /// Whether some token is there so often.
    static func areMany(_ tokens: ArraySlice<PlanToken>) -> Bool {
        if tokens.count < timesMin { return false }
        var times: [PlanTerm: Int] = [:]
        for token in tokens {
            times[token.term, default: 0] += 1
            if times[token.term] == timesMin { return true }
        }
        return false
    }
}

/// What the promoted grams of a segment say of a phrase.
enum PromotedPhrase {
    /// It is in no document.
    case nowhere
    /// It is a promoted gram itself.
    case list(TermInfo)
    /// It has these promoted grams in it, the rarest first.
    case within([TermInfo])
}

/// Looks up the promoted grams in a phrase of one segment.
struct PromotedLookup {
    private let segment: SegmentReader
    private let grams: PromotedGrams
    private let field: Int
    private let limits: PromotedGrams.Field
    private var lists: [TermInfo] = []

    /// A phrase one of whose bigrams is in fewer documents is led by that one well enough.
    private static let leadCountMin = 256
    /// A promoted gram in so few documents leads well enough: no other is looked up.
    private var leadCountEnough: Int { limits.threshold / 16 }

    private init(_ segment: SegmentReader, _ grams: PromotedGrams, _ field: Int, _ limits: PromotedGrams.Field) {
        self.segment = segment
        self.grams = grams
        self.field = field
        self.limits = limits
    }

    /// What is known of a phrase of these tokens; nil when nothing more than the tokens say. `frequency` tells the
    /// documents of a token by its place.
    static func find(
        _ tokens: ArraySlice<PlanToken>, _ segment: SegmentReader, field: Int, _ frequency: (_ token: Int) -> Int
    ) throws(StorageError) -> PromotedPhrase? {
        guard tokens.count > 1, let grams = segment.promoted, let limits = grams.fields[field] else { return nil }
        var (rarest, frequentCount) = (Int.max, 0)
        for i in 0..<tokens.count {
            rarest = min(rarest, frequency(i))
            frequentCount += frequency(i) >= limits.threshold ? 1 : 0
        }
        guard rarest >= min(leadCountMin, limits.threshold), frequentCount > 1 else { return nil }
        var lookup = PromotedLookup(segment, grams, field, limits)
        return try lookup.find(tokens, rarest, frequency)
    }

    private mutating func find(
        _ tokens: ArraySlice<PlanToken>, _ rarest: Int, _ frequency: (_ token: Int) -> Int
    ) throws(StorageError) -> PromotedPhrase? {
        var runs = 0
        var run: [UInt32] = []
        // The token that `run` ends with.
        var before: PlanToken?
        for (i, token) in tokens.enumerated() {
            guard case .bigram(let a, let b) = token.term, frequency(i) >= limits.threshold else {
                if try isNowhere(run) { return .nowhere }
                run = []
                before = nil
                runs += 1
                continue
            }
            if let before, before.end == token.offset, run.last == a {
                run.append(b)
            } else if let before, case .bigram(let last, _)? = PlanToken.between(before, token)?.term {
                guard let info = try segment.grams.find(GramKey.make(field: field, kind: .bigram, last, a)) else {
                    return .nowhere
                }
                if info.documentFrequency >= limits.threshold {
                    run += [a, b]
                } else {
                    if try isNowhere(run) { return .nowhere }
                    run = [a, b]
                    runs += 1
                }
            } else {
                if try isNowhere(run) { return .nowhere }
                runs += run.isEmpty ? 0 : 1
                run = [a, b]
            }
            before = token
        }
        if runs == 0, lists.isEmpty, run.count >= PromotedGrams.lengthMin, run.count <= limits.depth {
            if let info = try grams.find(field: field, run) { return .list(info) }
            if run.count == PromotedGrams.lengthMin { return .nowhere }
        }
        if try isNowhere(run) { return .nowhere }
        let useful = lists.filter { $0.documentFrequency < rarest }
        return useful.isEmpty ? nil : .within(useful.sorted { $0.documentFrequency < $1.documentFrequency })
    }

    /// Looks up the grams of characters all of whose bigrams are frequent; whether one of them is in no document.
    private mutating func isNowhere(_ run: [UInt32]) throws(StorageError) -> Bool {
        guard run.count >= PromotedGrams.lengthMin else { return false }
        var length = PromotedGrams.lengthMin
        // By place: the gram of `length - 1` characters that begins there, if its documents are as many as the rule asks.
        var frequent = [Bool](repeating: true, count: run.count - 1)
        var found: [TermInfo?] = []
        while length <= min(limits.depth, run.count) {
            var longer: [TermInfo?] = []
            for at in 0...(run.count - length) {
                guard frequent[at], frequent[at + 1] else {
                    longer.append(nil)
                    continue
                }
                guard let info = try grams.find(field: field, run[at..<(at + length)]) else { return true }
                longer.append(info)
                if info.documentFrequency <= leadCountEnough, length < run.count {
                    lists.append(info)
                    return false
                }
            }
            if longer.allSatisfy({ $0 == nil }) { break }
            // What a longer gram was found for is led by that one.
            for (at, info) in found.enumerated() {
                let isCovered = (max(at - 1, 0)...min(at, longer.count - 1)).contains { longer[$0] != nil }
                if let info, !isCovered { lists.append(info) }
            }
            frequent = longer.map { ($0?.documentFrequency ?? 0) >= limits.longerThreshold }
            found = longer
            length += 1
            if !frequent.contains(true) { break }
        }
        lists += found.compactMap { $0 }
        return false
    }
}

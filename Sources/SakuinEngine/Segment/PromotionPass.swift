// The promoted grams of one field of a segment that is being written, from where its frequent bigrams stand.
//
// 1. Documents are gone through in windows. Whoever writes the segment puts its frequent bigrams where they stand
//    (`GramWindowSource`).
// 2. `GramLevel` finds the trigrams of the window. After the last window their lists can be written.
// 3. The windows are gone through again for the grams of four characters, if there are frequent trigrams.

/// Where the windows of a pass come from.
protocol GramWindowSource {
    /// Hands out all windows in order, with where the bigrams stand that are `wanted`, by their numbers; or where the
    /// frequent grams of a level stand that are made of those. What `body` returns, if it does, is wanted from then on: a
    /// part of what was wanted before, of which windows may still have the rest.
    func forEachWindow(
        of pass: PromotionPass, wanted: [Bool], level: GramLevelSlot?, _ body: (borrowing GramWindow) -> [Bool]?
    ) throws(StorageError)
}

struct PromotionPass {
    let field: Int
    /// Bigrams in at least `rule.thresholdMin` documents.
    let bigrams: NumberedGrams
    let lengths: FieldLengths
    let documentCount: Int
    let rule: PromotionRule
    let limits: PromotionLimits
    /// For all promoted grams of the field.
    let allowance: PostingAllowance

    /// `frequent` are those of the segment, whose `lengths` outlive the pass.
    init(
        field: Int, _ frequent: FrequentGrams, _ lengths: FieldLengths, documentCount: Int, _ rule: PromotionRule,
        _ limits: PromotionLimits
    ) {
        self.field = field
        self.lengths = lengths
        self.documentCount = documentCount
        self.rule = rule
        self.limits = limits
        bigrams = frequent.bigrams(of: field)
        allowance = rule.allowance(bigramPostingCount: frequent.postingCount(of: field))
    }

    /// Writes the promoted grams.
    func write(to sections: inout PromotedSections, _ source: some GramWindowSource) throws(StorageError) {
        guard let trigrams = try findTrigrams(source) else { return }
        try append(trigrams.level, to: &sections)
        trigrams.level.level.removeLists()
        try end(trigrams, try findFourGrams(of: trigrams, source), to: &sections)
    }

    /// Finds the trigrams; nil when the field is left alone.
    func findTrigrams(_ source: some GramWindowSource) throws(StorageError) -> FoundTrigrams? {
        guard let norms = lengths.norms, !bigrams.isEmpty,
            GramWindow.longest(norms, documentCount: documentCount) <= limits.documentPlaceCountMax
        else { return nil }
        let trigrams = GramLevelSlot(
            GramLevel(bigrams, threshold: rule.thresholdMin, allowance, byteCountMax: limits.byteCountMax))
        let all = wanted(trigrams.level.threshold)
        try source.forEachWindow(of: self, wanted: all, level: nil) { window in
            let before = trigrams.level.threshold
            trigrams.level.scan(window, documentCount: documentCount)
            return trigrams.level.threshold == before ? nil : wanted(trigrams.level.threshold)
        }
        let longerThreshold = rule.longerThreshold(trigrams.level.threshold)
        let frequent = trigrams.level.finish(frequentMin: longerThreshold)
        return FoundTrigrams(level: trigrams, frequent: frequent, longerThreshold: longerThreshold)
    }

    /// Finds the grams of four characters; nil when there are none to look for. Reads the level of the trigrams alone.
    func findFourGrams(
        of trigrams: FoundTrigrams, _ source: some GramWindowSource
    ) throws(StorageError) -> GramLevelSlot? {
        if rule.depthMax <= PromotedGrams.lengthMin || trigrams.frequent.isEmpty { return nil }
        let (threshold, postingCount) = (trigrams.level.level.threshold, trigrams.level.level.postingCount)
        let left = PostingAllowance(
            whole: max(allowance.postingCount(threshold) - postingCount, 0), wholeThreshold: 0)
        let found = GramLevelSlot(
            GramLevel(
                trigrams.frequent, threshold: trigrams.longerThreshold, left, byteCountMax: limits.byteCountMax))
        let parts = trigrams.level.level.partsOfFrequent()
        try source.forEachWindow(of: self, wanted: parts, level: trigrams.level) { window in
            found.level.scan(window, documentCount: documentCount)
            return nil
        }
        _ = found.level.finish(frequentMin: .max)
        return found
    }

    /// Writes the lists of a level that is finished; those of the trigrams come first.
    func append(_ found: GramLevelSlot, to sections: inout PromotedSections) throws(StorageError) {
        try found.level.forEachList { (characters, run) throws(StorageError) in
            try sections.append(field: field, characters, run, lengths)
        }
    }

    /// Writes the lists behind those of the trigrams, and ends the field.
    func end(
        _ trigrams: FoundTrigrams, _ fourGrams: GramLevelSlot?, to sections: inout PromotedSections
    ) throws(StorageError) {
        var promoted = PromotedGrams.Field(
            threshold: trigrams.level.level.threshold, longerThreshold: trigrams.longerThreshold,
            depth: PromotedGrams.lengthMin)
        if let fourGrams {
            try append(fourGrams, to: &sections)
            promoted.longerThreshold = fourGrams.level.threshold
            promoted.depth += 1
        }
        sections.end(field: field, promoted)
    }

    /// Goes through all windows in order, which `fill` fills; with a helper, if there is one to be had, on its thread while
    /// `body` looks at the one before.
    func forEachWindow(
        wanted: [Bool], level: GramLevelSlot?, withHelper: Bool, fill: @escaping WindowsAhead.Fill,
        _ body: (borrowing GramWindow) -> [Bool]?
    ) throws(StorageError) {
        let fill: WindowsAhead.Fill = { (window, wanted) throws(StorageError) in
            try fill(window, wanted)
            level?.level.replace(window)
        }
        if withHelper, try WindowsAhead(self, wanted: wanted, fill: fill).forEach(body) { return }
        guard let norms = lengths.norms else { return }
        var window = GramWindow(placeCountMax: limits.windowPlaceCountMax)
        var wanted = wanted
        while window.begin(at: window.documents.upperBound, norms, documentCount: documentCount) {
            try fill(window, wanted)
            wanted = body(window) ?? wanted
        }
    }

    /// By number: whether a bigram is in so many documents.
    private func wanted(_ threshold: Int) -> [Bool] {
        bigrams.documentFrequencies.map { $0 > 0 && Int($0) >= threshold }
    }
}

/// The trigrams that are promoted, with those frequent enough to be part of longer grams.
struct FoundTrigrams {
    let level: GramLevelSlot
    let frequent: NumberedGrams
    /// From so many documents on they are.
    let longerThreshold: Int
}

// The promoted grams of one field of a segment that is being written, from where its frequent bigrams stand.
//
// 1. Documents are gone through in windows. Whoever writes the segment puts its frequent bigrams where they stand
//    (`GramWindowSource`).
// 2. `GramLevel` finds the trigrams of the window. After the last window their lists are written.
// 3. The windows are gone through again for each further level, while there are frequent grams to make it of.

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
        guard let norms = lengths.norms, !bigrams.isEmpty,
            GramWindow.longest(norms, documentCount: documentCount) <= limits.documentPlaceCountMax
        else { return }
        let trigrams = GramLevelSlot(
            GramLevel(bigrams, threshold: rule.thresholdMin, allowance, byteCountMax: limits.byteCountMax))
        let all = wanted(trigrams.level.threshold)
        try source.forEachWindow(of: self, wanted: all, level: nil) { window in
            let before = trigrams.level.threshold
            trigrams.level.scan(window, documentCount: documentCount)
            return trigrams.level.threshold == before ? nil : wanted(trigrams.level.threshold)
        }
        let threshold = trigrams.level.threshold
        var promoted = PromotedGrams.Field(
            threshold: threshold, longerThreshold: rule.longerThreshold(threshold), depth: PromotedGrams.lengthMin)
        let frequent = try trigrams.level.finish(frequentMin: promoted.longerThreshold) {
            (characters, run) throws(StorageError) in
            try sections.append(field: field, characters, run, lengths)
        }
        if rule.depthMax > promoted.depth, !frequent.isEmpty {
            promoted.longerThreshold = try writeFourGrams(frequent, promoted, trigrams, to: &sections, source)
            promoted.depth += 1
        }
        sections.end(field: field, promoted)
    }

    /// Goes through all windows in order, which `fill` fills, in one window.
    func forEachWindow(
        wanted: [Bool], level: GramLevelSlot?,
        fill: (borrowing GramWindow, _ wanted: [Bool]) throws(StorageError) -> Void,
        _ body: (borrowing GramWindow) -> [Bool]?
    ) throws(StorageError) {
        guard let norms = lengths.norms else { return }
        var window = GramWindow(placeCountMax: limits.windowPlaceCountMax)
        var wanted = wanted
        while window.begin(at: window.documents.upperBound, norms, documentCount: documentCount) {
            try fill(window, wanted)
            level?.level.replace(window)
            wanted = body(window) ?? wanted
        }
    }

    /// By number: whether a bigram is in so many documents.
    private func wanted(_ threshold: Int) -> [Bool] {
        bigrams.documentFrequencies.map { $0 > 0 && Int($0) >= threshold }
    }

    /// Writes the grams of four characters; returns their threshold.
    private func writeFourGrams(
        _ frequent: NumberedGrams, _ known: PromotedGrams.Field, _ trigrams: GramLevelSlot,
        to sections: inout PromotedSections, _ source: some GramWindowSource
    ) throws(StorageError) -> Int {
        let left = PostingAllowance(
            whole: max(allowance.postingCount(known.threshold) - trigrams.level.postingCount, 0), wholeThreshold: 0)
        var level = GramLevel(
            frequent, threshold: known.longerThreshold, left, byteCountMax: limits.byteCountMax)
        let parts = trigrams.level.partsOfFrequent()
        try source.forEachWindow(of: self, wanted: parts, level: trigrams) { window in
            level.scan(window, documentCount: documentCount)
            return nil
        }
        let threshold = level.threshold
        _ = try level.finish(frequentMin: .max) { (characters, run) throws(StorageError) in
            try sections.append(field: field, characters, run, lengths)
        }
        return threshold
    }
}

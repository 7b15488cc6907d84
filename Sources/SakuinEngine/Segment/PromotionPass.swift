// The promoted grams of one field of a segment that is being written, from where its frequent bigrams stand.
//
// 1. Documents are gone through in windows. Whoever writes the segment puts its frequent bigrams where they stand.
// 2. `GramLevel` finds the trigrams of the window. After the last window their lists are written.
// 3. The windows are gone through again for each further level, while there are frequent grams to make it of.

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

    /// Writes the promoted grams. `fill` puts into a window where the bigrams stand that are `wanted`, by their numbers; it
    /// is called for all windows in order, once for each level.
    func write(
        to sections: inout PromotedSections,
        _ fill: (borrowing GramWindow, _ wanted: [Bool]) throws(StorageError) -> Void
    ) throws(StorageError) {
        guard let norms = lengths.norms, !bigrams.isEmpty,
            GramWindow.longest(norms, documentCount: documentCount) <= limits.documentPlaceCountMax
        else { return }
        var window = GramWindow(placeCountMax: limits.windowPlaceCountMax)
        var trigrams = GramLevel(
            bigrams, threshold: rule.thresholdMin, allowance, byteCountMax: limits.byteCountMax)
        var wanted = self.wanted(trigrams.threshold)
        while window.next(norms, documentCount: documentCount) {
            try fill(window, wanted)
            let before = trigrams.threshold
            trigrams.scan(window, documentCount: documentCount)
            if trigrams.threshold != before { wanted = self.wanted(trigrams.threshold) }
        }
        let threshold = trigrams.threshold
        var promoted = PromotedGrams.Field(
            threshold: threshold, longerThreshold: rule.longerThreshold(threshold), depth: PromotedGrams.lengthMin)
        let frequent = try trigrams.finish(frequentMin: promoted.longerThreshold) {
            (characters, run) throws(StorageError) in
            try sections.append(field: field, characters, run, lengths)
        }
        if rule.depthMax > promoted.depth, !frequent.isEmpty {
            promoted.longerThreshold = try writeFourGrams(
                frequent, promoted, trigrams, norms, &window, to: &sections, fill)
            promoted.depth += 1
        }
        sections.end(field: field, promoted)
    }

    /// By number: whether a bigram is in so many documents.
    private func wanted(_ threshold: Int) -> [Bool] {
        bigrams.documentFrequencies.map { $0 > 0 && Int($0) >= threshold }
    }

    /// Writes the grams of four characters; returns their threshold.
    private func writeFourGrams(
        _ frequent: NumberedGrams, _ known: PromotedGrams.Field, _ trigrams: borrowing GramLevel,
        _ norms: UnsafePointer<UInt8>, _ window: inout GramWindow, to sections: inout PromotedSections,
        _ fill: (borrowing GramWindow, _ wanted: [Bool]) throws(StorageError) -> Void
    ) throws(StorageError) -> Int {
        let left = PostingAllowance(
            whole: max(allowance.postingCount(known.threshold) - trigrams.postingCount, 0), wholeThreshold: 0)
        var level = GramLevel(
            frequent, threshold: known.longerThreshold, left, byteCountMax: limits.byteCountMax)
        let wanted = trigrams.partsOfFrequent()
        window.restart()
        while window.next(norms, documentCount: documentCount) {
            try fill(window, wanted)
            trigrams.replace(window)
            level.scan(window, documentCount: documentCount)
        }
        let threshold = level.threshold
        _ = try level.finish(frequentMin: .max) { (characters, run) throws(StorageError) in
            try sections.append(field: field, characters, run, lengths)
        }
        return threshold
    }
}

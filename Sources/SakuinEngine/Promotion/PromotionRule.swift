// Promoted grams: n-grams of three and four characters whose documents are listed, since all their bigrams are frequent.
//
// A phrase of frequent bigrams is what costs most to find by bigrams: long lists are intersected and positions compared.
// Of rarer ones the rarest bigram is a short list already. So within a segment and field there is a threshold T, and
//
// 1. a trigram is promoted exactly when both its bigrams are in at least T documents of the segment, dead or alive;
// 2. a longer n-gram, up to a depth, exactly when both its (n-1)-grams are promoted and in at least L documents, L a
//    part of T: few n-grams are that frequent, and without them a phrase of n characters is still compared by positions.
//
// A promoted gram that is in no list is therefore in no document, and nothing else has to be kept to know that.

/// What decides which grams of a segment are promoted.
struct PromotionRule: Sendable, Hashable {
    /// The lowest threshold. It is doubled while what is promoted is more than is allowed.
    var thresholdMin = 512
    /// So many postings of promoted grams there may be for each of bigrams.
    var postingShareMax = 0.25
    /// From this threshold on; below it in proportion less, since what is saved on shorter lists is worth less.
    var wholeShareThreshold = 2560
    /// So many postings of promoted grams may a field have.
    var postingCountMax = 16 << 20
    /// The longest promoted grams.
    var depthMax = 4
    /// Grams of more than three characters have a threshold so many times lower.
    var longerDivisor = 8

    func longerThreshold(_ threshold: Int) -> Int { max(threshold / longerDivisor, 1) }

    /// What may be promoted of a field whose bigrams have so many postings.
    func allowance(bigramPostingCount: Int) -> PostingAllowance {
        PostingAllowance(
            whole: min(postingCountMax, Int(postingShareMax * Double(bigramPostingCount))),
            wholeThreshold: wholeShareThreshold)
    }
}

/// How many postings promoted grams may have, by the threshold from which they are promoted.
struct PostingAllowance: Sendable {
    /// From `wholeThreshold` on, below it in proportion less.
    var whole: Int
    var wholeThreshold: Int

    func postingCount(_ threshold: Int) -> Int {
        threshold >= wholeThreshold ? whole : Int(Double(whole) * Double(threshold) / Double(wholeThreshold))
    }
}

/// What promoting the grams of a field of a segment may take.
struct PromotionLimits: Sendable {
    /// Of memory, besides what is kept of frequent bigrams.
    var byteCountMax: Int
    /// The most places a window has that is not one document.
    var windowPlaceCountMax: Int

    /// Of a place of a window.
    private let placeByteCount: Int

    /// With `windowPlaceCountMax` places if they are no more than a quarter of the memory.
    init(byteCountMax: Int, windowPlaceCountMax: Int, placeByteCount: Int = GramWindow.placeByteCount) {
        self.byteCountMax = byteCountMax
        self.placeByteCount = placeByteCount
        self.windowPlaceCountMax = min(windowPlaceCountMax, max(byteCountMax / (4 * placeByteCount), 1))
    }

    /// A field with a longer document is left alone.
    var documentPlaceCountMax: Int { byteCountMax / (2 * placeByteCount) }
}

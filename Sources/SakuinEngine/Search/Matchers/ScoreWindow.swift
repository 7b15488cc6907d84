import Synchronization

/// Sums of scores by document of a window, and which documents have one.
///
/// Where no document is present the sum is 0, also between searches.
final class ScoreWindow {
    private let sums: UnsafeMutablePointer<Double>
    /// A bit a document.
    private let present: UnsafeMutablePointer<UInt64>
    /// A bit a word of `present` that has bits.
    private let filled: UnsafeMutablePointer<UInt64>

    /// Documents of the widest window.
    static var count: Int { 16_384 }
    /// What one takes.
    static var byteCount: Int { count * MemoryLayout<Double>.stride + count / 8 }
    private static var wordCount: Int { count / 64 }
    private static var filledCount: Int { wordCount / 64 }

    private init() {
        sums = .allocate(capacity: Self.count)
        sums.initialize(repeating: 0, count: Self.count)
        present = .allocate(capacity: Self.wordCount)
        present.initialize(repeating: 0, count: Self.wordCount)
        filled = .allocate(capacity: Self.filledCount)
        filled.initialize(repeating: 0, count: Self.filledCount)
    }

    /// Windows that nobody uses: fresh memory of this size would be mapped, and each of its pages zeroed, for every
    /// search.
    private struct Spare: @unchecked Sendable {
        // A window is either here or with the one matcher that took it, never with both.
        var windows: [ScoreWindow] = []
    }
    private static let spare = Mutex(Spare())
    private static let spareCountMax = 32

    static func take() -> ScoreWindow {
        let known = spare.withLock { $0.windows.popLast() }
        return known ?? ScoreWindow()
    }

    /// Empties the window for whoever takes it next.
    func giveBack() {
        passOver(below: Self.count)
        let kept = Spare(windows: [self])
        Self.spare.withLock { spare in
            if spare.windows.count < Self.spareCountMax { spare.windows += kept.windows }
        }
    }

    deinit {
        sums.deallocate()
        present.deallocate()
        filled.deallocate()
    }

    /// The sum of a document of the window that was not taken yet; nil when it has none.
    func sum(of document: UInt32, _ start: UInt32) -> Double? {
        let at = Int(document &- start)
        guard at < Self.count, present[at &>> 6] &>> UInt64(at & 63) & 1 == 1 else { return nil }
        return sums[at]
    }

    /// Adds to the sum of the document `at` behind the window's first, which is in the window.
    @inline(__always)
    func add(_ score: Double, at: Int) {
        sums[at] += score
        present[at &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: at & 63)
        filled[at &>> 12] |= 1 &<< UInt64(truncatingIfNeeded: at &>> 6 & 63)
    }

    /// Takes documents with sums above `limit` out, 128 at most, and those passed over too; returns how many, 0 when the
    /// window is read.
    func take(_ start: UInt32, above limit: Double, into batch: MatchBatch) -> Int {
        let (documents, scores) = (batch.documents, batch.scores)
        let (sums, present) = (sums, present)
        var taken = 0
        for part in 0..<Self.filledCount {
            var words = filled[part]
            while words != 0 {
                let word = part &<< 6 | words.trailingZeroBitCount
                var bits = present[word]
                // A word of documents is taken whole.
                if taken &+ bits.nonzeroBitCount > MatchBatch.capacity {
                    filled[part] = words
                    return taken
                }
                repeat {
                    let place = word &<< 6 | bits.trailingZeroBitCount
                    bits &= bits &- 1
                    let sum = sums[place]
                    sums[place] = 0
                    documents[taken] = start &+ UInt32(truncatingIfNeeded: place)
                    scores[taken] = sum
                    taken &+= sum > limit ? 1 : 0
                } while bits != 0
                present[word] = 0
                words &= words &- 1
            }
            filled[part] = 0
        }
        return taken
    }

    /// Drops the documents less than `end` behind the window's first.
    func passOver(below end: Int) {
        for part in 0..<Self.filledCount {
            var words = filled[part]
            while words != 0 {
                let word = part &<< 6 | words.trailingZeroBitCount
                words &= words &- 1
                let before = min(max(end &- word &<< 6, 0), 64)
                var bits = present[word] & (before == 64 ? .max : 1 &<< UInt64(before) &- 1)
                present[word] &= ~bits
                if present[word] == 0 { filled[part] &= ~(1 &<< UInt64(word & 63)) }
                while bits != 0 {
                    sums[word &<< 6 | bits.trailingZeroBitCount] = 0
                    bits &= bits &- 1
                }
            }
        }
    }
}

import Synchronization

/// Sums of scores by document of a window, and which documents have one.
final class ScoreWindow {
    private let sums: UnsafeMutablePointer<Double>
    private let present: UnsafeMutablePointer<UInt64>
    private var word: Int

    /// Documents of a window.
    static var count: Int { 16_384 }
    private var count: Int { Self.count }

    private init() {
        sums = .allocate(capacity: Self.count)
        present = .allocate(capacity: Self.count / 64)
        present.initialize(repeating: 0, count: Self.count / 64)
        word = Self.count / 64
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
        present.update(repeating: 0, count: Self.count / 64)
        word = Self.count / 64
        let kept = Spare(windows: [self])
        Self.spare.withLock { spare in
            if spare.windows.count < Self.spareCountMax { spare.windows += kept.windows }
        }
    }

    deinit {
        sums.deallocate()
        present.deallocate()
    }

    /// Reading off starts at the beginning.
    func begin() { word = 0 }

    /// The sum of a document of the window that was not taken yet; nil when it has none.
    func sum(of document: UInt32, _ start: UInt32) -> Double? {
        let at = Int(document &- start)
        guard at < count, present[at &>> 6] &>> UInt64(at & 63) & 1 == 1 else { return nil }
        return sums[at]
    }

    @inline(__always)
    func add(
        _ documents: UnsafePointer<UInt32>, _ scores: UnsafePointer<Double>, _ added: Int, _ start: UInt32
    ) {
        for i in 0..<added {
            let at = Int(documents[i] &- start)
            let bit: UInt64 = 1 &<< UInt64(at & 63)
            let old = present[at &>> 6]
            sums[at] = (old & bit == 0 ? 0 : sums[at]) + scores[i]
            present[at &>> 6] = old | bit
        }
    }

    /// Takes up to 128 documents not below `target` out; returns how many, 0 when the window is read.
    func take(from target: UInt32, _ start: UInt32, into batch: MatchBatch) -> Int {
        var taken = 0
        while word < count / 64 {
            var bits = present[word]
            let base = start &+ UInt32(truncatingIfNeeded: word &* 64)
            while bits != 0 {
                if taken == MatchBatch.capacity {
                    present[word] = bits
                    return taken
                }
                let bit = bits.trailingZeroBitCount
                bits &= bits &- 1
                batch.documents[taken] = base &+ UInt32(truncatingIfNeeded: bit)
                batch.scores[taken] = sums[word &* 64 &+ bit]
                taken &+= batch.documents[taken] >= target ? 1 : 0
            }
            present[word] = 0
            word &+= 1
        }
        return taken
    }
}

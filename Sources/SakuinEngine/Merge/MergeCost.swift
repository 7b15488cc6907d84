/// Bytes of the sections of terms, which a merge first writes to files of their own when they grow large: postings only
/// where a helper writes to the segment meanwhile.
struct TermByteCounts: Sendable, Equatable {
    var grams = 0
    var words = 0
    var postings = 0
    var positions = 0
    var promoted = 0

    /// Of sections of these sizes what goes through the files: pieces of `limit`, as `SectionWriter` spills them.
    func spilled(_ limit: Int, withHelper: Bool) -> Int {
        [grams, words, positions, promoted, withHelper ? postings : 0].reduce(0) {
            $0 + $1 / max(limit, 1) * max(limit, 1)
        }
    }

    func scaled(by share: Double) -> TermByteCounts {
        func part(_ byteCount: Int) -> Int { Int(Double(byteCount) * share) }
        return TermByteCounts(
            grams: part(grams), words: part(words), postings: part(postings), positions: part(positions),
            promoted: part(promoted))
    }

    static func + (a: TermByteCounts, b: TermByteCounts) -> TermByteCounts {
        TermByteCounts(
            grams: a.grams + b.grams, words: a.words + b.words, postings: a.postings + b.postings,
            positions: a.positions + b.positions, promoted: a.promoted + b.promoted)
    }
}

/// What bounds merges besides the policy.
struct MergeLimits: Sendable, Equatable {
    /// The most memory that a merge may take.
    var memoryByteCountMax = Int.max
    /// What one takes at most besides the parts of its segments.
    var bufferByteCountMax = 0
    /// Sections as large as this go through files of their own.
    var spillByteCount = Int.max

    init() {}

    init(_ memory: MemoryBudget) {
        memoryByteCountMax = memory.mergeByteCountMax
        bufferByteCountMax = memory.shares.mergeByteCount
        spillByteCount = memory.shares.spillByteCount
    }

    /// Memory besides the parts of segments of so many bytes: what is small does not fill the buffers.
    func bufferByteCount(_ byteCount: Int) -> Int { min(bufferByteCountMax, 1 << 20 + 2 * byteCount) }
}

/// What merging some segments reads, writes and needs, by their sizes.
struct MergeCost: Sendable, Equatable {
    let bytesRead: Int
    let bytesWritten: Int
    /// Of the disk, beside the segments themselves: the new one, and what goes through files of its own.
    let diskByteCount: Int
    let memoryByteCount: Int

    /// `withHelper`: as `MergeTarget.merge` has it.
    init(_ inputs: [MergePolicy.Candidate], _ limits: MergeLimits, withHelper: Bool) {
        let byteCount = inputs.reduce(0) { $0 + $1.byteCount }
        let live = inputs.reduce(0) { $0 + $1.liveByteCount }
        let terms = inputs.reduce(TermByteCounts()) { $0 + $1.termByteCounts.scaled(by: 1 - $1.deadShare) }
        let spilled = terms.spilled(limits.spillByteCount, withHelper: withHelper)
        bytesRead = byteCount + spilled
        bytesWritten = live + spilled
        diskByteCount = live + spilled
        memoryByteCount = inputs.reduce(limits.bufferByteCount(byteCount)) { $0 + $1.memoryByteCount }
    }
}

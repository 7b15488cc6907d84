/// How the one memory number is shared out: a pure function of it, so that small budgets work with small buffers.
struct MemoryShares: Sendable, Equatable {
    /// Sections of a segment that is being written go to a file when they are as large; their buffers grow to twice it.
    let spillByteCount: Int
    /// A lane fills a chunk up to this whatever else there is, so that writing always goes on.
    let laneChunkByteCountMin: Int
    /// Batches that wait for the journal, and those that wait for a lane.
    let queueByteCountMax: Int
    let laneQueueByteCountMax: Int
    /// A batch larger than this is refused: it stands in memory several times on its way to a lane.
    let batchByteCountMax: Int
    /// Distinct pairs of characters that are counted when a merge makes a code for stored text.
    let pairCountMax: Int

    init(_ byteCountMax: Int) {
        func share(_ parts: Int, _ range: ClosedRange<Int>) -> Int {
            min(max(byteCountMax / parts, range.lowerBound), range.upperBound)
        }
        spillByteCount = share(128, 128 << 10...8 << 20)
        laneChunkByteCountMin = share(16, 512 << 10...4 << 20)
        queueByteCountMax = share(16, 1 << 20...128 << 20)
        laneQueueByteCountMax = share(16, 512 << 10...16 << 20)
        batchByteCountMax = share(12, 2 << 20...64 << 20)
        pairCountMax = share(1024, 1 << 15...1 << 20)
    }

    /// What the four sections of a segment's terms take while they are written.
    var sectionsByteCount: Int { 8 * spillByteCount }
    /// The counts of pairs; behind them, in the same merge, the lists of promoted grams.
    var pairByteCount: Int { 48 * pairCountMax }
    /// A merge, besides what it takes by document: sections, the counts of pairs, open blocks.
    var mergeByteCount: Int { sectionsByteCount + pairByteCount + 2 << 20 }
}

/// The merges of a compaction, reckoned from sizes before it begins: for its estimate and its percentage.
struct CompactionPlan: Sendable, Equatable {
    private(set) var bytesRead = 0
    private(set) var bytesWritten = 0
    private(set) var segmentCount: Int
    /// Of the disk while it runs: old files go when the new ones are committed, those of single sections at once.
    private(set) var diskByteCount = 0
    /// Bytes of all segments when it is done.
    private(set) var bytesAfter: Int
    /// Of its largest merge.
    private(set) var memoryByteCount = 0

    init(
        _ policy: MergePolicy, _ segments: [MergePolicy.Candidate], _ options: CompactionOptions,
        limits: MergeLimits = MergeLimits(), withHelper: Bool = false
    ) {
        var spilled = 0
        var segments = segments
        var id = UInt64.max
        // Each step leaves fewer segments, dead documents, flushed ones or ones of older formats.
        for _ in 0..<(2 * segments.count + 1) {
            guard let ids = Self.next(policy, segments, options).map({ Set($0) }) else { break }
            let inputs = segments.filter { ids.contains($0.id) }
            segments.removeAll { ids.contains($0.id) }
            if let merged = MergePolicy.merged(inputs, id: id) {
                let cost = MergeCost(inputs, limits, withHelper: withHelper)
                bytesRead += cost.bytesRead
                bytesWritten += cost.bytesWritten
                memoryByteCount = max(memoryByteCount, cost.memoryByteCount)
                diskByteCount += merged.byteCount
                spilled = max(spilled, cost.diskByteCount - merged.byteCount)
                segments.append(merged)
            } else {
                bytesRead += inputs.reduce(0) { $0 + $1.byteCount }
            }
            id -= 1
        }
        segmentCount = segments.count
        bytesAfter = segments.reduce(0) { $0 + $1.byteCount }
        diskByteCount += spilled
    }

    /// The next merge of a compaction of these segments; nil when it is done. What died in those it has `made` meanwhile is
    /// not its business: under steady replacements it would never end.
    static func next(
        _ policy: MergePolicy, _ segments: [MergePolicy.Candidate], _ options: CompactionOptions,
        made: Set<UInt64> = []
    ) -> [UInt64]? {
        let segments = segments.map { candidate in
            var candidate = candidate
            if made.contains(candidate.id) { candidate.deadCount = 0 }
            return candidate
        }
        if options.onlyDeletes { return segments.first { $0.deadCount > 0 }.map { [$0.id] } }
        return policy.compaction(segments, to: options.segments)
    }
}

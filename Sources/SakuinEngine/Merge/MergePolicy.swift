/// Segment sizes in, the next merge out: a pure function.
///
/// Tiered: segments are worth merging with others of their size. The sizes allow so many segments (`segmentsPerTier` of
/// each tier, a tier being `segmentsPerTier` times the one below); when there are more, the merge of up to
/// `segmentsPerTier` neighbours by size with the least skew and the most dead documents is picked (after the tiered
/// policy of Lucene). Segments over half of the largest size are left alone until a third of them is dead. The largest
/// size grows with the index, so that a search never goes through more than some hundred segments. Segments of different
/// groups are never merged with each other.
struct MergePolicy: Sendable, Equatable {
    struct Candidate: Sendable, Equatable {
        var id: UInt64
        var byteCount: Int
        var documentCount: Int
        var deadCount: Int
        /// Written by a refresh: a merge would compress it better.
        var isFlushed = false
        /// Of a format before the one that is written now.
        var isOutdated = false
        /// Its part of the memory a merge takes.
        var memoryByteCount = 0
        var termByteCounts = TermByteCounts()
        /// The analyzer version: texts are not analysed again, so tokens of two versions cannot stand in one segment.
        var group: UInt32 = 0

        /// The bytes a merge would keep.
        var liveByteCount: Int {
            documentCount == 0 ? 0 : Int(Double(byteCount) * Double(documentCount - deadCount) / Double(documentCount))
        }
        var deadShare: Double { documentCount == 0 ? 0 : Double(deadCount) / Double(documentCount) }
    }

    var segmentsPerTier = 8
    /// Smaller segments count as this big.
    var floorByteCount = 2 << 20
    /// The largest segment a merge makes, unless the index is over `largestCount` times as large.
    var segmentByteCountMax = 5 << 30
    var largestCount = 64
    /// A segment with more dead than this is rewritten even alone.
    var deadShareMax = 0.33
    /// No merge is picked whose inputs take more memory together.
    var memoryByteCountMax = Int.max

    /// The segments of the next merge, oldest first as given; nil when nothing is worth it.
    func next(_ segments: [Candidate], busy: Set<UInt64> = []) -> [UInt64]? {
        var sized = self
        let total = segments.reduce(0) { $0 + $1.liveByteCount }
        sized.segmentByteCountMax = max(segmentByteCountMax, total / max(largestCount, 1))
        let free = segments.filter { !busy.contains($0.id) && $0.memoryByteCount <= memoryByteCountMax }
        return sized.nextOfSize(free, in: segments)
    }

    private func nextOfSize(_ free: [Candidate], in segments: [Candidate]) -> [UInt64]? {
        // What could be merged with nothing of its size would only keep others from it.
        let eligible = free.filter {
            $0.liveByteCount < segmentByteCountMax / 2 && $0.memoryByteCount <= memoryByteCountMax / 2
        }
        .sorted { ($0.liveByteCount, $0.id) > ($1.liveByteCount, $1.id) }
        for group in Self.groups(eligible) {
            let members = eligible.filter { $0.group == group }
            if members.count > allowedCount(members), let chosen = best(members) {
                let ids = Set(chosen.map(\.id))
                return segments.filter { ids.contains($0.id) }.map(\.id)
            }
        }
        // Only then: rewriting alone makes no fewer segments.
        let dead = free.filter { $0.deadShare > deadShareMax }.max { $0.deadCount < $1.deadCount }
        return dead.map { [$0.id] }
    }

    /// The newest first, in which segments are written.
    private static func groups(_ segments: [Candidate]) -> [UInt32] { Set(segments.map(\.group)).sorted(by: >) }

    /// How many segments these sizes may stand in.
    private func allowedCount(_ eligible: [Candidate]) -> Int {
        var left = eligible.reduce(0) { $0 + max($1.liveByteCount, floorByteCount) }
        var level = max(eligible.last?.liveByteCount ?? 0, floorByteCount)
        var allowed = 0
        while true {
            let count = Double(left) / Double(level)
            if count < Double(segmentsPerTier) || level >= segmentByteCountMax {
                return allowed + Int(count.rounded(.up))
            }
            allowed += segmentsPerTier
            left -= segmentsPerTier * level
            level = min(level * segmentsPerTier, segmentByteCountMax)
        }
    }

    private func best(_ eligible: [Candidate]) -> [Candidate]? {
        let sizes = eligible.map(\.liveByteCount)
        var best: (score: Double, start: Int)?
        // One array for all: with a thousand segments this is asked as often for each merge.
        var places: [Int] = []
        for start in eligible.indices {
            pick(from: start, eligible, sizes, into: &places)
            guard places.count > 1 else { continue }
            let score = score(places, eligible, sizes)
            if best.map({ score < $0.score }) ?? true { best = (score, start) }
        }
        guard let best else { return nil }
        pick(from: best.start, eligible, sizes, into: &places)
        return places.map { eligible[$0] }
    }

    /// The places of the segments that would be merged with the one at a place and smaller ones; they are ordered by size.
    private func pick(from start: Int, _ eligible: [Candidate], _ sizes: [Int], into places: inout [Int]) {
        places.removeAll(keepingCapacity: true)
        var (bytes, memory, place) = (0, 0, start)
        while place < eligible.count, places.count < segmentsPerTier {
            defer { place += 1 }
            let memoryByteCount = eligible[place].memoryByteCount
            if bytes + sizes[place] > segmentByteCountMax || memory + memoryByteCount > memoryByteCountMax { continue }
            places.append(place)
            bytes += sizes[place]
            memory += memoryByteCount
        }
    }

    /// Of merges the one with the least is best.
    private func score(_ places: [Int], _ eligible: [Candidate], _ sizes: [Int]) -> Double {
        var (largest, total, live, all) = (0.0, 0.0, 0, 0)
        for place in places {
            let floored = Double(max(sizes[place], floorByteCount))
            largest = max(largest, floored)
            total += floored
            live += sizes[place]
            all += eligible[place].byteCount
        }
        // 1 / places.count when all are of one size, 1 when one is nearly everything.
        let skew = largest / max(total, 1)
        let kept = Double(live) / Double(max(all, 1))
        var (size, scale) = (total, 1.0)
        while size > Double(floorByteCount) {
            size /= 10
            scale *= 1.12
        }
        return skew * scale * kept * kept
    }

    /// The next of the merges that bring `segments` down to `target`, or to one of each group: the smallest of the group
    /// that has most. Then what holds dead documents, was never merged or is of an older format is rewritten by itself.
    func compaction(_ segments: [Candidate], to target: Int) -> [UInt64]? {
        let target = max(target, 1)
        let members = Self.groups(segments).map { group in segments.filter { $0.group == group } }
        let largest = members.max { $0.count < $1.count } ?? []
        if segments.count <= target || largest.count < 2 {
            return segments.first { $0.deadCount > 0 || $0.isFlushed || $0.isOutdated }.map { [$0.id] }
        }
        let excess = segments.count - target + 1
        let smallest = largest.sorted { ($0.liveByteCount, $0.id) < ($1.liveByteCount, $1.id) }.prefix(excess)
        let ids = Set(smallest.map(\.id))
        return segments.filter { ids.contains($0.id) }.map(\.id)
    }

    /// What merging these, of one group, leaves, by sizes; nil when nothing in them lives.
    static func merged(_ inputs: [Candidate], id: UInt64) -> Candidate? {
        let documents = inputs.reduce(0) { $0 + $1.documentCount - $1.deadCount }
        if documents == 0 { return nil }
        return Candidate(
            id: id, byteCount: inputs.reduce(0) { $0 + $1.liveByteCount }, documentCount: documents, deadCount: 0,
            memoryByteCount: inputs.reduce(0) { $0 + $1.memoryByteCount },
            termByteCounts: inputs.reduce(TermByteCounts()) { $0 + $1.termByteCounts.scaled(by: 1 - $1.deadShare) },
            group: inputs[0].group)
    }
}

/// The merge policy over sizes alone: segments are flushed, documents replaced, merges done at once.
@_spi(Benchmarks)
public struct MergeSimulation {
    /// What of the policy can be varied.
    public struct Parameters: Sendable {
        public var segmentsPerTier: Int
        public var floorByteCount: Int
        public var segmentByteCountMax: Int
        /// 0: the largest size does not grow with the index.
        public var largestCount: Int
        public var deadShareMax: Double
        /// Above this share of dead documents over all of the index, the segment with the most of them is rewritten.
        public var deadShareOfIndexMax = 1.0

        /// Those of the engine.
        public init() {
            let policy = MergePolicy()
            segmentsPerTier = policy.segmentsPerTier
            floorByteCount = policy.floorByteCount
            segmentByteCountMax = policy.segmentByteCountMax
            largestCount = policy.largestCount
            deadShareMax = policy.deadShareMax
        }
    }

    /// How the index stands.
    public struct Sample: Sendable {
        public var documents: Double
        public var segments: Int
        /// Bytes written by flushes and merges for each byte flushed.
        public var writeAmplification: Double
        /// Dead documents of all that take room.
        public var deadShare: Double
        public var largestByteCount: Int
    }

    private struct Segment {
        var documents: Double
        var dead = 0.0
    }

    private let policy: MergePolicy
    private let deadShareOfIndexMax: Double
    private let bytesPerDocument: Double
    private var segments: [UInt64: Segment] = [:]
    private var nextID: UInt64 = 1
    private var flushed = 0.0
    private var written = 0.0

    public init(_ parameters: Parameters, bytesPerDocument: Double) {
        var policy = MergePolicy()
        policy.segmentsPerTier = parameters.segmentsPerTier
        policy.floorByteCount = parameters.floorByteCount
        policy.segmentByteCountMax = parameters.segmentByteCountMax
        policy.largestCount = parameters.largestCount == 0 ? .max : parameters.largestCount
        policy.deadShareMax = parameters.deadShareMax
        self.policy = policy
        deadShareOfIndexMax = parameters.deadShareOfIndexMax
        self.bytesPerDocument = bytesPerDocument
    }

    /// Flushes a segment, of whose documents this share replaces older ones evenly spread over the index, and merges.
    public mutating func flush(documents: Double, replacing share: Double) {
        let living = segments.values.reduce(0) { $0 + $1.documents - $1.dead }
        let replaced = min(documents * share, living * 0.9)
        if living > 0 {
            segments = segments.mapValues { segment in
                var segment = segment
                segment.dead += replaced * (segment.documents - segment.dead) / living
                return segment
            }
        }
        segments[nextID] = Segment(documents: documents)
        nextID += 1
        flushed += documents
        written += documents
        while let ids = next() { merge(ids) }
    }

    private func next() -> [UInt64]? {
        if let ids = policy.next(candidates) { return ids }
        guard sample.deadShare > deadShareOfIndexMax else { return nil }
        return segments.max { ($0.value.dead, $0.key) < ($1.value.dead, $1.key) }.map { [$0.key] }
    }

    private var candidates: [MergePolicy.Candidate] {
        segments.sorted { $0.key < $1.key }.map { id, segment in
            MergePolicy.Candidate(
                id: id, byteCount: Int(segment.documents * bytesPerDocument), documentCount: Int(segment.documents),
                deadCount: Int(segment.dead))
        }
    }

    private mutating func merge(_ ids: [UInt64]) {
        let living = ids.compactMap { segments[$0] }.reduce(0) { $0 + $1.documents - $1.dead }
        for id in ids { segments[id] = nil }
        segments[nextID] = Segment(documents: living)
        nextID += 1
        written += living
    }

    public var sample: Sample {
        let all = segments.values.reduce(0) { $0 + $1.documents }
        let dead = segments.values.reduce(0) { $0 + $1.dead }
        return Sample(
            documents: all - dead, segments: segments.count, writeAmplification: flushed == 0 ? 1 : written / flushed,
            deadShare: all == 0 ? 0 : dead / all,
            largestByteCount: Int((segments.values.map(\.documents).max() ?? 0) * bytesPerDocument))
    }
}

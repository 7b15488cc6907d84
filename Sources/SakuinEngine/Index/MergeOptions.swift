/// What of the merge policy can be tuned.
public struct MergeOptions: Sendable, Hashable {
    /// So many segments of a size are allowed, and so many are merged at once; a tier is so many times the one below.
    public var segmentsPerTier: Int = 8
    /// The largest segment a merge in the background makes, unless the index is 64 times as large.
    public var segmentByteCountMax: Int = 5 << 30
    /// A segment of which more percent is dead is rewritten even alone.
    public var deadPercentMax: Int = 33

    public init() {}

    public static let segmentsPerTierRange = 2...64
    public static let segmentByteCountMin = 16 << 20
    public static let deadPercentRange = 5...90

    /// Throws `invalidArgument` naming the option that cannot be.
    public func validate() throws(SakuinError) {
        if !Self.segmentsPerTierRange.contains(segmentsPerTier) {
            throw .invalid(
                "A tier has 2 to 64 segments.", field: "merge.segmentsPerTier",
                limit: Self.segmentsPerTierRange.upperBound, value: segmentsPerTier)
        }
        if segmentByteCountMax < Self.segmentByteCountMin {
            throw .invalid(
                "The largest segment has at least 16 MiB.", field: "merge.segmentByteCountMax",
                limit: Self.segmentByteCountMin, value: segmentByteCountMax)
        }
        if !Self.deadPercentRange.contains(deadPercentMax) {
            throw .invalid(
                "A segment is rewritten when 5 to 90 percent of it are dead.", field: "merge.deadPercentMax",
                limit: Self.deadPercentRange.upperBound, value: deadPercentMax)
        }
    }
}

extension MergePolicy {
    init(_ options: MergeOptions) {
        self.init()
        segmentsPerTier = options.segmentsPerTier
        segmentByteCountMax = options.segmentByteCountMax
        deadShareMax = Double(options.deadPercentMax) / 100
    }
}

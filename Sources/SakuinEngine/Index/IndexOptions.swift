/// Everything of an index that can be tuned when it is opened.
public struct IndexOptions: Sendable, Hashable {
    /// What documents that no segment holds yet, queued batches, merges and searches may take together. In a catalog all
    /// indexes share it.
    public var memoryBudgetBytes: Int = 384 << 20
    /// Threads that invert documents.
    public var laneCount: Int = 2
    /// How long a write may wait before searches see it; 0: only on demand.
    public var refreshIntervalMilliseconds: Int = 200
    /// Searches see writes once there are so many bytes of them, whatever the interval; 0: their size alone does nothing.
    public var refreshByteCount: Int = 0
    /// Whether writes go through a journal. Without one, for bulk loads that can be begun again, batches are acknowledged at
    /// `memory` alone, and after a crash the index is as the last commit left it.
    public var keepsJournal: Bool = true
    /// A commit is made when batches of this many bytes are in none, and while twice as many are, writes wait for it: so
    /// much is replayed at most after a crash.
    public var journalByteCountMax: Int = 8 << 20
    /// A commit is made when a write has waited so long for one, which bounds the replay after a crash; 0: never.
    public var commitIntervalMilliseconds: Int = 30_000
    /// Submissions beyond this many bytes in the queue are refused.
    public var queueByteCountMax: Int = 128 << 20
    /// Points in time that may be open at once.
    public var pointInTimeCountMax: Int = 256
    /// Whether segments are merged in the background.
    public var mergesInBackground: Bool = true
    public var merge = MergeOptions()
    /// Bytes a second merges may read and write, together; nil: unlimited. In a catalog those of all indexes.
    public var mergeBytesPerSecond: Int?
    /// What merges share with those of other indexes; nil: this one has its own.
    var mergeBudget: MergeBudget?
    /// No merge begins while less of the disk is free than this, or than half of it if that is less; 0: not
    /// watched.
    public var diskMergeMarkBytes: Int = 512 << 20
    /// No write is taken while less of the disk is free than this, or than a quarter of it if that is less; 0: not
    /// watched.
    public var diskWriteMarkBytes: Int = 128 << 20
    /// Looks at the memory of the process, of which then all counts in the budget; nil: only what the engine takes counts.
    public var processMemory: MemoryHook?
    /// Of the segments that are written, if it is not what the schema asks for; tests write those of other versions.
    var analyzerVersion: UInt32?
    /// Whether there are threads; tests run out of them.
    var threads: ThreadHook?
    /// Which grams of them are promoted; tests have small thresholds.
    var promotion = PromotionRule()
    /// The lane of an index that has one is helped by a thread to seal chunks with so many bytes of streams; smaller ones
    /// are sealed before the thread would be there.
    var helpedByteCountMin = 1 << 20
    /// Receives sentences about what happened, with a level of `info`, `warning` or `error`.
    public var log: LogHook?

    public init() {}

    /// A function that takes the engine's log lines.
    public struct LogHook: Sendable, Hashable {
        public var write: @Sendable (_ level: String, _ message: String) -> Void
        public init(_ write: @escaping @Sendable (_ level: String, _ message: String) -> Void) { self.write = write }
        public static func == (a: LogHook, b: LogHook) -> Bool { true }
        public func hash(into hasher: inout Hasher) {}
    }

    /// Throws `invalidArgument` naming the option that cannot be.
    public func validate() throws(SakuinError) {
        if !(1...256).contains(laneCount) {
            throw .invalid("There can be 1 to 256 lanes.", field: "laneCount", limit: 256, value: laneCount)
        }
        if memoryBudgetBytes < 16 << 20 {
            throw .invalid(
                "The memory budget must be at least 16 MiB.", field: "memoryBudgetBytes", limit: 16 << 20,
                value: memoryBudgetBytes)
        }
        try merge.validate()
        for (field, mark) in [("diskMergeMarkBytes", diskMergeMarkBytes), ("diskWriteMarkBytes", diskWriteMarkBytes)]
        where mark < 0 {
            throw .invalid("A mark of the disk must not be negative.", field: field, limit: 0, value: mark)
        }
        if let rate = mergeBytesPerSecond, rate < 1 {
            throw .invalid(
                "Merges need at least 1 byte a second.", field: "mergeBytesPerSecond", limit: 1, value: rate)
        }
        if !(1 << 20...1 << 40).contains(journalByteCountMax) {
            throw .invalid(
                "A commit comes after 1 MiB to 1 TiB of batches.", field: "journalByteCountMax", limit: 1 << 40,
                value: journalByteCountMax)
        }
        if !(0...65_536).contains(pointInTimeCountMax) {
            throw .invalid(
                "There can be 0 to 65536 points in time.", field: "pointInTimeCountMax", limit: 65_536,
                value: pointInTimeCountMax)
        }
        if refreshByteCount < 0 {
            throw .invalid("refreshByteCount must not be negative.", field: "refreshByteCount", value: refreshByteCount)
        }
        if refreshIntervalMilliseconds < 0 || commitIntervalMilliseconds < 0 || queueByteCountMax < 1 << 20 {
            throw .invalid(
                "refreshIntervalMilliseconds and commitIntervalMilliseconds must not be negative; the queue takes at least 1 MiB.",
                field: "options")
        }
    }
}

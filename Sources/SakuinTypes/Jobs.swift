/// What a compaction is asked to do.
public struct CompactionOptions: Sendable, Hashable {
    /// How many segments to leave at most.
    public var segments: Int
    /// Only segments with dead documents are rewritten, each by itself; `segments` does not count.
    public var onlyDeletes: Bool
    /// Bytes a second the job may read and write; nil: as many as the index allows.
    public var bytesPerSecond: Int?

    public init(segments: Int = 1, onlyDeletes: Bool = false, bytesPerSecond: Int? = nil) {
        self.segments = segments
        self.onlyDeletes = onlyDeletes
        self.bytesPerSecond = bytesPerSecond
    }

    /// Throws `invalidArgument` naming what cannot be.
    public func validate() throws(SakuinError) {
        if segments < 1 {
            throw .invalid("A compaction leaves at least 1 segment.", field: "segments", limit: 1, value: segments)
        }
        if let bytesPerSecond, bytesPerSecond < 1 {
            throw .invalid(
                "A compaction needs at least 1 byte a second.", field: "bytesPerSecond", limit: 1,
                value: bytesPerSecond, nextStep: "Pause the job instead.")
        }
    }
}

/// What a compaction would cost, reckoned from the sizes of segments.
public struct CompactionEstimate: Sendable, Hashable {
    public var segmentsBefore = 0
    public var segmentsAfter = 0
    public var bytesBefore = 0
    public var bytesAfter = 0
    public var bytesRead = 0
    public var bytesWritten = 0
    /// What has to be free on the disk before it begins: old files go when the new ones are committed, and some stays
    /// free whatever happens.
    public var bytesNeeded = 0
    /// What its largest merge takes of the memory.
    public var memoryBytes = 0
    /// Why it would not begin as things are; nil when it would.
    public var refusal: SakuinError?
    /// Dead documents whose bytes it reclaims.
    public var deadDocuments = 0
    public var freeBytes = 0
    public var milliseconds = 0
    public init() {}
}

/// How far a job is.
public enum JobState: UInt8, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    case queued = 0
    case running = 1
    case paused = 2
    case done = 3
    case cancelled = 4
    case failed = 5

    public var description: String {
        switch self {
        case .queued: "queued"
        case .running: "running"
        case .paused: "paused"
        case .done: "done"
        case .cancelled: "cancelled"
        case .failed: "failed"
        }
    }
    /// Whether nothing more will happen to it.
    public var isFinal: Bool { self == .done || self == .cancelled || self == .failed }
}

/// What a job does.
public enum JobKind: UInt8, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// Also merging in the background.
    case compaction = 0
    case check = 1

    public var description: String {
        switch self {
        case .compaction: "compaction"
        case .check: "check"
        }
    }
}

/// What a check has read so far and found.
public struct CheckFindings: Sendable, Hashable {
    public var segments = 0
    /// With those that were deleted.
    public var documents = 0
    /// 0 also where the server does not tell.
    public var deletedDocuments = 0
    public var terms = 0
    /// Sentences; empty when nothing is wrong.
    public var problems: [String] = []
    /// Further problems that are not told, for there were too many.
    public var untoldProblemCount = 0
    public init() {}
}

/// A job of an index: a compaction, a check, or its background merging (number 0).
public struct JobStatus: Sendable, Hashable {
    public var index = ""
    /// Counts up within an index; 0: merging in the background.
    public var number: UInt64 = 0
    public var kind = JobKind.compaction
    public var state = JobState.queued
    public var options = CompactionOptions()
    /// Bytes read so far, and that it will have read at its end.
    public var bytesRead = 0
    public var bytesTotal = 0
    /// The same written; the second is 0 where it is not known.
    public var bytesWritten = 0
    public var bytesToWrite = 0
    /// Before and, when it is done, after.
    public var segmentsBefore = 0
    public var segmentsAfter = 0
    public var bytesBefore = 0
    public var bytesAfter = 0
    /// Bytes of dead documents, in proportion to their number.
    public var deadBytesBefore = 0
    public var deadBytesAfter = 0
    /// How long it has run, pauses left out.
    public var milliseconds = 0
    /// nil until it can be told, and while it is paused.
    public var millisecondsLeft: Int?
    /// Why it failed or waits.
    public var message = ""
    /// What made it fail.
    public var error: SakuinError?
    /// Of a check.
    public var findings = CheckFindings()
    public init() {}

    public static let mergesName = "merges"

    /// `NAME:3`, or `NAME:merges`: what commands take.
    public var id: String { "\(index):\(number == 0 ? Self.mergesName : String(number))" }

    public var percent: Double {
        if state == .done { return 100 }
        let all = bytesTotal + bytesToWrite
        let done = bytesRead + (bytesToWrite > 0 ? bytesWritten : 0)
        return all == 0 ? 0 : min(100, 100 * Double(done) / Double(all))
    }

    /// The index and number in an `id`.
    public static func parse(id: String) throws(SakuinError) -> (index: String, number: UInt64) {
        if let colon = id.lastIndex(of: ":") {
            let word = id[id.index(after: colon)...]
            if let number = word == mergesName ? 0 : UInt64(word), colon > id.startIndex {
                return (String(id[..<colon]), number)
            }
        }
        throw .invalid(
            "A job is INDEX:NUMBER or INDEX:\(mergesName).", field: "job", value: id,
            nextStep: "'sakuin jobs' lists them.")
    }
}

/// What can be done to a job.
public enum JobAction: Sendable, Hashable {
    case pause
    case resume
    /// Merging in the background cannot be cancelled, only paused.
    case cancel
    /// Bytes a second it may read and write from now on; nil: no limit of its own.
    case throttle(bytesPerSecond: Int?)
}

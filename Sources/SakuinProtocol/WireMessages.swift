public import SakuinTypes

/// A call as it crosses the wire.
public enum WireCall: Sendable, Hashable {
    /// `schema` nil: the standard one.
    case createIndex(name: String, schema: Schema?)
    case listIndexes
    case dropIndex(name: String)
    case aliasIndex(name: String, target: String)
    case reopenIndex(name: String)
    case write(index: String, WriteBatch)
    case deleteMatching(index: String, DeletionRequest)
    case search(index: String, SearchRequest)
    case get(index: String, keys: [String], ReadMoment)
    case refresh(index: String)
    case commit(index: String)
    case statistics(index: String)
    case segments(index: String)
    case compact(index: String, segments: Int)
    case startCompaction(index: String, CompactionOptions)
    case estimateCompaction(index: String, CompactionOptions)
    case startCheck(index: String, bytesPerSecond: Int?)
    /// Of all indexes when `index` is empty.
    case listJobs(index: String)
    case controlJob(index: String, number: UInt64, JobAction)
    /// The client streams batches; each is acknowledged in order.
    case importStream(index: String, acknowledge: AcknowledgementLevel, rejection: RejectionPolicy)
    /// The server streams pages of documents; `pointInTime` nil: of everything written so far.
    case export(index: String, pointInTime: String?)
    /// `name` nil: by the time.
    case createSnapshot(index: String, name: String?)
    /// `index` nil: of all.
    case listSnapshots(index: String?)
    /// `newName` nil: that of the index.
    case restoreSnapshot(index: String, name: String, newName: String?)
    case deleteSnapshot(index: String, name: String)
    /// Of `moment` only the sequence number counts, and how long to wait for it.
    case openPointInTime(index: String, leaseMilliseconds: Int, ReadMoment)
    case closePointInTime(index: String, token: String)
}

/// The payload of a REQUEST frame.
public struct WireRequest: Sendable, Hashable {
    /// 0: no deadline.
    public var deadlineMilliseconds: UInt32
    public var call: WireCall

    public init(_ call: WireCall, deadlineMilliseconds: UInt32 = 0) {
        self.call = call
        self.deadlineMilliseconds = deadlineMilliseconds
    }
}

/// The payload of a REPLY frame.
public enum WireReply: Sendable, Hashable {
    case done
    case indexes([IndexListing])
    case receipt(WriteReceipt)
    case deletion(DeletionReceipt)
    case search(SearchResponse)
    case documents(FetchedDocuments)
    case sequence(UInt64)
    case statistics(IndexStatistics)
    case segments([SegmentStatistics])
    case compaction(CompactionReport)
    case job(JobStatus)
    case jobs([JobStatus])
    case estimate(CompactionEstimate)
    case snapshot(SnapshotListing)
    case snapshots([SnapshotListing])
    case pointInTime(PointInTime)
}

/// The payload of a DATA frame of an export.
public struct WirePage: Sendable, Hashable {
    public var documents: [Document]
    /// In the first page: what will not come, in sentences.
    public var missing: [String]

    public init(_ documents: [Document], missing: [String] = []) {
        self.documents = documents
        self.missing = missing
    }
}

/// The payload of HELLO.
public struct Hello: Sendable, Hashable {
    public var versionMin: UInt32
    public var versionMax: UInt32
    public var client: String
    public var frameByteCountMax: UInt32
    public var streamCredit: UInt32
    /// The secret that says who the client is; empty: none.
    public var token: String
    /// What the client compresses and decompresses by, the best first.
    public var compressions: [FrameCompression]

    public init(
        versionMin: UInt32 = ProtocolVersion.min, versionMax: UInt32 = ProtocolVersion.max, client: String,
        frameByteCountMax: UInt32, streamCredit: UInt32, token: String = "", compressions: [FrameCompression] = []
    ) {
        self.versionMin = versionMin
        self.versionMax = versionMax
        self.client = client
        self.frameByteCountMax = frameByteCountMax
        self.streamCredit = streamCredit
        self.token = token
        self.compressions = compressions
    }
}

/// The payload of WELCOME.
public struct Welcome: Sendable, Hashable {
    public var version: UInt32
    public var server: String
    public var frameByteCountMax: UInt32
    public var streamCredit: UInt32
    public var streamCountMax: UInt32
    /// Of what the client named, what both may compress by from now on; nil: nothing.
    public var compression: FrameCompression?
    /// What the server heeds; one from before a feature does not name it.
    public var features: [ProtocolFeature]

    public init(
        version: UInt32 = ProtocolVersion.max, server: String, frameByteCountMax: UInt32, streamCredit: UInt32,
        streamCountMax: UInt32, compression: FrameCompression? = nil, features: [ProtocolFeature] = []
    ) {
        self.version = version
        self.server = server
        self.frameByteCountMax = frameByteCountMax
        self.streamCredit = streamCredit
        self.streamCountMax = streamCountMax
        self.compression = compression
        self.features = features
    }
}

/// Counts, sizes and progress of one index, as shown to an admin.
public struct IndexStatistics: Sendable, Hashable {
    public var name: String = ""
    /// Documents a search can find.
    public var documents: Int = 0
    /// Documents deleted or replaced whose bytes are not yet reclaimed.
    public var deletedDocuments: Int = 0
    /// Acknowledged operations no search sees yet.
    public var pendingOperations: Int = 0
    public var segments: Int = 0
    /// Bytes of the dead documents, in proportion to their number.
    public var deadBytes: Int = 0
    /// Bytes of all segment files and of the journal: also of files that are there for readers of earlier moments, and of
    /// those that a merge has replaced until the next commit. What a merge is writing at the moment is not in it.
    public var bytes: Int = 0
    public var journalBytes: Int = 0
    /// Bytes of UTF-8 in the text fields of the documents.
    public var textBytes: Int = 0
    public var memoryBytes: Int = 0
    /// The last sequence number given out.
    public var sequence: UInt64 = 0
    /// The last sequence number a search sees.
    public var visibleSequence: UInt64 = 0
    /// The last sequence number in a committed manifest.
    public var committedSequence: UInt64 = 0
    public var generation: UInt64 = 0
    public var runningMerges: Int = 0
    /// Bytes of segments that the merge policy would read now if nothing more were written.
    public var mergeDebtBytes: Int = 0
    /// Bytes of segments that refreshes, and that merges have written since the index was opened.
    public var flushedBytes: Int = 0
    public var mergedBytes: Int = 0
    /// Bytes written to segments for each byte a refresh wrote.
    public var writeAmplification: Double {
        flushedBytes == 0 ? 1 : Double(flushedBytes + mergedBytes) / Double(flushedBytes)
    }
    /// What `memoryBytes` may come to; shared by the indexes of a catalog, as is `memoryBytes`.
    public var memoryBudgetBytes: Int = 0
    public var diskFreeBytes: Int = 0
    /// Why writes are held up or refused just now, in a sentence; empty while they are not.
    public var slowness: String = ""
    /// Points in time and exports that read from earlier moments.
    public var openReaders: Int = 0
    /// Bytes of files that are there only for readers of earlier moments.
    public var heldBytes: Int = 0
    /// What could not be read, in sentences that name the files; while there is any, the index is read-only.
    public var quarantined: [String] = []
    /// Whether all of the index can be searched.
    public var complete: Bool { quarantined.isEmpty }
    public var schema: Schema = Schema(fields: [])
    public init() {}
}

/// One segment of an index.
public struct SegmentStatistics: Sendable, Hashable {
    public struct Section: Sendable, Hashable {
        public var name: String
        public var bytes: Int
        public init(name: String, bytes: Int) {
            self.name = name
            self.bytes = bytes
        }
    }
    public var file: String
    public var formatVersion: Int
    public var documents: Int
    public var deletedDocuments: Int
    public var bytes: Int
    public var committed: Bool
    public var sections: [Section]

    public init(
        file: String, formatVersion: Int, documents: Int, deletedDocuments: Int, bytes: Int, committed: Bool,
        sections: [Section]
    ) {
        self.file = file
        self.formatVersion = formatVersion
        self.documents = documents
        self.deletedDocuments = deletedDocuments
        self.bytes = bytes
        self.committed = committed
        self.sections = sections
    }
}

/// What a compaction did.
public struct CompactionReport: Sendable, Hashable {
    public var segmentsBefore: Int
    public var segmentsAfter: Int
    public var bytesBefore: Int
    public var bytesAfter: Int
    public var milliseconds: Int
    public init(segmentsBefore: Int, segmentsAfter: Int, bytesBefore: Int, bytesAfter: Int, milliseconds: Int) {
        self.segmentsBefore = segmentsBefore
        self.segmentsAfter = segmentsAfter
        self.bytesBefore = bytesBefore
        self.bytesAfter = bytesAfter
        self.milliseconds = milliseconds
    }
}

/// One index of a data folder.
public struct IndexListing: Sendable, Hashable {
    public var name: String
    /// Other names that lead to it.
    public var aliases: [String]
    public var documents: Int
    public var bytes: Int
    /// What cannot be read of it, in sentences; empty: it is complete.
    public var problems: [String]
    public init(name: String, aliases: [String], documents: Int, bytes: Int, problems: [String] = []) {
        self.name = name
        self.aliases = aliases
        self.documents = documents
        self.bytes = bytes
        self.problems = problems
    }
}

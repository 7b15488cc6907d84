/// What one index can do, embedded (`SearchIndex`) or remote (`RemoteIndex`): the same calls, the same values.
/// Every call throws `SakuinError`.
public protocol SearchService: Sendable {
    /// Applies a batch atomically and returns when it is at the level that was asked.
    func write(_ batch: WriteBatch) async throws -> WriteReceipt
    /// Deletes what matches now, everything acknowledged before the call included, and nothing that is put behind that
    /// moment, whether under a key that matched or not. Up to `WriteBatch.operationCountMax` documents go in one batch, more in
    /// several, one after the other, each atomic: cancelling the task or a failure stops between two, and the error says how
    /// many documents were deleted. Repeating the call is safe.
    func delete(matching request: DeletionRequest) async throws -> DeletionReceipt
    func search(_ request: SearchRequest) async throws -> SearchResponse
    /// The documents that have these keys at that moment, in this order, and whether anything of the index cannot be read.
    func fetch(_ keys: [String], at moment: ReadMoment) async throws -> FetchedDocuments
    /// Makes everything written so far visible; returns its sequence number.
    func refresh() async throws -> UInt64
    /// Makes everything written so far durable in segments and a manifest; returns its sequence number.
    func commit() async throws -> UInt64
    func statistics() async throws -> IndexStatistics
    func segments() async throws -> [SegmentStatistics]
    /// Merges down to at most `segments` segments and commits; searches and writes go on meanwhile.
    func compact(segments: Int) async throws -> CompactionReport
    /// Starts a compaction as a job and returns; it goes on over a restart.
    func startCompaction(_ options: CompactionOptions) async throws -> JobStatus
    /// What a compaction would read, write and reclaim now.
    func estimateCompaction(_ options: CompactionOptions) async throws -> CompactionEstimate
    /// Starts a check of everything that can be seen as a job and returns: all checksums and cross-references are read at
    /// low priority, within the budget of merges, while searches and writes go on. `bytesPerSecond` nil: no limit of its
    /// own. Its status says what was found; it does not go on over a restart.
    func startCheck(bytesPerSecond: Int?) async throws -> JobStatus
    /// Merging in the background (number 0), then the compactions and checks that wait, run or have ended lately.
    func jobs() async throws -> [JobStatus]
    /// Pauses, resumes, cancels or throttles a job; returns how it is then.
    func control(job number: UInt64, _ action: JobAction) async throws -> JobStatus
    /// All living documents of one snapshot, page by page, in no particular order: of everything written so far, or of
    /// the point in time with that token. The pages say what cannot be read.
    func export(pointInTime: String?) async throws -> DocumentPages
    /// Keeps what can be seen now, or once the `minSequence` of `moment` is in it, so that searches and exports under its token see just that, whatever is written
    /// meanwhile. `moment` names no other point in time. It ends when it was not used for `leaseMilliseconds`, at most 10 minutes; until then its files take
    /// room on the disk.
    func openPointInTime(leaseMilliseconds: Int, at moment: ReadMoment) async throws -> PointInTime
    /// Ends a point in time before its lease does.
    func closePointInTime(_ token: String) async throws
}

extension SearchService {
    /// The documents with these keys that can be seen now.
    public func fetch(_ keys: [String]) async throws -> FetchedDocuments { try await fetch(keys, at: ReadMoment()) }

    /// The same; nil where there is none.
    public func get(_ keys: [String]) async throws -> [Document?] { try await fetch(keys).documents }

    public func export() async throws -> DocumentPages { try await export(pointInTime: nil) }

    /// Keeps what can be seen now.
    public func openPointInTime(leaseMilliseconds: Int) async throws -> PointInTime {
        try await openPointInTime(leaseMilliseconds: leaseMilliseconds, at: ReadMoment())
    }

    /// The number of documents that match at that moment.
    public func count(
        _ query: QueryInput, filter: QueryInput? = nil, variants: VariantFolding = [],
        at moment: ReadMoment = ReadMoment()
    ) async throws -> Int {
        var request = SearchRequest(query, limit: 0)
        request.variants = variants
        request.filter = filter
        request.moment = moment
        return try await search(request).total.value
    }
}

/// What a folder of indexes can do, embedded (`IndexCatalog`) or remote (`SakuinClient`).
public protocol CatalogService: Sendable {
    associatedtype Index: SearchService
    func create(index name: String, schema: Schema) async throws
    func list() async throws -> [IndexListing]
    /// Removes an index and its files.
    func drop(index name: String) async throws
    /// Closes an index and opens it again from its files, after what kept it from being written or opened was mended.
    func reopen(index name: String) async throws -> IndexListing
    /// Makes `name` lead to the index `target`, replacing what it led to before.
    func alias(_ name: String, to target: String) async throws
    /// The jobs of all indexes.
    func jobs() async throws -> [JobStatus]
    /// The index, or alias, of that name.
    func index(_ name: String) async throws -> Index

    /// Makes a backup of everything acknowledged so far, while writes and searches go on. Without a name it is named by
    /// the time.
    func createSnapshot(of index: String, name: String?) async throws -> SnapshotListing
    /// The snapshots of an index, which need not be there any more, or of all.
    func listSnapshots(of index: String?) async throws -> [SnapshotListing]
    /// Checks a snapshot and makes an index of a copy of it; returns that index. `newName` nil: under the name of the
    /// index it was made of.
    func restoreSnapshot(_ name: String, of index: String, as newName: String?) async throws -> IndexListing
    func deleteSnapshot(_ name: String, of index: String) async throws
}

// Merging: what the scheduler needs of an index, and compactions as jobs.

extension SearchIndex {
    public func compact(segments: Int) async throws -> CompactionReport {
        let options = CompactionOptions(segments: segments)
        try options.validate()
        let status = try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<JobStatus, any Error>) in
            do throws(SakuinError) {
                _ = try scheduler().compact(options) { continuation.resume(with: $0) }
            } catch {
                continuation.resume(throwing: error)
            }
        }
        return CompactionReport(
            segmentsBefore: status.segmentsBefore, segmentsAfter: status.segmentsAfter,
            bytesBefore: status.bytesBefore, bytesAfter: status.bytesAfter, milliseconds: status.milliseconds)
    }

    public func startCompaction(_ options: CompactionOptions) async throws -> JobStatus {
        try options.validate()
        return try scheduler().compact(options)
    }

    public func estimateCompaction(_ options: CompactionOptions) async throws -> CompactionEstimate {
        try options.validate()
        if !isReadOnly { _ = try await refresh() }
        return try scheduler().estimate(options)
    }

    public func jobs() async throws -> [JobStatus] {
        try checkOpen()
        return jobsNow()
    }

    public func jobsNow() -> [JobStatus] { schedulerNow?.statuses ?? [] }

    public func control(job number: UInt64, _ action: JobAction) async throws -> JobStatus {
        try controlNow(job: number, action)
    }

    public func controlNow(job number: UInt64, _ action: JobAction) throws(SakuinError) -> JobStatus {
        // Checks run in an index that takes no writes too.
        guard let scheduler = schedulerNow else { throw Self.closed }
        return try scheduler.control(number, action)
    }
}

extension SearchIndex: MergeTarget {
    var mergeCandidates: [MergePolicy.Candidate] {
        store.snapshot.segments.map {
            MergePolicy.Candidate(
                id: $0.id, byteCount: $0.byteCount, documentCount: $0.documentCount,
                deadCount: $0.documentCount - $0.liveCount, isFlushed: $0.reader.documents.isFlushed,
                isOutdated: $0.reader.formatVersion < SegmentLayout.formatVersion
                    || mergedVersion(of: $0.reader) != $0.reader.meta.analyzerVersion,
                memoryByteCount: SegmentMerger.memoryByteCount(of: $0.reader),
                termByteCounts: SegmentMerger.termByteCounts(of: $0.reader), group: mergedVersion(of: $0.reader))
        }
    }

    /// The analyzer version that a segment has when it has been merged, with others of which that is true.
    private func mergedVersion(of segment: SegmentReader) -> UInt32 {
        Analyzer.merged(segment.meta.analyzerVersion, written: registry.analyzerVersion)
    }

    var failure: SakuinError? { writer.failure }

    func merge(_ ids: [UInt64], _ control: MergeControl, withHelper: Bool) throws(StorageError) -> UInt64? {
        if writer.failure != nil { throw .cancelled }
        var inputs: [MergeInput] = []
        var found: [UInt64] = []
        var first: UInt32 = 0
        for segment in store.snapshot.segments where ids.contains(segment.id) {
            let input = MergeInput(segment.reader, live: segment.live, firstDocument: first)
            first += UInt32(input.liveCount)
            inputs.append(input)
            found.append(segment.id)
        }
        if inputs.isEmpty { return nil }
        let memoryNeeded = SegmentMerger.memoryByteCount(inputs.map(\.segment), memory.shares)
        try memory.takeForMerge(memoryNeeded) { () throws(StorageError) in try control.check() }
        defer { memory.giveBackFromMerge(memoryNeeded) }
        let largest = store.snapshot.segments.map { $0.reader.documents }.filter(\.hasDictionary)
            .max { $0.byteCount < $1.byteCount }
        do throws(StorageError) {
            let merger = SegmentMerger(
                inputs, registry, directory: store.directory, control, memory.shares, documentsInIndex: largest)
            let merged = try merger.run(id: store.nextSegmentID(), withHelper: withHelper)
            try store.replace(inputs, ids: found, by: merged)
            writer.lookAgain()
            return merged?.id
        } catch {
            quarantine(error)
            throw error
        }
    }

    func settle(commits: Bool) throws(SakuinError) { _ = try writer.cutNow(commits: commits) }

    /// Encoded bytes of writes that merges can bear a second; nil: as many as come.
    public var writeBytesPerSecond: Int? { writer.queue.read { $0.pace.bytesPerSecond } }

    func keepWrites(_ pace: WritePace) { writer.keep(pace) }

    func note(_ level: String, _ message: String) { store.note(level, message) }
    func explain(_ error: StorageError) -> SakuinError { ErrorMapping.sakuinError(error) }
}

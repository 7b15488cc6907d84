// Checks an index that is open, while it is searched and written.
//
// 1. Manifest, living documents and sizes of files under the lock that publishing and committing take: they agree with
//    each other and with what is served, in a few milliseconds.
// 2. Every segment of the snapshot through a mapping of its own: checksums, then all that can be re-derived. One that
//    does not verify is served no more.
// 3. The journal up to what was synced. A place that cannot be read is looked at again: it may just be being written.

struct OnlineCheck {
    /// More problems are counted and not told.
    static let problemCountMax = 100
    private static let noSuchFile: Int32 = 2

    private let store: SegmentStore
    private let control: MergeControl
    /// What the journal holds: its files are longer, since their room is taken before.
    private let journalByteCount: Int
    /// Told of every error of a segment.
    private let quarantine: (StorageError) -> Void
    private(set) var findings = CheckFindings()

    init(
        _ store: SegmentStore, _ control: MergeControl, journalByteCount: Int,
        quarantine: @escaping (StorageError) -> Void
    ) {
        self.store = store
        self.control = control
        self.journalByteCount = journalByteCount
        self.quarantine = quarantine
    }

    /// `tell` gets what was found so far and the bytes there are to read.
    mutating func run(_ tell: (CheckFindings, _ bytesTotal: Int) -> Void) throws(StorageError) {
        let (snapshot, problems) = store.crossCheck()
        for problem in snapshot.damage + problems { add(problem) }
        let journals = (try? Journal.files(in: store.directory)) ?? []
        // Each byte of a segment is read twice.
        let total = snapshot.segments.reduce(journalByteCount) { $0 + 2 * $1.byteCount }
        tell(findings, total)
        for segment in snapshot.segments {
            do throws(StorageError) { try check(segment) } catch {
                if error == .cancelled { throw error }
                quarantine(error)
                add(ErrorMapping.sakuinError(error).message)
            }
            tell(findings, total)
        }
        for name in journals { try checkJournal(name) }
        tell(findings, total)
    }

    private mutating func add(_ problem: String) {
        if findings.problems.count < Self.problemCountMax {
            findings.problems.append(problem)
        } else {
            findings.untoldProblemCount += 1
        }
    }

    private mutating func check(_ segment: SnapshotSegment) throws(StorageError) {
        let name = FileName.segment(segment.id)
        let reader = try SegmentReader(store.directory, name)
        guard reader.checksum == segment.checksum, reader.byteCount == segment.byteCount,
            reader.meta.documentCount == segment.documentCount
        else { throw .corrupt(file: name, offset: 0, reason: "not the file that is served") }
        let control = control
        try SegmentCheck.run(reader) { (byteCount) throws(StorageError) in try control.didRead(byteCount) }
        findings.segments += 1
        findings.documents += reader.meta.documentCount
        findings.deletedDocuments += segment.documentCount - segment.liveCount
        findings.terms += reader.grams.termCount + reader.words.termCount
    }

    private mutating func checkJournal(_ name: String) throws(StorageError) {
        guard var damaged = try damage(name), !damaged.isEmpty else { return }
        damaged.formIntersection(try damage(name) ?? [])
        guard !damaged.isEmpty else { return }
        let places = damaged.sorted { $0.lowerBound < $1.lowerBound }.map { "\($0.lowerBound) to \($0.upperBound)" }
        add("\(name) cannot be read at bytes \(places.joined(separator: ", ")), which were synced.")
    }

    /// What of a journal file was synced and cannot be read; nil when a commit has removed it meanwhile.
    private mutating func damage(_ name: String) throws(StorageError) -> Set<Range<Int>>? {
        do throws(StorageError) {
            var reader = try JournalReader(store.directory, name, isBeingWritten: true)
            var done = 0
            while let record = try reader.next() {
                done += record.payload.count
                if done > 1 << 20 {
                    try control.didRead(done)
                    done = 0
                }
            }
            try control.didRead(done)
            return Set(reader.end.damaged)
        } catch {
            if case .io(_, _, let code) = error, code == Self.noSuchFile { return nil }
            if error != .cancelled {
                add(ErrorMapping.sakuinError(error).message)
                return nil
            }
            throw error
        }
    }
}

extension SegmentStore {
    /// The current snapshot, and what in manifest, living documents and sizes of files does not agree with it.
    func crossCheck() -> (snapshot: IndexSnapshot, problems: [String]) {
        frozen { snapshot, manifest in
            var problems: [String] = []
            func attempt(_ body: () throws(StorageError) -> Void) {
                do throws(StorageError) { try body() } catch {
                    problems.append(ErrorMapping.sakuinError(error).message)
                }
            }
            attempt { () throws(StorageError) in
                let scan = try Manifest.scan(directory)
                for (name, error) in scan.damaged + scan.halved.filter({ $0.error.isCorrupt }) {
                    let problem = "\(name): \(ErrorMapping.sakuinError(error).message)"
                    if !snapshot.damage.contains(where: { $0.hasPrefix(name) }) { problems.append(problem) }
                }
                guard scan.newest == manifest else {
                    throw .corrupt(
                        file: FileName.manifest(manifest.generation), offset: 0,
                        reason: "the newest manifest is not the one that was committed")
                }
            }
            // What could not be opened is in the damage of the snapshot already.
            for entry in manifest.segments where snapshot.damage.isEmpty {
                let name = FileName.segment(entry.id)
                attempt { () throws(StorageError) in
                    let byteCount = try directory.size(name)
                    guard byteCount == entry.byteCount else {
                        throw .corrupt(file: name, offset: 0, reason: "\(byteCount) bytes, not \(entry.byteCount)")
                    }
                    let live = try LiveDocuments.read(entry, directory)
                    // Documents that died since the commit are not in the file yet.
                    guard let now = snapshot.segments.first(where: { $0.id == entry.id }), !now.liveIsDirty else {
                        return
                    }
                    guard live?.liveCount ?? entry.documentCount == now.liveCount else {
                        throw .corrupt(
                            file: FileName.live(segment: entry.id, generation: entry.liveGeneration), offset: 0,
                            reason: "other documents live than are served")
                    }
                }
            }
            return (snapshot, problems)
        }
    }
}

extension SearchIndex {
    public func startCheck(bytesPerSecond: Int?) async throws -> JobStatus {
        try JobAction.validate(checkBytesPerSecond: bytesPerSecond)
        guard let scheduler = schedulerNow else { throw Self.closed }
        return try scheduler.check(bytesPerSecond: bytesPerSecond)
    }

    func check(
        _ control: MergeControl, _ tell: (CheckFindings, _ bytesTotal: Int) -> Void
    ) throws(StorageError) {
        var check = OnlineCheck(store, control, journalByteCount: writer.journalByteCount) { self.quarantine($0) }
        try check.run(tell)
    }
}

// Opens an index from its files: nothing acknowledged is lost, nothing unreadable is destroyed.
//
// 1. Lock the folder. Take the newest manifest that verifies; without any, make a new index if a schema is given and
//    nothing of an older one is there.
// 2. Open its segments and live files, scan the journal. Up to here nothing is changed, and a file of a later format
//    refuses the index.
// 3. All can be read: make durable what the files say, cut torn tails, remove what a process left unfinished, replay
//    the journal behind the committed sequence into the lanes, commit, and go on with a new journal file.
// 4. Something cannot be read: the index is read-only. All files stay as they are, what there is is replayed and
//    served, and every reply names what is missing.

/// What an index is made of when it opens.
struct RecoveredIndex {
    let registry: FieldRegistry
    let store: SegmentStore
    /// nil: read-only.
    let journal: Journal?
    let recentKeys: RecentKeys
    let lanes: [Lane]
    let lock: any FileLock
    let memory: MemoryBudget
    let sequence: UInt64
}

struct Recovery {
    private let directory: any Directory
    private let options: IndexOptions
    /// What cannot be read is given up, and the index made whole without it: for repair.
    private let givesUp: Bool
    private let memory: MemoryBudget

    /// `memory` is what several indexes share; nil: this one has its own.
    init(_ directory: any Directory, options: IndexOptions, memory: MemoryBudget? = nil, givesUp: Bool = false) {
        self.directory = directory
        self.options = options
        self.givesUp = givesUp
        self.memory = memory ?? MemoryBudget(byteCountMax: options.memoryBudgetBytes, process: options.processMemory)
    }

    func open(schema: Schema?) throws(SakuinError) -> SearchIndex {
        let lock: any FileLock
        do throws(StorageError) {
            lock = try directory.lock(FileName.lockName)
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
        do throws(SakuinError) {
            return try openLocked(lock, schema)
        } catch {
            lock.release()
            throw error
        }
    }

    private func openLocked(_ lock: any FileLock, _ schema: Schema?) throws(SakuinError) -> SearchIndex {
        let scan: Manifest.Scan
        do throws(StorageError) {
            scan = try Manifest.scan(directory)
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
        // What is given up must be damaged, and not have failed to be read this once.
        if givesUp, let passing = scan.damaged.first(where: { !$0.error.isDamage }) {
            throw ErrorMapping.sakuinError(passing.error)
        }
        if let manifest = scan.newest {
            for (name, error) in scan.halved where error.isCorrupt {
                note("warning", "\(name) is damaged; the other one serves: \(error)")
            }
            let damage = scan.damaged.map { "\($0.name) cannot be read: \(ErrorMapping.sakuinError($0.error).message)" }
            return try reopen(manifest, damage, schema, lock)
        }
        if let (name, error) = scan.damaged.first {
            var mapped = ErrorMapping.sakuinError(error)
            mapped.message = "No manifest can be read; the newest is \(name). \(mapped.message)"
            mapped.nextStep = Self.repairStep
            throw mapped
        }
        try requireNoRemains()
        guard let schema else {
            throw SakuinError(
                .notFound, "There is no index in \(directory.path).", field: directory.path,
                nextStep: "Open it with a schema to make one.")
        }
        try schema.validateNew()
        return try create(schema, lock)
    }

    /// Throws when the folder holds what a manifest named that is not there: a new index would write over it.
    private func requireNoRemains() throws(SakuinError) {
        let found: String?
        do throws(StorageError) { found = try Self.remains(in: directory) } catch {
            throw ErrorMapping.sakuinError(error)
        }
        guard let found else { return }
        throw SakuinError(
            .dataLoss, "\(directory.path) holds \(found), but the manifest that names it is missing.", field: found,
            nextStep: Self.repairStep)
    }

    private static let repairStep =
        "Run 'sakuin check --repair' on the folder: it saves the documents it can read."

    /// A file of an index that holds, or held, what was written; nil when there is none.
    private static func remains(in directory: any Directory) throws(StorageError) -> String? {
        for name in try directory.list() {
            switch FileName(name) {
            case .segment?, .live?: return name
            case .journal?:
                var reader = try JournalReader(directory, name)
                if try reader.next() != nil || !reader.end.isClean { return name }
            case .manifest?, .manifestCopy?, .mark?, .temporary?, nil: break
            }
        }
        return nil
    }

    /// Whether a folder is what a process leaves that was stopped while it made an index: no manifest, nothing written.
    static func isUnborn(_ directory: any Directory) -> Bool {
        do throws(StorageError) {
            let isFamiliar = try directory.list().allSatisfy { name in
                switch FileName(name) {
                case .temporary?, .journal?: true
                default: name == FileName.lockName
                }
            }
            guard isFamiliar, try remains(in: directory) == nil else { return false }
            return try directory.folders(nil).isEmpty
        } catch {
            return false
        }
    }

    private func note(_ level: String, _ message: String) { options.log?.write(level, message) }

    private func create(_ schema: Schema, _ lock: any FileLock) throws(SakuinError) -> SearchIndex {
        let registry = FieldRegistry(
            schema: schema, names: [], analyzerVersion: options.analyzerVersion, promotion: options.promotion)
        let state = SegmentStore.State(
            nextSegmentID: 1, generation: 0, committedSequence: 0, synced: [], liveFiles: [:])
        let store = SegmentStore(
            directory: directory, files: SegmentFiles(directory, committed: [], log: options.log), registry: registry,
            snapshot: IndexSnapshot(), state: state, log: options.log)
        do throws(StorageError) {
            // Before the manifest: an index without a journal file has lost it.
            let journal = try Journal(directory, durableNameCount: registry.count) { registry.names }
            try journal.begin(firstSequence: 1, recentKeys: [])
            _ = try store.commit()
            let index = try assemble(registry, store, lock, journal, nil)
            try index.startMerging()
            return index
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
    }

    /// `replay` is what will be fed to it, for which it has its threads then, or throws `noThread`.
    private func assemble(
        _ registry: FieldRegistry, _ store: SegmentStore, _ lock: any FileLock, _ journal: Journal?,
        _ replay: JournalReplay?
    ) throws(StorageError) -> SearchIndex {
        // The budget decides before, unless there is nothing but this lane.
        let chunk = options.memoryBudgetBytes / options.laneCount
        let lanes = (0..<options.laneCount).map { number in
            Lane(
                number, directory: directory, budget: memory, chunkByteCountMax: chunk,
                helpedByteCountMin: options.laneCount == 1 ? options.helpedByteCountMin : nil
            ) { store.nextSegmentID() }
        }
        let index = SearchIndex(
            RecoveredIndex(
                registry: registry, store: store, journal: journal, recentKeys: replay?.recentKeys ?? RecentKeys(),
                lanes: lanes, lock: lock, memory: memory, sequence: replay?.lastSequence ?? 0),
            path: directory.path, options: options)
        if let replay, replay.batchCount > 0 {
            do throws(StorageError) { try index.writer.start() } catch {
                index.abandon()
                throw error
            }
        }
        return index
    }

    // MARK: An index that was there

    private func reopen(
        _ manifest: Manifest, _ damage: [String], _ schema: Schema?, _ lock: any FileLock
    ) throws(SakuinError) -> SearchIndex {
        let stored = try Schema(json: manifest.schema)
        if let schema, schema != stored || !schema.hasSameNames(as: stored) {
            throw SakuinError(
                .failedPrecondition, "The index in \(directory.path) has another schema.", field: "schema",
                nextStep: "Open it without a schema, or make a new index and import into it.")
        }
        do throws(StorageError) {
            let registry = FieldRegistry(
                schema: stored, names: manifest.fieldNames, analyzerVersion: options.analyzerVersion,
                promotion: options.promotion)
            let files = SegmentFiles(directory, committed: Set(manifest.segments.map(\.id)), log: options.log)
            var snapshot = try openSegments(manifest, files)
            let replay = try JournalReplay.scan(
                directory, committedSequence: manifest.committedSequence, registry)
            snapshot.damage = damage + snapshot.damage + replay.damage
            for sentence in snapshot.damage { note("error", sentence) }
            if givesUp { snapshot.damage = [] }
            let store = SegmentStore(
                directory: directory, files: files, registry: registry, snapshot: snapshot, state: try state(manifest),
                log: options.log)
            guard snapshot.damage.isEmpty else {
                let index = try serve(registry, store, lock, replay)
                index.writer.refuse(with: Self.readOnly(snapshot.damage))
                return index
            }
            do throws(StorageError) { try prepare(manifest, replay) } catch {
                // What there is can be served all the same.
                if givesUp { throw error }
                let index = try serve(registry, store, lock, replay)
                let failure = IndexWriter.failure(ErrorMapping.sakuinError(error), "opening the index")
                note("error", failure.description)
                index.writer.refuse(with: failure)
                return index
            }
            let journal = try Journal(directory, older: replay.files, durableNameCount: registry.count) {
                registry.names
            }
            let index = try assemble(registry, store, lock, journal, replay)
            do throws(SakuinError) {
                try feed(replay, to: index, commits: true)
                // Only now: a journal file that begins behind batches says that those are durable.
                try begin(journal, replay, store)
            } catch {
                return try serve(index, store, without: replay, behind: manifest, since: error)
            }
            try index.startMerging()
            return index
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
    }

    private func begin(_ journal: Journal, _ replay: JournalReplay, _ store: SegmentStore) throws(SakuinError) {
        do throws(StorageError) {
            try journal.begin(firstSequence: replay.lastSequence + 1, recentKeys: replay.recentKeys.encode())
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
        journal.removeFiles(coveredBy: store.committed.sequence)
    }

    /// Serves an index that could not be made writable: the disk is full, say. What is acknowledged is in the journal.
    private func serve(
        _ index: SearchIndex, _ store: SegmentStore, without replay: JournalReplay, behind manifest: Manifest,
        since error: SakuinError
    ) throws(StorageError) -> SearchIndex {
        let isReplayed = store.snapshot.sequence == replay.lastSequence
        let batches = "\(manifest.committedSequence + 1) to \(replay.lastSequence)"
        let failure = IndexWriter.failure(error, isReplayed ? "opening the index" : "replaying batches \(batches)")
        if !isReplayed {
            report(failure, store, replay, "Batches \(batches) of the journal could not be replayed: \(error.message)")
        }
        note("error", failure.description)
        index.writer.refuse(with: failure)
        try index.startMerging(onlyChecks: true)
        return index
    }

    /// Serves what can be read and changes nothing; the caller says why nothing can be written.
    private func serve(
        _ registry: FieldRegistry, _ store: SegmentStore, _ lock: any FileLock, _ replay: JournalReplay
    ) throws(StorageError) -> SearchIndex {
        let index = try assemble(registry, store, lock, nil, replay)
        do throws(SakuinError) { try feed(replay, to: index, commits: false) } catch {
            report(error, store, replay, "The journal could not be replayed: \(error.message)")
        }
        try index.startMerging(onlyChecks: true)
        return index
    }

    /// Says in every reply what of the journal is missing: a gap while the disk is full, since it comes with room, else damage.
    private func report(_ error: SakuinError, _ store: SegmentStore, _ replay: JournalReplay, _ damage: String) {
        if IndexWriter.isFull(error) {
            store.reportGap(upTo: replay.lastSequence, error.message)
        } else {
            store.report([damage])
        }
    }

    static func readOnly(_ damage: [String]) -> SakuinError {
        SakuinError(
            .failedPrecondition, "The index is read-only, since it is not complete: \(damage.joined(separator: " "))",
            nextStep: "Stop the daemon and run 'sakuin check --repair' on the folder, or restore it from a backup.")
    }

    private func state(_ manifest: Manifest) throws(StorageError) -> SegmentStore.State {
        let ids = Set(manifest.segments.map(\.id))
        // Files that no manifest names may be there; none of them is written over.
        var highest = ids.max() ?? 0
        for name in try directory.list() {
            if case .segment(let id)? = FileName(name) { highest = max(highest, id) }
        }
        return SegmentStore.State(
            nextSegmentID: max(manifest.nextSegmentID, highest + 1), generation: manifest.generation,
            committedSequence: manifest.committedSequence, synced: ids,
            liveFiles: Dictionary(uniqueKeysWithValues: manifest.segments.map { ($0.id, $0.liveGeneration) }),
            manifest: manifest)
    }

    /// What the process before was told may still be in memory only: names and journal are made durable before anything
    /// is removed or built upon them.
    private func prepare(_ manifest: Manifest, _ replay: JournalReplay) throws(StorageError) {
        try directory.syncDirectory()
        for name in replay.files { try directory.syncFile(name) }
        for (name, byteCount, reason) in replay.tails {
            note("warning", "\(name) ends in the middle, at byte \(byteCount): \(reason). It is cut there.")
            try directory.truncate(name, to: byteCount)
        }
        try removeOrphans(manifest)
    }

    /// Batches out of the journal into the lanes, and from there into segments.
    private func feed(_ replay: JournalReplay, to index: SearchIndex, commits: Bool) throws(SakuinError) {
        if replay.batchCount == 0 { return }
        let began = Clock.nanoseconds()
        let step = max(replay.byteCount / 10, 4 << 20)
        note("info", "Replaying the journal: \(replay.batchCount) batches, \(replay.byteCount >> 20) MiB.")
        var done = 0
        var reported = 0
        do throws(StorageError) {
            try replay.forEach { (number, batch, sequence) throws(StorageError) in
                index.writer.replay(batch, sequence: sequence)
                done += batch.byteCount
                guard done - reported >= step else { return }
                reported = done
                note(
                    "info",
                    "Replaying the journal: \(done >> 20) of \(replay.byteCount >> 20) MiB, batch \(number + 1) of \(replay.batchCount)."
                )
            }
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
        _ = try index.writer.cutNow(commits: commits)
        let milliseconds = (Clock.nanoseconds() - began) / 1_000_000
        let rate = Double(replay.byteCount) / 1e6 / (Double(max(milliseconds, 1)) / 1000)
        note(
            "info",
            "Replayed \(replay.batchCount) batches, \(replay.byteCount) bytes, from the journal in \(milliseconds) ms: \(Int(rate)) MB/s."
        )
    }

    private func openSegments(_ manifest: Manifest, _ files: SegmentFiles) throws(StorageError) -> IndexSnapshot {
        var snapshot = IndexSnapshot()
        snapshot.sequence = manifest.committedSequence
        let marked = Set(try DamageMarks.all(in: directory))
        for segment in manifest.segments {
            if marked.contains(segment.id), let sentence = try DamageMarks.sentence(segment.id, in: directory) {
                snapshot.damage.append(sentence)
                continue
            }
            do throws(StorageError) {
                snapshot.segments.append(try openSegment(segment, files))
            } catch .unsupportedVersion(let file, let found, let supported) {
                // Not damage: with the right version all of it can be read.
                throw .unsupportedVersion(file: file, found: found, supported: supported)
            } catch {
                if givesUp, !error.isDamage { throw error }
                snapshot.damage.append(ErrorMapping.notSearched(FileName.segment(segment.id), error))
            }
        }
        return snapshot
    }

    private func openSegment(
        _ segment: Manifest.Segment, _ files: SegmentFiles
    ) throws(StorageError) -> SnapshotSegment {
        let name = FileName.segment(segment.id)
        let reader = try SegmentReader(directory, name)
        guard reader.checksum == segment.checksum, reader.meta.documentCount == segment.documentCount,
            reader.byteCount == segment.byteCount
        else {
            throw .corrupt(file: name, offset: 0, reason: "not the file the manifest names")
        }
        let live = try LiveDocuments.read(segment, directory)
        return SnapshotSegment(
            file: files.file(segment.id, byteCount: segment.byteCount), reader: reader, live: live,
            liveGeneration: segment.liveGeneration, liveIsDirty: false, byteCount: segment.byteCount,
            checksum: segment.checksum)
    }

    private func removeOrphans(_ manifest: Manifest) throws(StorageError) {
        let live = Dictionary(uniqueKeysWithValues: manifest.segments.map { ($0.id, $0.liveGeneration) })
        for name in try directory.list() {
            switch FileName(name) {
            case .segment(let id)? where live[id] == nil: try directory.remove(name)
            case .live(let id, let generation)? where live[id] != generation: try directory.remove(name)
            case .temporary?, .mark?: try directory.remove(name)
            default: break
            }
        }
    }
}

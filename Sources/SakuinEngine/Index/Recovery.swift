// Opens an index from its files: nothing acknowledged is lost, nothing unreadable is destroyed.
//
// 1. Lock the folder. Take the newest manifest that verifies; without any, make a new index if a schema is given.
// 2. Open its segments and live files; one that cannot be opened is left where it is and named in every reply.
// 3. Remove files that no manifest names and that a process left unfinished: segments, live files, temporary files.
// 4. Replay the journal behind the committed sequence into the lanes, commit, and go on with a new journal file.

/// What an index is made of when it opens.
struct RecoveredIndex {
    let registry: FieldRegistry
    let store: SegmentStore
    let journal: Journal
    let lanes: [Lane]
    let lock: any FileLock
    let sequence: UInt64
}

struct Recovery {
    private let directory: any Directory
    private let options: IndexOptions

    init(_ directory: any Directory, options: IndexOptions) {
        self.directory = directory
        self.options = options
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
        for (name, error) in scan.damaged { note("warning", "\(name) cannot be read: \(error)") }
        if let manifest = scan.newest { return try reopen(manifest, schema, lock) }
        if let (name, error) = scan.damaged.first {
            var mapped = ErrorMapping.sakuinError(error)
            mapped.message = "No manifest can be read; the newest is \(name). \(mapped.message)"
            throw mapped
        }
        guard let schema else {
            throw SakuinError(
                .notFound, "There is no index in \(directory.path).", field: directory.path,
                nextStep: "Open it with a schema to make one.")
        }
        try schema.validate()
        return try create(schema, lock)
    }

    private func note(_ level: String, _ message: String) { options.log?.write(level, message) }

    private func create(_ schema: Schema, _ lock: any FileLock) throws(SakuinError) -> SearchIndex {
        let registry = FieldRegistry(schema: schema, names: [])
        let state = SegmentStore.State(
            nextSegmentID: 1, generation: 0, committedSequence: 0, synced: [], present: [], liveFiles: [:])
        let store = SegmentStore(
            directory: directory, registry: registry, snapshot: IndexSnapshot(), state: state, log: options.log)
        do throws(StorageError) {
            _ = try store.commit()
            let index = try assemble(registry, store, lock, sequence: 0, older: [])
            index.startMerging()
            return index
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
    }

    private func assemble(
        _ registry: FieldRegistry, _ store: SegmentStore, _ lock: any FileLock, sequence: UInt64, older: [String]
    ) throws(StorageError) -> SearchIndex {
        let journal = try Journal(
            directory, firstSequence: sequence + 1, older: older, durableNameCount: registry.count
        ) { registry.names }
        // Two chunks of room a lane: one that fills, one that is being sorted and written.
        let chunk = options.memoryBudgetBytes / options.laneCount
        let lanes = (0..<options.laneCount).map { _ in
            Lane(directory: directory, chunkByteCountMax: chunk) { store.nextSegmentID() }
        }
        return SearchIndex(
            RecoveredIndex(
                registry: registry, store: store, journal: journal, lanes: lanes, lock: lock, sequence: sequence),
            path: directory.path, options: options)
    }

    // MARK: An index that was there

    private func reopen(
        _ manifest: Manifest, _ schema: Schema?, _ lock: any FileLock
    ) throws(SakuinError) -> SearchIndex {
        let stored = try Schema(json: manifest.schema)
        if let schema, schema != stored {
            throw SakuinError(
                .failedPrecondition, "The index in \(directory.path) has another schema.", field: "schema",
                nextStep: "Open it without a schema, or make a new index and import into it.")
        }
        do throws(StorageError) {
            let registry = FieldRegistry(schema: stored, names: manifest.fieldNames)
            var (snapshot, damagedSegments) = openSegments(manifest)
            try removeOrphans(manifest)
            let replay = try readJournals(manifest, registry)
            snapshot.damage += replay.damage
            var state = SegmentStore.State(
                nextSegmentID: max(manifest.nextSegmentID, (manifest.segments.map(\.id).max() ?? 0) + 1),
                generation: manifest.generation, committedSequence: manifest.committedSequence,
                synced: Set(manifest.segments.map(\.id)), present: Set(manifest.segments.map(\.id)),
                liveFiles: Dictionary(uniqueKeysWithValues: manifest.segments.map { ($0.id, $0.liveGeneration) }))
            state.damaged = damagedSegments
            let store = SegmentStore(
                directory: directory, registry: registry, snapshot: snapshot, state: state, log: options.log)
            let index = try assemble(
                registry, store, lock, sequence: replay.lastSequence, older: replay.files)
            for (batch, sequence) in replay.batches { index.writer.replay(batch, sequence: sequence) }
            if !replay.batches.isEmpty {
                note("info", "Replayed \(replay.batches.count) batches from the journal.")
                do throws(SakuinError) { _ = try index.writer.cutNow(commits: true) } catch {
                    note("error", "The replayed journal could not be committed: \(error)")
                }
            }
            index.startMerging()
            return index
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
    }

    private func openSegments(_ manifest: Manifest) -> (IndexSnapshot, damaged: [Manifest.Segment]) {
        var snapshot = IndexSnapshot()
        var damaged: [Manifest.Segment] = []
        snapshot.sequence = manifest.committedSequence
        for segment in manifest.segments {
            do throws(StorageError) {
                snapshot.segments.append(try openSegment(segment))
            } catch {
                let message = ErrorMapping.sakuinError(error).message
                damaged.append(segment)
                snapshot.damage.append("Segment \(FileName.segment(segment.id)) is not searched: \(message)")
                note("error", snapshot.damage[snapshot.damage.count - 1])
            }
        }
        return (snapshot, damaged)
    }

    private func openSegment(_ segment: Manifest.Segment) throws(StorageError) -> SnapshotSegment {
        let name = FileName.segment(segment.id)
        let reader = try SegmentReader(directory, name)
        guard reader.checksum == segment.checksum, reader.meta.documentCount == segment.documentCount else {
            throw .corrupt(file: name, offset: 0, reason: "not the file the manifest names")
        }
        var live: LiveDocuments?
        if segment.liveGeneration > 0 {
            let file = FileName.live(segment: segment.id, generation: segment.liveGeneration)
            live = try directory.open(file).withBytes { (bytes) throws(StorageError) in
                try LiveDocuments.decode(bytes, file: file, documentCount: segment.documentCount)
            }
        }
        return SnapshotSegment(
            id: segment.id, reader: reader, live: live, liveGeneration: segment.liveGeneration, liveIsDirty: false,
            byteCount: segment.byteCount, checksum: segment.checksum)
    }

    private func removeOrphans(_ manifest: Manifest) throws(StorageError) {
        let live = Dictionary(uniqueKeysWithValues: manifest.segments.map { ($0.id, $0.liveGeneration) })
        for name in try directory.list() {
            switch FileName(name) {
            case .segment(let id)? where live[id] == nil: try directory.remove(name)
            case .live(let id, let generation)? where live[id] != generation: try directory.remove(name)
            case .temporary?: try directory.remove(name)
            default: break
            }
        }
    }

    private struct Replay {
        var batches: [(EncodedBatch, UInt64)] = []
        var lastSequence: UInt64
        var files: [String] = []
        /// What is missing, in sentences.
        var damage: [String] = []
    }

    /// Batches are missing between two that are there: a file before was damaged. It is kept under `quarantine`, since
    /// the next commit would remove it.
    private func reportGap(
        from first: UInt64, to last: UInt64, in name: String, _ replay: inout Replay
    ) throws(StorageError) {
        let damaged = replay.files.last ?? name
        try directory.createFolder(FileName.quarantineFolder)
        if try !directory.exists(FileName.quarantined(damaged)) {
            try directory.link(damaged, to: FileName.quarantined(damaged))
            try directory.syncDirectory(FileName.quarantineFolder)
        }
        replay.damage.append(
            "The journal lacks batches \(first) to \(last); \(damaged) is damaged and kept in \(FileName.quarantineFolder)."
        )
        note("error", replay.damage[replay.damage.count - 1])
    }

    private func readJournals(
        _ manifest: Manifest, _ registry: FieldRegistry
    ) throws(StorageError) -> Replay {
        var replay = Replay(lastSequence: manifest.committedSequence)
        for name in try Journal.files(in: directory) {
            var reader = try JournalReader(directory, name)
            while let record = try reader.next() {
                switch record.kind {
                case .fieldNames:
                    let (first, names) = try Journal.decodeNames(record, file: name)
                    registry.restore(first: first, names: names)
                case .batch:
                    guard record.sequence > replay.lastSequence else { continue }
                    if record.sequence > replay.lastSequence + 1 {
                        try reportGap(from: replay.lastSequence + 1, to: record.sequence - 1, in: name, &replay)
                    }
                    replay.batches.append((try EncodedBatch.decode(record.payload), record.sequence))
                    replay.lastSequence = record.sequence
                }
            }
            if let reason = reader.end.tornReason {
                note(
                    "warning",
                    "\(name) ends in the middle, at byte \(reader.end.validByteCount): \(reason). It is cut there.")
            }
            replay.files.append(name)
        }
        return replay
    }
}

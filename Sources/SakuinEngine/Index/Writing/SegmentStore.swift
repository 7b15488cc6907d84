// The segments of an index: what is published, what is committed, which files are still needed.
//
// Publishing, merging and committing change the snapshot one at a time, under one lock; searches only take the current
// snapshot and never wait for it.

import Synchronization

final class SegmentStore: Sendable {
    struct State {
        var nextSegmentID: UInt64
        var generation: UInt64
        var committedSequence: UInt64
        /// Segments whose bytes are known to be on disk.
        var synced: Set<UInt64>
        /// Segments and their live files that the last durable manifest names.
        var liveFiles: [UInt64: UInt64]
        /// Bytes of segments that refreshes have made since the index was opened.
        var flushedByteCount = 0
        /// The last one that is durable.
        var manifest = Manifest()
        /// Why a commit failed. What could not be synced may be gone although a second sync of it succeeds, so there is none
        /// any more.
        var failure: StorageError?
        /// Another index may have the folder.
        var isReleased = false
    }

    let directory: any Directory
    let files: SegmentFiles
    private let registry: FieldRegistry
    private let holder: SnapshotHolder
    private let state: Monitor<State>
    private let log: IndexOptions.LogHook?
    /// When the first merge behind the last commit was published; 0: none was. Apart from `state`, which a commit keeps
    /// locked for as long as the disk takes.
    private let mergedAt = Atomic<UInt64>(0)

    init(
        directory: any Directory, files: SegmentFiles, registry: FieldRegistry, snapshot: IndexSnapshot,
        state: sending State, log: IndexOptions.LogHook?
    ) {
        self.directory = directory
        self.files = files
        self.registry = registry
        self.log = log
        holder = SnapshotHolder(snapshot)
        self.state = Monitor(state)
    }

    var snapshot: IndexSnapshot { holder.snapshot }
    /// The same for who only reads it.
    var sharedSnapshot: SharedSnapshot { holder.shared }
    var flushedByteCount: Int { state.read { $0.flushedByteCount } }
    var committed: (sequence: UInt64, generation: UInt64, segments: Set<UInt64>) {
        state.read { ($0.committedSequence, $0.generation, Set($0.manifest.segments.map(\.id))) }
    }

    /// Since when there is a merge that no commit has; nil: there is none.
    var mergedSince: UInt64? {
        let at = mergedAt.load(ordering: .acquiring)
        return at == 0 ? nil : at
    }

    func nextSegmentID() -> UInt64 {
        state.read { state in
            defer { state.nextSegmentID += 1 }
            return state.nextSegmentID
        }
    }

    /// Makes new segments visible, and deletions and replacements with them.
    func publish(
        _ sealed: [SealedSegment], _ deletions: [KeyDeletion], sequence: UInt64
    ) throws(StorageError) {
        try state.read { (state) throws(StorageError) in
            var snapshot = holder.snapshot
            var new: [NewSegment] = []
            for segment in sealed.sorted(by: { $0.id < $1.id }) {
                let reader = try SegmentReader(directory, FileName.segment(segment.id))
                new.append(NewSegment(reader: reader, sealed: segment))
            }
            let resolution = try KeyResolution(new: new, deletions: deletions, old: snapshot.segments)
            for (i, dead) in resolution.deadInOld.enumerated() where !dead.isEmpty {
                snapshot.segments[i].delete(dead)
            }
            for (i, segment) in new.enumerated() {
                var added = SnapshotSegment(
                    file: files.file(segment.sealed.id, byteCount: segment.sealed.byteCount), reader: segment.reader,
                    live: nil, liveGeneration: 0, liveIsDirty: false, byteCount: segment.sealed.byteCount,
                    checksum: segment.sealed.checksum)
                if !resolution.deadInNew[i].isEmpty { added.delete(resolution.deadInNew[i]) }
                snapshot.segments.append(added)
                state.flushedByteCount += segment.sealed.byteCount
            }
            snapshot.segments.removeAll { $0.liveCount == 0 && $0.documentCount > 0 }
            snapshot.sequence = max(snapshot.sequence, sequence)
            snapshot.gap = nil
            holder.replace(snapshot)
        }
    }

    /// Puts a merged segment in the place of its inputs; documents that died meanwhile die in it too. `merged` is nil
    /// when nothing in the inputs lived.
    func replace(_ inputs: [MergeInput], ids: [UInt64], by merged: SealedSegment?) throws(StorageError) {
        try state.read { (_) throws(StorageError) in
            var snapshot = holder.snapshot
            var dead: [UInt32] = []
            var place = snapshot.segments.count
            for (input, id) in zip(inputs, ids) {
                guard let at = snapshot.segments.firstIndex(where: { $0.id == id }) else { continue }
                place = min(place, at)
                guard let now = snapshot.segments[at].live else { continue }
                for document in 0..<UInt32(now.documentCount) where !now.isLive(document) {
                    if let mapped = input.mapped(document) { dead.append(mapped) }
                }
            }
            // A segment that died wholly meanwhile has left the snapshot: all of its documents die.
            for (input, id) in zip(inputs, ids) where !snapshot.segments.contains(where: { $0.id == id }) {
                for document in 0..<UInt32(input.segment.meta.documentCount) {
                    if let mapped = input.mapped(document) { dead.append(mapped) }
                }
            }
            if let merged {
                let reader = try SegmentReader(directory, FileName.segment(merged.id))
                var added = SnapshotSegment(
                    file: files.file(merged.id, byteCount: merged.byteCount), reader: reader, live: nil,
                    liveGeneration: 0, liveIsDirty: false, byteCount: merged.byteCount, checksum: merged.checksum)
                if !dead.isEmpty { added.delete(dead) }
                if added.liveCount > 0 { snapshot.segments.insert(added, at: min(place, snapshot.segments.count)) }
            }
            snapshot.segments.removeAll { ids.contains($0.id) }
            holder.replace(snapshot)
            _ = mergedAt.compareExchange(expected: 0, desired: Clock.nanoseconds(), ordering: .acquiringAndReleasing)
        }
    }

    /// Takes a segment that does not verify out of what is served; the file stays, and nothing is committed any more, so
    /// that the manifest goes on naming it. Returns what is missing then; nil when the error is of no such file.
    func quarantine(_ error: StorageError) -> [String]? {
        guard case .corrupt(let file, _, _) = error else { return nil }
        let sentence = ErrorMapping.notSearched(file, error)
        let damage: [String]? = state.read { _ in
            var snapshot = holder.snapshot
            guard snapshot.quarantine(file, sentence) else { return nil }
            files.keepAll()
            holder.replace(snapshot)
            return snapshot.damage
        }
        if damage != nil {
            note("error", sentence)
            remember(file, sentence)
        }
        return damage
    }

    /// Lets the folder go: who still reads from it removes and writes nothing there any more.
    func releaseFolder() {
        state.read { $0.isReleased = true }
        files.keepAll()
    }

    /// Without a mark the next opening serves the segment until its damage is come upon again.
    private func remember(_ file: String, _ sentence: String) {
        guard case .segment(let id)? = FileName(file) else { return }
        do throws(StorageError) {
            try state.read { (state) throws(StorageError) in
                if !state.isReleased { try DamageMarks.add(id, sentence, in: directory) }
            }
        } catch {
            note("warning", "That \(file) is damaged cannot be written down: \(error)")
        }
    }

    /// Makes the current snapshot durable: segments and live files synced, then a manifest that names them. Returns the
    /// sequence number it covers. When it has failed once, it fails until the index is opened again. One thread's.
    func commit() throws(StorageError) -> UInt64 {
        if let failure = state.read({ $0.failure }) { throw failure }
        do throws(StorageError) { try syncSegments() } catch { throw state.read { fail(&$0, error) } }
        return try state.read { (state) throws(StorageError) in
            // Before the lock is given up: a merge that waits for it would remove segments that the manifest names.
            do throws(StorageError) { return try commit(&state) } catch { throw fail(&state, error) }
        }
    }

    private func fail(_ state: inout State, _ error: StorageError) -> StorageError {
        state.failure = error
        files.keepAll()
        return error
    }

    /// Makes the segments there are now durable, before the lock is taken: lanes and merges need it for numbers and
    /// results, and the disk may take its time.
    private func syncSegments() throws(StorageError) {
        let synced = state.read { $0.synced }
        // Held, so that none of the files is removed meanwhile.
        let segments = holder.snapshot.segments
        for segment in segments where !synced.contains(segment.id) {
            try directory.syncFile(FileName.segment(segment.id))
            state.read { _ = $0.synced.insert(segment.id) }
        }
    }

    private func commit(_ state: inout State) throws(StorageError) -> UInt64 {
        var snapshot = holder.snapshot
        if let sentence = snapshot.damage.first {
            // A manifest of what is left would give up what is missing.
            throw .corrupt(file: "snapshot", offset: 0, reason: "it is not complete: \(sentence)")
        }
        state.generation += 1
        for i in snapshot.segments.indices {
            let segment = snapshot.segments[i]
            if !state.synced.contains(segment.id) {
                try directory.syncFile(FileName.segment(segment.id))
                state.synced.insert(segment.id)
            }
            if segment.liveIsDirty, let live = segment.live {
                try write(live, FileName.live(segment: segment.id, generation: state.generation))
                snapshot.segments[i].liveGeneration = state.generation
                snapshot.segments[i].liveIsDirty = false
            }
        }
        try directory.syncDirectory()
        var manifest = Manifest()
        manifest.generation = state.generation
        manifest.nextSegmentID = state.nextSegmentID
        manifest.committedSequence = snapshot.sequence
        manifest.schema = Array(registry.schema.json().utf8)
        manifest.fieldNames = registry.names
        manifest.segments = snapshot.segments.map {
            Manifest.Segment(
                id: $0.id, documentCount: $0.documentCount, liveGeneration: $0.liveGeneration,
                byteCount: $0.byteCount, checksum: $0.checksum)
        }
        try manifest.write(to: directory)
        holder.replace(snapshot)
        mergedAt.store(0, ordering: .releasing)
        state.committedSequence = snapshot.sequence
        state.manifest = manifest
        state.synced = Set(manifest.segments.map(\.id))
        state.liveFiles = [:]
        for segment in manifest.segments where segment.liveGeneration > 0 {
            state.liveFiles[segment.id] = segment.liveGeneration
        }
        files.commit(state.synced)
        removeOldLiveFiles(state)
        return snapshot.sequence
    }

    private func write(_ live: LiveDocuments, _ name: String) throws(StorageError) {
        let file = try directory.create(name)
        let bytes = live.encode()
        try bytes.withBytes { (bytes) throws(StorageError) in try file.append(bytes) }
        try file.sync()
        try file.close()
    }

    /// Runs `body` on the snapshot and the last durable manifest while neither can change.
    func frozen<R>(_ body: (IndexSnapshot, Manifest) -> R) -> R { state.read { body(holder.snapshot, $0.manifest) } }

    /// The last durable manifest; all files it names stay until `release`.
    func hold() -> Manifest {
        state.read { state in
            files.hold()
            return state.manifest
        }
    }

    /// Ends a `hold`.
    func release() {
        state.read { state in
            files.release()
            removeOldLiveFiles(state)
        }
    }

    private func removeOldLiveFiles(_ state: State) {
        // Behind a failed commit the manifest on disk may name others than `liveFiles`.
        guard files.mayRemove, let names = try? directory.list() else { return }
        for name in names {
            guard case .live(let segment, let generation)? = FileName(name) else { continue }
            if state.liveFiles[segment] != generation { remove(name) }
        }
    }

    /// A file that cannot be removed does no harm; the next opening tries again.
    private func remove(_ name: String) {
        do throws(StorageError) { try directory.remove(name) } catch {
            note("warning", "\(name) is not needed any more and cannot be removed: \(error)")
        }
    }

    /// Adds to what every reply says is missing.
    func report(_ damage: [String]) {
        state.read { _ in
            var snapshot = holder.snapshot
            snapshot.damage += damage
            holder.replace(snapshot)
        }
    }

    /// No write up to `acknowledged` that is not served now will be, unless a publication is on its way: every reply says so.
    func reportGap(upTo acknowledged: UInt64, _ reason: String) {
        state.read { _ in
            var snapshot = holder.snapshot
            if snapshot.sequence >= acknowledged { return }
            snapshot.gap = "Writes \(snapshot.sequence + 1) to \(acknowledged) cannot be searched: \(reason)"
            holder.replace(snapshot)
        }
    }

    func note(_ level: String, _ message: String) { log?.write(level, message) }
}

extension SnapshotSegment {
    /// Kills documents.
    mutating func delete(_ dead: [UInt32]) {
        live = live?.deleting(dead) ?? LiveDocuments(documentCount: documentCount, dead: dead)
        liveIsDirty = true
    }
}

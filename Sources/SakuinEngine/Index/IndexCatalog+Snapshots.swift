// Snapshots for backup of the indexes of a catalog. The calls that end in `Now` do their work on the calling thread.
//
// Whatever a call makes, reads or removes it reserves first, under the catalog's lock; the work itself is done outside.

extension IndexCatalog {
    public func createSnapshot(of index: String, name: String?) async throws -> SnapshotListing {
        try await Self.onThread { () throws(SakuinError) in try self.createSnapshotNow(of: index, name: name) }
    }

    public func listSnapshots(of index: String?) async throws -> [SnapshotListing] {
        try await Self.onThread { () throws(SakuinError) in try self.listSnapshotsNow(of: index) }
    }

    public func restoreSnapshot(
        _ name: String, of index: String, as newName: String?
    ) async throws -> IndexListing {
        try await Self.onThread { () throws(SakuinError) in
            try self.restoreSnapshotNow(name, of: index, as: newName)
        }
    }

    public func deleteSnapshot(_ name: String, of index: String) async throws {
        try await Self.onThread { () throws(SakuinError) in try self.deleteSnapshotNow(name, of: index) }
    }

    /// Runs what waits for the disk on a thread of its own.
    static func onThread<R: Sendable>(
        _ body: @escaping @Sendable () throws(SakuinError) -> R
    ) async throws -> R {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<R, any Error>) in
            _ = WorkerThread {
                do throws(SakuinError) { continuation.resume(returning: try body()) } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    public func createSnapshotNow(of name: String, name snapshot: String?) throws(SakuinError) -> SnapshotListing {
        try SnapshotListing.check(newSnapshot: snapshot)
        if let snapshot { try Self.check(name: snapshot, of: "snapshot") }
        let now = UTCTime.now
        let index = try indexNow(name)
        let place = try reserve(index, snapshot, now)
        defer {
            state.change { state in
                state.busy.remove(place.path)
                state.copied.remove(place.index)
            }
        }
        if let failure = index.writeFailure {
            throw SakuinError(
                .failedPrecondition, "A snapshot takes an index that can be written. \(failure.message)",
                field: "index", value: place.index, nextStep: failure.nextStep)
        }
        _ = try index.writer.cutNow(commits: true)
        let manifest = index.store.hold()
        defer { index.store.release() }
        return try Self.mapped { () throws(StorageError) in
            let keys = index.writer.recentKeys(upTo: manifest.committedSequence)
            try backups.create(
                place,
                BackupStore.Source(
                    folder: Self.folder(place.index), manifest: manifest, recentKeys: keys, created: now))
            return try backups.listing(place)
        }
    }

    /// A free place for a snapshot of the index, under its own name whatever alias led to it.
    private func reserve(
        _ index: SearchIndex, _ snapshot: String?, _ now: UTCTime
    ) throws(SakuinError) -> BackupStore.Place {
        try state.change { (state) throws(SakuinError) in
            try state.checkOpen()
            guard let owner = state.indexes.first(where: { $0.value === index })?.key else {
                throw SakuinError(.aborted, "The index was dropped.", field: "index")
            }
            if state.busy.contains(Self.folder(owner)) { throw Self.isAtWork(on: owner) }
            guard state.copied.insert(owner).inserted else {
                throw SakuinError(
                    .failedPrecondition, "Another snapshot of '\(owner)' is being made.", field: "index",
                    value: owner, nextStep: "Try again a little later.", retryAfterMilliseconds: 100)
            }
            do throws(SakuinError) {
                var place = BackupStore.Place(index: owner, name: snapshot ?? now.fileName)
                var number = 1
                while try isTaken(place, state) {
                    if snapshot != nil {
                        throw SakuinError(
                            .alreadyExists, "There is a snapshot '\(place.name)' of '\(owner)' already.",
                            field: "snapshot", value: place.name, nextStep: "Choose another name, or delete it.")
                    }
                    number += 1
                    place.name = "\(now.fileName)-\(number)"
                }
                state.busy.insert(place.path)
                return place
            } catch {
                state.copied.remove(owner)
                throw error
            }
        }
    }

    private func isTaken(_ place: BackupStore.Place, _ state: State) throws(SakuinError) -> Bool {
        if state.busy.contains(place.path) { return true }
        return try Self.mapped { () throws(StorageError) in try backups.exists(place) }
    }

    public func listSnapshotsNow(of index: String?) throws(SakuinError) -> [SnapshotListing] {
        try SnapshotListing.check(owner: index)
        try state.read { (state) throws(SakuinError) in try state.checkOpen() }
        return try Self.mapped { () throws(StorageError) in
            let found = try backups.list(of: index)
            guard found.isEmpty, let index, let target = state.read({ $0.aliases[index] }) else { return found }
            return try backups.list(of: target)
        }
    }

    public func restoreSnapshotNow(
        _ snapshot: String, of index: String, as newName: String?
    ) throws(SakuinError) -> IndexListing {
        try SnapshotListing.check(restoredName: newName)
        let place = try find(snapshot, of: index)
        let name = newName ?? place.index
        try Self.check(name: name)
        try state.change { (state) throws(SakuinError) in
            try state.checkFree(name)
            try state.reserve(place)
            state.busy.insert(Self.folder(name))
        }
        defer {
            state.change { state in
                state.busy.remove(place.path)
                state.busy.remove(Self.folder(name))
            }
        }
        try checkBeforeRestoring(place)
        try Self.mapped { () throws(StorageError) in
            try backups.restore(place, to: Self.folder(name), by: Self.folder(Self.restoringPrefix + name))
        }
        do throws(SakuinError) {
            try Self.mapped { () throws(StorageError) in try root.syncDirectory("indexes") }
            let opened = try open(name)
            guard !opened.isReadOnly else {
                opened.abandon()
                throw opened.writeFailure ?? SakuinError(.dataLoss, "The restored index cannot be read.")
            }
            state.change { $0.indexes[name] = opened }
            return Self.listing(name, opened)
        } catch {
            giveUp(name, error)
            throw error
        }
    }

    private func checkBeforeRestoring(_ place: BackupStore.Place) throws(SakuinError) {
        let (problems, byteCount, space) = try Self.mapped { () throws(StorageError) in
            (try backups.check(place), try backups.listing(place).bytes, try root.space())
        }
        if let problem = problems.first {
            throw SakuinError(
                .dataLoss, "Snapshot '\(place.name)' of '\(place.index)' is damaged: \(problem)", field: "snapshot",
                value: place.name, nextStep: "Restore another snapshot.")
        }
        // Indexes that are written meanwhile keep what they need.
        let room = space.free - disk.mark(.writes, of: space)
        if byteCount > room {
            throw SakuinError(
                .resourceExhausted, "There is too little space to restore the snapshot.", field: "snapshot",
                limit: "\(max(room, 0)) bytes", value: "\(byteCount) bytes", nextStep: "Free space on the disk.")
        }
    }

    /// Removes the folder of an index that could not be opened; if even that fails the name is taken until a restart.
    func giveUp(_ name: String, _ error: SakuinError) {
        do throws(StorageError) {
            try root.removeTree(try takeAway(name))
        } catch {
            options.log?.write("warning", "\(Self.folder(name)) cannot be removed: \(error)")
        }
        if (try? root.exists(Self.folder(name))) ?? true { state.change { $0.broken[name] = error } }
    }

    public func deleteSnapshotNow(_ snapshot: String, of index: String) throws(SakuinError) {
        let place = try find(snapshot, of: index)
        try state.change { (state) throws(SakuinError) in
            try state.checkOpen()
            try state.reserve(place)
        }
        defer { state.change { _ = $0.busy.remove(place.path) } }
        try Self.mapped { () throws(StorageError) in try backups.remove(place) }
    }

    /// The snapshot of that name, of the index of that name or that an alias leads to; the index itself may be gone.
    private func find(_ snapshot: String, of index: String) throws(SakuinError) -> BackupStore.Place {
        try Self.check(name: snapshot, of: "snapshot")
        try Self.check(name: index)
        let target = try state.read { (state) throws(SakuinError) in
            try state.checkOpen()
            return state.aliases[index]
        }
        for owner in [index, target].compactMap(\.self) {
            let place = BackupStore.Place(index: owner, name: snapshot)
            if try Self.mapped({ () throws(StorageError) in try backups.exists(place) }) { return place }
        }
        throw SakuinError(
            .notFound, "There is no snapshot '\(snapshot)' of '\(index)'.", field: "snapshot", value: snapshot,
            nextStep: "List the snapshots, or create it.")
    }

    private static func mapped<R>(_ body: () throws(StorageError) -> R) throws(SakuinError) -> R {
        do throws(StorageError) { return try body() } catch { throw ErrorMapping.sakuinError(error) }
    }
}

extension IndexCatalog.State {
    func checkOpen() throws(SakuinError) {
        if isClosed { throw SakuinError(.unavailable, "The catalog is closed.") }
    }

    /// Throws when an index or alias has the name, or is about to.
    func checkFree(_ name: String) throws(SakuinError) {
        try checkOpen()
        if indexes[name] != nil || broken[name] != nil || aliases[name] != nil
            || busy.contains(IndexCatalog.folder(name))
        {
            throw SakuinError(
                .alreadyExists, "There is an index or alias '\(name)' already.", field: "name", value: name,
                nextStep: "Choose another name, or drop it.")
        }
    }

    /// Takes a snapshot for one call; throws when another has it.
    mutating func reserve(_ place: BackupStore.Place) throws(SakuinError) {
        guard busy.insert(place.path).inserted else {
            throw SakuinError(
                .failedPrecondition, "Another call is using snapshot '\(place.name)' of '\(place.index)'.",
                field: "snapshot", value: place.name, nextStep: "Try again a little later.",
                retryAfterMilliseconds: 100)
        }
    }
}

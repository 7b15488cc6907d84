// Snapshots for backup: `snapshots/INDEX/NAME/` in the data folder is an index as it was at one moment.
//
// 1. Made in a folder that begins with a dot: links to the immutable files of a commit (copies where the file system
//    has no links), an empty journal with the idempotency keys, a record of what it is, the manifest last. Then synced
//    and renamed: a snapshot is whole or not there.
// 2. Removed by the reverse: renamed away, synced, then emptied.
// 3. What begins with a dot when a data folder is opened was left by a process that ended, and is removed.

struct BackupStore: Sendable {
    /// A snapshot, by its index and its name.
    struct Place: Hashable, Sendable {
        var index: String
        var name: String

        var parent: String { BackupStore.folder + "/" + index }
        var path: String { parent + "/" + name }
        fileprivate var making: String { parent + "/.making-" + name }
        fileprivate var removed: String { parent + "/.removed-" + name }
    }

    /// What goes into a snapshot.
    struct Source {
        /// The folder of the index.
        var folder: String
        var manifest: Manifest
        /// As in a journal: what was written under which key.
        var recentKeys: [UInt8]
        var created: UTCTime
    }

    static let folder = "snapshots"

    private let root: any Directory
    private let cancellation: Cancellation
    private let disk: DiskSpace

    init(_ root: any Directory, _ cancellation: Cancellation, _ disk: DiskSpace) {
        self.root = root
        self.cancellation = cancellation
        self.disk = disk
    }

    /// Throws when copying these files would leave less of the disk than writes have to have.
    private func checkRoom(_ names: some Collection<String>, of folder: String) throws(StorageError) {
        var byteCount = 0
        for name in names { byteCount += try root.size(folder + "/" + name) }
        // ENOSPC
        if disk.refusal(.writes, for: byteCount) != nil { throw .io(operation: "copy", path: folder, errno: 28) }
    }

    func exists(_ place: Place) throws(StorageError) -> Bool { try root.exists(place.path) }

    // MARK: Making

    /// Makes the snapshot; durable when it returns, not there when it throws, except when even taking it back fails: then
    /// it may be there, whole.
    func create(_ place: Place, _ source: Source) throws(StorageError) {
        try root.removeTree(place.making)
        try root.createFolder(place.making)
        do throws(StorageError) {
            try fill(SubDirectory(root, place.making), place, source)
            try root.rename(place.making, to: place.path)
        } catch {
            try? root.removeTree(place.making)
            throw error
        }
        do throws(StorageError) { try root.syncDirectory(place.parent) } catch {
            try? remove(place)
            throw error
        }
    }

    private func fill(
        _ folder: SubDirectory, _ place: Place, _ source: Source
    ) throws(StorageError) {
        let names = source.manifest.immutableFiles
        var copies = false
        for (number, name) in names.enumerated() {
            let (from, to) = (source.folder + "/" + name, place.making + "/" + name)
            try root.link(from, to: to) { () throws(StorageError) in
                // Where one cannot be linked most likely none can.
                if !copies { try checkRoom(names[number...], of: source.folder) }
                copies = true
                try copy(from, to: to)
            }
        }
        // Without a journal file the index would be taken for one that lost it.
        try JournalWriter(
            folder, firstSequence: source.manifest.committedSequence + 1, recentKeys: source.recentKeys
        ).close()
        try BackupRecord(place, source, documents: try documentCount(source.manifest, folder)).write(to: folder)
        try source.manifest.write(to: folder)
    }

    private func documentCount(_ manifest: Manifest, _ folder: any Directory) throws(StorageError) -> Int {
        var count = 0
        for segment in manifest.segments {
            count += try LiveDocuments.read(segment, folder)?.liveCount ?? segment.documentCount
        }
        return count
    }

    private func copy(_ name: String, to target: String) throws(StorageError) {
        try root.copy(name, to: target) { () throws(StorageError) in try cancellation.check() }
    }

    // MARK: Listing

    /// The snapshots of an index, by name, or of all indexes, by index and name.
    func list(of index: String?) throws(StorageError) -> [SnapshotListing] {
        guard try root.exists(Self.folder) else { return [] }
        var listings: [SnapshotListing] = []
        for owner in try root.folders(Self.folder) where index == nil || owner == index {
            for name in try root.folders(Self.folder + "/" + owner) where !name.hasPrefix(".") {
                listings.append(try listing(Place(index: owner, name: name)))
            }
        }
        return listings
    }

    func listing(_ place: Place) throws(StorageError) -> SnapshotListing {
        var listing = SnapshotListing(index: place.index, name: place.name)
        for name in try root.list(place.path) {
            let bytes = try root.size(place.path + "/" + name)
            listing.bytes += bytes
            if try root.linkCount(place.path + "/" + name) < 2 { listing.ownBytes += bytes }
        }
        let folder = SubDirectory(root, place.path)
        do throws(StorageError) {
            try BackupRecord(reading: folder).describe(&listing)
            guard let manifest = try Manifest.newest(folder) else {
                throw .corrupt(file: FileName.manifest(listing.generation), offset: 0, reason: "it is not there")
            }
            for name in manifest.immutableFiles where try !root.exists(place.path + "/" + name) {
                throw .corrupt(file: name, offset: 0, reason: "it is not there")
            }
        } catch {
            listing.problem = ErrorMapping.sakuinError(error).message
        }
        return listing
    }

    // MARK: Restoring

    /// What is wrong with the files of a snapshot, every byte read; empty when nothing is.
    func check(_ place: Place) throws(StorageError) -> [String] {
        try IndexCheck.run(SubDirectory(root, place.path)).problems
    }

    /// Copies the snapshot to the folder of an index, which must not be there, by way of another folder. The copy is
    /// durable, its name is not yet. When it throws there is no such folder.
    func restore(_ place: Place, to folder: String, by temporary: String) throws(StorageError) {
        let source = SubDirectory(root, place.path)
        guard let manifest = try Manifest.newest(source) else {
            throw .corrupt(file: place.path, offset: 0, reason: "there is no manifest in it")
        }
        try root.removeTree(temporary)
        try root.createFolder(temporary)
        do throws(StorageError) {
            for name in manifest.immutableFiles + (try Journal.files(in: source)) {
                try copy(place.path + "/" + name, to: temporary + "/" + name)
            }
            try manifest.write(to: SubDirectory(root, temporary))
            try cancellation.check()
            try root.rename(temporary, to: folder)
        } catch {
            try? root.removeTree(temporary)
            throw error
        }
    }

    // MARK: Removing

    /// Removes the snapshot; when it throws it is there and whole, or not there.
    func remove(_ place: Place) throws(StorageError) {
        try root.removeTree(place.removed)
        try root.rename(place.path, to: place.removed)
        try root.syncDirectory(place.parent)
        try root.removeTree(place.removed)
        // One that holds other snapshots stays.
        try? root.removeFolder(place.parent)
    }

    /// Removes what processes have left that ended before they were done.
    func removeLeftovers() throws(StorageError) {
        guard try root.exists(Self.folder) else { return }
        for index in try root.folders(Self.folder) {
            let parent = Self.folder + "/" + index
            // A removal that is not durable yet would come back half.
            try root.syncDirectory(parent)
            for name in try root.folders(parent) where name.hasPrefix(".") { try root.removeTree(parent + "/" + name) }
            try? root.removeFolder(parent)
        }
    }
}

extension Manifest {
    /// Names of the files it needs, none of which ever changes.
    var immutableFiles: [String] {
        segments.map { FileName.segment($0.id) }
            + segments.filter { $0.liveGeneration > 0 }
            .map { FileName.live(segment: $0.id, generation: $0.liveGeneration) }
    }
}

/// The indexes of a data folder: `indexes/NAME/` each, `snapshots/NAME/SNAPSHOT/`, and `aliases.json`. One process owns
/// the folder.
public final class IndexCatalog: CatalogService {
    struct State {
        var indexes = NameTable<SearchIndex>()
        var aliases = NameTable<String>()
        /// Indexes that could not be opened, with why.
        var broken = NameTable<SakuinError>()
        /// Folders of indexes and snapshots that a call is making, reading or removing.
        var busy: Set<String> = []
        /// Indexes of which a snapshot is being made.
        var copied: Set<String> = []
        var isClosed = false
    }

    public static let nameByteCountMax = 128

    let root: any Directory
    private let lock: any FileLock
    let options: IndexOptions
    /// Shared by all indexes.
    let memory: MemoryBudget
    /// Searches take it too: nobody who holds it waits for the disk.
    let state: Monitor<State>
    /// Taken before `state` by who changes the aliases, until their file is written.
    private let aliasChanges = Monitor(())
    let disk: DiskSpace
    let backups: BackupStore
    /// Opens indexes again that a full disk has stopped.
    private let watcher = Monitor<WorkerThread?>(nil)
    /// Ends copies when the catalog is closed.
    private let cancellation = Cancellation()

    /// Opens all indexes of the folder, which is made when it is missing. An index that cannot be opened does not keep
    /// the others from serving; using it throws why.
    public convenience init(path: String, options: IndexOptions = IndexOptions()) throws(SakuinError) {
        let root: DiskDirectory
        do throws(StorageError) { root = try DiskDirectory(path, create: true) } catch {
            throw ErrorMapping.sakuinError(error)
        }
        try self.init(root, options: options)
        do throws(StorageError) {
            let thread = try WorkerThread.all([(.normal, { [self] in watch() })], options.threads).first
            watcher.change { $0 = thread }
        } catch {
            try? close()
            throw ErrorMapping.sakuinError(error)
        }
    }

    /// The same over any directory, in which nobody looks whether there is room again.
    init(_ root: any Directory, options: IndexOptions) throws(SakuinError) {
        try options.validate()
        self.root = root
        var options = options
        options.mergeBudget = MergeBudget(bytesPerSecond: options.mergeBytesPerSecond)
        self.options = options
        memory = MemoryBudget(byteCountMax: options.memoryBudgetBytes, process: options.processMemory)
        disk = DiskSpace(root, mergeMark: options.diskMergeMarkBytes, writeMark: options.diskWriteMarkBytes)
        backups = BackupStore(root, cancellation, disk)
        do throws(StorageError) {
            try root.createFolder(Self.folder)
            lock = try root.lock(FileName.lockName)
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
        state = Monitor(State())
        do throws(StorageError) {
            try openAll()
        } catch {
            lock.release()
            throw ErrorMapping.sakuinError(error)
        }
    }

    private static let folder = "indexes"
    static func folder(_ name: String) -> String { folder + "/" + name }

    func open(_ name: String, schema: Schema? = nil) throws(SakuinError) -> SearchIndex {
        if schema != nil {
            do throws(StorageError) { try root.createFolder(Self.folder(name)) } catch {
                throw ErrorMapping.sakuinError(error)
            }
        }
        return try SearchIndex.open(
            SubDirectory(root, Self.folder(name)), schema: schema, options: options, memory: memory)
    }

    private func openAll() throws(StorageError) {
        var opened = State()
        do throws(StorageError) { try backups.removeLeftovers() } catch {
            options.log?.write("warning", "Left-over files of snapshots cannot be removed: \(error)")
        }
        for name in try root.folders(Self.folder) {
            if name.hasPrefix(Self.droppedPrefix) || name.hasPrefix(Self.restoringPrefix) {
                removeLeftover(name)
                continue
            }
            do throws(SakuinError) {
                opened.indexes[name] = try open(name)
            } catch {
                if error.code == .notFound, Recovery.isUnborn(SubDirectory(root, Self.folder(name))) {
                    removeLeftover(name)
                    continue
                }
                opened.broken[name] = error
                options.log?.write("error", "Index '\(name)' cannot be opened: \(error)")
            }
        }
        opened.aliases = readAliases()
        let found = opened
        state.change { $0 = found }
    }

    private func removeLeftover(_ name: String) {
        do throws(StorageError) {
            try root.syncDirectory(Self.folder)
            try root.removeTree(Self.folder(name))
        } catch {
            options.log?.write("warning", "\(Self.folder(name)) is left over and cannot be removed: \(error)")
        }
    }

    private static let droppedPrefix = ".dropped-"
    static let restoringPrefix = ".restoring-"
    /// Aliases that cannot be read keep no index from being served under its own name; the file is kept.
    private func readAliases() -> NameTable<String> {
        do throws(StorageError) { return try AliasFile.read(root) } catch {
            let kept = (try? AliasFile.quarantine(root)) ?? AliasFile.name
            options.log?.write(
                "error", "The aliases cannot be read and have to be made again; the file is kept as \(kept): \(error)")
            return NameTable()
        }
    }

    /// Throws when a name could not be a folder or would be mistaken on the command line.
    static func check(name: String, of kind: String = "index") throws(SakuinError) {
        let isGood = name.unicodeScalars.allSatisfy {
            $0.value > 0x20 && $0 != "/" && $0 != "\\" && $0 != ":" && $0.value != 0x7F
        }
        if name.isEmpty || name.utf8.count > nameByteCountMax || !isGood || name.hasPrefix(".") || name.hasPrefix("-") {
            throw .invalid(
                "The name of \(kind == "index" ? "an" : "a") \(kind) has 1 to \(nameByteCountMax) bytes, no blanks, slashes or colons, and begins with neither '.' nor '-'.",
                field: kind == "index" ? "name" : kind, limit: nameByteCountMax, value: name)
        }
    }

    public func create(index name: String, schema: Schema) async throws { try createNow(name, schema) }
    public func list() async throws -> [IndexListing] { listNow() }
    public func drop(index name: String) async throws { try dropNow(name) }
    public func alias(_ name: String, to target: String) async throws { try aliasNow(name, target) }
    public func index(_ name: String) async throws -> SearchIndex { try indexNow(name) }
    public func jobs() async throws -> [JobStatus] { jobsNow() }

    /// Whether there is little memory left of what all indexes share; what can wait should.
    public var isMemoryTight: Bool { memory.isTight }

    /// Memory for a request of so many bytes, before it is decompressed. Throws `resourceExhausted` when there is none.
    public func requestMemory(byteCount: Int) throws(SakuinError) -> RequestMemory {
        try RequestMemory(byteCount, of: memory)
    }

    /// Memory for a frame of so many bytes that has begun to come; nil when frames have all that they may.
    public func frameMemory(byteCount: Int) -> FrameMemory? { FrameMemory(byteCount, of: memory) }

    public func createNow(_ name: String, _ schema: Schema) throws(SakuinError) {
        try Self.check(name: name)
        try schema.validateNew()
        let folder = Self.folder(name)
        try state.change { (state) throws(SakuinError) in
            try state.checkFree(name)
            state.busy.insert(folder)
        }
        defer { state.change { _ = $0.busy.remove(folder) } }
        let isNew = !((try? root.exists(folder)) ?? true)
        do throws(SakuinError) {
            let index = try open(name, schema: schema)
            state.change { $0.indexes[name] = index }
        } catch {
            // What was there before is somebody's.
            if isNew { giveUp(name, error) }
            throw error
        }
    }

    public func listNow() -> [IndexListing] {
        let (indexes, broken, aliases) = state.read { ($0.indexes, $0.broken, $0.aliases) }
        func names(_ target: String) -> [String] {
            aliases.filter { $0.value.hasSameBytes(as: target) }.map(\.key).sorted()
        }
        let open = indexes.map { Self.listing($0.key, $0.value, aliases: names($0.key)) }
        let closed = broken.map { name, error in
            IndexListing(
                name: name, aliases: names(name), documents: 0, bytes: 0,
                problems: ["It cannot be opened: \(error.message)"])
        }
        return (open + closed).sorted { $0.name < $1.name }
    }

    public func jobsNow() -> [JobStatus] {
        state.read { $0.indexes.sorted { $0.key < $1.key } }.flatMap { name, index in
            index.jobsNow().map { status in
                var status = status
                status.index = name
                return status
            }
        }
    }

    /// All that are open, by name.
    public var openIndexes: [String: SearchIndex] {
        // Of names that a dictionary takes for the same it has one.
        Dictionary(state.read { Array($0.indexes) }.map { ($0.key, $0.value) }) { first, _ in first }
    }

    static func listing(_ name: String, _ index: SearchIndex, aliases: [String] = []) -> IndexListing {
        let statistics = index.statisticsNow()
        return IndexListing(
            name: name, aliases: aliases, documents: statistics.documents, bytes: statistics.bytes,
            problems: statistics.quarantined)
    }

    /// Drops an open index, or one that could not be opened; or an alias, and not what it leads to.
    public func dropNow(_ name: String) throws(SakuinError) {
        if try dropAlias(name) { return }
        let folder = Self.folder(name)
        try state.change { (state) throws(SakuinError) in
            try checkIdle(name, state)
            // Until the folder is away the name cannot be taken again.
            state.busy.insert(folder)
        }
        defer { state.change { _ = $0.busy.remove(folder) } }
        let dropped = try changeAliases { (aliases) throws(SakuinError) in
            let kept = aliases.filter { !$0.value.hasSameBytes(as: name) }
            return kept.count == aliases.count ? nil : kept
        } then: { state in
            state.broken[name] = nil
            return state.indexes.removeValue(forKey: name)
        }
        // It ends before its folder goes: it writes by path, and another may stand there soon.
        dropped?.abandon()
        do throws(StorageError) {
            try root.removeTree(try takeAway(name))
        } catch {
            let failure = ErrorMapping.sakuinError(error)
            if (try? root.exists(folder)) ?? true { state.change { $0.broken[name] = failure } }
            throw failure
        }
    }

    /// Whether there was such an alias.
    private func dropAlias(_ name: String) throws(SakuinError) -> Bool {
        try state.read { (state) throws(SakuinError) in try state.checkOpen() }
        var isDropped = false
        try changeAliases { (aliases) throws(SakuinError) in
            var fewer = aliases
            isDropped = fewer.removeValue(forKey: name) != nil
            return isDropped ? fewer : nil
        } then: { _ in
        }
        return isDropped
    }

    /// Throws unless there is such an index and no call is making, copying, closing or removing it.
    func checkIdle(_ name: String, _ state: State) throws(SakuinError) {
        try state.checkOpen()
        if state.copied.contains(name) || state.busy.contains(Self.folder(name)) {
            throw Self.isAtWork(on: name)
        }
        if state.indexes[name] == nil, state.broken[name] == nil { throw Self.unknown(name) }
    }

    static func isAtWork(on name: String) -> SakuinError {
        SakuinError(
            .failedPrecondition, "Another call is at work on '\(name)'.", field: "name", value: name,
            nextStep: "Try again a little later.", retryAfterMilliseconds: 100)
    }

    /// Renames the folder of an index, durably, to where a crash leaves it known to be dropped; returns its new name.
    func takeAway(_ name: String) throws(StorageError) -> String {
        let away = Self.folder(Self.droppedPrefix + name)
        try root.removeTree(away)
        try root.rename(Self.folder(name), to: away)
        try root.syncDirectory(Self.folder)
        return away
    }

    public func aliasNow(_ name: String, _ target: String) throws(SakuinError) {
        try Self.check(name: name)
        let folder = Self.folder(name)
        try state.change { (state) throws(SakuinError) in
            try state.checkOpen()
            if state.indexes[name] != nil || state.broken[name] != nil {
                throw SakuinError(.alreadyExists, "'\(name)' is an index.", field: "name", value: name)
            }
            if state.busy.contains(folder) { throw Self.isAtWork(on: name) }
            // Until its file is written the name cannot be taken by an index.
            state.busy.insert(folder)
        }
        defer { state.change { _ = $0.busy.remove(folder) } }
        try changeAliases { (aliases) throws(SakuinError) in
            if let index = aliases[target] {
                throw SakuinError(
                    .failedPrecondition, "'\(target)' is an alias of '\(index)'; an alias leads to an index.",
                    field: "target", value: target, nextStep: "Give '\(index)'.")
            }
            if state.read({ $0.indexes[target] == nil }) { throw Self.unknown(target) }
            var more = aliases
            more[name] = target
            return more
        } then: { _ in
        }
    }

    /// Puts what `change` makes of the aliases in their place, nil: nothing, first in the file; one call at a time. `then`
    /// changes what changes with them.
    private func changeAliases<R>(
        _ change: (NameTable<String>) throws(SakuinError) -> NameTable<String>?, then: (inout State) -> R
    ) throws(SakuinError) -> R {
        try aliasChanges.read { (_) throws(SakuinError) in
            let changed = try change(state.read { $0.aliases })
            if let changed {
                do throws(StorageError) { try AliasFile.write(changed, to: root) } catch {
                    throw ErrorMapping.sakuinError(error)
                }
            }
            return state.change { state in
                if let changed { state.aliases = changed }
                return then(&state)
            }
        }
    }

    /// The open index of that name or alias.
    public func indexNow(_ name: String) throws(SakuinError) -> SearchIndex {
        try state.read { (state) throws(SakuinError) in
            try state.checkOpen()
            let target = state.aliases[name] ?? name
            if let index = state.indexes[target] { return index }
            if let broken = state.broken[target] { throw broken }
            throw Self.unknown(name)
        }
    }

    static func unknown(_ name: String) -> SakuinError {
        SakuinError(
            .notFound, "There is no index '\(name)'.", field: "name", value: name,
            nextStep: "List the indexes, or create it.")
    }

    /// Commits and closes all indexes and lets the folder go; throws the first error, after all were closed.
    public func close() throws(SakuinError) {
        state.change { $0.isClosed = true }
        cancellation.cancel()
        watcher.read { $0 }?.join()
        let indexes = state.wait { state -> NameTable<SearchIndex>? in
            guard state.busy.isEmpty else { return nil }
            defer { state.indexes = NameTable() }
            return state.indexes
        }
        var failure: SakuinError?
        for (_, index) in indexes ?? NameTable() {
            do throws(SakuinError) { try index.close() } catch { failure = failure ?? error }
        }
        lock.release()
        if let failure { throw failure }
    }
}

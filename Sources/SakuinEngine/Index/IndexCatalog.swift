/// The indexes of a data folder: `indexes/NAME/` each, `snapshots/NAME/SNAPSHOT/`, and `aliases.json`. One process owns
/// the folder.
public final class IndexCatalog: CatalogService {
    struct State {
        var indexes: [String: SearchIndex] = [:]
        var aliases: [String: String] = [:]
        /// Indexes that could not be opened, with why.
        var broken: [String: SakuinError] = [:]
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
    let state: Monitor<State>
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
        let thread = WorkerThread { [self] in watch() }
        watcher.change { $0 = thread }
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
    private func readAliases() -> [String: String] {
        do throws(StorageError) { return try AliasFile.read(root) } catch {
            let kept = (try? AliasFile.quarantine(root)) ?? AliasFile.name
            options.log?.write(
                "error", "The aliases cannot be read and have to be made again; the file is kept as \(kept): \(error)")
            return [:]
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

    public func createNow(_ name: String, _ schema: Schema) throws(SakuinError) {
        try Self.check(name: name)
        try schema.validateNew()
        try state.change { (state) throws(SakuinError) in
            try state.checkFree(name)
            state.indexes[name] = try open(name, schema: schema)
        }
    }

    public func listNow() -> [IndexListing] {
        state.read { state in
            func aliases(_ name: String) -> [String] {
                state.aliases.filter { $0.value == name }.map(\.key).sorted()
            }
            let open = state.indexes.map { Self.listing($0.key, $0.value, aliases: aliases($0.key)) }
            let broken = state.broken.map { name, error in
                IndexListing(
                    name: name, aliases: aliases(name), documents: 0, bytes: 0,
                    problems: ["It cannot be opened: \(error.message)"])
            }
            return (open + broken).sorted { $0.name < $1.name }
        }
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
    public var openIndexes: [String: SearchIndex] { state.read { $0.indexes } }

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
        let dropped = try state.change { (state) throws(SakuinError) -> SearchIndex? in
            try checkIdle(name, state)
            let aliases = state.aliases.filter { $0.value != name }
            if aliases.count < state.aliases.count {
                do throws(StorageError) { try AliasFile.write(aliases, to: root) } catch {
                    throw ErrorMapping.sakuinError(error)
                }
            }
            state.aliases = aliases
            state.broken[name] = nil
            // Until the folder is away the name cannot be taken again.
            state.busy.insert(folder)
            return state.indexes.removeValue(forKey: name)
        }
        defer { state.change { _ = $0.busy.remove(folder) } }
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
        try state.change { (state) throws(SakuinError) -> Bool in
            try state.checkOpen()
            var aliases = state.aliases
            guard aliases.removeValue(forKey: name) != nil else { return false }
            do throws(StorageError) { try AliasFile.write(aliases, to: root) } catch {
                throw ErrorMapping.sakuinError(error)
            }
            state.aliases = aliases
            return true
        }
    }

    /// Throws unless there is such an index and no call is making, copying, closing or removing it.
    func checkIdle(_ name: String, _ state: State) throws(SakuinError) {
        try state.checkOpen()
        if state.copied.contains(name) || state.busy.contains(Self.folder(name)) {
            throw SakuinError(
                .failedPrecondition, "Another call is at work on '\(name)'.", field: "name", value: name,
                nextStep: "Try again a little later.", retryAfterMilliseconds: 100)
        }
        if state.indexes[name] == nil, state.broken[name] == nil { throw Self.unknown(name) }
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
        try state.change { (state) throws(SakuinError) in
            if state.indexes[name] != nil || state.busy.contains(Self.folder(name)) {
                throw SakuinError(.alreadyExists, "'\(name)' is an index.", field: "name", value: name)
            }
            if let index = state.aliases[target] {
                throw SakuinError(
                    .failedPrecondition, "'\(target)' is an alias of '\(index)'; an alias leads to an index.",
                    field: "target", value: target, nextStep: "Give '\(index)'.")
            }
            guard state.indexes[target] != nil else { throw Self.unknown(target) }
            var aliases = state.aliases
            aliases[name] = target
            do throws(StorageError) { try AliasFile.write(aliases, to: root) } catch {
                throw ErrorMapping.sakuinError(error)
            }
            state.aliases = aliases
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
        let indexes = state.wait { state -> [String: SearchIndex]? in
            guard state.busy.isEmpty else { return nil }
            defer { state.indexes = [:] }
            return state.indexes
        }
        var failure: SakuinError?
        for index in (indexes ?? [:]).values {
            do throws(SakuinError) { try index.close() } catch { failure = failure ?? error }
        }
        lock.release()
        if let failure { throw failure }
    }
}

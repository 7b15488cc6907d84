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
    }

    /// The same over any directory.
    init(_ root: any Directory, options: IndexOptions) throws(SakuinError) {
        try options.validate()
        self.root = root
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
        do throws(StorageError) { try root.createFolder(Self.folder(name)) } catch {
            throw ErrorMapping.sakuinError(error)
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
                try root.syncDirectory(Self.folder)
                try root.removeTree(Self.folder(name))
                continue
            }
            do throws(SakuinError) {
                opened.indexes[name] = try open(name)
            } catch {
                opened.broken[name] = error
                options.log?.write("error", "Index '\(name)' cannot be opened: \(error)")
            }
        }
        opened.aliases = try readAliases()
        let found = opened
        state.change { $0 = found }
    }

    private static let droppedPrefix = ".dropped-"
    static let restoringPrefix = ".restoring-"
    private static let aliasFile = "aliases.json"

    private func readAliases() throws(StorageError) -> [String: String] {
        guard try root.exists(Self.aliasFile) else { return [:] }
        let bytes = try root.read(Self.aliasFile)
        do throws(SakuinError) {
            guard case .object(let members) = try JSONValue(parsing: bytes) else { throw .invalid("no object") }
            var aliases: [String: String] = [:]
            for member in members {
                if case .string(let target) = member.value { aliases[member.key] = target }
            }
            return aliases
        } catch {
            throw .corrupt(file: Self.aliasFile, offset: 0, reason: error.message)
        }
    }

    private func write(aliases: [String: String]) throws(StorageError) {
        let object = JSONValue.object(
            aliases.sorted { $0.key < $1.key }.map { JSONValue.Member(key: $0.key, value: .string($0.value)) })
        let temporary = FileName.temporary(Self.aliasFile)
        let file = try root.create(temporary)
        var bytes = ByteWriter()
        bytes.append(utf8: object.text)
        try bytes.withBytes { (bytes) throws(StorageError) in try file.append(bytes) }
        try file.sync()
        try file.close()
        try root.rename(temporary, to: Self.aliasFile)
        try root.syncDirectory()
    }

    /// Throws when a name could not be a folder or would be mistaken on the command line.
    static func check(name: String, of kind: String = "index") throws(SakuinError) {
        let isGood = name.unicodeScalars.allSatisfy {
            $0.value > 0x20 && $0 != "/" && $0 != "\\" && $0 != ":" && $0.value != 0x7F
        }
        if name.isEmpty || name.utf8.count > nameByteCountMax || !isGood || name.hasPrefix(".") || name.hasPrefix("-") {
            throw .invalid(
                "The name of an \(kind) has 1 to \(nameByteCountMax) bytes, no blanks, slashes or colons, and begins with neither '.' nor '-'.",
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

    public func createNow(_ name: String, _ schema: Schema) throws(SakuinError) {
        try Self.check(name: name)
        try schema.validate()
        try state.change { (state) throws(SakuinError) in
            try state.checkFree(name)
            state.indexes[name] = try open(name, schema: schema)
        }
    }

    public func listNow() -> [IndexListing] {
        state.read { state in
            state.indexes.sorted { $0.key < $1.key }.map { name, index in
                Self.listing(name, index, aliases: state.aliases.filter { $0.value == name }.map(\.key).sorted())
            }
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

    static func listing(_ name: String, _ index: SearchIndex, aliases: [String] = []) -> IndexListing {
        let statistics = index.statisticsNow()
        return IndexListing(name: name, aliases: aliases, documents: statistics.documents, bytes: statistics.bytes)
    }

    public func dropNow(_ name: String) throws(SakuinError) {
        let dropped = try state.change { (state) throws(SakuinError) in
            if state.aliases[name] != nil {
                throw SakuinError(
                    .failedPrecondition, "'\(name)' is an alias.", field: "name", value: name,
                    nextStep: "Drop the index it leads to.")
            }
            if state.copied.contains(name) {
                throw SakuinError(
                    .failedPrecondition, "A snapshot of '\(name)' is being made.", field: "name", value: name,
                    nextStep: "Try again a little later.", retryAfterMilliseconds: 100)
            }
            guard let index = state.indexes.removeValue(forKey: name) else { throw Self.unknown(name) }
            state.aliases = state.aliases.filter { $0.value != name }
            return (index, state.aliases)
        }
        do throws(StorageError) {
            try write(aliases: dropped.1)
            let away = try takeAway(name)
            dropped.0.abandon()
            try root.removeTree(away)
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
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
            guard state.indexes[target] != nil else { throw Self.unknown(target) }
            var aliases = state.aliases
            aliases[name] = target
            do throws(StorageError) { try write(aliases: aliases) } catch { throw ErrorMapping.sakuinError(error) }
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

/// The indexes of a data folder: `indexes/NAME/` each, and `aliases.json`. One process owns the folder.
public final class IndexCatalog: CatalogService {
    private struct State {
        var indexes: [String: SearchIndex] = [:]
        var aliases: [String: String] = [:]
        /// Indexes that could not be opened, with why.
        var broken: [String: SakuinError] = [:]
        var isClosed = false
    }

    public static let nameByteCountMax = 128

    private let root: DiskDirectory
    private let lock: any FileLock
    private let options: IndexOptions
    /// Shared by all indexes.
    private let memory: MemoryBudget
    private let state: Monitor<State>

    /// Opens all indexes of the folder, which is made when it is missing. An index that cannot be opened does not keep
    /// the others from serving; using it throws why.
    public init(path: String, options: IndexOptions = IndexOptions()) throws(SakuinError) {
        try options.validate()
        self.options = options
        memory = MemoryBudget(byteCountMax: options.memoryBudgetBytes)
        do throws(StorageError) {
            root = try DiskDirectory(path, create: true)
            _ = try DiskDirectory(path + "/indexes", create: true)
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

    private func folder(_ name: String) -> String { root.path + "/indexes/" + name }

    private func openAll() throws(StorageError) {
        var opened = State()
        for name in try DiskDirectory.folders(in: root.path + "/indexes") {
            if name.hasPrefix(Self.droppedPrefix) {
                try DiskDirectory(folder(name), create: false).removeAll()
                continue
            }
            do throws(SakuinError) {
                opened.indexes[name] = try SearchIndex.open(
                    path: folder(name), schema: nil, options: options, memory: memory)
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
    static func check(name: String) throws(SakuinError) {
        let isGood = name.unicodeScalars.allSatisfy {
            $0.value > 0x20 && $0 != "/" && $0 != "\\" && $0 != ":" && $0.value != 0x7F
        }
        if name.isEmpty || name.utf8.count > nameByteCountMax || !isGood || name.hasPrefix(".") || name.hasPrefix("-") {
            throw .invalid(
                "An index name has 1 to \(nameByteCountMax) bytes, no blanks, slashes or colons, and begins with neither '.' nor '-'.",
                field: "name", limit: nameByteCountMax, value: name)
        }
    }

    public func create(index name: String, schema: Schema) async throws { try createNow(name, schema) }
    public func list() async throws -> [IndexListing] { listNow() }
    public func drop(index name: String) async throws { try dropNow(name) }
    public func alias(_ name: String, to target: String) async throws { try aliasNow(name, target) }
    public func index(_ name: String) async throws -> SearchIndex { try indexNow(name) }
    public func jobs() async throws -> [JobStatus] { jobsNow() }

    public func createNow(_ name: String, _ schema: Schema) throws(SakuinError) {
        try Self.check(name: name)
        try schema.validate()
        try state.change { (state) throws(SakuinError) in
            if state.isClosed { throw SakuinError(.unavailable, "The catalog is closed.") }
            if state.indexes[name] != nil || state.broken[name] != nil || state.aliases[name] != nil {
                throw SakuinError(
                    .alreadyExists, "There is an index or alias '\(name)' already.", field: "name", value: name)
            }
            state.indexes[name] = try SearchIndex.open(
                path: folder(name), schema: schema, options: options, memory: memory)
        }
    }

    public func listNow() -> [IndexListing] {
        state.read { state in
            state.indexes.keys.sorted().map { name in
                let statistics = state.indexes[name]?.statisticsNow() ?? IndexStatistics()
                let aliases = state.aliases.filter { $0.value == name }.map(\.key).sorted()
                return IndexListing(
                    name: name, aliases: aliases, documents: statistics.documents, bytes: statistics.bytes)
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

    public func dropNow(_ name: String) throws(SakuinError) {
        let dropped = try state.change { (state) throws(SakuinError) in
            if state.aliases[name] != nil {
                throw SakuinError(
                    .failedPrecondition, "'\(name)' is an alias.", field: "name", value: name,
                    nextStep: "Drop the index it leads to.")
            }
            guard let index = state.indexes.removeValue(forKey: name) else { throw Self.unknown(name) }
            state.aliases = state.aliases.filter { $0.value != name }
            return (index, state.aliases)
        }
        do throws(StorageError) {
            try write(aliases: dropped.1)
            // Renamed first: a crash in the middle leaves a folder that is known to be dropped.
            let away = folder(Self.droppedPrefix + name)
            try DiskDirectory.renameFolder(folder(name), away)
            dropped.0.abandon()
            try DiskDirectory(away, create: false).removeAll()
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
    }

    public func aliasNow(_ name: String, _ target: String) throws(SakuinError) {
        try Self.check(name: name)
        try state.change { (state) throws(SakuinError) in
            if state.indexes[name] != nil {
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
            if state.isClosed { throw SakuinError(.unavailable, "The catalog is closed.") }
            let target = state.aliases[name] ?? name
            if let index = state.indexes[target] { return index }
            if let broken = state.broken[target] { throw broken }
            throw Self.unknown(name)
        }
    }

    private static func unknown(_ name: String) -> SakuinError {
        SakuinError(
            .notFound, "There is no index '\(name)'.", field: "name", value: name,
            nextStep: "List the indexes, or create it.")
    }

    /// Commits and closes all indexes and lets the folder go; throws the first error, after all were closed.
    public func close() throws(SakuinError) {
        let indexes = state.change { state in
            state.isClosed = true
            defer { state.indexes = [:] }
            return state.indexes
        }
        var failure: SakuinError?
        for index in indexes.values {
            do throws(SakuinError) { try index.close() } catch { failure = failure ?? error }
        }
        lock.release()
        if let failure { throw failure }
    }
}

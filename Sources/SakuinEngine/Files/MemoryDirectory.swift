import Synchronization

/// A directory in memory, which can lose what a power loss would lose.
///
/// Bytes are durable once their file is synced; names once their folder is; folders at once. `image` is what a simulated stop of the
/// machine starts from.
final class MemoryDirectory: Directory {
    /// The bytes of a file.
    struct Content: Sendable {
        var bytes: [UInt8] = []
        /// What a sync has brought to disk.
        var durable: [UInt8] = []
        /// A sync has failed: later ones bring nothing more to disk, whatever they return.
        var isFrozen = false

        mutating func sync() { if !isFrozen { durable = bytes } }
    }

    /// A file apart from its names.
    final class Node: Sendable {
        let content = Mutex(Content())

        init(_ bytes: [UInt8] = []) { content.withLock { $0 = Content(bytes: bytes, durable: bytes) } }
    }

    private struct State {
        var names: [String: Node] = [:]
        /// The names as of the last `syncDirectory`, and what changed since.
        var durableNames: [String: Node] = [:]
        var changes: [NameChange] = []
        var space = SpaceReading(free: 1 << 40, total: 1 << 41)
        var folders: Set<String> = []
        var locked: Set<String> = []

        mutating func apply(_ change: NameChange) {
            change.apply(to: &names)
            changes.append(change)
        }

        /// Names below a folder, "" for all, as they stand behind it.
        func below(_ folder: String) -> [String] {
            let all = Array(names.keys) + Array(folders)
            if folder.isEmpty { return all }
            return all.filter { $0.hasPrefix(folder + "/") }.map { String($0.dropFirst(folder.count + 1)) }
        }

        /// With those above it.
        mutating func insertFolder(_ name: Substring) {
            folders.insert(String(name))
            if let slash = name.lastIndex(of: "/") { insertFolder(name[..<slash]) }
        }
    }

    private static let missing: Int32 = 2
    private static let exists: Int32 = 17
    private static let notEmpty: Int32 = 39
    private let state: Mutex<State> = Mutex(State())
    let path: String

    init(path: String = "memory") { self.path = path }

    /// A folder with these files, all durable.
    convenience init(files: [String: [UInt8]], path: String = "memory") {
        self.init(path: path)
        for (name, bytes) in files { overwrite(name, with: bytes) }
    }

    /// Names and bytes as they are and as they are durable, at one moment.
    struct Image: Sendable {
        fileprivate(set) var names: [String: Node] = [:]
        fileprivate(set) var durableNames: [String: Node] = [:]
        /// What happened to names since they were last durable, in order.
        fileprivate(set) var changes: [NameChange] = []
        fileprivate var contents: [ObjectIdentifier: Content] = [:]

        func content(_ node: Node) -> Content { contents[ObjectIdentifier(node)] ?? Content() }
    }

    /// What a simulation of a stop starts from.
    func image() -> Image {
        state.withLock { state in
            var image = Image(names: state.names, durableNames: state.durableNames, changes: state.changes)
            func keep(_ node: Node) { image.contents[ObjectIdentifier(node)] = node.content.withLock { $0 } }
            for node in state.names.values { keep(node) }
            for node in state.durableNames.values { keep(node) }
            for change in state.changes {
                switch change {
                case .set(_, let node), .rename(_, to: _, let node): keep(node)
                case .remove, .renameFolder: break
                }
            }
            return image
        }
    }

    /// Replaces the bytes of a file, durable at once: for tests that damage files.
    func overwrite(_ name: String, with bytes: [UInt8]) {
        state.withLock {
            let node = Node(bytes)
            if let slash = name.lastIndex(of: "/") { $0.insertFolder(name[..<slash]) }
            $0.names[name] = node
            $0.durableNames[name] = node
        }
    }

    private func node(_ operation: String, _ name: String) throws(StorageError) -> Node {
        guard let node = state.withLock({ $0.names[name] }) else {
            throw .io(operation: operation, path: "\(path)/\(name)", errno: Self.missing)
        }
        return node
    }

    func list(_ subfolder: String?) throws(StorageError) -> [String] {
        let prefix = subfolder.map { $0 + "/" } ?? ""
        return try entries(subfolder) { state, below in
            Set(below.filter { !$0.contains("/") && state.names[prefix + $0] != nil })
        }
    }

    func folders(_ subfolder: String?) throws(StorageError) -> [String] {
        let prefix = subfolder.map { $0 + "/" } ?? ""
        return try entries(subfolder) { state, below in
            Set(below.compactMap { $0.split(separator: "/").first.map(String.init) })
                .filter { state.names[prefix + $0] == nil }
        }
    }

    private func entries(
        _ subfolder: String?, _ choose: (State, [String]) -> Set<String>
    ) throws(StorageError) -> [String] {
        let found = state.withLock { state -> [String]? in
            if let subfolder, !state.folders.contains(subfolder) { return nil }
            return choose(state, state.below(subfolder ?? "")).sorted()
        }
        guard let found else {
            throw .io(operation: "opendir", path: "\(path)/\(subfolder ?? "")", errno: Self.missing)
        }
        return found
    }

    func create(_ name: String) throws(StorageError) -> any OutputFile {
        let node = Node()
        state.withLock { $0.apply(.set(name, node)) }
        return MemoryOutputFile(node)
    }

    func open(_ name: String) throws(StorageError) -> MappedFile {
        MappedFile(copying: try read(name))
    }

    func read(_ name: String) throws(StorageError) -> [UInt8] {
        try node("open", name).content.withLock { $0.bytes }
    }

    func forEachPiece(
        _ name: String, pieceByteCount: Int, _ body: (UnsafeRawBufferPointer) throws(StorageError) -> Void
    ) throws(StorageError) {
        try open(name).withBytes { (bytes) throws(StorageError) in
            var at = 0
            while at < bytes.count {
                let piece = min(pieceByteCount, bytes.count - at)
                try body(UnsafeRawBufferPointer(rebasing: bytes[at..<(at + piece)]))
                at += piece
            }
        }
    }

    func size(_ name: String) throws(StorageError) -> Int {
        try node("stat", name).content.withLock { $0.bytes.count }
    }

    func linkCount(_ name: String) throws(StorageError) -> Int {
        let node = try node("stat", name)
        return state.withLock { $0.names.values.count { $0 === node } }
    }

    func exists(_ name: String) throws(StorageError) -> Bool {
        state.withLock { $0.names[name] != nil || $0.folders.contains(name) }
    }

    func rename(_ name: String, to target: String) throws(StorageError) {
        let isDone = state.withLock { state -> Bool? in
            guard state.folders.contains(name) else { return nil }
            guard state.below(target).isEmpty else { return false }
            state.apply(.renameFolder(name, to: target))
            let moved = state.folders.filter { $0 == name || $0.hasPrefix(name + "/") }
            state.folders = state.folders.subtracting(moved).union(moved.map { target + $0.dropFirst(name.count) })
            return true
        }
        if isDone == true { return }
        if isDone == false { throw .io(operation: "rename", path: "\(path)/\(target)", errno: Self.notEmpty) }
        let node = try node("rename", name)
        state.withLock { $0.apply(.rename(name, to: target, node)) }
    }

    func link(_ name: String, to target: String) throws(StorageError) {
        let node = try node("link", name)
        let isFree = state.withLock { state in
            if state.names[target] != nil { return false }
            state.apply(.set(target, node))
            return true
        }
        if !isFree { throw .io(operation: "link", path: "\(path)/\(target)", errno: Self.exists) }
    }

    func remove(_ name: String) throws(StorageError) {
        state.withLock { if $0.names[name] != nil { $0.apply(.remove(name)) } }
    }

    func truncate(_ name: String, to byteCount: Int) throws(StorageError) {
        try node("truncate", name).content.withLock {
            $0.bytes.removeLast(max(0, $0.bytes.count - byteCount))
            $0.durable = $0.bytes
        }
    }

    func createFolder(_ name: String) throws(StorageError) { state.withLock { $0.insertFolder(name[...]) } }

    func removeFolder(_ name: String) throws(StorageError) {
        let isEmpty = state.withLock { state in
            guard state.below(name).isEmpty else { return false }
            state.folders.remove(name)
            return true
        }
        if !isEmpty { throw .io(operation: "rmdir", path: "\(path)/\(name)", errno: Self.notEmpty) }
    }

    func syncDirectory(_ subfolder: String?) throws(StorageError) {
        state.withLock { state in
            var later: [NameChange] = []
            for change in state.changes {
                if change.isIn(subfolder ?? "") {
                    change.apply(to: &state.durableNames)
                    later = later.map { $0.behind(change) }
                } else {
                    later.append(change)
                }
            }
            state.changes = later
        }
    }

    func syncFile(_ name: String) throws(StorageError) {
        try node("fsync", name).content.withLock { $0.sync() }
    }

    /// From now on nothing more of the file becomes durable: what a failed sync may leave behind (Rebello et al., "Can
    /// Applications Recover from fsync Failures?", 2020).
    func freeze(_ name: String) {
        state.withLock { $0.names[name] }?.content.withLock { $0.isFrozen = true }
    }

    func lock(_ name: String) throws(StorageError) -> any FileLock {
        let taken = state.withLock { $0.locked.insert(name).inserted }
        if !taken { throw .locked(path: "\(path)/\(name)", owner: "this process") }
        return MemoryLock(self, name)
    }

    fileprivate func unlock(_ name: String) { state.withLock { _ = $0.locked.remove(name) } }

    func space() throws(StorageError) -> SpaceReading { state.withLock { $0.space } }

    /// What `space` answers from now on.
    func setSpace(_ space: SpaceReading) { state.withLock { $0.space = space } }
}

final class MemoryOutputFile: OutputFile {
    private let node: MemoryDirectory.Node

    init(_ node: MemoryDirectory.Node) { self.node = node }

    func append(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        let piece = [UInt8](bytes)
        node.content.withLock { $0.bytes.append(contentsOf: piece) }
    }

    var count: Int { node.content.withLock { $0.bytes.count } }

    func flush() throws(StorageError) {}

    func sync() throws(StorageError) { node.content.withLock { $0.sync() } }

    /// See `MemoryDirectory.freeze`.
    func freeze() { node.content.withLock { $0.isFrozen = true } }

    func preallocate(_ byteCount: Int) {}

    func close() throws(StorageError) {}
}

private final class MemoryLock: FileLock {
    private let owner: MemoryDirectory
    private let name: String
    private let isHeld = Atomic(true)

    init(_ owner: MemoryDirectory, _ name: String) {
        self.owner = owner
        self.name = name
    }

    deinit { release() }

    func release() {
        if isHeld.exchange(false, ordering: .acquiringAndReleasing) { owner.unlock(name) }
    }
}

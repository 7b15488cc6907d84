import Synchronization

/// A directory in memory, which can lose what a power loss would lose.
///
/// Bytes are durable once their file is synced; names once the directory is. `image` is what a simulated stop of the
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

    enum NameChange: Sendable {
        case set(String, Node)
        case rename(String, to: String, Node)
        case remove(String)

        func apply(to names: inout [String: Node]) {
            switch self {
            case .set(let name, let node): names[name] = node
            case .rename(let name, let target, let node):
                names[name] = nil
                names[target] = node
            case .remove(let name): names[name] = nil
            }
        }
    }

    private struct State {
        var names: [String: Node] = [:]
        /// The names as of the last `syncDirectory`, and what changed since.
        var durableNames: [String: Node] = [:]
        var changes: [NameChange] = []
        var isLocked = false
        var space = SpaceReading(free: 1 << 40, total: 1 << 41)

        mutating func apply(_ change: NameChange) {
            change.apply(to: &names)
            changes.append(change)
        }
    }

    private static let missing: Int32 = 2
    private static let exists: Int32 = 17
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
                case .remove: break
                }
            }
            return image
        }
    }

    /// Replaces the bytes of a file, durable at once: for tests that damage files.
    func overwrite(_ name: String, with bytes: [UInt8]) {
        state.withLock {
            let node = Node(bytes)
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

    func list() throws(StorageError) -> [String] {
        state.withLock { $0.names.keys.filter { !$0.utf8.contains(UInt8(ascii: "/")) }.sorted() }
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

    func size(_ name: String) throws(StorageError) -> Int {
        try node("stat", name).content.withLock { $0.bytes.count }
    }

    func exists(_ name: String) throws(StorageError) -> Bool { state.withLock { $0.names[name] != nil } }

    func rename(_ name: String, to target: String) throws(StorageError) {
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

    func createFolder(_ name: String) throws(StorageError) {}

    func syncDirectory(_ subfolder: String?) throws(StorageError) {
        state.withLock {
            $0.durableNames = $0.names
            $0.changes = []
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
        let taken = state.withLock { state in
            if state.isLocked { return false }
            state.isLocked = true
            return true
        }
        if !taken { throw .locked(path: "\(path)/\(name)", owner: "this process") }
        return MemoryLock(self)
    }

    fileprivate func unlock() { state.withLock { $0.isLocked = false } }

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
    private let isHeld = Atomic(true)

    init(_ owner: MemoryDirectory) { self.owner = owner }

    deinit { release() }

    func release() {
        if isHeld.exchange(false, ordering: .acquiringAndReleasing) { owner.unlock() }
    }
}

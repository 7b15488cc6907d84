import Synchronization

/// A directory in memory, which can lose what a power loss would lose.
///
/// Bytes are durable once their file is synced; names once the directory is. `copyAfterCrash` is the folder as a
/// machine finds it that lost power now.
final class MemoryDirectory: Directory {
    /// A file apart from its names.
    fileprivate final class Node: Sendable {
        let content = Mutex<(bytes: [UInt8], durable: [UInt8])>(([], []))

        init(_ bytes: [UInt8] = []) { content.withLock { $0 = (bytes, bytes) } }
    }

    private enum NameChange {
        case set(String, Node)
        case rename(String, to: String, Node)
        case remove(String)
    }

    private struct State {
        var names: [String: Node] = [:]
        /// The names as of the last `syncDirectory`, and what changed since.
        var durableNames: [String: Node] = [:]
        var changes: [NameChange] = []
        var isLocked = false

        mutating func apply(_ change: NameChange) {
            Self.apply(change, to: &names)
            changes.append(change)
        }

        static func apply(_ change: NameChange, to names: inout [String: Node]) {
            switch change {
            case .set(let name, let node): names[name] = node
            case .rename(let name, let target, let node):
                names[name] = nil
                names[target] = node
            case .remove(let name): names[name] = nil
            }
        }
    }

    private static let missing: Int32 = 2
    private static let exists: Int32 = 17
    private let state: Mutex<State> = Mutex(State())
    let path: String

    init(path: String = "memory") { self.path = path }

    /// What is left when only the process ends.
    func copyAfterKill() -> MemoryDirectory {
        let copy = MemoryDirectory(path: path)
        let names = state.withLock { $0.names }.mapValues { node in node.content.withLock { Node($0.bytes) } }
        copy.state.withLock {
            $0.names = names
            $0.durableNames = names
        }
        return copy
    }

    /// What is left after a power loss. Without a seed nothing that was not synced is; with one, a random part of the
    /// unsynced name changes and a random beginning of each file's unsynced bytes.
    func copyAfterCrash(seed: UInt64? = nil) -> MemoryDirectory {
        let copy = MemoryDirectory(path: path)
        var random = seed ?? 0
        // splitmix64 (Steele, Lea and Flood, 2014).
        func next(below limit: Int) -> Int {
            random &+= 0x9E37_79B9_7F4A_7C15
            var z = random
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return Int((z ^ z >> 31) % UInt64(limit))
        }
        var survivors = state.withLock { state in
            var names = state.durableNames
            if seed != nil {
                for change in state.changes.prefix(next(below: state.changes.count + 1)) {
                    State.apply(change, to: &names)
                }
            }
            return names
        }
        for name in survivors.keys.sorted() {
            guard let node = survivors[name] else { continue }
            survivors[name] = node.content.withLock { content in
                guard seed != nil, content.bytes.count > content.durable.count else { return Node(content.durable) }
                let kept = content.durable.count + next(below: content.bytes.count - content.durable.count + 1)
                return Node(content.durable + content.bytes[content.durable.count..<kept])
            }
        }
        let names = survivors
        copy.state.withLock {
            $0.names = names
            $0.durableNames = names
        }
        return copy
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
        try node("fsync", name).content.withLock { $0.durable = $0.bytes }
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

    func freeByteCount() throws(StorageError) -> Int { 1 << 40 }
}

private final class MemoryOutputFile: OutputFile {
    private let node: MemoryDirectory.Node

    init(_ node: MemoryDirectory.Node) { self.node = node }

    func append(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        let piece = [UInt8](bytes)
        node.content.withLock { $0.bytes.append(contentsOf: piece) }
    }

    var count: Int { node.content.withLock { $0.bytes.count } }

    func flush() throws(StorageError) {}

    func sync() throws(StorageError) { node.content.withLock { $0.durable = $0.bytes } }

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

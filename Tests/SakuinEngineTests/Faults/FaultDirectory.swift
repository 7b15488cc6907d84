import Synchronization

@testable import SakuinEngine

/// A directory that counts its operations and lets those fail that a plan names.
///
/// Over a `MemoryDirectory` a sync that fails also loses what it should have synced, for good, as a kernel may that has
/// dropped the dirty pages.
final class FaultDirectory: Directory {
    enum Operation: CaseIterable, Sendable {
        case list, create, open, read, stat, write, sync, close, rename, link, remove, truncate, folder, lock
    }

    /// Which operations fail, and how.
    struct Plan: Sendable, Equatable {
        /// Number of the first operation that fails, from 0, among those of `kinds`.
        var first = Int.max
        /// Every one from there on fails too.
        var lasts = false
        var kinds = Set(Operation.allCases)
        /// EIO, ENOSPC, …
        var errno: Int32 = 5
        /// A write that fails has written a part.
        var isShort = false

        /// The n-th change of the folder and every one after it fails for want of space.
        static func full(after changes: Int) -> Plan {
            Plan(
                first: changes, lasts: true,
                kinds: [.create, .write, .sync, .rename, .link, .remove, .truncate, .folder], errno: 28)
        }
    }

    private struct State {
        var plan: Plan
        var counted = 0
        var total = 0
        var failedCount = 0
    }

    let inner: any Directory
    private let state: Mutex<State>
    /// Called before each operation with its number among all.
    private let onOperation: (@Sendable (Int) -> Void)?

    init(_ inner: any Directory, _ plan: Plan = Plan(), onOperation: (@Sendable (Int) -> Void)? = nil) {
        self.inner = inner
        state = Mutex(State(plan: plan))
        self.onOperation = onOperation
    }

    var path: String { inner.path }
    /// Operations so far.
    var operationCount: Int { state.withLock { $0.total } }
    /// Whether an operation has failed.
    var hasFailed: Bool { state.withLock { $0.failedCount > 0 } }

    /// From now on operations fail by this plan, counted from here.
    func arm(_ plan: Plan) {
        state.withLock { state in
            state.plan = plan
            state.counted = 0
        }
    }

    /// From now on every operation that the plan names fails.
    func failFromNow() {
        state.withLock { state in
            state.plan.first = state.counted
            state.plan.lasts = true
        }
    }

    /// From now on nothing fails.
    func mend() { state.withLock { $0.plan.first = Int.max } }

    /// The error the next operation of the kind fails with; nil when it shall not.
    fileprivate func fault(_ kind: Operation, _ name: String) -> (error: StorageError, isShort: Bool)? {
        let number = state.withLock { state in
            state.total += 1
            return state.total - 1
        }
        onOperation?(number)
        return state.withLock { state in
            let plan = state.plan
            guard plan.kinds.contains(kind) else { return nil }
            let at = state.counted
            state.counted += 1
            guard at == plan.first || plan.lasts && at > plan.first else { return nil }
            state.failedCount += 1
            return (.io(operation: "\(kind)", path: "\(path)/\(name)", errno: plan.errno), plan.isShort)
        }
    }

    fileprivate func step(_ kind: Operation, _ name: String) throws(StorageError) {
        if let fault = fault(kind, name) { throw fault.error }
    }

    func list(_ subfolder: String?) throws(StorageError) -> [String] {
        try step(.list, subfolder ?? "")
        return try inner.list(subfolder)
    }

    func folders(_ subfolder: String?) throws(StorageError) -> [String] {
        try step(.list, subfolder ?? "")
        return try inner.folders(subfolder)
    }

    func create(_ name: String) throws(StorageError) -> any OutputFile {
        try step(.create, name)
        return FaultOutputFile(try inner.create(name), name, self)
    }

    func open(_ name: String) throws(StorageError) -> MappedFile {
        try step(.open, name)
        return try inner.open(name)
    }

    func read(_ name: String) throws(StorageError) -> [UInt8] {
        try step(.read, name)
        return try inner.read(name)
    }

    func forEachPiece(
        _ name: String, pieceByteCount: Int, _ body: (UnsafeRawBufferPointer) throws(StorageError) -> Void
    ) throws(StorageError) {
        try step(.open, name)
        try inner.forEachPiece(name, pieceByteCount: pieceByteCount, body)
    }

    func size(_ name: String) throws(StorageError) -> Int {
        try step(.stat, name)
        return try inner.size(name)
    }

    func linkCount(_ name: String) throws(StorageError) -> Int {
        try step(.stat, name)
        return try inner.linkCount(name)
    }

    func exists(_ name: String) throws(StorageError) -> Bool {
        try step(.stat, name)
        return try inner.exists(name)
    }

    func rename(_ name: String, to target: String) throws(StorageError) {
        try step(.rename, name)
        try inner.rename(name, to: target)
    }

    func link(_ name: String, to target: String) throws(StorageError) {
        try step(.link, name)
        try inner.link(name, to: target)
    }

    func remove(_ name: String) throws(StorageError) {
        try step(.remove, name)
        try inner.remove(name)
    }

    func truncate(_ name: String, to byteCount: Int) throws(StorageError) {
        try step(.truncate, name)
        try inner.truncate(name, to: byteCount)
    }

    func createFolder(_ name: String) throws(StorageError) {
        try step(.folder, name)
        try inner.createFolder(name)
    }

    func removeFolder(_ name: String) throws(StorageError) {
        try step(.remove, name)
        try inner.removeFolder(name)
    }

    func syncDirectory(_ subfolder: String?) throws(StorageError) {
        try step(.sync, subfolder ?? "")
        try inner.syncDirectory(subfolder)
    }

    func syncFile(_ name: String) throws(StorageError) {
        if let fault = fault(.sync, name) {
            (inner as? MemoryDirectory)?.freeze(name)
            throw fault.error
        }
        try inner.syncFile(name)
    }

    func lock(_ name: String) throws(StorageError) -> any FileLock {
        try step(.lock, name)
        return try inner.lock(name)
    }

    func space() throws(StorageError) -> SpaceReading { try inner.space() }
}

private final class FaultOutputFile: OutputFile {
    private let inner: any OutputFile
    private let name: String
    private let directory: FaultDirectory

    init(_ inner: any OutputFile, _ name: String, _ directory: FaultDirectory) {
        self.inner = inner
        self.name = name
        self.directory = directory
    }

    var count: Int { inner.count }

    func append(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        if let fault = directory.fault(.write, name) {
            if fault.isShort { try inner.append(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)])) }
            throw fault.error
        }
        try inner.append(bytes)
    }

    func flush() throws(StorageError) { try inner.flush() }

    func sync() throws(StorageError) {
        if let fault = directory.fault(.sync, name) {
            (inner as? MemoryOutputFile)?.freeze()
            throw fault.error
        }
        try inner.sync()
    }

    func preallocate(_ byteCount: Int) { inner.preallocate(byteCount) }

    func close() throws(StorageError) {
        try directory.step(.close, name)
        try inner.close()
    }
}

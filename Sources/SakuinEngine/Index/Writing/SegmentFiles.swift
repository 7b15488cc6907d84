// Which segment files are still needed: a file is removed when neither the last durable manifest names it nor any
// snapshot holds it, be it the current one, that of a search or an export on its way, or that of a point in time.

import Synchronization

/// A segment file that snapshots hold; the last one to let go has it removed, unless a manifest names it.
final class SegmentFile: Sendable {
    let id: UInt64
    private let files: SegmentFiles

    fileprivate init(_ id: UInt64, _ files: SegmentFiles) {
        self.id = id
        self.files = files
    }

    deinit { files.ended(id) }
}

/// The segment files of an index that exist.
final class SegmentFiles: Sendable {
    private struct State {
        /// Bytes of the files that snapshots hold.
        var held: [UInt64: Int] = [:]
        /// The same of files that nobody holds and that stay all the same for now.
        var idle: [UInt64: Int] = [:]
        /// What the last durable manifest names.
        var committed: Set<UInt64>
        /// While there is anyone who links or copies files, none is removed.
        var holdCount = 0
        /// None is removed ever: a commit has failed, so that it is not known which manifest a power loss would leave, or
        /// the index has let its folder go.
        var keepsAll = false

        var mayRemove: Bool { !keepsAll && holdCount == 0 }

        /// What is needed no more; it is forgotten here.
        mutating func takeUnneeded() -> [UInt64] {
            if !mayRemove { return [] }
            let unneeded = idle.keys.filter { !committed.contains($0) }
            for id in unneeded { idle[id] = nil }
            return unneeded.sorted()
        }
    }

    private let directory: any Directory
    private let log: IndexOptions.LogHook?
    private let state: Mutex<State>

    /// `committed` are the segments of the newest manifest.
    init(_ directory: any Directory, committed: Set<UInt64>, log: IndexOptions.LogHook?) {
        self.directory = directory
        self.log = log
        state = Mutex(State(committed: committed))
    }

    /// A file that snapshots are going to hold; once for each file.
    func file(_ id: UInt64, byteCount: Int) -> SegmentFile {
        state.withLock { $0.held[id] = byteCount }
        return SegmentFile(id, self)
    }

    fileprivate func ended(_ id: UInt64) {
        change { state in
            state.idle[id] = state.held.removeValue(forKey: id) ?? 0
        }
    }

    /// A manifest that names these segments is durable.
    func commit(_ ids: Set<UInt64>) { change { $0.committed = ids } }

    /// From now on no file is removed.
    func keepAll() { state.withLock { $0.keepsAll = true } }

    /// Until `release` no file is removed.
    func hold() { state.withLock { $0.holdCount += 1 } }

    func release() { change { $0.holdCount -= 1 } }

    /// Whether files that are not needed may be removed now.
    var mayRemove: Bool { state.withLock { $0.mayRemove } }

    /// Removes what no manifest names, whoever holds it; nothing when that is not known.
    func removeUncommitted() {
        let uncommitted: [UInt64] = state.withLock { state in
            // After a failed commit the manifest that was not made durable may be there all the same, and name them.
            if state.keepsAll { return [] }
            state.keepsAll = true
            return Set(state.idle.keys).union(state.held.keys).subtracting(state.committed).sorted()
        }
        for id in uncommitted { remove(id) }
    }

    /// Bytes of all of them: what searches see, what is there for readers of earlier moments, and what a merge has replaced
    /// until the next commit.
    var byteCount: Int { state.withLock { $0.held.values.reduce(0, +) + $0.idle.values.reduce(0, +) } }

    /// Bytes of files that are there only for readers of earlier moments than `snapshot`.
    func heldByteCount(besides snapshot: IndexSnapshot) -> Int {
        let current = Set(snapshot.segments.map(\.id))
        return state.withLock { state in
            state.held.reduce(0) { current.contains($1.key) || state.committed.contains($1.key) ? $0 : $0 + $1.value }
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let unneeded = state.withLock { state in
            body(&state)
            return state.takeUnneeded()
        }
        // Outside the lock: the ids are never used again.
        for id in unneeded { remove(id) }
    }

    /// A file that cannot be removed does no harm; the next opening tries again.
    private func remove(_ id: UInt64) {
        let name = FileName.segment(id)
        do throws(StorageError) { try directory.remove(name) } catch {
            log?.write("warning", "\(name) is not needed any more and cannot be removed: \(error)")
        }
    }
}

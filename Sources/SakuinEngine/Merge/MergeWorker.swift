// Merges in the background, and compactions when asked, one at a time on a thread of their own.

final class MergeWorker: Sendable {
    typealias Completion = @Sendable (Result<Void, SakuinError>) -> Void

    private struct Compaction {
        let target: Int
        let completion: Completion
    }
    private struct State {
        var isAwake = false
        var compactions: [Compaction] = []
        var isClosing = false
        var running = 0
        /// Segments whose merge failed; they are left alone until the index is opened again.
        var failed: Set<UInt64> = []
    }

    private let state = Monitor(State())
    private let store: any MergeTarget
    private let policy: MergePolicy
    private let inBackground: Bool
    private let budget: ByteBudget
    private let cancellation = Cancellation()
    private let thread = Monitor<WorkerThread?>(nil)

    init(_ store: any MergeTarget, policy: MergePolicy, inBackground: Bool, bytesPerSecond: Int?) {
        self.store = store
        self.policy = policy
        self.inBackground = inBackground
        budget = ByteBudget(bytesPerSecond: bytesPerSecond)
        let worker = WorkerThread { [self] in run() }
        thread.change { $0 = worker }
    }

    var runningCount: Int { state.read { $0.running } }

    /// There may be something to merge.
    func wake() { state.change { $0.isAwake = true } }

    /// Merges what there is now down to `target` segments.
    func compact(to target: Int, completion: @escaping Completion) {
        let isClosing = state.change { state in
            if !state.isClosing { state.compactions.append(Compaction(target: target, completion: completion)) }
            return state.isClosing
        }
        if isClosing { completion(.failure(SakuinError(.unavailable, "The index is closing."))) }
    }

    /// Cancels what is running and waits for the end of the thread.
    func close() {
        state.change { $0.isClosing = true }
        cancellation.cancel()
        thread.read { $0 }?.join()
    }

    private enum Work {
        case compaction(Compaction)
        case policy
        case end
    }

    private func run() {
        while true {
            let work = state.wait { state -> Work? in
                if !state.compactions.isEmpty { return .compaction(state.compactions.removeFirst()) }
                if state.isClosing { return .end }
                if state.isAwake {
                    state.isAwake = false
                    return .policy
                }
                return nil
            }
            switch work {
            case .compaction(let compaction): compaction.completion(compact(compaction.target))
            case .policy: if inBackground { mergeByPolicy() }
            case .end, nil: return
            }
        }
    }

    private func mergeByPolicy() {
        while let ids = policy.next(store.mergeCandidates, busy: state.read { $0.failed }) {
            if state.read({ $0.isClosing || !$0.compactions.isEmpty }) { return }
            do throws(StorageError) {
                _ = try merge(ids)
            } catch .cancelled {
                return
            } catch {
                state.change { $0.failed.formUnion(ids) }
                store.note("error", "A merge of \(ids.count) segments failed: \(error)")
            }
        }
    }

    private func compact(_ target: Int) -> Result<Void, SakuinError> {
        // New segments come in while this runs; they are not waited for.
        var mine = Set(store.mergeCandidates.map(\.id))
        do throws(StorageError) {
            while true {
                let candidates = store.mergeCandidates.filter { mine.contains($0.id) }
                guard let ids = policy.compaction(candidates, to: target) else { return .success(()) }
                let merged = try merge(ids)
                mine.subtract(ids)
                if let merged { mine.insert(merged) }
            }
        } catch {
            return .failure(store.explain(error))
        }
    }

    /// The id of the merged segment; nil when nothing lived.
    private func merge(_ ids: [UInt64]) throws(StorageError) -> UInt64? {
        state.change { $0.running += 1 }
        defer { state.change { $0.running -= 1 } }
        return try store.merge(ids, budget: budget, cancellation: cancellation)
    }
}

/// What merges read and replace.
protocol MergeTarget: AnyObject, Sendable {
    var mergeCandidates: [MergePolicy.Candidate] { get }
    /// Merges these segments and publishes the result; returns its id, nil when nothing lived.
    func merge(_ ids: [UInt64], budget: ByteBudget, cancellation: Cancellation) throws(StorageError) -> UInt64?
    func note(_ level: String, _ message: String)
    func explain(_ error: StorageError) -> SakuinError
}

/// Threads that are started when there is first something for them to do, each once, by its name.
final class LateThreads<Name: Hashable & Sendable>: Sendable {
    private struct State {
        var started: [(name: Name, thread: WorkerThread)] = []
        var isEnding = false
    }

    private let state = Monitor(State())
    private let hook: ThreadHook?

    init(_ hook: ThreadHook?) { self.hook = hook }

    /// Whether none was started.
    var areNone: Bool { state.read { $0.started.isEmpty } }

    /// Starts those of these that do not run yet: all of them, or none and `noThread`. None at all behind `end`.
    func start(_ names: some Sequence<Name>, _ work: (Name) -> WorkerThread.Work) throws(StorageError) {
        try state.read { (state) throws(StorageError) in
            let missing = names.filter { name in !state.started.contains { $0.name == name } }
            if missing.isEmpty || state.isEnding { return }
            for (name, thread) in zip(missing, try WorkerThread.all(missing.map(work), hook)) {
                state.started.append((name, thread))
            }
        }
    }

    /// No more are started; returns those that were, in the order of the names.
    func end() -> [WorkerThread] {
        state.read { state in
            state.isEnding = true
            return state.started.map(\.thread)
        }
    }
}

import Synchronization

/// The stream of a call, or the number of a batch that waits, and whether its task was cancelled, whichever comes first.
final class CallState: Sendable {
    private let state = Mutex<(stream: UInt32, isCancelled: Bool)>((0, false))

    /// Remembers the stream; true when the task was cancelled before.
    func set(_ stream: UInt32) -> Bool {
        state.withLock { state in
            state.stream = stream
            return state.isCancelled
        }
    }

    /// Remembers the cancellation; the stream when it is known.
    func cancel() -> UInt32? {
        state.withLock { state in
            state.isCancelled = true
            return state.stream == 0 ? nil : state.stream
        }
    }
}

import Synchronization

/// A flag and a deadline that every long loop polls once a block.
final class Cancellation: Sendable {
    private let cancelled = Atomic(false)
    /// Monotonic nanoseconds; 0: none.
    private let deadline: UInt64

    init(deadlineNanoseconds: UInt64 = 0) { deadline = deadlineNanoseconds }

    func cancel() { cancelled.store(true, ordering: .relaxed) }

    /// Throws `cancelled` once it was asked for or the deadline has passed.
    @inline(__always)
    func check() throws(StorageError) {
        if cancelled.load(ordering: .relaxed) { throw .cancelled }
        if deadline != 0, Clock.nanoseconds() > deadline { throw .cancelled }
    }
}

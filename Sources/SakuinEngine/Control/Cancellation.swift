import Synchronization

/// Lets who asked for a search on another thread give it up.
public final class SearchCancellation: Sendable {
    private let flag = Atomic(false)

    public init() {}

    /// The search ends soon, as if its deadline had passed.
    public func cancel() { flag.store(true, ordering: .relaxed) }

    /// Whether it was given up.
    public var isCancelled: Bool { flag.load(ordering: .relaxed) }
}

/// A flag and a deadline that every long loop polls once a block.
final class Cancellation: Sendable {
    private let cancelled = Atomic(false)
    /// Monotonic nanoseconds; 0: none.
    private let deadline: UInt64
    private let caller: SearchCancellation?

    /// `caller` may give up too.
    init(deadlineNanoseconds: UInt64 = 0, caller: SearchCancellation? = nil) {
        deadline = deadlineNanoseconds
        self.caller = caller
    }

    func cancel() { cancelled.store(true, ordering: .relaxed) }

    /// Throws `cancelled` once it was asked for or the deadline has passed.
    @inline(__always)
    func check() throws(StorageError) {
        if cancelled.load(ordering: .relaxed) { throw .cancelled }
        if let caller, caller.isCancelled { throw .cancelled }
        if deadline != 0, Clock.nanoseconds() > deadline { throw .cancelled }
    }
}

/// Short pieces of work, such as rounds of a loop that have found nothing yet: a cancellation is looked at once in a while, since a
/// deadline costs a look at the clock.
struct ShortRounds {
    private var count: UInt8 = 0

    @inline(__always)
    mutating func check(_ cancellation: Cancellation?) throws(StorageError) {
        count &+= 1
        if count & 15 == 0 { try cancellation?.check() }
    }
}

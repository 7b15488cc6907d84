// Those who wait for a sequence number to become visible: values, no thread stands still for them.
//
// 1. `wait` keeps a completion under a ticket, unless the number can be seen already or will never be.
// 2. `publish` calls those whose number can be seen then; `end(with:)` calls all, when nothing will be published any
//    more.
// 3. Whoever has a time limit, or is gone, gives its ticket back (`end`, `forget`). A completion is called at most once,
//    on the thread that had cause to.

import Synchronization

/// What a waiter is known by.
public struct VisibilityTicket: Sendable, Hashable {
    let number: UInt64
}

final class VisibilityWaiters: Sendable {
    typealias Completion = @Sendable (Result<UInt64, SakuinError>) -> Void

    private struct State {
        var waiters: [UInt64: (sequence: UInt64, completion: Completion)] = [:]
        /// Why nothing more will become visible.
        var failure: SakuinError?
    }

    private let state = Mutex(State())
    private let visible: Atomic<UInt64>
    private let lastTicket = Atomic<UInt64>(0)
    /// How many wait; for those who only want to know whether there is anyone.
    private let count = Atomic(0)

    init(visible: UInt64) { self.visible = Atomic(visible) }

    /// The last sequence number that can be seen.
    var visibleSequence: UInt64 { visible.load(ordering: .acquiring) }

    func newTicket() -> VisibilityTicket {
        VisibilityTicket(number: lastTicket.add(1, ordering: .relaxed).newValue)
    }

    /// Calls `completion` with what can be seen once that reaches `sequence`, which may be before this returns.
    func wait(_ ticket: VisibilityTicket, for sequence: UInt64, completion: @escaping Completion) {
        let known = state.withLock { state -> Result<UInt64, SakuinError>? in
            let visible = visibleSequence
            if visible >= sequence { return .success(visible) }
            if let failure = state.failure { return .failure(failure) }
            state.waiters[ticket.number] = (sequence, completion)
            count.store(state.waiters.count, ordering: .relaxed)
            return nil
        }
        if let known { completion(known) }
    }

    /// Takes a waiter out and calls it with the error, if it still waits.
    func end(_ ticket: VisibilityTicket, with error: SakuinError) { take(ticket)?(.failure(error)) }

    /// Takes a waiter out without calling it.
    func forget(_ ticket: VisibilityTicket) { _ = take(ticket) }

    private func take(_ ticket: VisibilityTicket) -> Completion? {
        state.withLock { state in
            let waiter = state.waiters.removeValue(forKey: ticket.number)
            count.store(state.waiters.count, ordering: .relaxed)
            return waiter?.completion
        }
    }

    /// Everything up to `sequence` can be seen.
    func publish(_ sequence: UInt64) {
        let ready = state.withLock { state -> [Completion] in
            if sequence <= visibleSequence { return [] }
            visible.store(sequence, ordering: .releasing)
            let ready = state.waiters.filter { $0.value.sequence <= sequence }
            for number in ready.keys { state.waiters[number] = nil }
            count.store(state.waiters.count, ordering: .relaxed)
            return ready.values.map(\.completion)
        }
        for completion in ready { completion(.success(sequence)) }
    }

    /// Nothing more will become visible: all who wait get the error, and those who come later.
    func end(with error: SakuinError) {
        let left = state.withLock { state -> [Completion] in
            state.failure = state.failure ?? error
            defer { state.waiters = [:] }
            count.store(0, ordering: .relaxed)
            return state.waiters.values.map(\.completion)
        }
        for completion in left { completion(.failure(error)) }
    }

    /// Whether anyone waits for a number above `lower` and up to `upper`.
    func isAwaited(above lower: UInt64, upTo upper: UInt64) -> Bool {
        if count.load(ordering: .relaxed) == 0 { return false }
        return state.withLock { $0.waiters.values.contains { $0.sequence > lower && $0.sequence <= upper } }
    }

    /// How many wait.
    var waiterCount: Int { count.load(ordering: .relaxed) }
}

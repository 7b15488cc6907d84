#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A lock with a condition: state that threads change under the lock and wait on.
///
/// `@unchecked Sendable`: `state` is only touched while `mutex` is held.
final class Monitor<State>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    init(_ state: sending State) {
        self.state = state
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        #if canImport(Glibc)
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            pthread_cond_init(condition, &attributes)
            pthread_condattr_destroy(&attributes)
        #else
            pthread_cond_init(condition, nil)
        #endif
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Runs `body` under the lock, then wakes every waiter.
    @discardableResult
    func change<R, E: Error>(_ body: (inout State) throws(E) -> R) throws(E) -> R {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_broadcast(condition)
            pthread_mutex_unlock(mutex)
        }
        return try body(&state)
    }

    /// Runs `body` under the lock, waking nobody.
    func read<R, E: Error>(_ body: (inout State) throws(E) -> R) throws(E) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Waits until `body` returns something, for at most `milliseconds`; nil when the time is over. Wakes every waiter
    /// when `body` returned something, since it may have changed the state. The time is not that of the day, which may be
    /// set meanwhile.
    func wait<R>(milliseconds: Int? = nil, _ body: (inout State) -> R?) -> R? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        var deadline = timespec()
        if let milliseconds {
            clock_gettime(CLOCK_MONOTONIC, &deadline)
            let nanoseconds = Int(deadline.tv_nsec) + milliseconds % 1000 * 1_000_000
            deadline.tv_sec += milliseconds / 1000 + nanoseconds / 1_000_000_000
            deadline.tv_nsec = nanoseconds % 1_000_000_000
        }
        while true {
            if let result = body(&state) {
                pthread_cond_broadcast(condition)
                return result
            }
            if milliseconds == nil {
                pthread_cond_wait(condition, mutex)
            } else if !sleep(until: &deadline) {
                return body(&state)
            }
        }
    }

    /// Waits for a change, or the moment of the monotonic clock; false when that has come.
    private func sleep(until deadline: inout timespec) -> Bool {
        #if canImport(Glibc)
            return pthread_cond_timedwait(condition, mutex, &deadline) != ETIMEDOUT
        #else
            var left = timespec()
            clock_gettime(CLOCK_MONOTONIC, &left)
            left.tv_sec = deadline.tv_sec - left.tv_sec
            left.tv_nsec = deadline.tv_nsec - left.tv_nsec
            if left.tv_nsec < 0 {
                left.tv_sec -= 1
                left.tv_nsec += 1_000_000_000
            }
            if left.tv_sec < 0 { return false }
            return pthread_cond_timedwait_relative_np(condition, mutex, &left) != ETIMEDOUT
        #endif
    }
}

/// A thread of the engine's own.
final class WorkerThread: Sendable {
    private let done: Monitor<Bool>

    /// How much a thread gives way to others, where the system knows such a thing of threads.
    enum Priority: Sendable {
        case normal
        /// Merges: they have to keep up with writes, so they get a third of what others get.
        case background
        /// What nobody waits for: a tenth.
        case idle
    }

    typealias Work = (priority: Priority, body: @Sendable () -> Void)

    /// Starts the thread; it ends when `body` returns, which must not wait for anybody: when there is no thread to be had the
    /// caller does the work.
    convenience init(_ priority: Priority = .normal, _ body: @escaping @Sendable () -> Void) {
        self.init()
        let start = makeStart(priority, body)
        if !start.begin() { start.body() }
    }

    private init() { done = Monitor(false) }

    /// A thread for work that goes on without it; nil when there is none to be had.
    static func helper(_ body: @escaping @Sendable () -> Void) -> WorkerThread? {
        let thread = WorkerThread()
        return thread.makeStart(.normal, body).begin() ? thread : nil
    }

    /// Threads for work that goes on until it is told to end: all of them, or none and `noThread` when one is not to be had.
    static func all(_ works: [Work], _ hook: ThreadHook? = nil) throws(StorageError) -> [WorkerThread] {
        let begins = Monitor<Bool?>(nil)
        var threads: [WorkerThread] = []
        for work in works {
            let thread = WorkerThread()
            let start = thread.makeStart(work.priority) { if begins.wait({ $0 }) ?? false { work.body() } }
            guard hook?.isToBeHad() ?? true, start.begin() else {
                begins.change { $0 = false }
                for thread in threads { thread.join() }
                throw .noThread(needed: works.count)
            }
            threads.append(thread)
        }
        begins.change { $0 = true }
        return threads
    }

    private func makeStart(_ priority: Priority, _ body: @escaping @Sendable () -> Void) -> ThreadStart {
        let done = done
        return ThreadStart {
            #if canImport(Glibc)
                priority.take()
            #endif
            body()
            done.change { $0 = true }
        }
    }

    /// Waits for the end of the thread.
    func join() { _ = done.wait { $0 ? true : nil } }
}

/// Says whether the next thread is to be had; tests run out of them.
struct ThreadHook: Sendable, Hashable {
    var isToBeHad: @Sendable () -> Bool

    static func == (a: ThreadHook, b: ThreadHook) -> Bool { true }
    func hash(into hasher: inout Hasher) {}
}

#if canImport(Glibc)
    extension WorkerThread.Priority {
        /// Gives it to the calling thread; on Linux a priority is that of a thread alone.
        fileprivate func take() {
            if self == .normal { return }
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, self == .idle ? 10 : 5)
            // SCHED_BATCH, which the module does not show: such a thread does not take the processor from another one
            // when it wakes up.
            var parameters = sched_param()
            _ = sched_setscheduler(0, 3, &parameters)
        }
    }
#endif

/// What a new thread runs.
private final class ThreadStart: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    /// Makes the thread; false when there is none to be had.
    func begin() -> Bool {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 8 << 20)
        #if canImport(Glibc)
            var thread = pthread_t()
        #else
            var thread: pthread_t?
        #endif
        let context = Unmanaged.passRetained(self).toOpaque()
        if pthread_create(&thread, &attributes, Self.run, context) == 0 { return true }
        Unmanaged<ThreadStart>.fromOpaque(context).release()
        return false
    }

    #if canImport(Glibc)
        static let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
            guard let context else { return nil }
            Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue().body()
            return nil
        }
    #else
        static let run: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = { context in
            Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue().body()
            return nil
        }
    #endif
}

/// Clocks for intervals and time taken.
enum Clock {
    /// Nanoseconds of the monotonic clock.
    static func nanoseconds() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) &* 1_000_000_000 &+ UInt64(now.tv_nsec)
    }
}

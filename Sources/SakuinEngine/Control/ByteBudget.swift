import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Tokens that flow in at a rate: arithmetic only, the clock is the caller's.
struct TokenBucket: Sendable {
    /// nil: unlimited.
    var bytesPerSecond: Int?
    /// Bytes that may be spent at once after a rest.
    static let burstSeconds = 0.1
    private var balance = 0.0
    private var last: UInt64

    init(bytesPerSecond: Int?, now: UInt64) {
        self.bytesPerSecond = bytesPerSecond
        last = now
    }

    /// Takes the bytes and returns the nanoseconds to wait before going on, 0 when there were enough.
    mutating func take(_ byteCount: Int, now: UInt64) -> UInt64 {
        _ = wait(now: now)
        if bytesPerSecond != nil { balance -= Double(byteCount) }
        return wait(now: now)
    }

    /// The nanoseconds until what was taken is paid for, at the rate there is now.
    mutating func wait(now: UInt64) -> UInt64 {
        defer { last = max(last, now) }
        guard let bytesPerSecond else {
            balance = 0
            return 0
        }
        let rate = Double(max(bytesPerSecond, 1))
        if now > last { balance = min(balance + Double(now - last) * 1e-9 * rate, rate * Self.burstSeconds) }
        return balance >= 0 ? 0 : UInt64(min(-balance / rate * 1e9, 1e18))
    }
}

/// How many bytes a second background jobs may read and write, together; any thread may spend and change the rate.
final class ByteBudget: Sendable {
    private let bucket: Mutex<TokenBucket>
    private let clock: @Sendable () -> UInt64
    private let sleep: @Sendable (UInt64) -> Void
    /// A waiting job looks at its cancellation this often.
    private static let sliceNanoseconds: UInt64 = 20_000_000

    /// `bytesPerSecond` nil: unlimited. `clock` tells and `sleep` takes nanoseconds; tests pass their own.
    init(
        bytesPerSecond: Int?, clock: @escaping @Sendable () -> UInt64 = { Clock.nanoseconds() },
        sleep: @escaping @Sendable (UInt64) -> Void = { ByteBudget.sleepThread($0) }
    ) {
        self.clock = clock
        self.sleep = sleep
        bucket = Mutex(TokenBucket(bytesPerSecond: bytesPerSecond, now: clock()))
    }

    var bytesPerSecond: Int? {
        get { bucket.withLock { $0.bytesPerSecond } }
        set { bucket.withLock { $0.bytesPerSecond = newValue } }
    }

    /// Until what was spent is paid for.
    var waitNanoseconds: UInt64 { bucket.withLock { $0.wait(now: clock()) } }

    /// Spends the bytes and waits until they are paid for; `check` is called now and then meanwhile and may throw.
    func spend(
        _ byteCount: Int, _ check: () throws(StorageError) -> Void = {}
    ) throws(StorageError) {
        try check()
        var wait = bucket.withLock { $0.take(byteCount, now: clock()) }
        while wait > 0 {
            // The rate may change meanwhile.
            sleep(min(wait, Self.sliceNanoseconds))
            try check()
            wait = bucket.withLock { $0.wait(now: clock()) }
        }
    }

    /// Puts the thread to sleep.
    static func sleepThread(_ nanoseconds: UInt64) {
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        nanosleep(&time, nil)
    }
}

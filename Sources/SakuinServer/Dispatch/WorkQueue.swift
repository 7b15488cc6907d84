import NIOCore
import NIOPosix
import Synchronization

/// Admission: a bounded number of requests waits for the worker threads.
final class WorkQueue: Sendable {
    private let pool: NIOThreadPool
    /// Requests that wait for a sequence number would keep the workers from answering others.
    private let waiting: NIOThreadPool
    private let queued = Atomic(0)
    private let countMax: Int

    init(workerCount: Int, countMax: Int) {
        pool = NIOThreadPool(numberOfThreads: workerCount)
        waiting = NIOThreadPool(numberOfThreads: 4)
        self.countMax = countMax
        pool.start()
        waiting.start()
    }

    /// Places for up to `count` requests; returns how many were to be had.
    func admit(_ count: Int) -> Int {
        let before = queued.add(count, ordering: .relaxed).oldValue
        let granted = max(0, min(count, countMax - before))
        if granted < count { queued.subtract(count - granted, ordering: .relaxed) }
        return granted
    }

    /// Runs `body` on a worker, then gives `count` places back.
    func run(_ count: Int, mayWait: Bool = false, _ body: @escaping @Sendable () -> Void) {
        (mayWait ? waiting : pool).submit { [self] _ in
            body()
            queued.subtract(count, ordering: .relaxed)
        }
    }

    func shutdown() async {
        try? await pool.shutdownGracefully()
        try? await waiting.shutdownGracefully()
    }
}

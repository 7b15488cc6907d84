import NIOCore
import NIOPosix
import Synchronization

/// Admission: a bounded number of requests waits for threads.
final class WorkQueue: Sendable {
    private let pool: NIOThreadPool
    private let queued = Atomic(0)
    private let countMax: Int

    init(workerCount: Int, countMax: Int) {
        pool = NIOThreadPool(numberOfThreads: workerCount)
        self.countMax = countMax
        pool.start()
    }

    /// Places for up to `count` requests; returns how many were to be had.
    func admit(_ count: Int) -> Int {
        let before = queued.add(count, ordering: .relaxed).oldValue
        let granted = max(0, min(count, countMax - before))
        if granted < count { queued.subtract(count - granted, ordering: .relaxed) }
        return granted
    }

    func giveBack(_ count: Int) { queued.subtract(count, ordering: .relaxed) }

    /// Runs `body` on a worker, then gives `count` places back.
    func run(_ count: Int, _ body: @escaping @Sendable () -> Void) {
        pool.submit { [self] _ in
            body()
            giveBack(count)
        }
    }

    func shutdown() async {
        try? await pool.shutdownGracefully()
    }
}

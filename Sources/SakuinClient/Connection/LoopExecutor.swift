import NIOCore

/// Runs tasks on the event loop of a connection, so that a call, its reply and what follows share one thread.
final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

extension SakuinClient {
    /// Runs `body` on the thread of the connection: a call made there changes no threads, which saves several
    /// microseconds. `body` must not block, for replies are read on the same thread.
    public func onConnectionThread<R: Sendable>(
        _ body: @escaping @Sendable () async throws -> R
    ) async throws -> R {
        let executor = LoopExecutor(try await connection().loop)
        return try await withTaskExecutorPreference(executor) { try await body() }
    }

    /// Returns at `instant`, timed by the connection's event loop, which is more exact than `Task.sleep`.
    public func wait(until instant: ContinuousClock.Instant) async throws {
        let left = ContinuousClock.now.duration(to: instant)
        guard left > .zero else { return }
        try await connection().loop.scheduleTask(in: TimeAmount(left)) {}.futureResult.get()
    }
}

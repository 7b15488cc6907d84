/// Work that another thread does until its result is asked for. When there is no thread to be had, who asks does it.
final class WorkAhead<Value, Failure: Error> {
    /// What came of it, until it is taken.
    private let done: Monitor<Result<Value, Failure>?>
    private let body: @Sendable () throws(Failure) -> Value
    private let helper: WorkerThread?

    init(_ body: @escaping @Sendable () throws(Failure) -> Value) {
        self.body = body
        let done = Monitor<Result<Value, Failure>?>(nil)
        self.done = done
        helper = WorkerThread.helper {
            let result: Result<Value, Failure>
            do throws(Failure) { result = .success(try body()) } catch { result = .failure(error) }
            done.change { $0 = result }
        }
    }

    /// What it works with may be gone afterwards.
    deinit { helper?.join() }

    /// Waits for the result; once.
    func result() throws(Failure) -> Value {
        helper?.join()
        guard let result = done.change({ $0.take() }) else { return try body() }
        return try result.get()
    }
}

import NIOCore

/// What has requests read that are to be answered, and replies gathered that are to be written; used on its event loop alone.
protocol BurstAnswerer: AnyObject {
    func answer()
    func flush()
}

/// Answers what several connections of an event loop have read together, when it is through with what was ready, and
/// writes their replies together behind that.
///
/// A client that waits on another processor is woken by each reply, finds that one, and sleeps again; woken once for some
/// it reads them all, and its next requests are ready together too. And searches one behind the other find in the
/// caches what the one before had there, which reading and writing sockets drives out.
struct BurstAnswers: Sendable {
    /// So many connections wait for each other at most, each of which may be answered in `quickNanoseconds`.
    static let togetherCountMax = 4

    /// By event loop, those that have something to answer or to write.
    private let waiting: [ObjectIdentifier: NIOLoopBoundBox<[any BurstAnswerer]>]

    init(_ group: any EventLoopGroup) {
        var waiting: [ObjectIdentifier: NIOLoopBoundBox<[any BurstAnswerer]>] = [:]
        for loop in group.makeIterator() {
            waiting[ObjectIdentifier(loop)] = .makeBoxSendingValue([], eventLoop: loop)
        }
        self.waiting = waiting
    }

    /// Has a connection answer and write before its event loop waits for anything again, on a loop of another group at
    /// once. Called on that loop.
    func add(_ connection: any BurstAnswerer, _ loop: any EventLoop) {
        guard let box = waiting[ObjectIdentifier(loop)] else {
            connection.answer()
            return connection.flush()
        }
        box.value.append(connection)
        if box.value.count >= Self.togetherCountMax { return Self.finish(box) }
        if box.value.count == 1 { loop.execute { Self.finish(box) } }
    }

    private static func finish(_ box: NIOLoopBoundBox<[any BurstAnswerer]>) {
        let ready = box.value
        box.value.removeAll(keepingCapacity: true)
        for connection in ready { connection.answer() }
        for connection in ready { connection.flush() }
    }
}

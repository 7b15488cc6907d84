import NIOCore

/// What has replies gathered that are to be written; used on its event loop alone.
protocol ReplyWriter: AnyObject {
    func flush()
}

/// Writes the replies of several connections of an event loop together, when it is through with what was ready.
///
/// A client that waits on another processor is woken by each reply, finds that one, and sleeps again; woken once for some
/// it reads them all, and its next requests are ready together too.
struct ReplyFlushes: Sendable {
    /// So many connections wait for each other at most, each of which may be answered in `quickNanoseconds`.
    static let togetherCountMax = 4

    /// By event loop, those that have something to write.
    private let waiting: [ObjectIdentifier: NIOLoopBoundBox<[any ReplyWriter]>]

    init(_ group: any EventLoopGroup) {
        var waiting: [ObjectIdentifier: NIOLoopBoundBox<[any ReplyWriter]>] = [:]
        for loop in group.makeIterator() {
            waiting[ObjectIdentifier(loop)] = .makeBoxSendingValue([], eventLoop: loop)
        }
        self.waiting = waiting
    }

    /// Has a connection write its replies before its event loop waits for anything again, on a loop of another group at
    /// once. Called on that loop.
    func add(_ writer: any ReplyWriter, _ loop: any EventLoop) {
        guard let box = waiting[ObjectIdentifier(loop)] else { return writer.flush() }
        box.value.append(writer)
        if box.value.count >= Self.togetherCountMax { return Self.flush(box) }
        if box.value.count == 1 { loop.execute { Self.flush(box) } }
    }

    private static func flush(_ box: NIOLoopBoundBox<[any ReplyWriter]>) {
        let ready = box.value
        box.value.removeAll(keepingCapacity: true)
        for writer in ready { writer.flush() }
    }
}

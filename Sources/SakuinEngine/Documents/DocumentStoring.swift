// The documents of a chunk to compressed blocks, if it may on a thread of its own while further ones are added.
//
// 1. Without a helper a document is coded when it is added, and blocks are handed out when there are many.
// 2. With one, documents are gathered in batches. The helper puts them through the same writer, in their order, and hands
//    back the blocks that are whole behind each batch.
// 3. Who hands over a batch takes the blocks of the one `openCountMax` before, and waits for them if it must. So when
//    blocks come, and with it how much memory a chunk takes at which document, is the same in every run.

final class DocumentStoring {
    /// Documents one behind the other.
    private final class Batch {
        var bytes = ByteWriter(capacity: 2 * DocumentStoring.batchByteCount)
        var ends: [Int] = []
        /// The blocks that are whole behind them.
        var blocks = ByteWriter()

        func add(_ document: UnsafeRawBufferPointer) {
            bytes.append(bytes: document)
            ends.append(bytes.count)
        }

        func store(with writer: inout DocumentStoreWriter) {
            bytes.withBytes { bytes in
                var start = 0
                for end in ends {
                    writer.add(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                    start = end
                }
            }
            writer.drain { blocks.append(bytes: $0) }
        }

        func removeAll() {
            bytes.removeAll()
            ends.removeAll(keepingCapacity: true)
            blocks.removeAll()
        }
    }

    /// `@unchecked Sendable`: `writer` is the helper's until that is joined; a batch is with one of the threads, which hand
    /// it over through `state`.
    private final class Work: @unchecked Sendable {
        struct State {
            var given: [Batch] = []
            var done: [Batch] = []
            /// No more is given.
            var isOver = false
        }

        var writer = DocumentStoreWriter(high: false)
        let state = Monitor(State())

        func help() {
            while let batch = nextGiven() {
                batch.store(with: &writer)
                state.change { $0.done.append(batch) }
            }
        }

        private func nextGiven() -> Batch? {
            state.wait { state -> Batch?? in
                if !state.given.isEmpty { return .some(state.given.removeFirst()) }
                return state.isOver ? .some(nil) : nil
            } ?? nil
        }
    }

    /// A batch with so many bytes is full.
    private static let batchByteCount = 256 << 10
    /// So many are on their way while the next is filled: the helper goes on when the lane waits for documents.
    private static let openCountMax = 16
    /// Blocks of so many bytes are handed out, where a batch does not say when.
    private let drainByteCount: Int

    private let work = Work()
    private var helper: WorkerThread?
    /// Whether a helper was asked for, also when there was none to be had.
    private(set) var hasAskedForHelp = false
    private var batch = Batch()
    private var spare: [Batch] = []
    private var openCount = 0
    /// Of documents that are on their way.
    private var openByteCount = 0

    init(drainByteCount: Int) { self.drainByteCount = drainByteCount }

    deinit {
        work.state.change { $0.given = [] }
        stop()
    }

    /// Bytes of memory it takes. What the writer has while it is the helper's is reckoned: a block and what is whole behind
    /// a batch.
    var byteCount: Int {
        helper == nil ? work.writer.byteCount : 2 * (openByteCount + batch.bytes.count) + 4 * Self.batchByteCount
    }

    /// From the next document on a helper codes them, if there is one to be had.
    func askForHelp() {
        hasAskedForHelp = true
        helper = WorkerThread.helper { [work] in work.help() }
    }

    /// Adds a document, and what blocks there are to `section`.
    func add(_ document: UnsafeRawBufferPointer, to section: inout ByteWriter) {
        guard helper != nil else {
            work.writer.add(document)
            if work.writer.openByteCount > drainByteCount { drain(to: &section) }
            return
        }
        batch.add(document)
        if batch.bytes.count < Self.batchByteCount { return }
        give()
        while openCount > Self.openCountMax { take(to: &section) }
    }

    private func drain(to section: inout ByteWriter) {
        work.writer.drain { section.append(bytes: $0) }
    }

    private func give() {
        openCount += 1
        openByteCount += batch.bytes.count
        work.state.change { [batch] in $0.given.append(batch) }
        batch = spare.popLast() ?? Batch()
    }

    private func take(to section: inout ByteWriter) {
        let done = work.state.wait { $0.done.isEmpty ? nil : $0.done.removeFirst() }
        guard let done else { return }
        openCount -= 1
        openByteCount -= done.bytes.count
        done.blocks.withBytes { section.append(bytes: $0) }
        // The room of a large document is given back.
        if done.bytes.capacity > 4 * Self.batchByteCount { return }
        done.removeAll()
        spare.append(done)
    }

    /// Ends the last block when all documents are added, adds what blocks are left to `section`, and lets the helper go.
    func end(to section: inout ByteWriter) {
        if helper != nil {
            give()
            while openCount > 0 { take(to: &section) }
            stop()
        }
        work.writer.end()
        drain(to: &section)
    }

    private func stop() {
        work.state.change { $0.isOver = true }
        helper?.join()
        helper = nil
    }

    /// Appends the index of the blocks, once they have ended, see `DocumentStoreWriter`.
    func appendIndex(to out: inout ByteWriter, firstDocument: Int, offset: Int) {
        work.writer.appendIndex(to: &out, firstDocument: firstDocument, offset: offset)
    }
}

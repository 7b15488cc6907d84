/// One indexing lane: a thread that inverts batches one after another and seals its chunk when it is full or a ticket
/// comes by.
final class Lane: Sendable {
    private enum Item {
        case batch(EncodedBatch, sequence: UInt64, firstOrdinal: UInt64, MemoryHold)
        case ticket(RefreshTicket)
        case stop
    }
    private struct Queue {
        var items: [Item] = []
        var byteCount = 0
    }

    /// More waits for the lane.
    static let queueByteCountMax = 16 << 20

    private let queue = Monitor(Queue())
    private let memory = Monitor(0)
    private let directory: any Directory
    private let budget: MemoryBudget
    private let chunkByteCountMax: Int
    private let nextSegmentID: @Sendable () -> UInt64
    private let number: Int
    /// A smaller chunk is not sealed only because memory is tight.
    private static let tightByteCountMin = 4 << 20

    /// `number` tells it from the other lanes of the index.
    init(
        _ number: Int, directory: any Directory, budget: MemoryBudget, chunkByteCountMax: Int,
        nextSegmentID: @escaping @Sendable () -> UInt64
    ) {
        self.number = number
        self.directory = directory
        self.budget = budget
        self.chunkByteCountMax = chunkByteCountMax
        self.nextSegmentID = nextSegmentID
    }

    /// Starts the lane's thread.
    func start(_ registry: FieldRegistry) -> WorkerThread {
        WorkerThread { [self] in run(LaneWork(registry, directory, "documents-\(number)")) }
    }

    var queuedByteCount: Int { queue.read { $0.byteCount } }

    /// Waits while the lane has too much to do.
    func enqueue(_ batch: EncodedBatch, sequence: UInt64, firstOrdinal: UInt64, _ hold: MemoryHold) {
        _ = queue.wait { queue -> Bool? in
            guard queue.byteCount < Self.queueByteCountMax else { return nil }
            queue.items.append(.batch(batch, sequence: sequence, firstOrdinal: firstOrdinal, hold))
            queue.byteCount += batch.byteCount
            return true
        }
    }

    func enqueue(_ ticket: RefreshTicket) { queue.change { $0.items.append(.ticket(ticket)) } }
    func stop() { queue.change { $0.items.append(.stop) } }

    private func run(_ work: LaneWork) {
        while true {
            let item = queue.wait { queue -> Item? in
                if queue.items.isEmpty { return nil }
                let first = queue.items.removeFirst()
                if case .batch(let batch, _, _, _) = first { queue.byteCount -= batch.byteCount }
                return first
            }
            switch item {
            case .batch(let batch, let sequence, let ordinal, let hold):
                let limit = budget.isTight ? min(Self.tightByteCountMin, chunkByteCountMax) : chunkByteCountMax
                work.add(batch, sequence, ordinal, limit, directory, nextSegmentID)
                withExtendedLifetime(hold) { holds(work.byteCount) }
            case .ticket(let ticket):
                work.deliver(ticket, directory, nextSegmentID)
                holds(0)
            case .stop, nil: return
            }
        }
    }
}

extension Lane {
    /// Books what the chunk takes now.
    private func holds(_ byteCount: Int) {
        let before = memory.change { memory in
            defer { memory = byteCount }
            return memory
        }
        budget.change(by: byteCount - before)
    }
}

/// What a lane's thread holds between items.
private final class LaneWork {
    private let registry: FieldRegistry
    private let inverter: Inverter
    private var sealed: [SealedSegment] = []
    private var deletions: [KeyDeletion] = []
    private var error: StorageError?

    init(_ registry: FieldRegistry, _ directory: any Directory, _ spillName: String) {
        self.registry = registry
        inverter = Inverter(registry: registry, spillsTo: directory, spillName: spillName)
    }

    var byteCount: Int { inverter.byteCount }

    func add(
        _ batch: EncodedBatch, _ sequence: UInt64, _ firstOrdinal: UInt64, _ limit: Int, _ directory: any Directory,
        _ nextID: () -> UInt64
    ) {
        do throws(StorageError) {
            try batch.forEach { (index, kind, body) throws(StorageError) in
                let ordinal = firstOrdinal + UInt64(index)
                switch kind {
                case .put:
                    try inverter.add(body, ordinal: ordinal, sequence: sequence)
                    if inverter.byteCount > limit { try seal(directory, nextID, keepsMemory: true) }
                case .delete: deletions.append(KeyDeletion(ordinal: ordinal, key: [UInt8](body)))
                }
            }
        } catch {
            self.error = self.error ?? error
        }
    }

    private func seal(
        _ directory: any Directory, _ nextID: () -> UInt64, keepsMemory: Bool
    ) throws(StorageError) {
        if inverter.isEmpty { return }
        if let segment = try inverter.seal(directory, id: nextID(), keepsMemory: keepsMemory) { sealed.append(segment) }
    }

    func deliver(_ ticket: RefreshTicket, _ directory: any Directory, _ nextID: () -> UInt64) {
        do throws(StorageError) {
            if let meeting = ticket.meeting {
                defer { inverter.removeAll(keepsMemory: false) }
                if let segment = try meeting.seal(inverter, registry, directory, nextID) { sealed.append(segment) }
            } else {
                try seal(directory, nextID, keepsMemory: false)
            }
        } catch {
            self.error = self.error ?? error
        }
        ticket.deliver(sealed, deletions, error)
        sealed = []
        deletions = []
    }
}

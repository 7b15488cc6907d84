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

    private let queue = Monitor(Queue())
    private let directory: any Directory
    private let budget: MemoryBudget
    private let chunkByteCountMax: Int
    private let nextSegmentID: @Sendable () -> UInt64
    private let number: Int
    private let helpedByteCountMin: Int?

    /// `number` tells it from the other lanes of the index. With `helpedByteCountMin` threads help it with chunks that
    /// large: where there are several lanes, each of them has a processor to itself.
    init(
        _ number: Int, directory: any Directory, budget: MemoryBudget, chunkByteCountMax: Int, helpedByteCountMin: Int?,
        nextSegmentID: @escaping @Sendable () -> UInt64
    ) {
        self.number = number
        self.helpedByteCountMin = helpedByteCountMin
        self.directory = directory
        self.budget = budget
        self.chunkByteCountMax = chunkByteCountMax
        self.nextSegmentID = nextSegmentID
    }

    /// What the lane's thread does, until `stop`.
    func work(_ registry: FieldRegistry) -> @Sendable () -> Void {
        { [self] in
            let inverter = Inverter(
                registry: registry, spillsTo: directory, spillName: "documents-\(number)",
                spillByteCount: budget.shares.spillByteCount, helpedByteCountMin: helpedByteCountMin)
            run(LaneWork(registry, inverter, budget, chunkByteCountMax: chunkByteCountMax))
        }
    }

    var queuedByteCount: Int { queue.read { $0.byteCount } }

    /// Waits while the lane has too much to do.
    func enqueue(_ batch: EncodedBatch, sequence: UInt64, firstOrdinal: UInt64, _ hold: MemoryHold) {
        _ = queue.wait { queue -> Bool? in
            guard queue.byteCount < budget.shares.laneQueueByteCountMax else { return nil }
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
                work.add(batch, sequence, ordinal, directory, nextSegmentID)
                withExtendedLifetime(hold) {}
            case .ticket(let ticket): work.deliver(ticket, directory, nextSegmentID)
            case .stop, nil: return
            }
        }
    }
}

/// What a lane's thread holds between items.
private final class LaneWork {
    private let registry: FieldRegistry
    private let inverter: Inverter
    private let budget: MemoryBudget
    private let chunkByteCountMax: Int
    /// Bytes counted in the budget.
    private var booked = 0
    private var sealed: [SealedSegment] = []
    private var deletions: [KeyDeletion] = []
    private var error: StorageError?
    /// Bytes of the two above.
    private var waitingByteCount = 0
    /// A lane takes more memory by so much at a time.
    private static let stepByteCount = 1 << 20

    init(_ registry: FieldRegistry, _ inverter: Inverter, _ budget: MemoryBudget, chunkByteCountMax: Int) {
        self.registry = registry
        self.inverter = inverter
        self.budget = budget
        self.chunkByteCountMax = chunkByteCountMax
    }

    /// A chunk that could not be sealed is in the journal.
    deinit { budget.change(by: -booked) }

    /// Takes memory for what the lane holds now, a chunk of so many bytes; false when there is none and the chunk has to
    /// be sealed.
    private func takeRoom(_ chunk: Int) -> Bool {
        let needed = waitingByteCount + chunk + budget.shares.sectionsByteCount
        if needed <= booked { return true }
        let wanted = needed - booked + Self.stepByteCount
        if chunk <= budget.shares.laneChunkByteCountMin {
            // So much it always gets.
            budget.change(by: wanted)
        } else if !budget.takeForWriting(wanted) {
            return false
        }
        booked += wanted
        return true
    }

    /// Gives back all but what the lane holds now.
    private func giveBack() {
        let held = waitingByteCount + (inverter.isEmpty ? 0 : inverter.byteCount + budget.shares.sectionsByteCount)
        budget.change(by: held - booked)
        booked = held
    }

    func add(
        _ batch: EncodedBatch, _ sequence: UInt64, _ firstOrdinal: UInt64, _ directory: any Directory,
        _ nextID: () -> UInt64
    ) {
        do throws(StorageError) {
            try batch.forEach { (index, kind, body) throws(StorageError) in
                let ordinal = firstOrdinal + UInt64(index)
                switch kind {
                case .put:
                    try inverter.add(body, ordinal: ordinal, sequence: sequence)
                    let chunk = inverter.byteCount
                    if chunk > chunkByteCountMax {
                        try seal(directory, nextID, keepsMemory: true)
                    } else if !takeRoom(chunk) {
                        // What it kept would count, and the next document would find no room again.
                        try seal(directory, nextID, keepsMemory: false)
                    }
                case .delete:
                    deletions.append(KeyDeletion(ordinal: ordinal, key: [UInt8](body)))
                    waitingByteCount += 64 + body.count
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
        defer { giveBack() }
        guard let segment = try inverter.seal(directory, id: nextID(), keepsMemory: keepsMemory) else { return }
        sealed.append(segment)
        waitingByteCount += segment.memoryByteCount
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
        waitingByteCount = 0
        giveBack()
    }
}

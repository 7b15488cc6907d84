/// When a write is acknowledged.
public enum AcknowledgementLevel: String, Sendable, Hashable, CaseIterable {
    /// In memory: lost if the process dies.
    case memory
    /// With the kernel: survives `kill -9`, not power loss.
    case log
    /// Synced to disk: survives power loss. The default.
    case disk
}

/// One change.
public enum WriteOperation: Sendable, Hashable {
    /// Insert, or replace the document with that key.
    case put(Document)
    /// A JSON object as UTF-8 bytes; the key is the string or integer in `keyField`.
    case putJSON([UInt8], keyField: String)
    /// Remove the document with that key, if there is one.
    case delete(String)
}

/// What happens to a batch that holds an operation which cannot be carried out.
public enum RejectionPolicy: String, Sendable, Hashable, CaseIterable {
    /// Nothing of the batch is applied; the call throws. The default.
    case wholeBatch
    /// The bad operations are reported in the receipt, the others are applied, atomically.
    case eachOperation
}

/// Changes that become durable and visible together.
public struct WriteBatch: Sendable, Hashable {
    public static let operationCountMax = 100_000
    public static let idempotencyKeyByteCountMax = 64
    public var operations: [WriteOperation]
    public var acknowledge: AcknowledgementLevel
    public var rejection: RejectionPolicy
    /// Chosen by the sender, unique for each batch. When the acknowledgement of a batch was lost, the same batch is sent
    /// again with the same key and is applied once; an index remembers its last 4,096 keys, over restarts too.
    public var idempotencyKey: String?

    public init(
        _ operations: [WriteOperation] = [], acknowledge: AcknowledgementLevel = .disk,
        rejection: RejectionPolicy = .wholeBatch, idempotencyKey: String? = nil
    ) {
        self.operations = operations
        self.acknowledge = acknowledge
        self.rejection = rejection
        self.idempotencyKey = idempotencyKey
    }
}

/// The acknowledgement of a batch.
public struct WriteReceipt: Sendable, Hashable {
    public struct Rejection: Sendable, Hashable {
        /// Place of the operation in the batch, from 0.
        public var index: Int
        public var error: SakuinError
        public init(index: Int, error: SakuinError) {
            self.index = index
            self.error = error
        }
    }
    /// The sequence number of the batch; a search with `minSequence` of it sees the batch.
    public var sequence: UInt64
    public var level: AcknowledgementLevel
    /// Operations applied.
    public var applied: Int
    public var rejections: [Rejection]
    /// The batch was applied before, under the same idempotency key; `sequence` is that of the first time.
    public var isRepeat: Bool

    public init(
        sequence: UInt64, level: AcknowledgementLevel, applied: Int, rejections: [Rejection] = [],
        isRepeat: Bool = false
    ) {
        self.sequence = sequence
        self.level = level
        self.applied = applied
        self.rejections = rejections
        self.isRepeat = isRepeat
    }
}

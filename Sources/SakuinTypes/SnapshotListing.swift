/// A snapshot for backup: an index as it was at one moment, in a folder of its own.
public struct SnapshotListing: Sendable, Hashable {
    /// The index it was made of.
    public var index: String
    public var name: String
    /// When it was made: `2026-11-24T15:30:00Z`; empty when that cannot be read.
    public var created: String
    /// The version of Sakuin that made it.
    public var version: String
    public var documents: Int
    /// Bytes of all its files.
    public var bytes: Int
    /// Bytes that deleting it would free: of files that neither the index nor another snapshot has.
    public var ownBytes: Int
    /// Every write up to this sequence number is in it.
    public var sequence: UInt64
    public var generation: UInt64
    /// Why it cannot be restored, as far as is known without reading all of it; nil: nothing is wrong.
    public var problem: String?

    public init(
        index: String, name: String, created: String = "", version: String = "", documents: Int = 0, bytes: Int = 0,
        ownBytes: Int = 0, sequence: UInt64 = 0, generation: UInt64 = 0, problem: String? = nil
    ) {
        self.index = index
        self.name = name
        self.created = created
        self.version = version
        self.documents = documents
        self.bytes = bytes
        self.ownBytes = ownBytes
        self.sequence = sequence
        self.generation = generation
        self.problem = problem
    }
}

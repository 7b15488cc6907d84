/// What could be seen of an index at one moment, kept for searches and exports until its lease ends.
public struct PointInTime: Sendable, Hashable {
    /// The longest lease, in milliseconds.
    public static let leaseMillisecondsMax = 600_000

    /// What searches and exports name it by.
    public var token: String
    /// Every write up to this sequence number is in it, none behind it.
    public var sequence: UInt64
    /// It ends so long after its last use.
    public var leaseMilliseconds: Int

    public init(token: String, sequence: UInt64, leaseMilliseconds: Int) {
        self.token = token
        self.sequence = sequence
        self.leaseMilliseconds = leaseMilliseconds
    }
}

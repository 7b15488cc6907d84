/// The moment that a call reads: what can be seen now, what can be seen once a write is in it, or a point in time.
public struct ReadMoment: Sendable, Hashable {
    /// Nobody waits longer for a sequence number, whatever the limit says.
    public static let waitLimitMillisecondsMax = 60_000

    /// Wait until this sequence number can be seen.
    public var minSequence: UInt64
    /// How long to wait for `minSequence`, in milliseconds, at most `waitLimitMillisecondsMax`; 0: not at all.
    public var waitLimitMilliseconds: Int
    /// The token of a point in time to read instead of what can be seen now; its lease begins anew.
    public var pointInTime: String?

    public init(minSequence: UInt64 = 0, waitLimitMilliseconds: Int = 10_000, pointInTime: String? = nil) {
        self.minSequence = minSequence
        self.waitLimitMilliseconds = waitLimitMilliseconds
        self.pointInTime = pointInTime
    }

    /// How long to wait at most, when the call as a whole has a limit of its own (0: none).
    public func waitLimit(callLimitMilliseconds: UInt32) -> Int {
        let limit = min(max(waitLimitMilliseconds, 0), Self.waitLimitMillisecondsMax)
        return callLimitMilliseconds == 0 ? limit : min(limit, Int(callLimitMilliseconds))
    }
}

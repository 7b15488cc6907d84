/// Credit of one direction of a stream: arithmetic only.
///
/// The sender may have so many bytes of DATA payload under way; the receiver gives back what it has dealt with. A
/// message may be sent as long as there is any credit left, so one longer than all credit passes alone.
public struct SendCredit: Sendable, Hashable {
    public private(set) var available: Int

    /// The most that credit may be.
    private static let max = Int(Int32.max)

    /// What a handshake says beyond the most that credit may be counts as that.
    public init(_ initial: UInt32) { available = Swift.min(Int(initial), Self.max) }

    public var canSend: Bool { available > 0 }

    public mutating func spend(_ byteCount: Int) { available -= byteCount }

    /// Credit of 2^31 or more is a breach: false.
    public mutating func give(_ byteCount: UInt32) -> Bool {
        available += Int(byteCount)
        return available <= Self.max
    }
}

/// The receiver's side: what the sender may still send, and what is to be given back.
public struct ReceiveCredit: Sendable, Hashable {
    private let initial: Int
    private var available: Int
    private var owed = 0

    public init(_ initial: UInt32) {
        self.initial = Int(initial)
        available = Int(initial)
    }

    /// Counts a received message; false when the sender had no credit left.
    public mutating func receive(_ byteCount: Int) -> Bool {
        guard available > 0 else { return false }
        available -= byteCount
        return true
    }

    /// A message has been dealt with; returns the credit to send now, nil while it is not worth a frame.
    public mutating func release(_ byteCount: Int) -> UInt32? {
        owed += byteCount
        guard owed >= initial / 4 else { return nil }
        defer { owed = 0 }
        available += owed
        return UInt32(clamping: owed)
    }
}

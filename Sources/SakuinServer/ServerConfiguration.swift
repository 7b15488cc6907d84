public import SakuinAccess
public import SakuinTypes

/// What a server can be told.
public struct ServerConfiguration: Sendable {
    /// Where to listen; port 0 picks a free one. TLS is spoken with those who come by TCP.
    public var addresses: [ServerAddress] = [.standard]
    /// The longest payload a client may send.
    public var frameByteCountMax: UInt32 = 32 << 20
    /// Bytes of import a client may have under way on one stream.
    public var streamCredit: UInt32 = 16 << 20
    public var streamCountMax: UInt32 = 1_024
    /// Connections that may be open; more are refused.
    public var connectionCountMax: Int = 1_024
    /// Requests that may wait for a worker; more are refused.
    public var queueCountMax: Int = 4_096
    public var workerCount: Int
    /// Calls that wait for the disk, such as those that make or drop indexes and snapshots, under way and waiting for a
    /// thread; more are refused.
    public var diskCallCountMax: Int = 64
    /// How many of them are under way at once.
    public var diskThreadCount: Int = 8
    /// How long an export may be without credit before it is ended.
    public var exportIdleMilliseconds: Int64 = 600_000
    /// How long a connection may be without HELLO before it is ended.
    public var handshakeSeconds: Int = 10
    /// How long a frame may take to come to its end, and a second more for each 64 KiB of it, before its connection is ended.
    public var frameSeconds: Int = 60
    /// How long streams may go on after a shutdown began.
    public var drainSeconds: Int = 10
    /// Who may connect, and what for; nil: everybody, for everything.
    public var tokens: TokenFile?
    /// Nil: all clients speak without TLS.
    public var tls: ServerTLS?
    /// Whether frames are compressed on connections of clients that ask for it.
    public var compresses = true

    public init(workerCount: Int) { self.workerCount = max(1, workerCount) }

    /// Makes frames and imports under way so small that some of them fit into this memory.
    public mutating func fit(memoryByteCount: Int) {
        frameByteCountMax = min(frameByteCountMax, UInt32(clamping: max(4 << 20, memoryByteCount / 12)))
        streamCredit = min(streamCredit, UInt32(clamping: max(1 << 20, memoryByteCount / 32)))
    }
}

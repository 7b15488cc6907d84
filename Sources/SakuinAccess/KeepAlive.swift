// How either side comes to know that the other is gone without a word: its machine lost power, or a router forgot the
// connection.

public import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// TCP keep-alive (RFC 1122, 4.2.3.6), which the kernel does: the programs at both ends need not know of it.
public enum KeepAlive {
    /// After so long without a byte the kernel asks the other side.
    public static let idleSeconds = 60
    /// It asks again so often, and then takes the connection for broken.
    public static let intervalSeconds = 15
    public static let probeCount = 4

    /// For each TCP socket. Without the times the kernel would ask after two hours for the first time.
    public static let options: [(option: ChannelOptions.Types.SocketOption, value: Int)] = [
        (.init(level: .socket, name: .so_keepalive), 1),
        (.init(level: .tcp, name: .init(rawValue: idleOption)), idleSeconds),
        (.init(level: .tcp, name: .init(rawValue: TCP_KEEPINTVL)), intervalSeconds),
        (.init(level: .tcp, name: .init(rawValue: TCP_KEEPCNT)), probeCount),
    ]

    #if canImport(Glibc)
        private static let idleOption = TCP_KEEPIDLE
    #else
        private static let idleOption = TCP_KEEPALIVE
    #endif
}

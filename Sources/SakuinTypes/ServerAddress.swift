/// Where a server listens: a host and a port, or the file of a Unix socket.
public enum ServerAddress: Sendable, Hashable, CustomStringConvertible {
    /// A name or an IP address, without brackets.
    case tcp(host: String, port: Int)
    case unix(path: String)

    /// Where a server listens that was told nothing else.
    public static let standard = ServerAddress.tcp(host: "127.0.0.1", port: standardPort)
    public static let standardPort = 7705
    /// What fits into a socket's address on Linux, in bytes; other systems have a few less.
    public static let pathByteCountMax = 107

    /// Where to listen: `HOST:PORT`, `[IPV6]:PORT`, of which port 0 picks a free one, or `unix:PATH`. Throws
    /// `invalidArgument`, with `field`, for anything else.
    public init(listeningOn text: String, field: String) throws(SakuinError) {
        self = try Self.parse(text, field: field, ports: 0...65535, defaultPort: nil)
    }

    /// Whom to connect to: `HOST:PORT`, `HOST`, `[IPV6]:PORT` or `unix:PATH`. Throws `invalidArgument` for anything else.
    public init(connectingTo text: String) throws(SakuinError) {
        self = try Self.parse(text, field: "server", ports: 1...65535, defaultPort: Self.standardPort)
    }

    private static func parse(
        _ text: String, field: String, ports: ClosedRange<Int>, defaultPort: Int?
    ) throws(SakuinError) -> ServerAddress {
        if text.hasPrefix("unix:") { return try unix(String(text.dropFirst("unix:".count)), field: field, value: text) }
        let malformed = SakuinError.invalid("\(field) is HOST:PORT or unix:PATH.", field: field, value: text)
        var host = Substring(text)
        var rest = Substring()
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = text[..<end].dropFirst()
            rest = text[text.index(after: end)...]
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            rest = text[colon...]
        }
        guard !host.isEmpty else { throw malformed }
        if rest.isEmpty, let defaultPort { return .tcp(host: String(host), port: defaultPort) }
        guard rest.hasPrefix(":"), let port = Int(rest.dropFirst()), ports.contains(port) else { throw malformed }
        return .tcp(host: String(host), port: port)
    }

    private static func unix(_ path: String, field: String, value: String) throws(SakuinError) -> ServerAddress {
        guard (1...pathByteCountMax).contains(path.utf8.count), !path.utf8.contains(0) else {
            throw .invalid(
                "The path of a Unix socket has 1 to \(pathByteCountMax) bytes.", field: field, limit: pathByteCountMax,
                value: value, nextStep: "Choose a folder that is nearer to the root.")
        }
        return .unix(path: path)
    }

    /// Whether what passes there stays in the machine: a Unix socket, or a host that is the machine itself whatever the names
    /// of a network say.
    public var isLocal: Bool {
        guard case .tcp(let host, _) = self else { return true }
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// The host, or the path of the socket.
    public var host: String {
        switch self {
        case .tcp(let host, _): host
        case .unix(let path): path
        }
    }

    /// As it is written for `init(listeningOn:)`.
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

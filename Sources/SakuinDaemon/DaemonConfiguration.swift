import SakuinAccess
import SakuinEngine
import SakuinTypes

/// The options of the daemon: the flags win over the file, the file over the defaults.
struct DaemonConfiguration: Equatable {
    var data: String?
    /// HOST:PORT or unix:PATH, each of them.
    var listen = [ServerAddress.standard.description]
    var memoryMegabytes = 384
    var lanes = 0
    var refreshMilliseconds = 200
    var refreshMegabytes = 0
    var journalMegabytes = IndexOptions().journalByteCountMax >> 20
    /// Nil: as many as there should be by the files that the process may open.
    var connections: Int?
    var logLevel = "info"
    /// HOST:PORT; nil: nobody is told.
    var metrics: String?
    /// File of the tokens that are known; nil: none is asked for.
    var tokens: String?
    /// Files of the certificate and its key, and of the CAs of clients' certificates; nil: no TLS, no certificates.
    var tlsCertificate: String?
    var tlsKey: String?
    var tlsClientCA: String?
    /// Whether frames are compressed for clients that ask for it.
    var compression = true

    var merges = MergeConfiguration()

    static let names =
        [
            "data", "listen", "memory-mb", "lanes", "refresh-ms", "refresh-mb", "journal-mb", "connections",
            "log-level", "metrics", "tokens", "tls-certificate", "tls-key", "tls-client-ca", "compression",
        ]
        + MergeConfiguration.names

    /// Takes over what a configuration file says: a JSON object of option names. Throws for a name it does not know.
    mutating func read(json: [UInt8]) throws(SakuinError) {
        guard case .object(let members) = try JSONValue(parsing: json) else {
            throw .invalid("The configuration is a JSON object.", field: "config")
        }
        var seen = Set<String>()
        for member in members {
            guard seen.insert(member.key).inserted else {
                throw .invalid(
                    "'\(member.key)' stands twice in the configuration.", field: member.key, nextStep: "Leave one out.")
            }
            switch (member.key, member.value) {
            case ("data", .string(let text)): data = text
            case ("listen", .string(let text)): listen = [text]
            case ("listen", .array(let values)):
                listen = []
                for value in values {
                    guard case .string(let text) = value else { throw Self.wrongType(member) }
                    listen.append(text)
                }
            case ("memory-mb", .integer(let value)): memoryMegabytes = Int(value)
            case ("lanes", .integer(let value)): lanes = Int(value)
            case ("refresh-ms", .integer(let value)): refreshMilliseconds = Int(value)
            case ("refresh-mb", .integer(let value)): refreshMegabytes = Int(value)
            case ("journal-mb", .integer(let value)): journalMegabytes = Int(value)
            case ("connections", .integer(let value)): connections = Int(value)
            case ("log-level", .string(let text)): logLevel = text
            case ("metrics", .string(let text)): metrics = text
            case ("tokens", .string(let text)): tokens = text
            case ("tls-certificate", .string(let text)): tlsCertificate = text
            case ("tls-key", .string(let text)): tlsKey = text
            case ("tls-client-ca", .string(let text)): tlsClientCA = text
            case ("compression", .boolean(let value)): compression = value
            case (let name, .integer(let value)) where merges.set(name, Int(clamping: value)): break
            default:
                throw Self.names.contains(member.key)
                    ? Self.wrongType(member)
                    : .invalid(
                        "'\(member.key)' is no option.", field: member.key, value: member.value.text,
                        nextStep: "Known are: \(Self.names.joined(separator: ", ")).")
            }
        }
    }

    /// The connections that may be open in a process that may have so many files open: half of those are for the indexes.
    func connectionCountMax(fileCountMax: Int) throws(SakuinError) -> Int {
        let limit = max(1, fileCountMax / 2)
        guard let connections else { return min(1_024, limit) }
        guard (1...limit).contains(connections) else {
            throw .invalid(
                "connections is 1 to \(limit), half of the files that the process may open.", field: "connections",
                limit: connections < 1 ? 1 : limit, value: connections,
                nextStep: "Raise the limit of open files (ulimit -n, LimitNOFILE).")
        }
        return connections
    }

    private static func wrongType(_ member: JSONValue.Member) -> SakuinError {
        .invalid("'\(member.key)' has a value of the wrong type.", field: member.key, value: member.value.text)
    }

    /// Less does not hold for the process, which takes up to 24 MiB before there is any work, and the smallest buffers.
    static let memoryMegabytesMin = 64

    func memoryByteCount() throws(SakuinError) -> Int {
        if memoryMegabytes > 1 << 30 {
            throw .invalid(
                "memory-mb is at most \(1 << 30).", field: "memory-mb", limit: 1 << 30, value: memoryMegabytes)
        }
        guard memoryMegabytes >= Self.memoryMegabytesMin else {
            throw .invalid(
                "memory-mb is at least \(Self.memoryMegabytesMin).", field: "memory-mb", limit: Self.memoryMegabytesMin,
                value: memoryMegabytes)
        }
        return memoryMegabytes << 20
    }

    func journalByteCount() throws(SakuinError) -> Int {
        guard (1...(1 << 20)).contains(journalMegabytes) else {
            throw .invalid(
                "journal-mb is 1 to \(1 << 20).", field: "journal-mb", limit: 1 << 20, value: journalMegabytes)
        }
        return journalMegabytes << 20
    }

    /// Lanes share what memory there is: with little of it few large chunks are better than many small ones.
    func laneCount(cores: Int) -> Int { lanes > 0 ? lanes : max(1, min(cores, memoryMegabytes / 64)) }

    /// What the engine is told, but for hooks.
    func engineOptions(cores: Int) throws(SakuinError) -> IndexOptions {
        for (name, value, range) in [
            ("lanes", lanes, 0...256), ("refresh-ms", refreshMilliseconds, 0...86_400_000),
            ("refresh-mb", refreshMegabytes, 0...1 << 20),
        ] where !range.contains(value) {
            throw .invalid(
                "\(name) is \(range.lowerBound) to \(range.upperBound).", field: name,
                limit: value < range.lowerBound ? range.lowerBound : range.upperBound, value: value)
        }
        var engine = IndexOptions()
        engine.memoryBudgetBytes = try memoryByteCount()
        engine.laneCount = laneCount(cores: cores)
        engine.refreshIntervalMilliseconds = refreshMilliseconds
        engine.refreshByteCount = refreshMegabytes << 20
        engine.journalByteCountMax = try journalByteCount()
        try merges.apply(to: &engine)
        return engine
    }

    /// Where to listen, at least one; port 0 picks one.
    func addresses() throws(SakuinError) -> [ServerAddress] {
        if listen.isEmpty {
            throw .invalid("Nothing is listened on.", field: "listen", nextStep: "Give HOST:PORT or unix:PATH.")
        }
        var addresses: [ServerAddress] = []
        for text in listen { addresses.append(try ServerAddress(listeningOn: text, field: "listen")) }
        return addresses
    }

    /// Where metrics are told; nil: nowhere.
    func metricsAddress() throws(SakuinError) -> (host: String, port: Int)? {
        guard let metrics else { return nil }
        guard case .tcp(let host, let port)? = try? ServerAddress(listeningOn: metrics, field: "metrics") else {
            throw .invalid("metrics is HOST:PORT.", field: "metrics", value: metrics)
        }
        return (host, port)
    }

    /// The tokens that are known; nil: none is asked for. Throws `invalidArgument` for a file that is not right.
    func tokenFile() throws(SakuinError) -> TokenFile? {
        guard let tokens else { return nil }
        let bytes = try AccessFile.read(tokens, field: "tokens", byteCountMax: TokenFile.byteCountMax)
        do throws(SakuinError) {
            return try TokenFile(parsing: bytes)
        } catch {
            var error = error
            error.value = tokens
            throw error
        }
    }

    /// Nil: without TLS. Throws `invalidArgument` for files that are not right, and for one without the other.
    func serverTLS() throws(SakuinError) -> ServerTLS? {
        if tlsCertificate == nil, tlsKey == nil, tlsClientCA == nil { return nil }
        guard let tlsCertificate, let tlsKey else {
            throw .invalid(
                "TLS needs a certificate and its key.", field: tlsCertificate == nil ? "tls-certificate" : "tls-key",
                nextStep: "Give --tls-certificate FILE and --tls-key FILE.")
        }
        return try ServerTLS(certificate: tlsCertificate, key: tlsKey, clientCA: tlsClientCA)
    }

    /// What to warn of when others than programs of this machine can connect; nil: nothing.
    func exposure() throws(SakuinError) -> String? {
        guard let address = try addresses().first(where: { !$0.isLocal }) else { return nil }
        if tokens == nil, tlsClientCA == nil {
            return "everybody who reaches \(address) may read, change and drop everything: give --tokens FILE"
        }
        if tlsCertificate != nil { return nil }
        return "without TLS everybody on the way to \(address) can read tokens and documents"
    }
}

// main of sakuind: reads the configuration, opens the data folder, runs the server until a signal.

import ArgumentParser
import Foundation
import Logging
import SakuinEngine
import SakuinProgram
import SakuinServer
import SakuinTypes
import ServiceLifecycle
import UnixSignals

@main
struct SakuinDaemon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sakuind", abstract: "Serves full-text indexes over TCP and Unix sockets.",
        version: SakuinServer.version)

    @Option(help: "Folder of the indexes; made when it is missing.")
    var data: String?
    @Option(help: "HOST:PORT (0 picks a free one) or unix:PATH; may be repeated. Default 127.0.0.1:7705.")
    var listen: [String] = []
    @Option(help: "JSON file with these options.")
    var config: String?
    @Option(name: .customLong("memory-mb"), help: "MiB of memory for all but mapped files. Default 384, least 64.")
    var memoryMegabytes: Int?
    @Option(help: "Indexing threads of an index. Default: one a core, as memory allows.")
    var lanes: Int?
    @Option(name: .customLong("refresh-ms"), help: "How long a write may wait to be seen. Default 200.")
    var refreshMilliseconds: Int?
    @Option(name: .customLong("refresh-mb"), help: "So many MiB of writes are seen at once. Default 0: never.")
    var refreshMegabytes: Int?
    @Option(name: .customLong("journal-mb"), help: "A commit is made every so many MiB of writes. Default 8.")
    var journalMegabytes: Int?
    @Option(name: .customLong("merge-mb-per-s"), help: "MiB a second that merges may read and write. Default: free.")
    var mergeMegabytesPerSecond: Int?
    @Option(name: .customLong("merge-max-segment-mb"), help: "The largest segment a merge makes, in MiB. Default 5120.")
    var mergeSegmentMegabytes: Int?
    @Option(name: .customLong("merge-deletes-percent"), help: "A segment with more deleted is rewritten. Default 33.")
    var mergeDeletesPercent: Int?
    @Option(name: .customLong("merge-segments-per-tier"), help: "Segments of a size that may stand. Default 8.")
    var mergeSegmentsPerTier: Int?
    @Option(name: .customLong("disk-merge-mb"), help: "MiB of the disk that merges leave free. Default 512.")
    var diskMergeMegabytes: Int?
    @Option(name: .customLong("disk-write-mb"), help: "With less MiB free no write is taken. Default 128.")
    var diskWriteMegabytes: Int?
    @Option(help: "Connections that may be open. Default 1024, or half of the files that may be open if that is less.")
    var connections: Int?
    @Option(name: .customLong("log-level"), help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?
    @Option(help: "HOST:PORT to tell metrics at, GET /metrics for Prometheus. Default: nowhere.")
    var metrics: String?
    @Option(help: "File of the tokens that may connect, see 'sakuin token new'. Default: everybody may.")
    var tokens: String?
    @Option(name: .customLong("tls-certificate"), help: "PEM file of the certificate: speak TLS. Default: without.")
    var tlsCertificate: String?
    @Option(name: .customLong("tls-key"), help: "PEM file of the key of that certificate.")
    var tlsKey: String?
    @Option(name: .customLong("tls-client-ca"), help: "PEM file of the CAs that clients' certificates have to be of.")
    var tlsClientCA: String?
    @Flag(inversion: .prefixedNo, help: "Compress frames for clients that ask for it. Default: so it is.")
    var compression: Bool?

    /// Runs the daemon. A command line that cannot be read exits with 1, as other errors at the start do.
    static func main() async {
        await Program.run(Self.self, failureCode: 1, tell: tell) { tell("sakuind: \($0)") }
    }

    private static func tell(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    func run() async throws {
        // It would end the process until `Reloading` waits for it.
        signal(SIGHUP, SIG_IGN)
        ProcessAllocator.giveBackWhatIsFreed()
        do {
            try await serve()
        } catch {
            Self.tell("sakuind: \(error)")
            throw ExitCode(1)
        }
    }

    /// The flags over the file over the defaults.
    func options() throws -> DaemonConfiguration {
        var options = DaemonConfiguration()
        if let config {
            guard let handle = FileHandle(forReadingAtPath: config), let file = try? handle.readToEnd() ?? Data() else {
                throw SakuinError.invalid("The configuration file cannot be read.", field: "config", value: config)
            }
            do throws(SakuinError) {
                try options.read(json: ByteOrderMark.without([UInt8](file)))
            } catch {
                throw error.inFile(config, nextStep: "A configuration is one JSON object of options.")
            }
        }
        options.data = data ?? options.data
        if !listen.isEmpty { options.listen = listen }
        options.memoryMegabytes = memoryMegabytes ?? options.memoryMegabytes
        options.lanes = lanes ?? options.lanes
        options.refreshMilliseconds = refreshMilliseconds ?? options.refreshMilliseconds
        options.refreshMegabytes = refreshMegabytes ?? options.refreshMegabytes
        options.journalMegabytes = journalMegabytes ?? options.journalMegabytes
        options.merges.set("merge-mb-per-s", mergeMegabytesPerSecond)
        options.merges.set("merge-max-segment-mb", mergeSegmentMegabytes)
        options.merges.set("merge-deletes-percent", mergeDeletesPercent)
        options.merges.set("merge-segments-per-tier", mergeSegmentsPerTier)
        options.merges.set("disk-merge-mb", diskMergeMegabytes)
        options.merges.set("disk-write-mb", diskWriteMegabytes)
        options.connections = connections ?? options.connections
        options.logLevel = logLevel ?? options.logLevel
        options.metrics = metrics ?? options.metrics
        options.tokens = tokens ?? options.tokens
        options.tlsCertificate = tlsCertificate ?? options.tlsCertificate
        options.tlsKey = tlsKey ?? options.tlsKey
        options.tlsClientCA = tlsClientCA ?? options.tlsClientCA
        options.compression = compression ?? options.compression
        return options
    }

    private func serve() async throws {
        let options = try options()
        guard let data = options.data else {
            throw SakuinError.invalid(
                "The folder of the indexes is missing.", field: "data", nextStep: "Give --data DIR.")
        }
        guard let level = Logger.Level(rawValue: options.logLevel) else {
            throw SakuinError.invalid("Unknown log level.", field: "log-level", value: options.logLevel)
        }
        let addresses = try options.addresses()
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "sakuind")
        logger.logLevel = level
        var engine = try options.engineOptions(cores: ProcessInfo.processInfo.activeProcessorCount)
        engine.processMemory = ProcessMemory.hook
        let engineLogger = logger
        engine.log = .init { level, message in
            engineLogger.log(level: Logger.Level(rawValue: level) ?? .info, "\(message)")
        }
        if let exposure = try options.exposure() { logger.warning("\(exposure)") }
        let metricsAddress = try options.metricsAddress()
        let registry = PrometheusRegistry()
        if metricsAddress != nil { registry.bootstrap() }
        var server = ServerConfiguration(workerCount: ProcessInfo.processInfo.activeProcessorCount)
        server.tokens = try options.tokenFile()
        server.tls = try options.serverTLS()
        server.compresses = options.compression
        server.connectionCountMax = try options.connectionCountMax(fileCountMax: OpenFiles.raiseLimit())
        let catalog = try IndexCatalog(path: data, options: engine)
        server.fit(memoryByteCount: engine.memoryBudgetBytes)
        server.addresses = addresses
        // Before anything says that it listens, for this may fail too.
        let metrics = try await metricsListener(at: metricsAddress, registry, catalog)
        let service = SakuinServer(catalog: catalog, configuration: server, logger: logger) { [logger] addresses in
            if let metrics {
                logger.info("metrics", metadata: ["host": "\(metrics.host)", "port": "\(metrics.port)"])
            }
            // Whoever started the daemon waits for this line, one an address.
            let lines = addresses.map { "listening on \($0)\n" }.joined()
            FileHandle.standardOutput.write(Data(lines.utf8))
        }
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [.init(service: service)]
        if let metrics { services.append(.init(service: metrics)) }
        services.append(.init(service: Reloading(options: options, server: service, logger: logger)))
        let group = ServiceGroup(
            configuration: .init(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
    }

    /// Closes the catalog when the address cannot be had.
    private func metricsListener(
        at address: (host: String, port: Int)?, _ registry: PrometheusRegistry, _ catalog: IndexCatalog
    ) async throws -> MetricsListener? {
        guard let (host, port) = address else { return nil }
        do {
            return try await MetricsListener.open(host: host, port: port, registry: registry, catalog: catalog)
        } catch {
            try? catalog.close()
            throw error
        }
    }
}

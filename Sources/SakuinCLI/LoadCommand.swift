// load: queries at a server, as fast as it answers or at a fixed rate, and what they took.

import ArgumentParser
import Foundation
import SakuinClient

struct LoadCommand: OnlineCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Load a server with queries and measure what they take.",
        discussion: """
            Without --rate each stream sends its next query when the last was answered. With --rate queries are due at
            fixed times, and their latency counts from then, however late they could be sent.
            """)

    @OptionGroup var options: ServerOptions
    @OptionGroup var variants: VariantOptions
    @Argument(help: "The index; with --empty none is needed.") var name: String?
    @Option(help: "File with a query a line, columns separated by tabs; a first column beside it is the kind.")
    var queries: String?
    @Option(help: "Which column holds the query, from 1; default the last.") var column: Int?
    @Option(help: "Ask only queries of these kinds, with commas between.") var kinds: String?
    @Flag(help: "Send empty requests (PING) instead, to see what a request costs that asks for nothing.")
    var empty = false
    @Option(help: "Connections.") var connections = 8
    @Option(help: "Requests under way at a time on a connection; default 1, with --rate 64.") var streams: Int?
    @Flag(help: "Serve all connections with one thread, so that a server on the same cores has the others.")
    var oneThread = false
    @Option(help: "Requests a second over all connections.") var rate: Double?
    @Option(help: "How long to measure; default 10 unless --requests says when to end.") var seconds: Double?
    @Option(help: "End after so many requests.") var requests: Int?
    @Option(help: "Seconds to run before measuring; default 2, with --requests 0.") var warmup: Double?
    @Option(help: "Hits to return.") var limit = 10
    @Flag(help: "Ask for the stored fields of the hits, as apps that show them do.") var stored = false
    @Flag(help: "Ask for the stored fields, and where the query stands in them.") var highlight = false
    @Option(help: "How far to count: exact, none, or a number.") var total = "exact"
    @Option(name: .customLong("timeout-ms"), help: "How long a request may take.") var timeout: UInt32 = 10_000
    @OptionGroup var writing: LoadImportOptions

    func run(_ client: SakuinClient, _ output: Output) async throws {
        let streamCount = try count(streams ?? (rate == nil ? 1 : 64), "streams", most: 10_000)
        let plan = try plan(output)
        let measured = try schedule()
        let documents = try writing.plan()
        let clients = try await connect(client.configuration, plan)
        defer { Task { for client in clients { await client.close() } } }
        let warmup = try positive(warmup ?? (requests == nil ? 2 : 0), "warmup", orZero: true)
        if warmup > 0 {
            let schedule = LoadSchedule(rate: rate, nanoseconds: Int64(warmup * 1e9), requests: nil)
            let run = LoadRun(plan, schedule, clients: clients, streamCount: streamCount)
            try await watched(run, "warming up", output)
        }
        let run = LoadRun(plan, measured, clients: clients, streamCount: streamCount)
        let imported = Shared(LoadImport.Tally())
        let writer = documents.map { documents in
            Task {
                let client = SakuinClient(client.configuration)
                if let index = try? await client.index(plan.index) { await documents.run(index, run.clock, imported) }
                await client.close()
            }
        }
        try await watched(run, "measuring", output)
        let tally = run.tally
        let counted = imported.value
        writer?.cancel()
        await writer?.value
        let end = max(tally.lastAnswer, measured.nanoseconds ?? 0)
        let report = LoadReport(
            kinds: plan.kinds, connectionCount: clients.count, streamCount: streamCount, rate: rate,
            seconds: Double(end) / 1e9, tally: tally, unsent: run.unsent,
            documents: documents == nil ? nil : counted)
        if output.json { output.object(report.json) } else { for line in report.lines { output.line(line) } }
        if report.hasErrors { throw ExitCode(1) }
    }

    // MARK: Options

    func plan(_ output: Output) throws -> LoadPlan {
        if empty {
            guard queries == nil, variants.variants == nil, writing.file == nil, !stored, !highlight else {
                throw SakuinError.invalid(
                    "--empty goes without --queries, --variants, --stored, --highlight and --import.", field: "empty")
            }
            return .empty()
        }
        guard let name, let queries else {
            throw SakuinError.invalid(
                "An index and --queries FILE are needed.", field: name == nil ? "name" : "queries",
                nextStep: "Or --empty, for the server's ceiling.")
        }
        var template = SearchRequest("", limit: limit)
        template.total = try TotalPolicy(option: total)
        template.variants = try variants.folding()
        if stored || highlight { template.returnFields = .all }
        template.spans = highlight
        let file = try QueryFile(queries, column: column)
        let wanted = kinds?.listedNames
        let plan = try LoadPlan(index: name, file: file, wanted: wanted, template: template)
        if plan.kinds == [""], file.lines.contains(where: { $0.kind != nil }) {
            output.warn("The first column has more than \(LoadPlan.kindCountMax) values; kinds are not told apart.")
        }
        return plan
    }

    private func schedule() throws -> LoadSchedule {
        if let rate { _ = try positive(rate, "rate") }
        if let requests { _ = try count(requests, "requests", most: 1_000_000_000) }
        let length = try (seconds ?? (requests == nil ? 10 : nil)).map { try positive($0, "seconds") }
        return LoadSchedule(rate: rate, nanoseconds: length.map { Int64($0 * 1e9) }, requests: requests)
    }

    private func count(_ value: Int, _ name: String, most: Int) throws -> Int {
        guard (1...most).contains(value) else {
            throw SakuinError.invalid("--\(name) is 1 to \(most).", field: name, limit: most, value: value)
        }
        return value
    }

    private func positive(_ value: Double, _ name: String, orZero: Bool = false) throws -> Double {
        guard value > 0 || (orZero && value == 0), value <= 1e7 else {
            throw SakuinError.invalid(
                "--\(name) is a number from 0 to 10000000\(orZero ? "" : ", not 0").", field: name, limit: 10_000_000,
                value: value)
        }
        return value
    }

    // MARK: Running

    /// Opens all connections, and asks for the index, so that a wrong name ends the command and is no load; so does a server
    /// that does not know what the queries ask for.
    private func connect(_ configuration: SakuinClient.Configuration, _ plan: LoadPlan) async throws -> [SakuinClient] {
        var configuration = configuration
        configuration.deadlineMilliseconds = timeout
        configuration.sharesThread = oneThread
        var clients: [SakuinClient] = []
        for _ in 0..<(try count(connections, "connections", most: 10_000)) {
            let client = SakuinClient(configuration)
            try await client.connect()
            clients.append(client)
        }
        if let request = plan.items.first?.request {
            let index = try await clients[0].index(plan.index)
            try await index.check(request)
            _ = try await index.statistics()
        }
        return clients
    }

    /// Runs `run` with a line a second on the terminal.
    private func watched(_ run: LoadRun, _ label: String, _ output: Output) async throws {
        let watch = Output.errorIsTerminal && !output.json ? Task { await show(run, label, output) } : nil
        defer { watch?.cancel() }
        try await run.run()
    }

    /// A line a second until the task is cancelled.
    private func show(_ run: LoadRun, _ label: String, _ output: Output) async {
        var known = 0
        var second = 0
        while (try? await Task.sleep(for: .seconds(1))) != nil {
            second += 1
            let all = run.tally.all
            let answered = all.latency.count
            output.warn(
                String(
                    format: "%@ %d s: %d answered/s, p50 %.0f µs, p99 %.0f µs, %d errors", label, second,
                    answered - known, all.latency.percentile(50), all.latency.percentile(99),
                    all.requests - answered))
            known = answered
        }
    }
}

/// What is imported beside the queries.
struct LoadImportOptions: ParsableArguments {
    @Option(name: .customLong("import"), help: "Import this file beside, over and over: its keys are replaced.")
    var file: String?
    @Option(name: .customLong("import-rate"), help: "Documents a second; default as fast as they are taken.")
    var rate: Double?
    @Option(name: .customLong("import-batch"), help: "Documents a batch.") var batch = 100
    @Option(help: "The field that holds the key.") var key = "id"
    @Option(help: "When a batch is acknowledged: memory, log or disk.") var ack = "disk"

    func plan() throws -> LoadImport? {
        let level = try AcknowledgementLevel(option: ack)
        guard (1...WriteBatch.operationCountMax).contains(batch) else {
            throw SakuinError.invalid(
                "--import-batch is 1 to \(WriteBatch.operationCountMax).", field: "import-batch",
                limit: WriteBatch.operationCountMax, value: batch)
        }
        if let rate, !(rate > 0 && rate <= 1e7) {
            throw SakuinError.invalid(
                "--import-rate is a number above 0.", field: "import-rate", limit: 10_000_000, value: rate)
        }
        guard let file else {
            if rate != nil { throw SakuinError.invalid("--import-rate goes with --import.", field: "import-rate") }
            return nil
        }
        guard file != "-" else {
            throw SakuinError.invalid("Standard input cannot be read again; name a file.", field: "import", value: file)
        }
        return LoadImport(path: file, keyField: key, rate: rate, batchDocumentCount: batch, level: level)
    }
}

// main of sakuin: the sub-commands and what they share.

import ArgumentParser
import Foundation
import SakuinAccess
import SakuinClient
import SakuinProgram

@main
struct SakuinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sakuin", abstract: "Full-text search for Chinese, Japanese, Korean and mixed text.",
        version: SakuinVersion.text,
        subcommands: [
            IndexCommand.self, ImportCommand.self, SearchCommand.self, CountCommand.self, GetCommand.self,
            DeleteCommand.self, ExportCommand.self, RefreshCommand.self, CommitCommand.self, PointCommand.self,
            StatsCommand.self, SegmentsCommand.self, CompactCommand.self, CheckCommand.self, JobsCommand.self,
            SnapshotCommand.self, TokenCommand.self, WireCommand.self, LoadCommand.self,
        ])

    @OptionGroup var server: ServerOptions

    /// Runs the command. A command line that cannot be read exits with 2, as other errors do.
    static func main() async {
        let output = Output(json: GlobalArguments.has("--json"))
        await Program.run(Self.self, failureCode: 2, tell: output.warn, refuse: output.fail) { error in
            GlobalArguments.explain(exitCode(for: error).isSuccess ? nil : message(for: error))
        }
    }
}

/// Which server, and in which form to answer; accepted before and behind the command.
struct ServerOptions: ParsableArguments {
    @Option(
        help:
            "HOST:PORT of the server, or unix:PATH of its socket. Default: SAKUIN_SERVER, or \(ServerAddress.standard)."
    )
    var server: String?
    @Option(
        name: .customLong("token-file"),
        help: "File with the token that the server asks for. Default: that named by SAKUIN_TOKEN_FILE, if any.")
    var tokenFile: String?
    @OptionGroup var tls: TLSOptions
    @Flag(help: "Compress what goes to and fro, if the server does too. Default: if SAKUIN_COMPRESS is 1.")
    var compress = false
    @Flag(help: "Answer in JSON.")
    var json = false

    /// A client of that server; it connects when it is used. A search may take `deadlineMilliseconds`, 0: any time.
    func client(deadlineMilliseconds: UInt32 = 0) throws -> SakuinClient {
        let address = GlobalArguments.value(of: "--server") ?? server ?? environment("SAKUIN_SERVER")
        var configuration = try SakuinClient.Configuration(server: address ?? ServerAddress.standard.description)
        configuration.deadlineMilliseconds = deadlineMilliseconds
        configuration.token = try token()
        configuration.tls = try tls.clientTLS()
        configuration.compresses = try compresses(environment: environment("SAKUIN_COMPRESS"))
        if configuration.token != nil, configuration.tls == nil, !configuration.address.isLocal {
            Output(json: json).warn(exposed: configuration.address)
        }
        return SakuinClient(configuration)
    }

    /// The value of a variable of the environment; nil when it is empty.
    private func environment(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// `environment` is the value of SAKUIN_COMPRESS.
    func compresses(environment: String?) throws(SakuinError) -> Bool {
        if compress || GlobalArguments.has("--compress") { return true }
        switch environment {
        case nil, "", "0": return false
        case "1": return true
        case let value: throw .invalid("SAKUIN_COMPRESS is 1 or 0.", field: "SAKUIN_COMPRESS", value: value)
        }
    }

    private func token() throws -> AccessToken? {
        let environment = environment("SAKUIN_TOKEN_FILE")
        guard let path = GlobalArguments.value(of: "--token-file") ?? tokenFile ?? environment else { return nil }
        return try AccessToken(
            file: try AccessFile.read(path, field: "token-file", byteCountMax: 4 * AccessToken.byteCountMax), path: path
        )
    }
}

/// How to know the server, and what to show it.
struct TLSOptions: ParsableArguments {
    @Flag(help: "Speak TLS; so does each of the other --tls options. The system's CAs are trusted.")
    var tls = false
    @Option(name: .customLong("tls-ca"), help: "PEM file of the CAs that are trusted instead.")
    var ca: String?
    @Option(name: .customLong("tls-certificate"), help: "PEM file of the certificate that the server asks for.")
    var certificate: String?
    @Option(name: .customLong("tls-key"), help: "PEM file of the key of that certificate.")
    var key: String?

    /// Nil: without TLS.
    func clientTLS() throws(SakuinError) -> ClientTLS? {
        let ca = GlobalArguments.value(of: "--tls-ca") ?? ca
        let certificate = GlobalArguments.value(of: "--tls-certificate") ?? certificate
        let key = GlobalArguments.value(of: "--tls-key") ?? key
        let isWanted = tls || GlobalArguments.has("--tls") || ca != nil || certificate != nil || key != nil
        return isWanted ? try ClientTLS(ca: ca, certificate: certificate, key: key) : nil
    }
}

/// A command that talks to a server. Exit codes: 0 done; 1 something was not found or not done; 2 usage or server error.
protocol OnlineCommand: AsyncParsableCommand {
    var options: ServerOptions { get }
    /// How long a search or get may take; 0: any time.
    var deadlineMilliseconds: UInt32 { get }
    func run(_ client: SakuinClient, _ output: Output) async throws
}

extension OnlineCommand {
    var deadlineMilliseconds: UInt32 { 0 }

    func run() async throws {
        let output = Output(json: options.json)
        do {
            let client = try options.client(deadlineMilliseconds: deadlineMilliseconds)
            defer { Task { await client.close() } }
            try await run(client, output)
        } catch let error as SakuinError {
            output.fail(error)
            throw ExitCode(2)
        }
    }
}

/// Options that are common to all commands may stand before the command, where ArgumentParser gives them to the root.
enum GlobalArguments {
    /// Whether a flag stands on the command line.
    static func has(_ flag: String, in words: [String] = CommandLine.arguments) -> Bool {
        words.prefix { $0 != "--" }.contains(flag)
    }

    /// A word like `-dash`, in which ArgumentParser finds `-h` and shows the help.
    static func joinedFlags(in words: [String] = CommandLine.arguments) -> String? {
        words.dropFirst().prefix { $0 != "--" }.first { $0.count > 2 && $0.hasPrefix("-") && !$0.hasPrefix("--") }
    }

    /// What is wrong with words that ArgumentParser has taken for others: keys and queries that begin with '-', and queries
    /// with blanks that were not quoted. `message` is what it says; nil: it would show the help.
    static func explain(_ message: String?, _ words: [String] = CommandLine.arguments) -> SakuinError? {
        let isUnknown = message?.firstMatch(of: /^Unknown option '-[^-]/) != nil
        if let word = message == nil ? joinedFlags(in: words) : isUnknown ? dashed(in: words) : nil {
            return .invalid(
                "'\(word)' is no option.", field: "arguments", value: word,
                nextStep: "Put -- before a key or query that begins with '-'.")
        }
        guard let message, message.contains("nexpected argument"), words.contains("search") || words.contains("count")
        else { return nil }
        return .invalid(
            message.hasSuffix(".") ? message : message + ".", field: "arguments",
            nextStep: "Put quotes around a query with blanks, and options before --.")
    }

    private static func dashed(in words: [String]) -> String? {
        words.dropFirst().prefix { $0 != "--" }.first { $0.count > 1 && $0.hasPrefix("-") && !$0.hasPrefix("--") }
    }

    /// The last value of an option on the command line; what stands behind `--` is none.
    static func value(of option: String, in words: [String] = CommandLine.arguments) -> String? {
        let words = words.prefix { $0 != "--" }
        for (i, word) in words.enumerated().reversed() {
            if word == option, i + 1 < words.count { return words[i + 1] }
            if word.hasPrefix(option + "=") { return String(word.dropFirst(option.count + 1)) }
        }
        return nil
    }
}

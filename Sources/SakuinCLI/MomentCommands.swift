// refresh, commit, point open and close, and the options of commands that read at a moment.

import ArgumentParser
import SakuinClient

/// Which moment a command reads: now, once a write can be seen, or a point in time.
struct MomentOptions: ParsableArguments {
    @Option(
        name: .customLong("min-sequence"),
        help: "Wait until this sequence number, as import and delete print it, can be seen.")
    var minSequence: UInt64 = 0
    @Option(name: .customLong("wait-ms"), help: "How long to wait for it, 0 to 60000.")
    var waitMilliseconds = 10_000
    @Option(name: .customLong("point-in-time"), help: "The token of a point in time to read.")
    var pointInTime: String?

    func moment() throws -> ReadMoment {
        let limit = ReadMoment.waitLimitMillisecondsMax
        guard (0...limit).contains(waitMilliseconds) else {
            throw SakuinError.invalid(
                "--wait-ms is 0 to \(limit).", field: "wait-ms", limit: limit, value: waitMilliseconds)
        }
        return ReadMoment(
            minSequence: minSequence, waitLimitMilliseconds: waitMilliseconds, pointInTime: pointInTime)
    }
}

struct RefreshCommand: OnlineCommand {
    static let configuration = CommandConfiguration(
        commandName: "refresh", abstract: "Make everything written so far visible to searches.")
    @OptionGroup var options: ServerOptions
    @Argument(help: "The index.") var name: String

    func run(_ client: SakuinClient, _ output: Output) async throws {
        let sequence = try await client.index(name).refresh()
        if output.json {
            output.object([("refreshed", .string(name)), ("sequence", .integer(Int64(clamping: sequence)))])
        } else {
            output.line("Visible up to sequence \(sequence).")
        }
    }
}

struct CommitCommand: OnlineCommand {
    static let configuration = CommandConfiguration(
        commandName: "commit",
        abstract: "Write everything written so far into segments, so that a start replays nothing.")
    @OptionGroup var options: ServerOptions
    @Argument(help: "The index.") var name: String

    func run(_ client: SakuinClient, _ output: Output) async throws {
        let sequence = try await client.index(name).commit()
        if output.json {
            output.object([("committed", .string(name)), ("sequence", .integer(Int64(clamping: sequence)))])
        } else {
            output.line("Committed up to sequence \(sequence).")
        }
    }
}

struct PointCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "point", abstract: "Open and close points in time, for stable pages and exports.",
        subcommands: [Open.self, Close.self])

    struct Open: OnlineCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep what can be seen now under a token, for --point-in-time.")
        @OptionGroup var options: ServerOptions
        @Argument(help: "The index.") var name: String
        @Option(name: .customLong("lease-ms"), help: "It ends when it was not used for so long, at most 600000.")
        var leaseMilliseconds = 60_000
        @Option(name: .customLong("min-sequence"), help: "Wait until this sequence number can be seen.")
        var minSequence: UInt64 = 0
        @Option(name: .customLong("wait-ms"), help: "How long to wait for it, 0 to 60000.")
        var waitMilliseconds = 10_000

        func run(_ client: SakuinClient, _ output: Output) async throws {
            let moment = ReadMoment(minSequence: minSequence, waitLimitMilliseconds: waitMilliseconds)
            let point = try await client.index(name).openPointInTime(
                leaseMilliseconds: leaseMilliseconds, at: moment)
            if output.json {
                output.object([
                    ("pointInTime", .string(point.token)), ("sequence", .integer(Int64(clamping: point.sequence))),
                    ("leaseMilliseconds", .integer(Int64(point.leaseMilliseconds))),
                ])
            } else {
                output.line(
                    "\(point.token) shows sequence \(point.sequence) until it was not used for "
                        + "\(point.leaseMilliseconds) ms.")
            }
        }
    }

    struct Close: OnlineCommand {
        static let configuration = CommandConfiguration(abstract: "End a point in time before its lease does.")
        @OptionGroup var options: ServerOptions
        @Argument(help: "The index.") var name: String
        @Argument(help: "The token.") var token: String

        func run(_ client: SakuinClient, _ output: Output) async throws {
            try await client.index(name).closePointInTime(token)
            if output.json {
                output.object([("closed", .string(token))])
            } else {
                output.line("Closed.")
            }
        }
    }
}

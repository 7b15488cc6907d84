// compact and jobs: compactions and other jobs of the daemon, with their progress.

import ArgumentParser
import Foundation
import SakuinClient

struct CompactCommand: OnlineCommand {
    static let configuration = CommandConfiguration(
        commandName: "compact",
        abstract: "Merge an index down to a number of segments; searches and writes go on meanwhile.",
        discussion:
            "It is a job of the daemon: it goes on when this command is interrupted, and when the daemon is started again."
    )
    @OptionGroup var options: ServerOptions
    @Argument(help: "The index.") var name: String
    @Option(help: "How many segments to leave; default 1.") var segments: Int?
    @Flag(name: .customLong("only-deletes"), help: "Only rewrite segments that hold deleted documents.")
    var onlyDeletes = false
    @Option(name: .customLong("max-mb-per-s"), help: "Megabytes a second the job may read and write.")
    var megabytesPerSecond: Double?
    @Flag(name: .customLong("dry-run"), help: "Tell time and space after a refresh, and merge nothing.") var dryRun =
        false
    @Flag(help: "Return when it is done: the default.") var wait = false
    @Flag(help: "Return when the job is accepted; 'sakuin jobs' shows how far it is.") var detach = false

    func validate() throws {
        if wait, detach { throw ValidationError("--wait and --detach exclude each other.") }
        if onlyDeletes, segments != nil {
            throw ValidationError("--only-deletes rewrites each segment by itself, and goes without --segments.")
        }
    }

    func run(_ client: SakuinClient, _ output: Output) async throws {
        let request = CompactionOptions(
            segments: segments ?? 1, onlyDeletes: onlyDeletes, bytesPerSecond: try Self.rate(megabytesPerSecond))
        let index = try await client.index(name)
        if dryRun { return show(try await index.estimateCompaction(request), output) }
        let job = try await index.startCompaction(request)
        if detach {
            output.json
                ? output.line(JobView.value(job).text)
                : output.line("Job \(job.id) was accepted; 'sakuin jobs' shows how far it is.")
            return
        }
        let ended = try await JobView.follow(job, index, output)
        switch ended.state {
        case .done: report(ended, output)
        default:
            // Daemons before say the error as a sentence only.
            throw ended.error
                ?? SakuinError(
                    ended.state == .cancelled ? .cancelled : .unavailable,
                    ended.message.isEmpty ? "The job is \(ended.state)." : ended.message, field: "job",
                    value: ended.id)
        }
    }

    /// Bytes of `--max-mb-per-s`.
    static func rate(_ megabytes: Double?) throws -> Int? {
        guard let megabytes else { return nil }
        guard megabytes >= 0.001, megabytes <= 1e9 else {
            throw SakuinError.invalid(
                "A rate is 0.001 to 1000000000 megabytes a second.", field: "max-mb-per-s", value: megabytes)
        }
        return Int(megabytes * 1e6)
    }

    private func report(_ job: JobStatus, _ output: Output) {
        if output.json {
            output.object([
                ("event", .string("done")), ("job", .string(job.id)),
                ("segmentsBefore", .integer(Int64(job.segmentsBefore))),
                ("segmentsAfter", .integer(Int64(job.segmentsAfter))),
                ("bytesBefore", .integer(Int64(job.bytesBefore))), ("bytesAfter", .integer(Int64(job.bytesAfter))),
                ("deadBytesBefore", .integer(Int64(job.deadBytesBefore))),
                ("deadBytesAfter", .integer(Int64(job.deadBytesAfter))),
                ("bytesRead", .integer(Int64(job.bytesRead))), ("bytesWritten", .integer(Int64(job.bytesWritten))),
                ("milliseconds", .integer(Int64(job.milliseconds))),
            ])
        } else {
            output.line(
                "\(job.segmentsBefore) segments of \(Output.size(job.bytesBefore)) became "
                    + "\(job.segmentsAfter) of \(Output.size(job.bytesAfter)) in \(job.milliseconds) ms; "
                    + "\(Output.size(job.deadBytesBefore)) of it was dead, \(Output.size(job.deadBytesAfter)) is.")
        }
    }

    private func show(_ e: CompactionEstimate, _ output: Output) {
        let numbers: [(String, Int)] = [
            ("segmentsBefore", e.segmentsBefore), ("segmentsAfter", e.segmentsAfter), ("bytesBefore", e.bytesBefore),
            ("bytesAfter", e.bytesAfter), ("bytesRead", e.bytesRead), ("bytesWritten", e.bytesWritten),
            ("deadDocuments", e.deadDocuments), ("freeBytes", e.freeBytes), ("milliseconds", e.milliseconds),
            ("bytesNeeded", e.bytesNeeded), ("memoryBytes", e.memoryBytes),
        ]
        if output.json {
            let refusal = e.refusal.map { [("refusal", JSONValue.string($0.description))] } ?? []
            output.object([("dryRun", .boolean(true))] + numbers.map { ($0.0, .integer(Int64($0.1))) } + refusal)
            return
        }
        output.line("Nothing was done. A compaction would")
        output.line("  leave \(e.segmentsAfter) of \(e.segmentsBefore) segments,")
        output.line("  read \(Output.size(e.bytesRead)) and write about \(Output.size(e.bytesWritten)),")
        output.line("  reclaim \(e.deadDocuments) dead documents, leave about \(Output.size(e.bytesAfter)),")
        output.line("  take about \(JobView.time(e.milliseconds)),")
        output.line("  need \(Output.size(e.bytesNeeded)) of the \(Output.size(e.freeBytes)) that are free,")
        output.line("  and take \(Output.size(e.memoryBytes)) of the memory.")
        if let refusal = e.refusal { output.line("It would not begin now: \(refusal)") }
    }
}

struct JobsCommand: OnlineCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "Show compactions, checks and merging in the background; pause, resume, cancel, throttle.",
        usage: "sakuin jobs [--json] [pause|resume|cancel|throttle ID] [--max-mb-per-s X]")
    @OptionGroup var options: ServerOptions
    @Argument(help: "pause, resume, cancel or throttle; without it all jobs are shown.") var action: String?
    @Argument(help: "The job: INDEX:NUMBER, or INDEX:merges.") var id: String?
    @Option(name: .customLong("max-mb-per-s"), help: "For throttle: megabytes a second; 0 lifts the limit.")
    var megabytesPerSecond: Double?

    func run(_ client: SakuinClient, _ output: Output) async throws {
        try check()
        guard let action else {
            let jobs = try await client.jobs()
            if output.json { return output.object([("jobs", .array(jobs.map { JobView.value($0) }))]) }
            for job in jobs { output.line(JobView.line(job)) }
            return
        }
        let steer = try jobAction(action)
        guard let id else {
            throw SakuinError.invalid(
                "Which job?", field: "job", nextStep: "Give its id; 'sakuin jobs' lists them.")
        }
        let (index, number) = try JobStatus.parse(id: id)
        let status = try await client.index(index).control(job: number, steer)
        output.line(output.json ? JobView.value(status).text : JobView.line(status))
    }

    /// Throws for a rate that nothing would be done with.
    func check() throws(SakuinError) {
        if let megabytesPerSecond, action != "throttle" {
            throw .invalid(
                "--max-mb-per-s is for throttle.", field: "max-mb-per-s", value: megabytesPerSecond,
                nextStep: "'sakuin jobs throttle ID --max-mb-per-s X'.")
        }
    }

    func jobAction(_ word: String) throws -> JobAction {
        switch word {
        case "pause": return .pause
        case "resume": return .resume
        case "cancel": return .cancel
        case "throttle":
            guard let megabytesPerSecond else {
                throw SakuinError.invalid(
                    "To what rate?", field: "max-mb-per-s", nextStep: "Give --max-mb-per-s; 0 lifts the limit.")
            }
            return .throttle(
                bytesPerSecond: megabytesPerSecond == 0 ? nil : try CompactCommand.rate(megabytesPerSecond))
        default:
            throw SakuinError.invalid(
                "Jobs can be paused, resumed, cancelled and throttled.", field: "action", value: word,
                nextStep: "'sakuin jobs pause|resume|cancel|throttle ID'.")
        }
    }
}

/// Jobs as lines, bars and JSON.
enum JobView {
    /// Looks at the job until it has ended and shows how it stands.
    static func follow(_ job: JobStatus, _ index: RemoteIndex, _ output: Output) async throws -> JobStatus {
        let isShown = output.json || Output.errorIsTerminal
        defer { if isShown, !output.json { clear() } }
        let follower = JobFollower(
            ask: { number in try await index.jobs().first { $0.number == number } },
            sleep: { try await Task.sleep(for: .milliseconds($0)) },
            tell: { job, event in
                if output.json {
                    if let event { output.line(value(job, event: event).text) }
                } else if isShown {
                    bar(job)
                }
            })
        return try await follower.follow(job)
    }

    static func value(_ job: JobStatus, event: String? = nil) -> JSONValue {
        var members: [(String, JSONValue)] = []
        if let event { members.append(("event", .string(event))) }
        members += [
            ("job", .string(job.id)), ("kind", .string(job.kind.description)), ("index", .string(job.index)),
            ("state", .string(job.state.description)),
            ("percent", .float((job.percent * 10).rounded() / 10)), ("bytesRead", .integer(Int64(job.bytesRead))),
            ("bytesTotal", .integer(Int64(job.bytesTotal))), ("bytesWritten", .integer(Int64(job.bytesWritten))),
            ("bytesToWrite", .integer(Int64(job.bytesToWrite))),
            ("deadBytesBefore", .integer(Int64(job.deadBytesBefore))),
            ("milliseconds", .integer(Int64(job.milliseconds))),
        ]
        if let left = job.millisecondsLeft { members.append(("millisecondsLeft", .integer(Int64(left)))) }
        if let rate = job.options.bytesPerSecond { members.append(("bytesPerSecond", .integer(Int64(rate)))) }
        if job.kind == .check {
            members.append(("problems", .array(job.findings.problems.map { .string($0) })))
        } else if job.number > 0 {
            members.append(("segments", .integer(Int64(job.options.segments))))
            members.append(("onlyDeletes", .boolean(job.options.onlyDeletes)))
        }
        if job.state.isFinal { members.append(("deadBytesAfter", .integer(Int64(job.deadBytesAfter)))) }
        if !job.message.isEmpty { members.append(("message", .string(job.message))) }
        return .object(members.map { .init(key: $0.0, value: $0.1) })
    }

    static func line(_ job: JobStatus) -> String {
        var text = "\(job.id)  \(job.kind == .check ? "check " : "")\(job.state)"
        if job.number == 0 {
            text += "  \(Output.size(job.bytesRead)) read, \(Output.size(job.bytesWritten)) written, "
            text += "\(Output.size(max(0, job.bytesTotal - job.bytesRead))) behind"
        } else {
            text += "  \(progress(job))"
        }
        if let rate = job.options.bytesPerSecond { text += "  at most \(Output.size(rate))/s" }
        return job.message.isEmpty ? text : text + "  \(job.message)"
    }

    private static func progress(_ job: JobStatus) -> String {
        var text = String(format: "%.0f %%", job.percent)
        text += "  \(Output.size(job.bytesRead)) of \(Output.size(job.bytesTotal)) read, "
        text +=
            job.kind == .check
            ? "\(job.findings.problems.count) problems" : "\(Output.size(job.bytesWritten)) written"
        if let left = job.millisecondsLeft { text += ", \(time(left)) left" }
        return text
    }

    /// A progress bar on standard error.
    static func bar(_ job: JobStatus) {
        let width = 24
        let filled = Int(job.percent / 100 * Double(width))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        let state = job.state == .running ? (job.message.isEmpty ? "" : " \(job.message)") : " \(job.state)"
        Output.write(Array("\r\u{1B}[K[\(bar)]\(state) \(progress(job))".utf8), to: STDERR_FILENO)
    }

    static func clear() { Output.write(Array("\r\u{1B}[K".utf8), to: STDERR_FILENO) }

    static func time(_ milliseconds: Int) -> String {
        let seconds = (milliseconds + 500) / 1000
        if milliseconds < 1000 { return "\(milliseconds) ms" }
        return seconds < 60 ? "\(seconds) s" : "\(seconds / 60) min \(seconds % 60) s"
    }
}

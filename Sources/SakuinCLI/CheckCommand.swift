// check: the files of a folder that no daemon has open, or an index of a daemon that is running.

import ArgumentParser
import Foundation
import SakuinClient
import SakuinEngine

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Verify every checksum and cross-reference of an index or data folder.",
        discussion: """
            With a folder it reads files that no daemon has open. With the name of an index it is a job of the daemon, at low \
            priority, while searches and writes go on; 'sakuin jobs' lists it, pauses and cancels it.
            """)
    @OptionGroup var options: ServerOptions
    @Flag(
        help:
            "Make a damaged index whole again out of what can be read, into new files; damaged ones go to quarantine/.")
    var repair = false
    @Flag(help: "TARGET is the name of an index, also when there is a folder of that name.") var online = false
    @Option(name: .customLong("max-mb-per-s"), help: "Megabytes a second the daemon may read for it.")
    var megabytesPerSecond: Double?
    @Flag(help: "Return when the job is accepted; 'sakuin jobs' shows how far it is.") var detach = false
    @Argument(
        help: """
            The folder of an index or of a snapshot, or the data folder of a daemon that is not running; or the name of an \
            index of a running one.
            """)
    var target: String

    private var json: Bool { options.json }

    /// What is no folder and looks like no path is the name of an index.
    private var isOnline: Bool {
        if online { return true }
        return !target.contains("/") && !FileManager.default.fileExists(atPath: target)
    }

    func run() async throws {
        let output = Output(json: json)
        do {
            if isOnline {
                if repair {
                    throw SakuinError.invalid(
                        "An index that is open is not repaired.", field: "repair", value: target,
                        nextStep: "Stop the daemon and give the folder of the index.")
                }
                return try await OnlineCheckCommand(check: self).run()
            }
            if megabytesPerSecond != nil || detach {
                throw SakuinError.invalid(
                    "--max-mb-per-s and --detach are for an index of a running daemon; \(target) is a folder.",
                    field: "target", value: target, nextStep: "Give --online to check the index of that name.")
            }
            try checkFolders(output)
        } catch let error as SakuinError {
            output.fail(error)
            throw ExitCode(2)
        }
    }

    private func checkFolders(_ output: Output) throws {
        var problems = 0
        var failed = false
        if let problem = try aliasProblem() {
            output.json
                ? output.object([("folder", .string(target)), ("problems", .array([.string(problem)]))])
                : output.line(problem)
            problems += repair ? 0 : 1
        }
        let folders = try indexFolders()
        if folders.isEmpty {
            output.json
                ? output.object([("folder", .string(target)), ("indexes", .integer(0))])
                : output.line("\(target): there is no index in it.")
        }
        for path in folders {
            do {
                let found = try check(path, output)
                if repair, found > 0 {
                    problems += try mend(path, output) ? try check(path, output) : found
                } else {
                    problems += found
                }
            } catch let error as SakuinError {
                // The others are looked at all the same.
                output.fail(error)
                failed = true
            }
        }
        if failed { throw ExitCode(2) }
        if problems > 0 { throw ExitCode(1) }
    }

    /// Of a data folder.
    private func aliasProblem() throws -> String? {
        guard FileManager.default.fileExists(atPath: target + "/indexes") else { return nil }
        return try IndexCheck.aliasProblem(path: target, repairs: repair)
    }

    private func indexFolders() throws -> [String] {
        let files = FileManager.default
        guard let names = try? files.contentsOfDirectory(atPath: target) else {
            throw SakuinError(.notFound, "\(target) cannot be read.", field: "folder", value: target)
        }
        guard names.contains("indexes") else {
            // A lock in it, and the advice to repair it, are the last that another folder needs.
            guard IndexCheck.holdsIndex(names) else {
                throw SakuinError(
                    .notFound, "\(target) holds no files of an index.", field: "folder", value: target,
                    nextStep: "Give a data folder, or one of those below its 'indexes' or 'snapshots'; "
                        + "with --online it is the name of an index.")
            }
            return [target]
        }
        func inside(_ path: String) throws -> [String] {
            try files.contentsOfDirectory(atPath: path).filter { !$0.hasPrefix(".") }.sorted().map { path + "/" + $0 }
        }
        let indexes = try inside(target + "/indexes")
        // A snapshot is not repaired: it would not be what it was.
        guard names.contains("snapshots"), !repair else { return indexes }
        return indexes + (try inside(target + "/snapshots").flatMap(inside))
    }

    /// Whether the index can be written again.
    private func mend(_ path: String, _ output: Output) throws -> Bool {
        let report = try IndexRepair.run(path: path)
        if output.json {
            output.object([
                ("folder", .string(path)), ("savedDocuments", .integer(Int64(report.savedDocuments))),
                ("exportedDocuments", .integer(Int64(report.exportedDocuments))),
                ("lostDocuments", .integer(Int64(report.lostDocuments))),
                ("actions", .array(report.actions.map { .string($0) })), ("isWhole", .boolean(report.isWhole)),
            ])
        } else {
            output.line(
                "\(path): \(report.savedDocuments) documents saved, \(report.exportedDocuments) exported, "
                    + "\(report.lostDocuments) lost.")
            for action in report.actions { output.line("  " + action) }
        }
        return report.isWhole
    }

    private func check(_ path: String, _ output: Output) throws -> Int {
        let report = try IndexCheck.run(path: path)
        if output.json {
            output.object([
                ("folder", .string(path)), ("files", .integer(Int64(report.files))),
                ("bytes", .integer(Int64(report.bytes))), ("segments", .integer(Int64(report.segments))),
                ("documents", .integer(Int64(report.documents))), ("terms", .integer(Int64(report.terms))),
                ("problems", .array(report.problems.map { .string($0) })),
                ("notes", .array(report.notes.map { .string($0) })),
                ("deletedDocuments", .integer(Int64(report.deletedDocuments))),
            ])
        } else {
            output.line(
                "\(path): \(report.files) files, \(Output.size(report.bytes)), \(report.segments) segments, "
                    + "\(CheckView.documents(report.documents, deleted: report.deletedDocuments)), \(report.terms) terms: "
                    + (report.problems.isEmpty ? "good." : "\(report.problems.count) problems."))
            for problem in report.problems { output.line("  " + problem) }
            for note in report.notes { output.line("  " + note) }
            if !report.problems.isEmpty, !report.isOfLaterFormat, !repair {
                output.line("  'sakuin check --repair \(path)' saves what can be read, into new files.")
            }
        }
        return report.problems.count
    }
}

enum CheckView {
    /// Those that live, and how many are deleted.
    static func documents(_ all: Int, deleted: Int) -> String {
        "\(all - deleted) documents" + (deleted > 0 ? " and \(deleted) deleted" : "")
    }
}

/// The check of an index of a running daemon.
private struct OnlineCheckCommand {
    let check: CheckCommand

    func run() async throws {
        let client = try check.options.client()
        defer { Task { await client.close() } }
        let output = Output(json: check.options.json)
        let index = try await client.index(check.target)
        let job: JobStatus
        do {
            job = try await index.startCheck(bytesPerSecond: try CompactCommand.rate(check.megabytesPerSecond))
        } catch let error as SakuinError where error.code == .notFound && !check.online {
            throw SakuinError(
                .notFound, "'\(check.target)' is neither a folder nor an index of the daemon.", field: "target",
                value: check.target, nextStep: "'sakuin index list' shows the indexes.")
        }
        if check.detach {
            return output.json
                ? output.line(JobView.value(job).text)
                : output.line("Job \(job.id) was accepted; 'sakuin jobs' shows how far it is.")
        }
        let ended = try await JobView.follow(job, index, output)
        guard ended.state == .done else {
            throw SakuinError(
                ended.state == .cancelled ? .cancelled : .unavailable,
                ended.message.isEmpty ? "The job is \(ended.state)." : ended.message, field: "job", value: ended.id)
        }
        report(ended, output)
        if !ended.findings.problems.isEmpty { throw ExitCode(1) }
    }

    private func report(_ job: JobStatus, _ output: Output) {
        let found = job.findings
        if output.json {
            return output.object([
                ("event", .string("done")), ("job", .string(job.id)), ("index", .string(job.index)),
                ("segments", .integer(Int64(found.segments))), ("documents", .integer(Int64(found.documents))),
                ("terms", .integer(Int64(found.terms))), ("problems", .array(found.problems.map { .string($0) })),
                ("untoldProblems", .integer(Int64(found.untoldProblemCount))),
                ("milliseconds", .integer(Int64(job.milliseconds))),
                ("deletedDocuments", .integer(Int64(found.deletedDocuments))),
            ])
        }
        let count = found.problems.count + found.untoldProblemCount
        output.line(
            "\(job.index): \(found.segments) segments, "
                + "\(CheckView.documents(found.documents, deleted: found.deletedDocuments)), \(found.terms) terms in "
                + "\(JobView.time(job.milliseconds)): " + (count == 0 ? "good." : "\(count) problems."))
        for problem in found.problems { output.line("  " + problem) }
        if found.untoldProblemCount > 0 { output.line("  and \(found.untoldProblemCount) more.") }
        if count > 0 {
            output.line("  Stop the daemon; then 'sakuin check --repair' on its folder saves what can be read.")
        }
    }
}

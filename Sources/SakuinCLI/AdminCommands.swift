// stats, segments, check, and the commands a later version brings.

import ArgumentParser
import Foundation
import SakuinClient
import SakuinEngine

struct StatsCommand: OnlineCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Show counts and sizes of an index.")
    @OptionGroup var options: ServerOptions
    @Argument(help: "The index.") var name: String

    func run(_ client: SakuinClient, _ output: Output) async throws {
        let s = try await client.index(name).statistics()
        let numbers: [(String, Int)] = [
            ("documents", s.documents), ("deletedDocuments", s.deletedDocuments),
            ("pendingOperations", s.pendingOperations), ("segments", s.segments), ("bytes", s.bytes),
            ("journalBytes", s.journalBytes), ("textBytes", s.textBytes), ("memoryBytes", s.memoryBytes),
            ("sequence", Int(clamping: s.sequence)), ("visibleSequence", Int(clamping: s.visibleSequence)),
            ("committedSequence", Int(clamping: s.committedSequence)), ("generation", Int(clamping: s.generation)),
            ("runningMerges", s.runningMerges), ("mergeDebtBytes", s.mergeDebtBytes),
            ("flushedBytes", s.flushedBytes), ("mergedBytes", s.mergedBytes),
            ("memoryBudgetBytes", s.memoryBudgetBytes), ("diskFreeBytes", s.diskFreeBytes),
            ("openReaders", s.openReaders), ("heldBytes", s.heldBytes),
        ]
        if output.json {
            let schema = try JSONValue(parsing: Array(s.schema.json().utf8))
            output.object(
                [("name", .string(name))] + numbers.map { ($0.0, .integer(Int64($0.1))) } + [
                    ("writeAmplification", .float(s.writeAmplification)), ("slowness", .string(s.slowness)),
                    ("complete", .boolean(s.complete)), ("quarantined", .array(s.quarantined.map { .string($0) })),
                    ("schema", schema),
                ])
            return
        }
        for (label, value) in numbers {
            let shown = label.lowercased().hasSuffix("bytes") ? Output.size(value) : "\(value)"
            output.line(DisplayWidth.fit(label, columns: 20) + shown)
        }
        output.line(
            DisplayWidth.fit("writeAmplification", columns: 20) + String(format: "%.2f", s.writeAmplification))
        if !s.slowness.isEmpty { output.line(s.slowness) }
        if !s.complete { output.line("not complete, read-only:") }
        for problem in s.quarantined { output.line("  \(problem)") }
    }
}

struct SegmentsCommand: OnlineCommand {
    static let configuration = CommandConfiguration(commandName: "segments", abstract: "Show the segments of an index.")
    @OptionGroup var options: ServerOptions
    @Argument(help: "The index.") var name: String

    func run(_ client: SakuinClient, _ output: Output) async throws {
        let segments = try await client.index(name).segments()
        if output.json {
            output.object([("segments", .array(segments.map(Self.value)))])
            return
        }
        for segment in segments {
            let parts = segment.sections.map { "\($0.name) \(Output.size($0.bytes))" }.joined(separator: ", ")
            output.line(
                "\(segment.file)  \(segment.documents) documents, \(segment.deletedDocuments) deleted, "
                    + "\(Output.size(segment.bytes))\(segment.committed ? "" : ", not committed")")
            output.line("    \(parts)")
        }
    }

    private static func value(_ segment: SegmentStatistics) -> JSONValue {
        .object([
            .init(key: "file", value: .string(segment.file)),
            .init(key: "formatVersion", value: .integer(Int64(segment.formatVersion))),
            .init(key: "documents", value: .integer(Int64(segment.documents))),
            .init(key: "deletedDocuments", value: .integer(Int64(segment.deletedDocuments))),
            .init(key: "bytes", value: .integer(Int64(segment.bytes))),
            .init(key: "committed", value: .boolean(segment.committed)),
            .init(
                key: "sections",
                value: .object(segment.sections.map { .init(key: $0.name, value: .integer(Int64($0.bytes))) })),
        ])
    }
}

/// Works on the files of a folder that no daemon has open.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Verify every checksum and cross-reference of an index or data folder.")
    @Flag(help: "Answer in JSON.") var json = false
    @Flag(
        help:
            "Make a damaged index whole again out of what can be read, into new files; damaged ones go to quarantine/.")
    var repair = false
    @Argument(help: "The folder of an index or of a snapshot, or the data folder of a daemon that is not running.")
    var folder: String

    func run() throws {
        let output = Output(json: json)
        do {
            var problems = 0
            for path in try indexFolders() {
                let found = try check(path, output)
                if repair, found > 0 {
                    problems += try mend(path, output) ? try check(path, output) : found
                } else {
                    problems += found
                }
            }
            if problems > 0 { throw ExitCode(1) }
        } catch let error as SakuinError {
            output.fail(error)
            throw ExitCode(2)
        }
    }

    private func indexFolders() throws -> [String] {
        let files = FileManager.default
        guard let names = try? files.contentsOfDirectory(atPath: folder) else {
            throw SakuinError(.notFound, "\(folder) cannot be read.", field: "folder", value: folder)
        }
        guard names.contains("indexes") else { return [folder] }
        func inside(_ path: String) throws -> [String] {
            try files.contentsOfDirectory(atPath: path).filter { !$0.hasPrefix(".") }.sorted().map { path + "/" + $0 }
        }
        let indexes = try inside(folder + "/indexes")
        // A snapshot is not repaired: it would not be what it was.
        guard names.contains("snapshots"), !repair else { return indexes }
        return indexes + (try inside(folder + "/snapshots").flatMap(inside))
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
            ])
        } else {
            output.line(
                "\(path): \(report.files) files, \(Output.size(report.bytes)), \(report.segments) segments, "
                    + "\(report.documents) documents, \(report.terms) terms: "
                    + (report.problems.isEmpty ? "good." : "\(report.problems.count) problems."))
            for problem in report.problems { output.line("  " + problem) }
            for note in report.notes { output.line("  " + note) }
            if !report.problems.isEmpty, !repair {
                output.line("  'sakuin check --repair \(path)' saves what can be read, into new files.")
            }
        }
        return report.problems.count
    }
}

/// Commands that later versions bring say so, instead of not being there.
protocol LaterCommand: ParsableCommand {
    static var name: String { get }
    static var instead: String { get }
    var words: [String] { get }
}

extension LaterCommand {
    func run() throws {
        Output(json: words.contains("--json")).fail(
            SakuinError(.unimplemented, "'\(Self.name)' is not in this version.", nextStep: Self.instead))
        throw ExitCode(2)
    }
}

struct WireCommand: LaterCommand {
    static let configuration = CommandConfiguration(commandName: "wire", abstract: "Not in this version.")
    static let name = "wire decode"
    static let instead = "PROTOCOL.md tells how to read frames."
    @Argument(parsing: .captureForPassthrough) var words: [String] = []
}

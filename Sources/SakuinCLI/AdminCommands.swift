// stats and segments.

import ArgumentParser
import Foundation
import SakuinClient

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
            ("openReaders", s.openReaders), ("heldBytes", s.heldBytes), ("deadBytes", s.deadBytes),
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
        let index = try await client.index(name)
        let segments = try await index.segments()
        let missing = try await index.statistics().quarantined
        if output.json {
            output.object([
                ("segments", .array(segments.map(Self.value))), ("complete", .boolean(missing.isEmpty)),
                ("quarantined", .array(missing.map { .string($0) })),
            ])
            return
        }
        output.warn(missing: missing)
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

// delete: by key, or what matches a query.

import ArgumentParser
import Foundation
import SakuinClient

struct DeleteCommand: OnlineCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete documents by key, or those that match a query.")
    @OptionGroup var options: ServerOptions
    @OptionGroup var variants: VariantOptions
    @Argument(help: "The index.") var name: String
    @Argument(help: "The key.") var key: String?
    @Option(help: "File with a key a line; - for standard input.") var keys: String?
    @Option(help: "Delete the documents that match; '*:*' is all of them.") var query: String?
    @Option(help: "With --query: exact or smart.") var mode: String?
    @Option(help: "With --query: a query documents must match besides.") var filter: String?
    @Option(help: "With --query: fields a bare word is looked for in, with commas between.") var fields: String?
    @Flag(name: .customLong("dry-run"), help: "With --query: count what would be deleted, and delete nothing.")
    var isDryRun = false
    @Option(help: "When a batch of deletions is acknowledged: memory, log or disk.") var ack = "disk"
    @Option(
        name: .customLong("timeout-ms"),
        help: "With --query: how long it may take; 0: any time. What was deleted by then stays deleted.")
    var timeout: UInt32?

    var deadlineMilliseconds: UInt32 { timeout ?? 0 }

    private static let batchCount = 5_000

    func run(_ client: SakuinClient, _ output: Output) async throws {
        try check()
        let index = try await client.index(name)
        if let query {
            try await delete(query, index, output)
        } else {
            try await deleteKeys(index, output)
        }
    }

    /// What is wrong with the options, before anybody is asked.
    func check() throws(SakuinError) {
        guard [key, keys, query].count(where: { $0 != nil }) == 1 else {
            throw .invalid("Give a key, --keys or --query, one of them.", field: "keys")
        }
        let others: [(String, Bool)] = [
            ("mode", mode != nil), ("filter", filter != nil), ("fields", fields != nil),
            ("variants", variants.variants != nil), ("dry-run", isDryRun), ("timeout-ms", timeout != nil),
        ]
        for (name, isGiven) in others where isGiven && query == nil {
            throw .invalid("--\(name) goes with --query.", field: name)
        }
        if let mode { _ = try SearchMode(option: mode) }
        _ = try AcknowledgementLevel(option: ack)
    }

    // MARK: By query

    private func delete(_ query: String, _ index: RemoteIndex, _ output: Output) async throws {
        var request = DeletionRequest(query)
        request.mode = try mode.map { try SearchMode(option: $0) } ?? .exact
        request.variants = try variants.folding()
        request.filter = filter.map { .text($0) }
        request.fields = fields?.listedNames ?? []
        request.isDryRun = isDryRun
        request.acknowledge = try AcknowledgementLevel(option: ack)
        let receipt = try await index.delete(matching: request)
        let unseen = isDryRun ? nil : try await index.refresh(behind: receipt.level)
        if output.json {
            output.object(
                [
                    ("query", .string(query)), ("dryRun", .boolean(isDryRun)),
                    ("matched", .integer(Int64(receipt.matched))), ("deleted", .integer(Int64(receipt.deleted))),
                    ("skipped", .integer(Int64(receipt.skipped))),
                    ("sequence", .integer(Int64(clamping: receipt.sequence))),
                    ("level", .string(receipt.level.rawValue)),
                    ("notes", .array(receipt.notes.map { .string($0) })),
                ] + Output.members(unseen: unseen))
        } else {
            for note in receipt.notes { output.warn("note: \(note)") }
            output.line(Self.sentence(receipt, isDryRun: isDryRun))
        }
        output.warn(unseen: unseen, at: receipt.level)
    }

    /// What was done, for people.
    static func sentence(_ receipt: DeletionReceipt, isDryRun: Bool) -> String {
        if isDryRun { return "\(receipt.matched) documents match; nothing was deleted." }
        if receipt.matched == 0 { return "0 documents matched." }
        let skipped =
            receipt.skipped == 0 ? "" : "; \(receipt.skipped) were written again or deleted by others meanwhile"
        if receipt.deleted == 0 { return "0 of \(receipt.matched) documents that matched were deleted\(skipped)." }
        return "\(receipt.deleted) of \(receipt.matched) documents that matched were deleted, acknowledged on "
            + "\(receipt.level.rawValue) up to sequence \(receipt.sequence)\(skipped)."
    }

    // MARK: By key

    private func deleteKeys(_ index: RemoteIndex, _ output: Output) async throws {
        var sequence: UInt64 = 0
        let level = try AcknowledgementLevel(option: ack)
        var count = 0
        var operations: [WriteOperation] = key.map { [.delete($0)] } ?? []
        func send() async throws {
            if operations.isEmpty { return }
            let receipt = try await index.write(WriteBatch(operations, acknowledge: level))
            sequence = receipt.sequence
            count += receipt.applied
            operations.removeAll(keepingCapacity: true)
        }
        if let keys {
            let source = try LineSource(keys)
            while let line = try source.next() {
                var text = String(decoding: line, as: UTF8.self)
                if text.hasSuffix("\r") { text.removeLast() }
                if text.isEmpty { continue }
                operations.append(.delete(text))
                if operations.count >= Self.batchCount { try await send() }
            }
        }
        try await send()
        let unseen = try await index.refresh(behind: level)
        if output.json {
            output.object(
                [
                    ("deletions", .integer(Int64(count))), ("sequence", .integer(Int64(clamping: sequence))),
                    ("level", .string(level.rawValue)),
                ] + Output.members(unseen: unseen))
        } else {
            output.line("\(count) deletions acknowledged on \(level.rawValue) up to sequence \(sequence).")
        }
        output.warn(unseen: unseen, at: level)
    }
}

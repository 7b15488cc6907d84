// count, get, delete.

import ArgumentParser
import Foundation
import SakuinClient

struct CountCommand: OnlineCommand {
    static let configuration = CommandConfiguration(commandName: "count", abstract: "Count the documents that match.")
    @OptionGroup var options: ServerOptions
    @OptionGroup var moment: MomentOptions
    @OptionGroup var variants: VariantOptions
    @Argument(help: "The index.") var name: String
    @Argument(help: "The query.") var query: String
    @Option(help: "A query documents must match besides.") var filter: String?
    @Option(help: "Fields a bare word is looked for in, with commas between.") var fields: String?
    @Option(name: .customLong("timeout-ms"), help: "How long the count may take; 0: any time.") var timeout: UInt32 = 0

    var deadlineMilliseconds: UInt32 { timeout }

    func run(_ client: SakuinClient, _ output: Output) async throws {
        var request = SearchRequest(.text(query), limit: 0)
        request.fields = fields?.split(separator: ",").map(String.init) ?? []
        request.filter = filter.map { .text($0) }
        request.variants = try variants.folding()
        request.moment = try moment.moment()
        let response = try await client.index(name).search(request)
        if output.json {
            output.object([
                ("query", .string(query)), ("total", .integer(Int64(response.total.value))),
                ("complete", .boolean(response.complete)), ("notes", .array(response.notes.map { .string($0) })),
            ])
        } else {
            if response.complete {
                for note in response.notes { output.warn("note: \(note)") }
            } else {
                output.warn(missing: response.notes)
            }
            output.line("\(response.total.value)")
        }
    }
}

struct GetCommand: OnlineCommand {
    static let configuration = CommandConfiguration(commandName: "get", abstract: "Print the document with a key.")
    @OptionGroup var options: ServerOptions
    @OptionGroup var moment: MomentOptions
    @Argument(help: "The index.") var name: String
    @Argument(help: "The key.") var key: String

    func run(_ client: SakuinClient, _ output: Output) async throws {
        let fetched = try await client.index(name).fetch([key], at: try moment.moment())
        output.warn(missing: fetched.missing)
        guard let document = fetched.documents.first ?? nil else {
            output.fail(
                SakuinError(
                    .notFound,
                    fetched.complete
                        ? "There is no document '\(key)'." : "There is no document '\(key)' in what can be read.",
                    field: "key", value: key,
                    nextStep: fetched.complete ? nil : "The index is not complete: 'sakuin stats' says what is missing."
                ))
            throw ExitCode(1)
        }
        if output.json {
            output.line(String(decoding: document.json(), as: UTF8.self))
            return
        }
        for field in document.fields {
            var writer = JSONWriter()
            writer.append(field.value)
            output.line("\(field.name): \(field.value.text ?? writer.text)")
        }
    }
}

struct DeleteCommand: OnlineCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete documents by key.")
    @OptionGroup var options: ServerOptions
    @Argument(help: "The index.") var name: String
    @Argument(help: "The key.") var key: String?
    @Option(help: "File with a key a line; - for standard input.") var keys: String?

    private static let batchCount = 5_000

    func run(_ client: SakuinClient, _ output: Output) async throws {
        guard (key == nil) != (keys == nil) else {
            throw SakuinError.invalid("Give a key or --keys, one of them.", field: "keys")
        }
        let index = try await client.index(name)
        var sequence: UInt64 = 0
        var level = AcknowledgementLevel.disk
        var count = 0
        var operations: [WriteOperation] = key.map { [.delete($0)] } ?? []
        func send() async throws {
            if operations.isEmpty { return }
            let receipt = try await index.write(WriteBatch(operations))
            sequence = receipt.sequence
            level = receipt.level
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

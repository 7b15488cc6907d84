// count, get.

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
        request.fields = fields?.listedNames ?? []
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

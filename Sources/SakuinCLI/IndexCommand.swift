// index create, list, schema, drop, alias.

import ArgumentParser
import Foundation
import SakuinClient

struct IndexCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index", abstract: "Create, list, describe, drop, alias and reopen indexes.",
        subcommands: [Create.self, List.self, Describe.self, Drop.self, Alias.self, Reopen.self])

    struct Create: OnlineCommand {
        static let configuration = CommandConfiguration(abstract: "Create an index.")
        @OptionGroup var options: ServerOptions
        @Argument(help: "The index.") var name: String
        @Option(
            help: "Schema file, or - for standard input; without it title and body are text and the rest is stored.")
        var schema: String?
        @Flag(
            help: "Smaller on disk, slower for phrases of four characters and more; what the schema file may say too.")
        var compact = false

        func run(_ client: SakuinClient, _ output: Output) async throws {
            var definition = Schema.standard
            if let schema { definition = try InputFile.schema(schema) }
            if compact { definition.compact = true }
            try await client.create(index: name, schema: definition)
            if output.json {
                output.object([("created", .string(name))])
            } else {
                output.line("Created index \(name).")
            }
        }
    }

    struct List: OnlineCommand {
        static let configuration = CommandConfiguration(abstract: "List the indexes.")
        @OptionGroup var options: ServerOptions

        func run(_ client: SakuinClient, _ output: Output) async throws {
            let indexes = try await client.list()
            if output.json {
                output.object([
                    (
                        "indexes",
                        .array(
                            indexes.map {
                                .object([
                                    .init(key: "name", value: .string($0.name)),
                                    .init(key: "aliases", value: .array($0.aliases.map { .string($0) })),
                                    .init(key: "documents", value: .integer(Int64($0.documents))),
                                    .init(key: "bytes", value: .integer(Int64($0.bytes))),
                                    .init(key: "complete", value: .boolean($0.problems.isEmpty)),
                                    .init(key: "problems", value: .array($0.problems.map { .string($0) })),
                                ])
                            })
                    )
                ])
                return
            }
            if indexes.isEmpty { output.line("There is no index.") }
            for index in indexes {
                let aliases = index.aliases.isEmpty ? "" : "  (\(index.aliases.joined(separator: ", ")))"
                output.line(
                    DisplayWidth.fit(index.name, columns: 24) + " \(index.documents) documents, "
                        + Output.size(index.bytes) + aliases)
                for problem in index.problems { output.line("  not complete: \(problem)") }
            }
        }
    }

    struct Describe: OnlineCommand {
        static let configuration = CommandConfiguration(
            commandName: "schema", abstract: "Print the schema file that makes an index like this one.")
        @OptionGroup var options: ServerOptions
        @Argument(help: "The index.") var name: String

        func run(_ client: SakuinClient, _ output: Output) async throws {
            output.line(try await client.index(name).statistics().schema.json())
        }
    }

    struct Drop: OnlineCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove an index and its files, or an alias alone.",
            discussion: "The index that an alias leads to stays, with its files and its other aliases.")
        @OptionGroup var options: ServerOptions
        @Argument(help: "The index or alias.") var name: String

        func run(_ client: SakuinClient, _ output: Output) async throws {
            let target = try await client.list().first { $0.aliases.contains(name) }?.name
            try await client.drop(index: name)
            switch (output.json, target) {
            case (true, let target?): output.object([("droppedAlias", .string(name)), ("target", .string(target))])
            case (true, nil): output.object([("dropped", .string(name))])
            case (false, let target?): output.line("Removed alias \(name); index \(target) stays.")
            case (false, nil): output.line("Dropped index \(name).")
            }
        }
    }

    struct Reopen: OnlineCommand {
        static let configuration = CommandConfiguration(
            abstract: "Close an index and open it again from its files.",
            discussion: """
                For an index that takes no writes after a failure of the disk, or that could not be opened, once the cause \
                is mended. Points in time end.
                """)
        @OptionGroup var options: ServerOptions
        @Argument(help: "The index.") var name: String

        func run(_ client: SakuinClient, _ output: Output) async throws {
            let index = try await client.reopen(index: name)
            if output.json {
                output.object([
                    ("reopened", .string(index.name)), ("documents", .integer(Int64(index.documents))),
                    ("complete", .boolean(index.problems.isEmpty)),
                    ("problems", .array(index.problems.map { .string($0) })),
                ])
            } else {
                output.line("Opened \(index.name) again: \(index.documents) documents.")
                for problem in index.problems { output.line("  not complete: \(problem)") }
            }
        }
    }

    struct Alias: OnlineCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a name lead to an index.", discussion: "'sakuin index drop ALIAS' removes it again.")
        @OptionGroup var options: ServerOptions
        @Argument(help: "The alias, which may lead to another index so far.") var name: String
        @Argument(help: "The index.") var target: String

        func run(_ client: SakuinClient, _ output: Output) async throws {
            try await client.alias(name, to: target)
            if output.json {
                output.object([("alias", .string(name)), ("target", .string(target))])
            } else {
                output.line("\(name) leads to \(target).")
            }
        }
    }
}

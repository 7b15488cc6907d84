// snapshot create, list, restore, delete.

import ArgumentParser
import SakuinClient

struct SnapshotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot", abstract: "Create, list, restore and delete snapshots for backup.",
        subcommands: [Create.self, List.self, Restore.self, Delete.self])

    struct Create: OnlineCommand {
        static let configuration = CommandConfiguration(
            abstract: "Back up an index as it is now, while it is written and searched.")
        @OptionGroup var options: ServerOptions
        @Argument(help: "The index.") var index: String
        @Argument(help: "A name for the snapshot; without one the time in UTC, like 20261124-153000.")
        var snapshot: String?

        func run(_ client: SakuinClient, _ output: Output) async throws {
            let listing = try await client.createSnapshot(of: index, name: snapshot)
            if output.json {
                output.line(SnapshotCommand.value(listing).text)
            } else {
                output.line(
                    "Created snapshot \(listing.name) of \(listing.index): \(listing.documents) documents, "
                        + "\(Output.size(listing.bytes)).")
            }
        }
    }

    struct List: OnlineCommand {
        static let configuration = CommandConfiguration(abstract: "List the snapshots.")
        @OptionGroup var options: ServerOptions
        @Argument(help: "The index; without one those of all.") var index: String?

        func run(_ client: SakuinClient, _ output: Output) async throws {
            let listings = try await client.listSnapshots(of: index)
            if output.json {
                output.object([("snapshots", .array(listings.map(SnapshotCommand.value)))])
                return
            }
            if listings.isEmpty { output.line("There is no snapshot.") }
            for listing in listings {
                output.line(
                    DisplayWidth.fit(listing.index, columns: 20) + " " + DisplayWidth.fit(listing.name, columns: 24)
                        + " \(listing.created)  \(listing.documents) documents, \(Output.size(listing.bytes)), "
                        + "\(Output.size(listing.ownBytes)) of its own")
                if let problem = listing.problem { output.line("    not whole: \(problem)") }
            }
        }
    }

    struct Restore: OnlineCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an index of a snapshot; the snapshot stays.")
        @OptionGroup var options: ServerOptions
        @Argument(help: "The index it was made of.") var index: String
        @Argument(help: "The snapshot.") var snapshot: String
        @Option(name: .customLong("as"), help: "A name for the index, if not that of the one it was made of.")
        var newName: String?

        func run(_ client: SakuinClient, _ output: Output) async throws {
            let restored = try await client.restoreSnapshot(snapshot, of: index, as: newName)
            if output.json {
                output.object([
                    ("restored", .string(restored.name)), ("documents", .integer(Int64(restored.documents))),
                    ("bytes", .integer(Int64(restored.bytes))),
                ])
            } else {
                output.line("Restored snapshot \(snapshot) as index \(restored.name): \(restored.documents) documents.")
            }
        }
    }

    struct Delete: OnlineCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a snapshot; the index stays.")
        @OptionGroup var options: ServerOptions
        @Argument(help: "The index it was made of.") var index: String
        @Argument(help: "The snapshot.") var snapshot: String

        func run(_ client: SakuinClient, _ output: Output) async throws {
            try await client.deleteSnapshot(snapshot, of: index)
            if output.json {
                output.object([("deleted", .string(snapshot)), ("index", .string(index))])
            } else {
                output.line("Deleted snapshot \(snapshot) of \(index).")
            }
        }
    }

    private static func value(_ listing: SnapshotListing) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init(key: "index", value: .string(listing.index)), .init(key: "snapshot", value: .string(listing.name)),
            .init(key: "created", value: .string(listing.created)),
            .init(key: "version", value: .string(listing.version)),
            .init(key: "documents", value: .integer(Int64(listing.documents))),
            .init(key: "bytes", value: .integer(Int64(listing.bytes))),
            .init(key: "ownBytes", value: .integer(Int64(listing.ownBytes))),
            .init(key: "sequence", value: .integer(Int64(clamping: listing.sequence))),
            .init(key: "generation", value: .integer(Int64(clamping: listing.generation))),
        ]
        if let problem = listing.problem { members.append(.init(key: "problem", value: .string(problem))) }
        return .object(members)
    }
}

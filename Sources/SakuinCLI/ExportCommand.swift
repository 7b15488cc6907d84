// export: all documents as JSON lines, of which `import` makes the same index again, or word of what it would not.

import ArgumentParser
import Foundation
import SakuinClient

struct ExportCommand: OnlineCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print all documents as JSON Lines.")
    @OptionGroup var options: ServerOptions
    @OptionGroup var moment: MomentOptions
    @Argument(help: "The index.") var name: String
    @Option(help: "The field that holds the key; put there where a document has no such field.") var key = "id"
    @Flag(help: "Fields that are not stored may be missing: exit with 0 all the same.") var incomplete = false

    func run(_ client: SakuinClient, _ output: Output) async throws {
        let index = try await client.index(name)
        let unstored = try await index.statistics().schema.fields.filter { !$0.stored }.map(\.name)
        let point = try await Point(index, try moment.moment())
        // Nothing is printed before it is known that every line says which document it is.
        var missing = try await check(point)
        // A server says which writes cannot be seen, but for older ones.
        if missing.isEmpty { missing = point.unseen }
        try await print(point)
        output.warn(missing: missing)
        output.warn(unstored: unstored)
        // Whoever takes it for a backup has to notice.
        if !missing.isEmpty || !(unstored.isEmpty || incomplete) { throw ExitCode(1) }
    }

    /// Goes through all documents; throws when the key field of one is not its key. Returns what is missing.
    private func check(_ point: Point) async throws -> [String] {
        let pages = try await point.pages()
        for try await page in pages {
            for document in page { try Self.check(document, key) }
            try await point.keepAlive()
        }
        return pages.missing
    }

    static func check(_ document: Document, _ keyField: String) throws(SakuinError) {
        guard let value = document[keyField], !document.isKey(value) else { return }
        let other = document.fields.first { document.isKey($0.value) }?.name ?? "_key"
        throw SakuinError(
            .failedPrecondition,
            "Document '\(document.key)' has something else than its key in field '\(keyField)': read again it would be another document.",
            field: "key", value: keyField, nextStep: "Export and import with --key \(other).")
    }

    private func print(_ point: Point) async throws {
        let pages = try await point.pages()
        // They are those of one moment without it too, and who reads them may take longer than its lease.
        try await point.close()
        for try await page in pages {
            var bytes: [UInt8] = []
            for document in page {
                bytes.append(contentsOf: document.json(keyField: key))
                bytes.append(10)
            }
            Output.write(bytes, to: STDOUT_FILENO)
        }
    }
}

extension Document {
    /// Whether an import that finds the key in this value comes to the key of the document.
    func isKey(_ value: FieldValue) -> Bool {
        switch value {
        case .string(let text): text == key
        case .integer(let number): String(number) == key
        case .null, .boolean, .float, .json: false
        }
    }
}

/// The point in time that an export goes through twice: one that was named, or one of its own.
private final class Point {
    private static let leaseMilliseconds = 600_000
    private let index: RemoteIndex
    private let token: String
    private let isOwn: Bool
    private var used = ContinuousClock.now
    /// Writes that could not be made visible, in a sentence.
    private(set) var unseen: [String] = []

    init(_ index: RemoteIndex, _ moment: ReadMoment) async throws {
        self.index = index
        if let named = moment.pointInTime {
            token = named
            isOwn = false
            try await use(moment)
            return
        }
        let problem = await Self.refresh(index)
        unseen = problem.map { [$0] } ?? []
        token = try await index.openPointInTime(leaseMilliseconds: Self.leaseMilliseconds, at: moment).token
        isOwn = true
    }

    /// Has everything written so far seen; why not all of it is.
    private static func refresh(_ index: RemoteIndex) async -> String? {
        do {
            _ = try await index.refresh()
            return nil
        } catch {
            guard let statistics = try? await index.statistics(), statistics.sequence > statistics.visibleSequence
            else { return nil }
            let reason = (error as? SakuinError)?.message ?? "\(error)"
            return "Writes \(statistics.visibleSequence + 1) to \(statistics.sequence) cannot be seen: \(reason)"
        }
    }

    func pages() async throws -> DocumentPages { try await index.export(pointInTime: token) }

    /// Begins the lease anew now and then, for an export uses it only once.
    func keepAlive() async throws {
        guard used.duration(to: .now) > .seconds(30) else { return }
        try await use(ReadMoment(pointInTime: token))
        used = .now
    }

    private func use(_ moment: ReadMoment) async throws {
        var request = SearchRequest(.tree(.all), limit: 0)
        request.total = .none
        request.moment = moment
        _ = try await index.search(request)
    }

    func close() async throws {
        if isOwn { try await index.closePointInTime(token) }
    }
}

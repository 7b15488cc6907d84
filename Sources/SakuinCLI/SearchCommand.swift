// search: one query for a person, or a file of queries for a program.

import ArgumentParser
import Foundation
import SakuinClient
import SakuinProgram

struct SearchCommand: OnlineCommand {
    static let configuration = CommandConfiguration(
        commandName: "search", abstract: "Search an index, for one query or for every line of a file.")

    @OptionGroup var options: ServerOptions
    @OptionGroup var moment: MomentOptions
    @OptionGroup var variants: VariantOptions
    @Argument(help: "The index.") var name: String
    @Argument(help: "The query.") var query: String?
    @Option(help: "Hits to return.") var limit = 10
    @Option(help: "Hits to leave out first.") var offset = 0
    @Option(help: "exact or smart.") var mode = "exact"
    @Option(help: "A query documents must match besides; it does not score.") var filter: String?
    @Option(help: "FIELD[:desc],… ; _score and _key are fields too.") var sort: String?
    @Option(help: "Fields a bare word is looked for in, with commas between.") var fields: String?
    @Flag(help: "With --json and --queries: return the documents, and where the query stands in them.") var highlight =
        false
    @Option(help: "How far to count: exact, none, or a number.") var total = "exact"
    @Option(
        name: .customLong("facet"),
        help:
            "FIELD[:LIMIT]: count the values of a column too; FIELD:FROM..TO,…: by ranges. Can be given several times.")
    var facets: [String] = []
    @Option(help: "File with a query a line, columns separated by tabs.") var queries: String?
    @Option(help: "Which column of --queries holds the query, from 1; default the last.") var column: Int?
    @Option(help: "auto, always or never.") var color = "auto"
    @Option(name: .customLong("timeout-ms"), help: "How long a search may take; 0: any time.") var timeout: UInt32 = 0

    private static let queriesInFlight = 16

    var deadlineMilliseconds: UInt32 { timeout }

    /// What is wrong with the options, before anybody is asked.
    func check() throws(SakuinError) {
        guard ["auto", "always", "never"].contains(color) else {
            throw .invalid("--color is auto, always or never.", field: "color", value: color)
        }
        if column != nil, queries == nil {
            throw .invalid("--column goes with --queries.", field: "column", value: column)
        }
        // The protocol has 32 bits for them.
        for (name, value) in [("limit", limit), ("offset", offset)] where UInt32(exactly: value) == nil {
            if value < 0 { throw OptionValue.negative(name, value) }
            throw .invalid("--\(name) is 0 to \(UInt32.max).", field: name, limit: UInt32.max, value: value)
        }
    }

    func run(_ client: SakuinClient, _ output: Output) async throws {
        try check()
        let index = try await client.index(name)
        let template = try request("")
        if let queries {
            guard query == nil else {
                throw SakuinError.invalid("Give a query or --queries, not both.", field: "queries")
            }
            try await runAll(queries, index, template, output)
            return
        }
        guard let query else { throw SakuinError.invalid("A query is missing.", field: "query") }
        var request = template
        request.query = .text(query)
        let shows = !output.json
        if highlight || shows {
            request.spans = true
            request.returnFields = .all
        }
        let response = try await index.search(request)
        if output.json {
            output.line(Self.json(query, response, fields: highlight).text)
        } else {
            let isColored = color == "always" || (color == "auto" && Output.isTerminal)
            HitPrinter(output: output, isColored: isColored).show(response, offset: offset)
            for facet in response.facets { for line in FacetOutput(facet: facet).lines { output.line(line) } }
        }
    }

    private func request(_ text: String) throws -> SearchRequest {
        var request = SearchRequest(text, limit: limit, offset: offset)
        request.mode = try SearchMode(option: mode)
        request.variants = try variants.folding()
        request.filter = filter.map { .text($0) }
        request.fields = fields?.listedNames ?? []
        request.spans = highlight
        if highlight { request.returnFields = .all }
        request.total = try TotalPolicy(option: total)
        request.facets = try facets.map { try FacetRequest(option: $0) }
        request.moment = try moment.moment()
        for key in sort?.split(separator: ",") ?? [] {
            let parts = key.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2, parts.count == 1 || ["asc", "desc"].contains(parts[1]) else {
                throw SakuinError.invalid("--sort is FIELD[:desc],…", field: "sort", value: String(key))
            }
            request.sort.append(SortKey(String(parts[0]), descending: parts.last == "desc" && parts.count == 2))
        }
        return request
    }

    // MARK: Many queries

    /// One JSON line a query, in the order of the file; some are under way at a time.
    private func runAll(_ path: String, _ index: RemoteIndex, _ template: SearchRequest, _ output: Output) async throws
    {
        let texts = try QueryFile(path, column: column).lines.map(\.text)
        var failed = false
        try await withThrowingTaskGroup(of: (Int, String, Bool).self) { group in
            var ready: [Int: String] = [:]
            var printed = 0
            var next = 0
            while printed < texts.count {
                while next < texts.count, next - printed < Self.queriesInFlight {
                    let (number, text) = (next, texts[next])
                    group.addTask { await Self.answer(number, text, index, template) }
                    next += 1
                }
                guard let (number, line, isGood) = try await group.next() else { break }
                failed = failed || !isGood
                ready[number] = line
                while let line = ready.removeValue(forKey: printed) {
                    output.line(line)
                    printed += 1
                }
            }
        }
        if failed { throw ExitCode(1) }
    }

    private static func answer(
        _ number: Int, _ text: String, _ index: RemoteIndex, _ template: SearchRequest
    ) async -> (Int, String, Bool) {
        var request = template
        request.query = .text(text)
        do {
            let response = try await index.search(request)
            return (number, line(text, response, fields: template.spans), true)
        } catch {
            let error = error as? SakuinError ?? SakuinError(.internalError, "\(error)")
            let object = JSONValue.object([
                .init(key: "query", value: .string(text)), .init(key: "error", value: Output.value(error)),
            ])
            return (number, object.text, false)
        }
    }

    private static func line(_ query: String, _ response: SearchResponse, fields: Bool) -> String {
        JSONValue.object(
            head(query, response) + [
                .init(key: "ids", value: .array(response.hits.map { .string($0.key) })),
                .init(key: "tookMicroseconds", value: .integer(Int64(clamping: response.tookMicroseconds))),
            ] + (fields ? [.init(key: "hits", value: hits(response, fields: true))] : [])
                + FacetOutput.members(response) + incomplete(response)
        ).text
    }

    /// What a line says besides when a part of the index could not be searched.
    private static func incomplete(_ response: SearchResponse) -> [JSONValue.Member] {
        if response.complete { return [] }
        return [
            .init(key: "complete", value: .boolean(false)),
            .init(key: "notes", value: .array(response.notes.map { .string($0) })),
        ]
    }

    private static func head(_ query: String, _ response: SearchResponse) -> [JSONValue.Member] {
        [
            .init(key: "query", value: .string(query)),
            .init(key: "total", value: .integer(Int64(response.total.value))),
            .init(key: "relation", value: .string(response.total.relation.rawValue)),
        ]
    }

    private static func hits(_ response: SearchResponse, fields: Bool) -> JSONValue {
        let hits = response.hits.map { hit -> JSONValue in
            var members: [JSONValue.Member] = [
                .init(key: "id", value: .string(hit.key)), .init(key: "score", value: .float(Double(hit.score))),
            ]
            if fields {
                members.append(
                    .init(key: "fields", value: Output.value(Document(key: hit.key, fields: hit.fields))))
                let spans = hit.spans.map { field in
                    JSONValue.Member(
                        key: field.field,
                        value: .array(
                            field.spans.map { .array([.integer(Int64($0.start)), .integer(Int64($0.end))]) }))
                }
                members.append(.init(key: "spans", value: .object(spans)))
            }
            return .object(members)
        }
        return .array(hits)
    }

    private static func json(_ query: String, _ response: SearchResponse, fields: Bool) -> JSONValue {
        .object(
            head(query, response) + [
                .init(key: "complete", value: .boolean(response.complete)),
                .init(key: "notes", value: .array(response.notes.map { .string($0) })),
                .init(key: "hits", value: hits(response, fields: fields)),
                .init(key: "sequence", value: .integer(Int64(clamping: response.sequence))),
                .init(key: "tookMicroseconds", value: .integer(Int64(clamping: response.tookMicroseconds))),
            ] + FacetOutput.members(response))
    }
}

/// Hits as lines: place, title, key, score, and the text around the hit.
struct HitPrinter {
    let output: Output
    let isColored: Bool

    private static let titleColumns = 36
    private static let snippetColumns = 72

    func show(_ response: SearchResponse, offset: Int) {
        let relation = response.total.relation == .exact ? "" : "at least "
        let complete = response.complete ? "" : ", INCOMPLETE"
        output.line("\(relation)\(response.total.value) documents in \(response.tookMicroseconds) µs\(complete)")
        for note in response.notes { output.line("note: \(note)") }
        for (i, hit) in response.hits.enumerated() { show(hit, offset + i + 1) }
    }

    private func show(_ hit: Hit, _ place: Int) {
        let title = hit.fields.first { $0.name == "title" }?.value.text ?? ""
        let shown = title.isEmpty ? hit.key : Output.singleLine(title)
        output.line(
            String(format: "%3d  ", place) + DisplayWidth.fit(shown, columns: Self.titleColumns)
                + String(format: "  %8.4f  ", hit.score) + hit.key)
        let spans = hit.spans.first { $0.field != "title" } ?? hit.spans.first
        let field = spans?.field ?? "body"
        guard let text = hit.fields.first(where: { $0.name == field })?.value.text else { return }
        let snippet = Snippet.make(
            text, spans: spans?.spans ?? [], columns: Self.snippetColumns, width: { DisplayWidth.of($0) })
        output.line(
            "     " + (snippet.isCutBefore ? "…" : "") + marked(snippet) + (snippet.isCutBehind ? "…" : ""))
    }

    private func marked(_ snippet: Snippet) -> String {
        let (on, off) = isColored ? ("\u{1B}[1;31m", "\u{1B}[0m") : ("[", "]")
        let bytes = Array(snippet.text.utf8)
        var out = ""
        var at = 0
        for span in snippet.spans {
            out += String(decoding: bytes[at..<span.start], as: UTF8.self)
            out += on + String(decoding: bytes[span.start..<span.end], as: UTF8.self) + off
            at = span.end
        }
        return out + String(decoding: bytes[at...], as: UTF8.self)
    }
}

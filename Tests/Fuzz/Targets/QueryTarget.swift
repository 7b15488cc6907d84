// Query text, read and carried out.

import SakuinTypes

@testable import SakuinEngine

extension FuzzTarget {
    /// A query is refused with a message or answered; counting and listing agree, and spans lie in their texts.
    static let queries = FuzzTarget(
        name: "queries",
        seeds: {
            [
                "国际 数字", "body:国际 AND NOT (abc OR 한국)", "\"A股 12\"", "ab*", "year:>=2 price:<3.5", "year:[1 TO 30}",
                "tag:News^2 国^0.5", "day:2023-01-05", "on:true", "\"国 数\"~3", "NOT on:false",
                "\"国际 abc 한\"~2 OR -\"数 字\"~0 数字国", "\\(国", "*",
                "国*^1e30 tag:[a TO *}", "day:{\"2023-01-05 08:00\" TO *]", "year:<-0.5e1 on:>=true",
            ].map { Array($0.utf8) }
        },
        run: { bytes in
            guard bytes.count <= 400, let corpus = QueryCorpus.shared else { return nil }
            let text = String(decoding: bytes, as: UTF8.self)
            do {
                guard let exact = try corpus.check(text, .exact), let smart = try corpus.check(text, .smart),
                    let varied = try corpus.check(text, .exact, .all)
                else { return nil }
                // What NOT stands before finds more too.
                if !text.contains("NOT"), !text.contains("-"), !exact.isSubset(of: varied) {
                    return "with variants \(exact.subtracting(varied)) are not found"
                }
                return exact.isSubset(of: smart) ? nil : "mode smart does not find \(exact.subtracting(smart))"
            } catch let failure as QueryCorpus.Failure {
                return failure.text
            } catch {
                return refusal(error) == nil ? "\(error)" : nil
            }
        })
}

/// One segment that all queries are asked of.
private struct QueryCorpus: Sendable {
    static let shared = QueryCorpus()

    let registry = FuzzIndex.registry()
    let segment: SearchableSegment

    init?() {
        // Every other document is written in traditional characters.
        let documents = FuzzIndex.documents(300).enumerated().map { number, document in
            let fields = document.fields.map { field -> Document.Field in
                guard number % 2 == 1, case .string(let text) = field.value else { return field }
                return .init(field.name, .string(String(text.map { ["国": "國", "际": "際", "数": "數"][$0] ?? $0 })))
            }
            return Document(key: document.key, fields: fields)
        }
        guard let directory = FuzzIndex.directory(documents, registry),
            let reader = try? SegmentReader(directory, FuzzIndex.file)
        else { return nil }
        let live = LiveDocuments(documentCount: 300, dead: [3, 4, 128])
        segment = SearchableSegment(reader: reader, live: live)
    }

    struct Failure: Error {
        let text: String
    }

    /// The keys of what a query finds; nil when it cannot be read.
    func check(
        _ text: String, _ mode: SearchMode, _ variants: VariantFolding = []
    ) throws -> Set<String>? {
        let known = SearchedFields(registry)
        guard let query = try? QueryParser.parse(text, mode: mode, knownFields: known) else { return nil }
        func search(limit: Int, total: TotalPolicy = .exact) throws -> (hits: [Hit], total: Total) {
            try FuzzIndex.search(
                query, segment, registry, limit: limit, total: total, mode: mode, variants: variants)
        }
        let (hits, total) = try search(limit: 1000)
        if total.value != hits.count { throw Failure(text: "\(total.value) counted, \(hits.count) found") }
        let first = try search(limit: 5, total: .none).hits
        if first.map(\.score) != hits.prefix(5).map(\.score) {
            throw Failure(text: "other scores when fewer are asked for")
        }
        for hit in hits {
            for spans in hit.spans {
                guard case .string(let text)? = hit.fields.first(where: { $0.name == spans.field })?.value,
                    spans.spans.allSatisfy({ $0.start < $0.end && $0.end <= text.utf8.count })
                else { throw Failure(text: "spans out of their text: \(spans)") }
            }
        }
        return Set(hits.map(\.key))
    }
}

// Queries as large as they may be, and larger.

import SakuinTypes

@testable import SakuinEngine

extension FuzzTarget {
    /// A query of many texts, or of long ones, in many fields, is answered or refused with a message. The first byte says
    /// how it is asked; each piece of the query is two bytes how often it comes and a text up to a byte 255.
    static let largeQueries = FuzzTarget(
        name: "large-queries",
        seeds: {
            // In pairs just within a limit and just beyond: bytes of text, clauses, texts in fields, depth, grams and words.
            let pieces: [[(Int, String)]] = [
                [(21_845, "国")], [(21_846, "国")], [(1_024, "国 ")], [(1_025, "国 ")], [(409, "国 OR ")], [(411, "国 OR ")],
                [(63, "("), (1, "国"), (63, ")")], [(64, "("), (1, "国"), (64, ")")], [(3_276, "国际")], [(3_300, "国际")],
                [(300, "t1:(国际 OR abc*) -year:[1 TO 3] "), (1, "\"A股 12\"~3^2")], [(64, "NOT "), (1, "abc")],
                [(1, "year:"), (10_000, "9"), (1, ".5e9 day:2023 price:1e400")],
            ]
            let asked = [0, 1, 2, 4, 8, 16, 24].map { UInt8($0) }
            return pieces.enumerated().flatMap { number, pieces in
                let query: [UInt8] = pieces.flatMap { count, text -> [UInt8] in
                    [UInt8(count & 255), UInt8(count >> 8)] + Array(text.utf8) + [255]
                }
                return Set([0, 16, asked[number % asked.count]]).sorted().map { how -> [UInt8] in [how] + query }
            }
        },
        run: { bytes in
            guard let first = bytes.first, bytes.count <= 200, let corpus = WideCorpus.shared else { return nil }
            var pieces: [(count: Int, text: String)] = []
            for part in bytes.dropFirst().split(separator: 255) where part.count > 2 {
                let at = part.startIndex
                pieces.append(
                    (Int(part[at]) | Int(part[at + 1]) << 8, String(decoding: part[(at + 2)...], as: UTF8.self)))
            }
            do {
                try corpus.search(pieces, first)
                return nil
            } catch {
                guard let refusal = refusal(error) else { return "\(error)" }
                return refusal.message.isEmpty ? "an error without a message: \(refusal)" : nil
            }
        })
}

/// A segment of many text fields.
private struct WideCorpus: Sendable {
    static let shared = WideCorpus()
    private static let textFieldCount = 40
    /// Some more than may be asked for.
    private static let textByteCountMax = 80 << 10
    private static let nodeCountMax = 20_000

    private let registry: FieldRegistry
    private let segment: SearchableSegment

    init?() {
        let names = (0..<Self.textFieldCount).map { "t\($0)" }
        let columns = FuzzIndex.schema.fields.filter { $0.type != .text }
        registry = FuzzIndex.registry(Schema(fields: names.map { FieldDefinition(name: $0) } + columns))
        let documents = FuzzIndex.documents(60).enumerated().map { number, document in
            let fields = document.fields.map { $0.name == "body" ? .init(names[number % names.count], $0.value) : $0 }
            return Document(key: document.key, fields: fields)
        }
        guard let directory = FuzzIndex.directory(documents, registry),
            let reader = try? SegmentReader(directory, FuzzIndex.file)
        else { return nil }
        segment = SearchableSegment(reader: reader, live: nil)
    }

    /// Of `how`, bit 0: mode smart; 1: with variants; 2: with spans; 3: texts of a tree, not of the query's text; 4: in one
    /// field.
    func search(_ pieces: [(count: Int, text: String)], _ how: UInt8) throws {
        let mode: SearchMode = how & 1 == 0 ? .exact : .smart
        let fields = how & 16 == 0 ? [] : ["t0"]
        let query =
            how & 8 == 0
            ? try parsed(pieces, mode)
            : Query.or(
                pieces.flatMap { piece in
                    let count = min(piece.count, Self.nodeCountMax / pieces.count)
                    return [Query](repeating: .text(piece.text, fields: []), count: count)
                })
        _ = try FuzzIndex.search(
            query, segment, registry, fields: fields, limit: 3, reads: how & 4 != 0, mode: mode,
            variants: how & 2 == 0 ? [] : .all)
    }

    private func parsed(_ pieces: [(count: Int, text: String)], _ mode: SearchMode) throws -> Query {
        var text = ""
        for piece in pieces {
            let count = min(piece.count, (Self.textByteCountMax - text.utf8.count) / piece.text.utf8.count)
            text += String(repeating: piece.text, count: max(count, 0))
        }
        return try QueryParser.parse(text, mode: mode, knownFields: SearchedFields(registry))
    }
}

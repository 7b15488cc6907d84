// Texts, analysed, indexed and searched.

import SakuinTestSupport
import SakuinTypes

@testable import SakuinEngine

extension FuzzTarget {
    /// The first byte chooses how breaks are taken and whether the index is compact; what follows, up to a byte 255, is the text of a document, the rest a
    /// query. The document is found when its normal form has the query's in it, and only then; the spans are in the text.
    static let texts = FuzzTarget(
        name: "texts",
        seeds: {
            [
                ("国 际 数\n字，经济", "数字"), ("Hello, World 12", "world １２"), ("A股\n\n上涨", "股上"),
                ("か\u{3099}ガｶﾞ", "がが"), ("한국어 e\u{301}x", "국 어"),
            ].flatMap { text, query in
                [0, 3].map { [$0] + Array(text.utf8) + [255] + Array(query.utf8) }
            }
        },
        run: { bytes in
            guard let first = bytes.first, bytes.count <= 300 else { return nil }
            let parts = bytes.dropFirst().split(separator: 255, maxSplits: 1, omittingEmptySubsequences: false)
            let texts = parts.map { String(decoding: $0, as: UTF8.self) }
            guard texts.count == 2 else { return nil }
            return found(
                texts[1], in: texts[0], BreaksPolicy.allCases[Int(first) % 3], isCompact: first / 3 % 2 == 1)
        })

    private static func found(
        _ query: String, in text: String, _ breaks: BreaksPolicy, isCompact: Bool
    ) -> String? {
        let schema = Schema(fields: [FieldDefinition(name: "body", breaks: breaks)], compact: isCompact)
        let registry = FuzzIndex.registry(schema)
        let others = ["国际数字", "hello world"].enumerated().map { (i, text) in
            Document(key: "o\(i)", fields: [.init("body", .string(text))])
        }
        let document = Document(key: "k", fields: [.init("body", .string(text))])
        guard let directory = FuzzIndex.directory([document] + others, registry),
            let reader = try? SegmentReader(directory, FuzzIndex.file)
        else { return "a text is refused" }
        let needle = NaiveText.normal(query, breaks)
        if needle.isEmpty { return nil }
        do {
            let segment = SearchableSegment(reader: reader, live: nil)
            let hits = try FuzzIndex.search(.text(query, fields: []), segment, registry).hits
            let hit = hits.first { $0.key == "k" }
            let isThere = NaiveText.contains(NaiveText.normal(text, breaks), needle)
            if isThere != (hit != nil) { return "'\(query)' in '\(text)' (\(breaks)): \(isThere), but \(hit != nil)" }
            let spans = hit?.spans.first?.spans ?? []
            if isThere, spans.isEmpty || !spans.allSatisfy({ $0.start < $0.end && $0.end <= text.utf8.count }) {
                return "'\(query)' in '\(text)' (\(breaks)): spans \(spans)"
            }
            return nil
        } catch is SakuinError {
            return nil
        } catch {
            return "\(error)"
        }
    }
}

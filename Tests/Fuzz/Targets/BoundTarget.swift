// Values of columns as queries write them.

import SakuinTypes

@testable import SakuinEngine

extension FuzzTarget {
    /// A bound parts the values of a column: each lies below it, at it or above it, for whichever comparison is asked; a number that
    /// is no integer lies where its double does. The first byte chooses the field, the rest is the bound.
    static let bounds = FuzzTarget(
        name: "bounds",
        seeds: {
            let texts: [(Int, String)] = [
                (0, "News"), (0, "ｎｅｗｓ"), (1, "3"), (1, "-2.50"), (1, "0.25e1"), (1, "9223372036854775808"),
                (1, "-9223372036854775808.5"), (1, "1e-400"), (1, "123456789012345678901234567890e-28"), (2, "-1.25"),
                (2, "1e400"), (2, "-0"), (3, "true"), (4, "2023-01-05"), (4, "2023-01-05T00:00:00.0005+08:00"),
                (4, "9999-12-31"),
            ]
            return texts.map { [UInt8($0)] + Array($1.utf8) }
        },
        run: { bytes in
            guard let first = bytes.first, bytes.count <= 100, let corpus = BoundCorpus.shared else { return nil }
            let field = FuzzIndex.schema.fields[1 + Int(first) % 5]
            return corpus.check(String(decoding: bytes.dropFirst(), as: UTF8.self), field)
        })
}

private struct BoundCorpus: Sendable {
    static let shared = BoundCorpus()

    private let registry = FuzzIndex.registry()
    private let segment: SearchableSegment
    private let documents = FuzzIndex.documents(60)

    init?() {
        guard let directory = FuzzIndex.directory(documents, registry),
            let reader = try? SegmentReader(directory, FuzzIndex.file)
        else { return nil }
        segment = SearchableSegment(reader: reader, live: nil)
    }

    func check(_ text: String, _ field: FieldDefinition) -> String? {
        func count(_ lower: RangeBound?, _ upper: RangeBound?) throws -> Int {
            try FuzzIndex.search(
                .range(field: field.name, lower: lower, upper: upper), segment, registry, limit: 1, reads: false
            ).total.value
        }
        do {
            let (from, behind) = (RangeBound(text), RangeBound(text, inclusive: false))
            let below = try count(nil, behind)
            let at = try count(from, from)
            let above = try count(behind, nil)
            let (upTo, onwards, all) = try (count(nil, from), count(from, nil), count(nil, nil))
            if below + at != upTo || at + above != onwards || upTo + above != all {
                return "\(field.name) '\(text)': \(below) < \(at) < \(above), <= \(upTo), >= \(onwards) of \(all)"
            }
            guard let wanted = countBelow(text, field), wanted != below else { return nil }
            return "\(field.name) '\(text)': \(below) below, not \(wanted)"
        } catch {
            return FuzzTarget.refusal(error) == nil ? "\(error)" : nil
        }
    }

    /// How many numbers are below the text; nil when it is none, or so near to an integer that a double does not tell.
    private func countBelow(_ text: String, _ field: FieldDefinition) -> Int? {
        guard field.type == .integer, let bound = Double(text), bound.isFinite, bound != bound.rounded() else {
            return nil
        }
        return documents.count { document in
            guard case .integer(let value)? = document[field.name] else { return false }
            return Double(value) < bound
        }
    }
}

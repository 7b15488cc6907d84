// Facets on the command line: what --facet says, and how counts are shown.

import Foundation
import SakuinClient

extension FacetRequest {
    /// `FIELD`, `FIELD:LIMIT`, or `FIELD:FROM..TO,…` with either end of a range left out.
    init(option: String) throws {
        guard let colon = option.firstIndex(of: ":") else {
            self.init(option)
            return
        }
        let (field, rest) = (String(option[..<colon]), option[option.index(after: colon)...])
        if let limit = Int(rest) {
            self.init(field, limit: limit)
            return
        }
        var ranges: [FacetRange] = []
        for text in rest.split(separator: ",", omittingEmptySubsequences: false) {
            guard let dots = text.range(of: "..") else {
                throw SakuinError.invalid(
                    "--facet is FIELD[:LIMIT] or FIELD:FROM..TO,…", field: "facet", value: option)
            }
            let (lower, upper) = (String(text[..<dots.lowerBound]), String(text[dots.upperBound...]))
            ranges.append(
                FacetRange(
                    String(text), from: lower.isEmpty ? nil : lower, to: upper.isEmpty ? nil : upper))
        }
        self.init(field, ranges: ranges)
    }
}

/// The counts of a facet, for people and for programs.
struct FacetOutput {
    let facet: Facet

    /// A line that says what was counted, then a line a count.
    var lines: [String] {
        let listed = facet.values.count
        var rows = facet.values.map { ($0.count, Output.singleLine($0.value.text)) }
        rows += facet.ranges.map { ($0.count, Output.singleLine($0.name)) }
        if facet.otherCount > 0 { rows.append((facet.otherCount, "(other values)")) }
        if facet.missingCount > 0 { rows.append((facet.missingCount, "(no value)")) }
        let what =
            facet.ranges.isEmpty
            ? listed == facet.distinctCount ? "\(listed) values" : "\(listed) of \(facet.distinctCount) values"
            : "\(facet.ranges.count) ranges"
        return ["facet \(facet.field): \(what)"] + rows.map { String(format: "%9d  ", $0) + $1 }
    }

    /// `{"field", "values": [{"value", "count"}], "distinct", "other", "missing"}`; of ranges `"ranges": [{"name", "count"}]`
    /// instead of values and their number.
    var json: JSONValue {
        var members: [JSONValue.Member] = [.init(key: "field", value: .string(facet.field))]
        func count(_ key: String, _ value: Int) -> JSONValue.Member { .init(key: key, value: .integer(Int64(value))) }
        if facet.ranges.isEmpty {
            let values = facet.values.map { value -> JSONValue in
                .object([.init(key: "value", value: Self.json(value.value)), count("count", value.count)])
            }
            members += [.init(key: "values", value: .array(values)), count("distinct", facet.distinctCount)]
        } else {
            let ranges = facet.ranges.map { range -> JSONValue in
                .object([.init(key: "name", value: .string(range.name)), count("count", range.count)])
            }
            members.append(.init(key: "ranges", value: .array(ranges)))
        }
        return .object(members + [count("other", facet.otherCount), count("missing", facet.missingCount)])
    }

    private static func json(_ value: FacetValue) -> JSONValue {
        switch value {
        case .keyword, .date: .string(value.text)
        case .integer(let value): .integer(value)
        case .float(let value): .float(value)
        case .boolean(let value): .boolean(value)
        }
    }

    /// The member of a reply to a search; none when nothing was asked to be counted.
    static func members(_ response: SearchResponse) -> [JSONValue.Member] {
        if response.facets.isEmpty { return [] }
        return [.init(key: "facets", value: .array(response.facets.map { FacetOutput(facet: $0).json }))]
    }
}

import SakuinTypes
import SwiftProtobuf

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension WireCodec {
    // MARK: Requests

    static func facetRequest(_ request: FacetRequest) -> Sakuin_V1_FacetRequest {
        .with {
            $0.field = request.field
            $0.limit = UInt32(clamping: request.limit)
            $0.ranges = request.ranges.map { range in
                .with {
                    $0.name = range.name
                    if let lower = range.lower { $0.lower = lower }
                    if let upper = range.upper { $0.upper = upper }
                }
            }
        }
    }

    static func facetRequest(_ m: Sakuin_V1_FacetRequest) -> FacetRequest {
        var request = FacetRequest(m.field, limit: Int(m.limit))
        request.ranges = m.ranges.map { range in
            FacetRange(
                range.name, from: range.hasLower ? range.lower : nil, to: range.hasUpper ? range.upper : nil)
        }
        return request
    }

    // MARK: Counts

    static func facet(_ facet: Facet) -> Sakuin_V1_Facet {
        .with {
            $0.field = facet.field
            $0.values = facet.values.map(count)
            $0.distinct = UInt64(clamping: facet.distinctCount)
            $0.ranges = facet.ranges.map { range in
                .with {
                    $0.name = range.name
                    $0.count = UInt64(clamping: range.count)
                }
            }
            $0.other = UInt64(clamping: facet.otherCount)
            $0.missing = UInt64(clamping: facet.missingCount)
        }
    }

    private static func count(_ count: FacetCount) -> Sakuin_V1_FacetCount {
        .with {
            $0.count = UInt64(clamping: count.count)
            switch count.value {
            case .keyword(let text): $0.keyword = Data(text.utf8)
            case .integer(let value): $0.integer = value
            case .float(let value): $0.float = value
            case .boolean(let value): $0.boolean = value
            case .date(let milliseconds): $0.dateMilliseconds = milliseconds
            }
        }
    }

    static func facet(_ m: Sakuin_V1_Facet) throws(SakuinError) -> Facet {
        var facet = Facet(field: m.field)
        for count in m.values { facet.values.append(try self.count(count)) }
        facet.distinctCount = Int(clamping: m.distinct)
        facet.ranges = m.ranges.map { FacetRangeCount($0.name, Int(clamping: $0.count)) }
        facet.otherCount = Int(clamping: m.other)
        facet.missingCount = Int(clamping: m.missing)
        return facet
    }

    private static func count(_ m: Sakuin_V1_FacetCount) throws(SakuinError) -> FacetCount {
        let value: FacetValue =
            switch m.value {
            case .keyword(let bytes): .keyword(try text(bytes, "keyword"))
            case .integer(let value): .integer(value)
            case .float(let value): .float(value)
            case .boolean(let value): .boolean(value)
            case .dateMilliseconds(let milliseconds): .date(milliseconds: milliseconds)
            case nil: throw .invalid("A count of a facet has no value this version knows.", field: "facets")
            }
        return FacetCount(value, Int(clamping: m.count))
    }
}

// Facets by ranges: what lies in a range is what a filter by it finds.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct FacetRangeTests {
    private static let fields = ["tag", "year", "price", "on", "day"]

    /// A bound as a query would have it, also where it falls between values.
    private static func bound(_ field: String, _ random: inout SeededRandom) -> String? {
        if random.below(5) == 0 { return nil }
        return switch field {
        case "tag": SearchFixture.tags[random.below(5)]
        case "year": random.below(4) == 0 ? "\(random.below(40) - 10).5" : "\(random.below(40) - 10)"
        case "price": "\(Double(random.below(120)) / 8 - 5)"
        case "on": random.below(2) == 0 ? "true" : "false"
        default: SearchFixture.date(random.below(59))
        }
    }

    @Test func rangesCountWhatFiltersFind() async throws {
        let seed: UInt64 = 20_261_211
        let fixture = try await SearchFixture(seed: seed)
        var random = SeededRandom(seed: seed + 1)
        for round in 0..<80 {
            let field = Self.fields[round % 5]
            let ranges = (0...random.below(6)).map {
                FacetRange("r\($0)", from: Self.bound(field, &random), to: Self.bound(field, &random))
            }
            let query: Query = round % 3 == 0 ? .all : .text(["国", "abc"][round % 2], fields: [])
            let matching = fixture.keys(query)
            let having = matching.intersection(
                fixture.keys(.range(field: field, lower: nil, upper: nil)))
            let inside = ranges.map { range in
                matching.intersection(
                    fixture.keys(
                        .range(
                            field: field, lower: range.lower.map { RangeBound($0) },
                            upper: range.upper.map { RangeBound($0, inclusive: false) })))
            }
            var request = SearchRequest(.tree(query), limit: random.below(2) * 5)
            request.facets = [FacetRequest(field, ranges: ranges), FacetRequest(field, limit: 3)]
            let facets = try fixture.index.searchNow(request).facets
            let wanted = Facet(
                field: field, ranges: zip(ranges, inside).map { FacetRangeCount($0.name, $1.count) },
                otherCount: having.subtracting(inside.reduce(into: []) { $0.formUnion($1) }).count,
                missingCount: matching.count - having.count)
            #expect(facets[0] == wanted, "seed \(seed), round \(round): \(request.facets[0])")
            #expect(facets[1].missingCount == wanted.missingCount && facets[1].ranges.isEmpty)
        }
        fixture.index.abandon()
    }

    /// A field outside the schema: a bound is read by the kind of each column.
    @Test func rangesOfFieldsOutsideTheSchema() async throws {
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: SearchFixture.options)
        let values: [FieldValue] = [1, 2, 2.5, 3, "2023-11-09", "2024-01-01", true, "none"]
        _ = try await index.write(
            WriteBatch(values.enumerated().map { .put(Document(key: "\($0)", ["title": "国", "x": $1])) }))
        _ = try await index.refresh()
        var request = SearchRequest("国", limit: 0)
        request.facets = [
            FacetRequest(
                "x",
                ranges: [
                    FacetRange("numbers", from: "2", to: "3"), FacetRange("dates", to: "2024-01-01"),
                    FacetRange("all"), FacetRange("none", from: "3", to: "2"),
                ])
        ]
        let facet = try index.searchNow(request).facets[0]
        #expect(facet.ranges.map(\.count) == [2, 1, 7, 0] && facet.otherCount == 0 && facet.missingCount == 1)
        index.abandon()
    }

    @Test func rangesThatCannotBeAreRefused() async throws {
        let fixture = try await SearchFixture(seed: 20_261_212, count: 20)
        func refusal(_ field: String, _ ranges: [FacetRange]) -> SakuinError? {
            var request = SearchRequest("国")
            request.facets = [FacetRequest(field, ranges: ranges)]
            do { _ = try fixture.index.searchNow(request) } catch { return error }
            return nil
        }
        for (field, bound) in [("year", "x"), ("price", "2023-11-09"), ("on", "1"), ("day", "2023")] {
            for range in [FacetRange("a", from: bound), FacetRange("a", to: bound)] {
                let error = refusal(field, [FacetRange("ok"), range])
                #expect(error?.code == .invalidArgument && error?.field == field && error?.value == bound)
                #expect(error?.nextStep != nil)
            }
        }
        #expect(refusal("tag", [FacetRange("a", from: "anything")]) == nil)
        let long = String(repeating: "n", count: FacetRange.nameByteCountMax + 1)
        for name in ["", long] {
            #expect(refusal("year", [FacetRange(name)])?.limit == "\(FacetRange.nameByteCountMax)")
        }
        let many = [FacetRange](repeating: FacetRange("a"), count: FacetRequest.rangeCountMax + 1)
        #expect(refusal("year", many)?.limit == "100")
        #expect(refusal("year", Array(many.dropLast())) == nil)
        #expect(refusal("title", [FacetRange("a")])?.field == "title")
        fixture.index.abandon()
    }
}

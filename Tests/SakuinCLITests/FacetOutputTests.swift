// How facets are asked for on the command line, and shown.

import SakuinTypes
import Testing

@testable import SakuinCLI

@Suite struct FacetOutputTests {
    @Test func options() throws {
        #expect(try FacetRequest(option: "tag") == FacetRequest("tag"))
        #expect(try FacetRequest(option: "tag:25") == FacetRequest("tag", limit: 25))
        #expect(try FacetRequest(option: "tag:-1").limit == -1, "the index says what it may be")
        let ranges = FacetRequest(
            "day",
            ranges: [
                FacetRange("..2020-01-01", to: "2020-01-01"), FacetRange("2020-01-01..", from: "2020-01-01"),
                FacetRange("1.5..2.5", from: "1.5", to: "2.5"),
            ])
        #expect(try FacetRequest(option: "day:..2020-01-01,2020-01-01..,1.5..2.5") == ranges)
        for wrong in ["tag:", "tag:ten", "day:2020,2021", "day:1..2,"] {
            let error = #expect(throws: SakuinError.self) { try FacetRequest(option: wrong) }
            #expect(error?.field == "facet" && error?.value == wrong)
        }
    }

    @Test func countsForPeopleAndPrograms() {
        let values = Facet(
            field: "tag", values: [FacetCount(.keyword("新\n闻"), 12), FacetCount(.keyword("a"), 3)], distinctCount: 9,
            otherCount: 7, missingCount: 1)
        #expect(
            FacetOutput(facet: values).lines == [
                "facet tag: 2 of 9 values", "       12  新 闻", "        3  a", "        7  (other values)",
                "        1  (no value)",
            ])
        #expect(
            FacetOutput(facet: values).json.text
                == #"{"field":"tag","values":[{"value":"新\n闻","count":12},{"value":"a","count":3}],"distinct":9,"other":7,"missing":1}"#
        )
        let typed = Facet(
            field: "x",
            values: [
                FacetCount(.integer(-7), 1), FacetCount(.float(0.5), 1), FacetCount(.boolean(true), 1),
                FacetCount(.date(milliseconds: 1_699_518_600_000), 1),
            ], distinctCount: 4)
        #expect(FacetOutput(facet: typed).lines[0] == "facet x: 4 values")
        #expect(
            FacetOutput(facet: typed).json.text
                == #"{"field":"x","values":[{"value":-7,"count":1},{"value":0.5,"count":1},{"value":true,"count":1},"#
                + #"{"value":"2023-11-09T08:30:00.000Z","count":1}],"distinct":4,"other":0,"missing":0}"#)
        let ranges = Facet(field: "n", ranges: [FacetRangeCount("..5", 4)], otherCount: 2)
        #expect(
            FacetOutput(facet: ranges).lines == ["facet n: 1 ranges", "        4  ..5", "        2  (other values)"])
        #expect(
            FacetOutput(facet: ranges).json.text
                == #"{"field":"n","ranges":[{"name":"..5","count":4}],"other":2,"missing":0}"#)
    }

    @Test func nothingIsSaidUnasked() {
        #expect(FacetOutput.members(SearchResponse(hits: [], total: Total(0))).isEmpty)
    }
}

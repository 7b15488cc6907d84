// Requests of the wire, carried out by an index.

import SakuinProtocol
import SakuinTypes

@testable import SakuinEngine

extension FuzzTarget {
    /// Searches, gets, writes and deletions by query that can be read end with an answer, or with an error that has a message.
    static let requests = FuzzTarget(
        name: "requests", seeds: requestSeeds,
        run: { bytes in
            guard let index = RequestIndex.shared, let request = try? WireCodec.decodeRequest(bytes) else { return nil }
            do throws(SakuinError) {
                switch request.call {
                case .search(_, var search):
                    // Nothing comes that could be waited for.
                    search.waitLimitMilliseconds = 0
                    let response = try index.searchNow(search)
                    if response.hits.count > search.limit { return "\(response.hits.count) hits of \(search.limit)" }
                    if response.facets.count != search.facets.count { return "\(response.facets.count) facets" }
                    for facet in response.facets where facet.ranges.isEmpty && !facet.addsUp(to: response.total) {
                        return "\(facet) of \(response.total)"
                    }
                case .deleteMatching(_, let deletion):
                    // What one that is not refused would find.
                    try index.check(deletion)
                    _ = try index.searchNow(deletion.search)
                case .get(_, let keys, _):
                    let count = try index.fetchNow(keys).documents.count
                    if count != keys.count { return "\(count) documents for \(keys.count) keys" }
                case .write(_, let batch): _ = try BatchEncoder.encode(batch, FuzzIndex.registry())
                default: break
                }
                return nil
            } catch {
                return error.message.isEmpty ? "an error without a message: \(error)" : nil
            }
        })

    private static func requestSeeds() -> [[UInt8]] {
        var search = SearchRequest(.text("国际 AND (数字 OR body:\"12\") NOT tag:News"), limit: 5, offset: 2)
        search.filter = .tree(.range(field: "year", lower: RangeBound("2"), upper: nil))
        search.sort = [SortKey("year", descending: true), SortKey("_score")]
        search.returnFields = .named(["body"])
        search.spans = true
        search.total = .atLeast(3)
        let tree = Query.boost(.or([.prefix("ab", fields: ["body"]), .equals(field: "on", "true"), .all]), 2)
        var second = SearchRequest(.tree(tree))
        second.returnFields = .all
        second.variants = .all
        second.sort = [SortKey("price"), SortKey("_key")]
        second.facets = [
            FacetRequest("tag", limit: 3), FacetRequest("price", limit: 0), FacetRequest("on"),
            FacetRequest("year", ranges: [FacetRange("a", to: "5"), FacetRange("b", from: "5", to: "9.5")]),
        ]
        var deletion = DeletionRequest(second.query)
        deletion.filter = .text("year:[2 TO 9] -tag:News")
        deletion.mode = .smart
        deletion.variants = .all
        let calls: [WireCall] = [
            .deleteMatching(index: "a", deletion), .deleteMatching(index: "a", DeletionRequest("*:*")),
            .search(index: "a", search), .search(index: "a", second),
            .get(index: "a", keys: ["k1", "none", "k2"], ReadMoment()),
            .write(index: "a", WriteBatch(FuzzIndex.documents(2).map { .put($0) } + [.delete("k1")])),
        ]
        return calls.map { WireCodec.encode(WireRequest($0)) }
    }
}

extension Facet {
    /// Whether every document that was found counts once.
    fileprivate func addsUp(to total: Total) -> Bool {
        total == Total(values.reduce(otherCount + missingCount) { $0 + $1.count }) && values.count <= distinctCount
    }
}

private enum RequestIndex {
    /// An index in memory that nothing is written to.
    static let shared: SearchIndex? = {
        let directory = MemoryDirectory()
        var options = IndexOptions()
        options.refreshIntervalMilliseconds = 0
        options.commitIntervalMilliseconds = 0
        options.mergesInBackground = false
        options.laneCount = 1
        guard let index = try? SearchIndex.open(directory, schema: FuzzIndex.schema, options: options) else {
            return nil
        }
        let batch = WriteBatch(FuzzIndex.documents(60).map { .put($0) })
        index.submit(batch) { _ in }
        // A commit makes what was written before it visible.
        guard (try? index.settle(commits: true)) != nil,
            (try? index.searchNow(SearchRequest(.tree(.all))).total.value) == 60
        else { return nil }
        return index
    }()
}

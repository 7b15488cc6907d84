extension SearchIndex {
    /// Throws `invalidArgument` for what no facet can be, naming its field.
    func check(_ facets: [FacetRequest]) throws(SakuinError) {
        if facets.count > FacetRequest.countMax {
            throw .invalid(
                "A search has at most \(FacetRequest.countMax) facets.", field: "facets",
                limit: FacetRequest.countMax, value: facets.count, nextStep: "Ask for the others by another search.")
        }
        for facet in facets {
            try searched.checkColumn(facet.field, to: "count")
            guard facet.ranges.count <= FacetRequest.rangeCountMax else {
                throw .invalid(
                    "A facet has at most \(FacetRequest.rangeCountMax) ranges.", field: facet.field,
                    limit: FacetRequest.rangeCountMax, value: facet.ranges.count,
                    nextStep: "Ask for the others by another facet.")
            }
            for range in facet.ranges { try check(range, of: facet.field) }
        }
    }

    private func check(_ range: FacetRange, of field: String) throws(SakuinError) {
        guard (1...FacetRange.nameByteCountMax).contains(range.name.utf8.count) else {
            throw .invalid(
                "The name of a range has 1 to \(FacetRange.nameByteCountMax) bytes.", field: field,
                limit: FacetRange.nameByteCountMax, value: range.name.utf8.count)
        }
        for case let bound? in [range.lower, range.upper] where !searched.holds(bound, field) {
            throw searched.noValue(bound, of: field, in: " in range '\(range.name)'")
        }
    }

    /// What counts the facets of a search of the snapshot. Throws for those that have no column there.
    func facetCounter(
        _ facets: [FacetRequest], _ snapshot: IndexSnapshot, _ cancellation: Cancellation?
    ) throws(SearchError) -> FacetCounter {
        try checkColumns(of: facets.lazy.map(\.field), snapshot, to: "count")
        return FacetCounter(facets, memory, cancellation)
    }

    /// What was counted, with memory for it in the reply.
    static func facets(_ counter: FacetCounter, _ reply: ReplyMemory) throws(SearchError) -> [Facet] {
        let facets = try counter.facets()
        var part = ReplyPart()
        for facet in facets { part.add(facet) }
        try take(part, reply)
        return facets
    }
}

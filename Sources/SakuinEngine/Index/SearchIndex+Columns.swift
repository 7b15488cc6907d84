// Whether there are the columns that a search compares, sorts by or counts.

extension SearchIndex {
    /// Throws `invalidArgument` for fields to sort by that are none, or are text.
    func check(_ sort: [SortKey]) throws(SakuinError) {
        for field in Self.columns(of: sort) { try searched.checkColumn(field, to: "sort by") }
    }

    /// The fields whose columns these keys are of.
    static func columns(of sort: [SortKey]) -> some Sequence<String> {
        sort.lazy.map(\.field).filter { $0 != "_score" && $0 != "_key" }
    }

    /// Throws when the snapshot has no column of a field outside the schema that query or filter compare, or when none of its
    /// columns can hold what it is compared with.
    func checkColumns(of plan: QueryPlan, _ snapshot: IndexSnapshot) throws(SearchError) {
        if plan.dynamicColumns.isEmpty { return }
        // In an order of their own, so that a query has one error.
        try checkColumns(of: plan.dynamicColumns.sorted(), snapshot, to: "compare")
        if let refusal = plan.refusal { throw .refused(refusal) }
    }

    /// Throws when one of these is a field outside the schema that documents of the snapshot have, but none with a value that
    /// has a column: that all of them have no value would be true, and not what was meant.
    func checkColumns(
        of fields: some Sequence<String>, _ snapshot: IndexSnapshot, to purpose: String
    ) throws(SearchError) {
        // In what is missing there may be the column.
        for field in fields where searched[field] == nil && snapshot.damage.isEmpty {
            let readers = snapshot.segments.lazy.map(\.reader).filter { reader in
                reader.meta.fieldNames.contains { $0.hasSameBytes(as: field) }
            }
            if readers.isEmpty || readers.contains(where: { $0.hasColumn(of: field) }) { continue }
            let reason =
                schema.dynamic
                ? "no document has a number, boolean or date there that is not its key" : "it is not in the schema"
            throw .refused(
                .invalid(
                    "Field '\(field)' has no column to \(purpose): \(reason).", field: field,
                    nextStep: "Define it\(schema.dynamic ? " as keyword or integer" : "") in the schema of a new index."
                ))
        }
    }
}

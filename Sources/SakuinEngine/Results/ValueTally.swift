/// Counts the values of a field.
final class ValueTally: FacetTally {
    private let limit: Int
    private let limits: FacetLimits
    /// By kind of column, as kinds are met.
    private var counts: [ColumnKind: ColumnCounts] = [:]
    /// Those with a column in the segment.
    private var current: [ColumnCounts] = []
    private var missingCount = 0

    init(_ field: String, limit: Int, _ limits: FacetLimits) {
        self.limit = limit
        self.limits = limits
        super.init(field)
    }

    override func enter(_ columns: [Column]) throws(SearchError) {
        current.removeAll(keepingCapacity: true)
        for column in columns {
            let kind = counts[column.kind] ?? newCounts(column.kind)
            try kind.enter(column)
            current.append(kind)
        }
    }

    private func newCounts(_ kind: ColumnKind) -> ColumnCounts {
        let new =
            kind.isKeyword ? KeywordCounts(kind, field, limits) : NumberCounts(kind, field, limits)
        counts[kind] = new
        return new
    }

    override func take(_ documents: UnsafeMutablePointer<UInt32>, _ count: Int) throws(SearchError) {
        var left = count
        for counts in current where left > 0 { left = try counts.take(documents, left) }
        missingCount &+= left
    }

    /// 2020 and 2020.0 are one value, as for queries and when hits are sorted; it is shown as the integer.
    private func joinEqualNumbers() throws(SearchError) {
        guard let integers = counts[.integer] as? NumberCounts, let floats = counts[.float] as? NumberCounts else {
            return
        }
        try integers.takeEqual(from: floats)
    }

    override func facet() throws(SearchError) -> Facet {
        var best = BestCounts(limit)
        try joinEqualNumbers()
        for kind in ColumnKind.allCases { try counts[kind]?.offer(to: &best) }
        var facet = Facet(field: field, missingCount: missingCount)
        facet.distinctCount = best.distinctCount
        facet.otherCount = best.documentCount
        for entry in best.takeSorted() {
            guard let value = counts[entry.kind]?.value(entry.order) else { continue }
            facet.values.append(FacetCount(value, entry.count))
            facet.otherCount -= entry.count
        }
        return facet
    }
}

/// Counts the values of all columns of one kind.
class ColumnCounts {
    /// The documents that follow are of the segment of this column.
    func enter(_ column: Column) throws(SearchError) {}

    /// Counts the values of `count` documents and leaves those that have none at the front; returns how many these are.
    func take(_ documents: UnsafeMutablePointer<UInt32>, _ count: Int) throws(SearchError) -> Int { count }

    /// Offers every value that was counted, once.
    func offer(to best: inout BestCounts) throws(SearchError) {}

    /// The value that an entry was offered for.
    func value(_ order: Int64) -> FacetValue? { nil }
}

/// The values with the highest counts; of equal counts those that come first in their order.
struct BestCounts {
    struct Entry: BitwiseCopyable {
        var count: Int
        var kind: ColumnKind
        /// Orders the values of a kind.
        var order: Int64

        fileprivate func isBefore(_ other: Entry) -> Bool {
            if count != other.count { return count > other.count }
            return (kind.rawValue, order) < (other.kind.rawValue, other.order)
        }
    }

    private let limit: Int
    private var entries: [Entry] = []
    /// The last of those that are kept, when there are as many as are wanted.
    private var worst: Entry?
    private(set) var distinctCount = 0
    /// Sum of all counts; a document with several values is in several.
    private(set) var documentCount = 0

    init(_ limit: Int) { self.limit = limit }

    mutating func offer(_ entry: Entry) {
        distinctCount += 1
        documentCount += entry.count
        if let worst, !entry.isBefore(worst) { return }
        entries.append(entry)
        // Kept at twice as many as are wanted, so that sorting is rare.
        if entries.count > 2 * limit + 1024 { cut() }
    }

    private mutating func cut() {
        entries.sort { $0.isBefore($1) }
        if entries.count > limit { entries.removeLast(entries.count - limit) }
        if entries.count == limit { worst = entries.last }
    }

    /// Best first; nothing is kept.
    mutating func takeSorted() -> [Entry] {
        cut()
        defer { entries = [] }
        return entries
    }
}

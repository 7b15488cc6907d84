/// Counts the values of a field by ranges.
final class RangeTally: FacetTally {
    /// A range as integers of a column; nothing lies between when `low` is above `high`.
    private struct Bounds: BitwiseCopyable {
        var low: Int64
        var high: Int64
    }

    private let ranges: [FacetRange]
    private var counts: [Int]
    /// The columns of the segment, each with the ranges in its integers.
    private var current: [(column: Column, bounds: [Bounds])] = []
    private var otherCount = 0
    private var missingCount = 0

    init(_ field: String, _ ranges: [FacetRange]) {
        self.ranges = ranges
        counts = [Int](repeating: 0, count: ranges.count)
        super.init(field)
    }

    override func enter(_ columns: [Column]) {
        current = columns.map { column in
            let bounds = ranges.map { range in
                ColumnRange.range(ColumnPlan(range, field: field), column).map {
                    Bounds(low: $0.lowerBound, high: $0.upperBound)
                } ?? Bounds(low: 1, high: 0)
            }
            return (column, bounds)
        }
    }

    override func take(_ documents: UnsafeMutablePointer<UInt32>, _ count: Int) throws(SearchError) {
        var left = count
        for (column, bounds) in current {
            if let lists = column.lists {
                left = try takeLists(of: documents, left, column, lists, bounds)
                continue
            }
            left = column.takeValues(of: documents, left) { value in otherCount &+= add(value, bounds) ? 0 : 1 }
        }
        missingCount &+= left
    }

    /// Counts a document in each range that one of its keywords lies in.
    private func takeLists(
        of documents: UnsafeMutablePointer<UInt32>, _ count: Int, _ column: Column, _ lists: KeywordLists,
        _ bounds: [Bounds]
    ) throws(SearchError) -> Int {
        do throws(StorageError) {
            return try column.takeLists(of: documents, count, lists) { (list) throws(StorageError) in
                var isInside = false
                for (number, bound) in bounds.enumerated() where bound.low <= bound.high {
                    guard try lists.holds(list, bound.low...bound.high) else { continue }
                    counts[number] &+= 1
                    isInside = true
                }
                otherCount &+= isInside ? 0 : 1
            }
        } catch { throw .storage(error) }
    }

    /// Counts a value in each range it lies in; whether there is one.
    @inline(__always)
    private func add(_ value: Int64, _ bounds: [Bounds]) -> Bool {
        var isInside = false
        for (number, bound) in bounds.enumerated() where value >= bound.low && value <= bound.high {
            counts[number] &+= 1
            isInside = true
        }
        return isInside
    }

    override func facet() -> Facet {
        Facet(
            field: field, ranges: zip(ranges, counts).map { FacetRangeCount($0.name, $1) }, otherCount: otherCount,
            missingCount: missingCount)
    }
}

extension ColumnPlan {
    /// What lies in a range of a facet.
    init(_ range: FacetRange, field: String) {
        self.init(
            field: field, lower: range.lower.map { RangeBound($0) },
            upper: range.upper.map { RangeBound($0, inclusive: false) })
    }
}

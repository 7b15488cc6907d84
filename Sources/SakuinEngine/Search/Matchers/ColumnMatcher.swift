/// Documents whose value in a column, or one of several, lies in a range.
final class ColumnMatcher: Matcher {
    private let column: Column
    private let range: ClosedRange<Int64>
    private let asked: MatchBatch

    private init(_ column: Column, _ range: ClosedRange<Int64>, _ scratch: Scratch) {
        asked = MatchBatch(scratch)
        self.column = column
        self.range = range
        super.init(cost: column.valueCount)
    }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        let documents = batch.documents
        let count =
            if let lists = column.lists {
                try column.next(from: target, in: range, into: documents, MatchBatch.capacity, lists)
            } else { column.next(from: target, in: range, into: documents) }
        batch.scores.update(repeating: 0, count: count)
        return count
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int {
        asked.copyDocuments(of: batch, count)
        let kept =
            if let lists = column.lists {
                try column.filter(asked.documents, count, range, lists)
            } else { column.filter(asked.documents, count, range) }
        return batch.keep(asked.documents, kept, of: count)
    }

    /// The matcher of a condition in one segment: any column of the field whose kind the bounds can be read as.
    static func make(
        _ plan: ColumnPlan, _ segment: SegmentReader, _ scratch: Scratch, _ cancellation: Cancellation?
    ) throws(SearchError) -> Matcher {
        do throws(StorageError) {
            var matchers: [Matcher] = []
            for column in try segment.columns(of: plan.field) {
                guard let range = ColumnRange.range(plan, column) else { continue }
                matchers.append(ColumnMatcher(column, range, scratch))
            }
            if matchers.isEmpty { return EmptyMatcher() }
            if matchers.count == 1 { return matchers[0] }
            return DisjunctionMatcher(matchers, documentCount: segment.meta.documentCount, scratch, cancellation)
        } catch {
            throw .storage(error)
        }
    }
}

/// Bounds as text to bounds of a column's integers.
enum ColumnRange {
    /// nil when nothing can lie between, or a bound is no value of this kind.
    static func range(_ plan: ColumnPlan, _ column: Column) -> ClosedRange<Int64>? {
        if column.kind.isKeyword { return keywordRange(plan, column) }
        var (low, high) = (Int64.min, Int64.max)
        if let bound = plan.lower {
            guard let least = ColumnSpan(bound.value, column.kind)?.least(inclusive: bound.inclusive) else {
                return nil
            }
            low = least
        }
        if let bound = plan.upper {
            guard let greatest = ColumnSpan(bound.value, column.kind)?.greatest(inclusive: bound.inclusive) else {
                return nil
            }
            high = greatest
        }
        return low <= high ? low...high : nil
    }

    private static func keywordRange(_ plan: ColumnPlan, _ column: Column) -> ClosedRange<Int64>? {
        var low: Int64 = 0
        var high = Int64(column.stringCount) - 1
        if let bound = plan.lower {
            let text = Array(bound.value.utf8)
            low = column.rank(of: text)
            if !bound.inclusive, low < column.stringCount, column.string(low) == text { low += 1 }
        }
        if let bound = plan.upper {
            let text = Array(bound.value.utf8)
            high = column.rank(of: text)
            let isThere = high < column.stringCount && column.string(high) == text
            if !(bound.inclusive && isThere) { high -= 1 }
        }
        return low <= high ? low...high : nil
    }
}

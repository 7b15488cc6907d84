/// Documents of which one of several keywords lies in a range.
final class KeywordListMatcher: Matcher {
    private let column: Column
    private let lists: KeywordLists
    private let range: ClosedRange<Int64>
    private let asked: MatchBatch

    init(_ column: Column, _ lists: KeywordLists, _ range: ClosedRange<Int64>, _ scratch: Scratch) {
        asked = MatchBatch(scratch)
        self.column = column
        self.lists = lists
        self.range = range
        super.init(cost: column.valueCount)
    }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        let count = try column.next(from: target, in: range, into: batch.documents, MatchBatch.capacity, lists)
        batch.scores.update(repeating: 0, count: count)
        return count
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int {
        asked.copyDocuments(of: batch, count)
        return batch.keep(asked.documents, try column.filter(asked.documents, count, range, lists), of: count)
    }
}

/// Is told of every living document that matches, whatever else a search leaves out.
protocol MatchListener: AnyObject {
    /// The documents that follow are those of this segment.
    func enter(_ segment: SegmentReader) throws(SearchError)

    /// Takes the next `count` (1...128) ascending documents of the batch.
    func take(_ batch: MatchBatch, _ count: Int) throws(SearchError)
}

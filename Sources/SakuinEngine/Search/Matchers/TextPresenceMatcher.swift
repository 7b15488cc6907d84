/// Documents that have text in a field: a unit of it, so that their length there is not 0.
final class TextPresenceMatcher: Matcher {
    private let segment: SegmentReader
    private let documentCount: Int
    /// Length codes by document, of the segment.
    private nonisolated(unsafe) let norms: UnsafePointer<UInt8>

    init(_ norms: UnsafePointer<UInt8>, _ segment: SegmentReader) {
        self.norms = norms
        self.segment = segment
        documentCount = segment.meta.documentCount
        super.init(cost: documentCount)
    }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        var count = 0
        var document = Int(target)
        while document < documentCount, count < MatchBatch.capacity {
            batch.documents[count] = UInt32(truncatingIfNeeded: document)
            count &+= norms[document] == 0 ? 0 : 1
            document &+= 1
        }
        batch.scores.update(repeating: 0, count: count)
        return count
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int {
        var kept = 0
        for i in 0..<count where norms[Int(batch.documents[i])] != 0 {
            batch.move(i, to: kept)
            kept &+= 1
        }
        return kept
    }
}

/// A node of the tree that finds matching documents of one segment, one call a block, never one a document.
///
/// A matcher is used either with `next` or with `filter`, not with both, and moves forward only: every target and
/// every document handed in is above those of the calls before.
class Matcher {
    /// At most this many documents match; conjunctions lead with the lowest.
    let cost: Int

    init(cost: Int) { self.cost = cost }

    /// Writes up to 128 matching documents not below `target`, ascending and without leaving one out, to `out`;
    /// returns how many, 0 at the end.
    func next(from target: UInt32, into out: UnsafeMutablePointer<UInt32>) throws(StorageError) -> Int { 0 }

    /// Keeps those of `count` (at most 128) ascending documents that match; returns how many.
    func filter(_ documents: UnsafeMutablePointer<UInt32>, _ count: Int) throws(StorageError) -> Int { 0 }
}

/// Nothing matches.
final class EmptyMatcher: Matcher {
    init() { super.init(cost: 0) }
}

/// Every document of the segment.
final class AllMatcher: Matcher {
    private let documentCount: UInt32

    init(documentCount: Int) {
        self.documentCount = UInt32(clamping: documentCount)
        super.init(cost: documentCount)
    }

    override func next(
        from target: UInt32, into out: UnsafeMutablePointer<UInt32>
    ) throws(StorageError) -> Int {
        guard target < documentCount else { return 0 }
        let count = min(128, documentCount - target)
        for i in 0..<count { out[Int(i)] = target &+ i }
        return Int(count)
    }

    override func filter(_ documents: UnsafeMutablePointer<UInt32>, _ count: Int) throws(StorageError) -> Int { count }
}

/// The documents of one posting list.
final class TermMatcher: Matcher {
    private let cursor: PostingCursor

    init(_ cursor: PostingCursor) {
        self.cursor = cursor
        super.init(cost: cursor.documentFrequency)
    }

    override func next(
        from target: UInt32, into out: UnsafeMutablePointer<UInt32>
    ) throws(StorageError) -> Int {
        guard try cursor.seek(target) else { return 0 }
        let count = cursor.count &- cursor.index
        out.update(from: cursor.documents + cursor.index, count: count)
        return count
    }

    override func filter(
        _ documents: UnsafeMutablePointer<UInt32>, _ count: Int
    ) throws(StorageError) -> Int {
        var kept = 0
        for i in 0..<count {
            let document = documents[i]
            guard try cursor.seek(document) else { break }
            documents[kept] = document
            kept &+= cursor.document == document ? 1 : 0
        }
        return kept
    }
}

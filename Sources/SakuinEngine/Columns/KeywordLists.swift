/// The keywords of documents that may have several: their ranks, document by document, ascending and each once.
final class KeywordLists: Sendable {
    // Both point into `section`, which is kept mapped and which nobody writes to.
    /// Behind the ranks of each document that has some.
    private nonisolated(unsafe) let ends: ValueBlocks
    private nonisolated(unsafe) let ranks: ValueBlocks
    private let stringCount: Int
    private let section: SectionView

    init(ends: ValueBlocks, ranks: ValueBlocks, stringCount: Int, _ section: SectionView) {
        self.ends = ends
        self.ranks = ranks
        self.stringCount = stringCount
        self.section = section
    }

    /// Ranks of all documents together.
    var count: Int { ranks.count }

    /// How many ranks a column has, which it begins with.
    static func readCount(_ reader: inout ByteReader) throws(StorageError) -> Int {
        let count = try reader.read64()
        guard count <= UInt64(UInt32.max) * UInt64(FieldDefinition.valueCountMax) else {
            throw reader.corrupt("\(count) keywords")
        }
        return Int(count)
    }

    private func corrupt(_ reason: String) -> StorageError { section.corrupt(0, reason) }

    /// Where the ranks of a document stand, of those with some the one at `place`.
    @inline(__always)
    func list(_ place: Int) throws(StorageError) -> Range<Int> {
        let from = place == 0 ? 0 : ends.value(place &- 1)
        let end = ends.value(place)
        guard from >= 0, from < end, end <= ranks.count, end &- from <= FieldDefinition.valueCountMax else {
            throw corrupt("keywords of a document out of place")
        }
        return Int(from)..<Int(end)
    }

    /// The rank at a place of a list.
    @inline(__always)
    func rank(_ at: Int) throws(StorageError) -> Int64 {
        let rank = ranks.value(at)
        guard rank >= 0, rank < stringCount else { throw corrupt("a keyword without a string") }
        return rank
    }

    /// Whether a list has a rank in the range.
    @inline(__always)
    func holds(_ list: Range<Int>, _ range: ClosedRange<Int64>) throws(StorageError) -> Bool {
        for at in list {
            let rank = try rank(at)
            if rank >= range.lowerBound { return rank <= range.upperBound }
        }
        return false
    }

    /// Throws when lists do not stand one behind the other up to the last rank, or one does not ascend.
    func check() throws(StorageError) {
        var end = 0
        for place in 0..<ends.count {
            let list = try list(place)
            end = list.upperBound
            var last: Int64 = -1
            for at in list {
                let rank = try rank(at)
                guard rank > last else { throw corrupt("keywords of a document out of order") }
                last = rank
            }
        }
        guard end == ranks.count else { throw corrupt("\(end) of \(ranks.count) keywords") }
    }
}

extension Column {
    /// Where the ranks of a document's keywords stand in `lists`; nil when it has none.
    @inline(__always)
    func list(of document: UInt32, _ lists: KeywordLists) throws(StorageError) -> Range<Int>? {
        guard let place = place(of: document) else { return nil }
        return try lists.list(place)
    }

    /// Hands the lists of `count` documents to `body` and leaves the documents that have none at the front; returns how many
    /// these are.
    @inline(__always)
    func takeLists(
        of documents: UnsafeMutablePointer<UInt32>, _ count: Int, _ lists: KeywordLists,
        _ body: (Range<Int>) throws(StorageError) -> Void
    ) throws(StorageError) -> Int {
        var left = 0
        for i in 0..<count {
            if let list = try list(of: documents[i], lists) {
                try body(list)
            } else {
                documents[left] = documents[i]
                left &+= 1
            }
        }
        return left
    }

    /// Keeps those of `count` documents that have a keyword in the range; returns how many.
    func filter(
        _ documents: UnsafeMutablePointer<UInt32>, _ count: Int, _ range: ClosedRange<Int64>, _ lists: KeywordLists
    ) throws(StorageError) -> Int {
        var kept = 0
        for i in 0..<count {
            guard let list = try list(of: documents[i], lists), try lists.holds(list, range) else { continue }
            documents[kept] = documents[i]
            kept &+= 1
        }
        return kept
    }

    /// Writes up to `limit` documents from `target` on that have a keyword in the range, ascending and leaving none out;
    /// returns how many, 0 at the end.
    func next(
        from target: UInt32, in range: ClosedRange<Int64>, into out: UnsafeMutablePointer<UInt32>, _ limit: Int,
        _ lists: KeywordLists
    ) throws(StorageError) -> Int {
        var kept = 0
        var document = Int(target)
        while document < documentCount, kept < limit {
            let number = UInt32(truncatingIfNeeded: document)
            if let list = try list(of: number, lists), try lists.holds(list, range) {
                out[kept] = number
                kept &+= 1
            }
            document &+= 1
        }
        return kept
    }
}

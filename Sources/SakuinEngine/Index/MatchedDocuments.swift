// The documents of a snapshot that match a search: a bit each, in segments that have any, and from there their keys, a batch
// at a time.

/// Gathers them beside a search.
final class MatchedDocuments: MatchListener {
    /// By place of the segment; empty: none of it matches.
    private(set) var words: [[UInt64]] = []
    private(set) var count = 0
    private let memory: MemoryBudget
    private var taken = 0

    init(_ memory: MemoryBudget) { self.memory = memory }

    deinit { memory.giveBackFromSearch(taken) }

    private var documentCount = 0

    func enter(_ segment: SegmentReader) throws(SearchError) {
        documentCount = segment.meta.documentCount
        words.append([])
    }

    func take(_ batch: MatchBatch, _ count: Int) throws(SearchError) {
        let segment = words.count - 1
        if words[segment].isEmpty { try make(segment) }
        for i in 0..<count {
            let document = Int(batch.documents[i])
            words[segment][document >> 6] |= 1 << UInt64(document & 63)
        }
        self.count += count
    }

    private func make(_ segment: Int) throws(SearchError) {
        let wordCount = (documentCount + 63) / 64
        do throws(SakuinError) {
            try memory.takeForSearch(
                wordCount * 8, orSay: "There is no memory to mark the documents that match.",
                otherwise: "give the index more memory")
        } catch { throw .refused(error) }
        taken += wordCount * 8
        words[segment] = Array(repeating: 0, count: wordCount)
    }
}

/// Goes through the keys of matched documents.
///
/// `segments` are those that were searched.
struct MatchedKeys {
    private let segments: [SearchableSegment]
    private let matched: MatchedDocuments
    private let countMax: Int
    private let byteCountMax: Int
    private var segment = 0
    private var word = 0
    /// What is left of the word.
    private var bits: UInt64 = 0
    private var left: Int

    /// A batch has at most so many operations, and about so many bytes.
    init(_ matched: MatchedDocuments, _ segments: [SearchableSegment], countMax: Int, byteCountMax: Int) {
        self.matched = matched
        self.segments = segments
        self.countMax = countMax
        self.byteCountMax = byteCountMax
        left = matched.count
        bits = matched.words.first?.first ?? 0
    }

    var isAtEnd: Bool { left == 0 }

    /// The deletions of the next documents; nil at the end.
    mutating func next() throws(StorageError) -> EncodedBatch? {
        var bodies = ByteWriter(capacity: min(left, countMax) * 16 + 16)
        var count = 0
        while count < countMax, bodies.count < byteCountMax, let (segment, document) = nextDocument() {
            let key = try segments[segment].reader.keys.key(document)
            key.withUnsafeBytes { EncodedBatch.append(.delete, $0, to: &bodies) }
            count += 1
        }
        return count == 0 ? nil : EncodedBatch(operations: bodies, count: count)
    }

    private mutating func nextDocument() -> (segment: Int, document: UInt32)? {
        while bits == 0 {
            if segment >= matched.words.count { return nil }
            word += 1
            if word >= matched.words[segment].count {
                segment += 1
                word = 0
            }
            if segment < matched.words.count, word < matched.words[segment].count {
                bits = matched.words[segment][word]
            }
        }
        let bit = bits.trailingZeroBitCount
        bits &= bits - 1
        left -= 1
        return (segment, UInt32(truncatingIfNeeded: word * 64 + bit))
    }
}

// What benchmarks measure alone although it has no public call of its own. No part of the library's promises.

/// Blocks of 128 integers, packed and unpacked as posting lists do it.
@_spi(Benchmarks)
public enum BlockCodec {
    /// Integers in a block.
    public static let blockCount = BitPacking.blockCount

    /// Packs whole blocks of integers below 2^width into `16 * width` bytes each.
    public static func pack(_ values: UnsafeBufferPointer<UInt32>, width: Int, into out: UnsafeMutableRawPointer) {
        guard let base = values.baseAddress else { return }
        for block in 0..<values.count / blockCount {
            BitPacking.pack128(base + block * blockCount, width: width, into: out + block * 16 * width)
        }
    }

    /// Unpacks whole blocks of gaps and adds them up to documents.
    public static func unpack(_ bytes: UnsafeRawPointer, width: Int, into out: UnsafeMutableBufferPointer<UInt32>) {
        guard let base = out.baseAddress else { return }
        var last = UInt32.max
        for block in 0..<out.count / blockCount {
            let values = base + block * blockCount
            BitPacking.unpack128(bytes + block * 16 * width, width: width, into: values)
            BitPacking.prefixSumOfGaps(values, count: blockCount, start: last)
            last = values[blockCount - 1]
        }
    }
}

/// The heap of the best documents of a search.
@_spi(Benchmarks)
public enum BestScores {
    /// Offers a document for each score and returns the numbers of the `count` best, best first.
    public static func best(_ count: Int, of scores: [Float]) -> [UInt32] {
        var heap = TopK(count)
        for (document, score) in scores.enumerated() where score > heap.threshold {
            heap.offer(FoundDocument(score: score, segment: 0, document: UInt32(truncatingIfNeeded: document)))
        }
        return heap.takeSorted().map(\.document)
    }
}

/// A query over the first segment of an index: analysed, planned and looked up, so that only matching is left.
@_spi(Benchmarks)
public struct PreparedMatch {
    private let query: SegmentQuery?
    private let buffers = Buffers()

    private final class Buffers {
        let memory = ScratchMemory()
    }

    public init(_ text: String, in index: SearchIndex) throws(SakuinError) {
        let tree = try QueryParser.parse(text, knownFields: index.searched)
        let plan = try QueryPlanner.plan(
            tree, filter: nil, index.searched, fields: [], highlights: false, proofs: .all)
        do throws(SearchError) {
            if let segment = index.store.snapshot.segments.first {
                query = try SegmentQuery(plan, segment.reader, buffers.memory.scratch)
            } else {
                query = nil
            }
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
    }

    /// Finds all matching documents, without scores, and counts them.
    public func count() throws(SakuinError) -> Int {
        guard let query else { return 0 }
        do throws(SearchError) {
            let matcher = try query.matcher([])
            do throws(StorageError) {
                return try drain(matcher)
            } catch {
                throw .storage(error)
            }
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
    }

    private func drain(_ matcher: Matcher) throws(StorageError) -> Int {
        let batch = MatchBatch(buffers.memory.scratch)
        var sum = 0
        var target: UInt32 = 0
        while true {
            let count = try matcher.next(from: target, above: -.infinity, into: batch)
            if count == 0 { return sum }
            sum += count
            target = batch.documents[count - 1] &+ 1
        }
    }
}

/// The dictionaries of the first segment of an index.
@_spi(Benchmarks)
public struct DictionaryAccess {
    private let segment: SegmentReader?

    public init(_ index: SearchIndex) { segment = index.store.snapshot.segments.first?.reader }

    /// Documents that have the two characters side by side in field 0; 0 when there are none.
    public func documentFrequency(_ first: Unicode.Scalar, _ second: Unicode.Scalar) throws(SakuinError) -> Int {
        let key = GramKey.make(field: 0, kind: .bigram, first.value, second.value)
        do throws(StorageError) {
            return try segment?.grams.find(key)?.documentFrequency ?? 0
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
    }
}

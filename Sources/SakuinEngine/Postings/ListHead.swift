/// The documents of a long list that can be among its first ten by BM25, whatever its parameters and the mean length.
///
/// A score rises with the frequency and falls with the length. So a document cannot be among the first k when k others
/// have no lower frequency and no greater length, and among equals the lower document comes first: what is left are the
/// first k Pareto layers.
enum ListHead {
    /// The head serves this many hits.
    static let hitCount = 10
    /// Lists of fewer blocks are written without one, since they are many and read soon: of characters, and of others.
    static func blockCountMin(isCharacter: Bool) -> Int { isCharacter ? 2 : 4 }

    /// Whether a list may have a head.
    static func isKept(_ info: TermInfo) -> Bool { info.documentFrequency > PostingListWriter.blockCount }

    /// Longer heads are not believed.
    static let countMax = 4_096

    /// The documents of a head, ascending, and their frequencies, in scratch memory.
    struct Entries: BitwiseCopyable {
        let documents: UnsafeMutablePointer<UInt32>
        let frequencies: UnsafeMutablePointer<UInt32>
        let count: Int
    }

    /// Reads a head; nil when the bytes cannot be one.
    static func decode(
        at: UnsafeRawPointer, end: UnsafeRawPointer, documentCount: Int, _ scratch: Scratch
    ) -> Entries? {
        var bits = BitReader(at, end: end)
        let count = Int(truncatingIfNeeded: bits.gamma() & 0xFFFF)
        guard !bits.isOverrun, count <= countMax else { return nil }
        let documents = scratch.take(UInt32.self, count)
        let frequencies = scratch.take(UInt32.self, count)
        guard InterpolativeCode.decode(&bits, count: count, limit: documentCount, into: documents) else { return nil }
        for i in 0..<count { frequencies[i] = UInt32(truncatingIfNeeded: bits.gamma()) }
        return bits.isOverrun ? nil : Entries(documents: documents, frequencies: frequencies, count: count)
    }
}

/// Gathers the head of a list while it is written.
struct ListHeadBuilder: ~Copyable {
    /// Frequencies from here on are not compared with each other: documents that have one are all kept, up to
    /// `highCountMax` of them.
    private static let highFrequency: UInt32 = 255
    private static let highCountMax = 256

    private struct Candidate {
        var document: UInt32
        var frequency: UInt32
        var lengthCode: UInt8
        /// Its place among those of the same frequency and length, up to the hits served.
        var place: UInt8

        var isHigh: Bool { frequency >= highFrequency }
        /// What frequencies are compared by.
        var level: UInt32 { min(frequency, highFrequency) }
        /// The place of its frequency and length in `counts` and `better`.
        var slot: Int { ListHeadBuilder.slot(frequency, lengthCode) }
    }

    /// How many were seen by frequency and length, up to the hits served.
    private let counts: UnsafeMutablePointer<UInt8>
    /// How many are better, up to the hits served; meant only for what was seen.
    private let better: UnsafeMutablePointer<UInt8>
    private var candidates: [Candidate] = []
    private var highCount = 0

    init() {
        counts = .allocate(capacity: 1 << 16)
        counts.initialize(repeating: 0, count: 1 << 16)
        better = .allocate(capacity: 1 << 16)
        better.initialize(repeating: 0, count: 1 << 16)
    }

    deinit {
        counts.deallocate()
        better.deallocate()
    }

    mutating func removeAll() {
        for candidate in candidates { counts[candidate.slot] = 0 }
        candidates.removeAll(keepingCapacity: true)
        highCount = 0
    }

    @inline(__always)
    private static func slot(_ frequency: UInt32, _ lengthCode: UInt8) -> Int {
        Int(min(frequency, highFrequency)) &<< 8 | Int(lengthCode)
    }

    /// Adds a document above all before.
    @inline(__always)
    mutating func add(_ document: UInt32, _ frequency: UInt32, _ lengthCode: UInt8) {
        let place = counts[Self.slot(frequency, lengthCode)]
        if place >= UInt8(ListHead.hitCount), frequency < Self.highFrequency { return }
        addCandidate(Candidate(document: document, frequency: frequency, lengthCode: lengthCode, place: place))
    }

    private mutating func addCandidate(_ candidate: Candidate) {
        if candidate.isHigh { highCount += 1 }
        guard highCount <= Self.highCountMax else { return }
        counts[candidate.slot] = min(candidate.place + 1, UInt8(ListHead.hitCount))
        candidates.append(candidate)
    }

    /// Appends the head: gamma of its size, interpolative code of the documents below `documentCount`, gamma of each
    /// frequency. Nothing when the list has none.
    mutating func append(documentCount: Int, to bits: inout BitWriter) {
        guard highCount <= Self.highCountMax else { return }
        countBetter()
        let head = candidates.filter { $0.isHigh || Int(better[$0.slot]) + Int($0.place) < ListHead.hitCount }
        if head.isEmpty || head.count > ListHead.countMax { return }
        bits.append(gamma: UInt64(head.count))
        head.map(\.document).withUnsafeBufferPointer { documents in
            guard let base = documents.baseAddress else { return }
            InterpolativeCode.encode(base, count: documents.count, limit: documentCount, into: &bits)
        }
        for candidate in head { bits.append(gamma: UInt64(candidate.frequency)) }
    }

    /// Counts for each frequency and length the documents that are better.
    private func countBetter() {
        // Best first, so that for most kinds enough better documents are found at once.
        let kinds = candidates.filter { $0.place == 0 }
            .sorted { ($0.level, $1.lengthCode) > ($1.level, $0.lengthCode) }
        for kind in kinds {
            var sum = -Int(counts[kind.slot])
            for other in kinds {
                if other.level < kind.level || sum >= ListHead.hitCount { break }
                if other.lengthCode <= kind.lengthCode { sum &+= Int(counts[other.slot]) }
            }
            better[kind.slot] = UInt8(min(max(sum, 0), ListHead.hitCount))
        }
    }
}

/// Up to 128 documents that may have a phrase, with the chains of occurrences that were found in each so far.
final class ChainCandidates {
    private(set) var count = 0
    /// Ascending.
    let documents: UnsafeMutablePointer<UInt32>
    /// Where each document was among those that were begun with.
    private let origins: UnsafeMutablePointer<UInt8>
    /// By origin: occurrences of the phrase in the document are not more.
    private let frequencies: UnsafeMutablePointer<UInt32>

    /// The chains of document k are numbers `ends[k]..<ends[k + 1]`, two numbers each (`Chain`).
    private let chains: PositionBuffer
    private var ends: UnsafeMutablePointer<Int>
    /// Those of the documents that are kept.
    private var keptEnds: UnsafeMutablePointer<Int>
    private var kept = 0
    private var keptChains = 0
    /// Whether documents have chains.
    private(set) var hasChains = false

    private struct Run: BitwiseCopyable {
        var start: UInt32
        var count: UInt32
    }
    /// What is kept of occurrences until the chains reach them, as it was read.
    private let values: PositionBuffer
    /// By place of a list in the phrase, then by origin: which of the values are its.
    private let runs: UnsafeMutablePointer<Run>

    /// For phrases of so many lists.
    init(listCount: Int, _ scratch: Scratch) {
        values = PositionBuffer(scratch)
        chains = PositionBuffer(scratch)
        documents = scratch.take(UInt32.self, MatchBatch.capacity)
        origins = scratch.take(UInt8.self, MatchBatch.capacity)
        frequencies = scratch.take(UInt32.self, MatchBatch.capacity)
        ends = scratch.take(Int.self, MatchBatch.capacity + 1)
        keptEnds = scratch.take(Int.self, MatchBatch.capacity + 1)
        runs = scratch.take(Run.self, MatchBatch.capacity * listCount)
        (ends[0], keptEnds[0]) = (0, 0)
    }

    @inline(__always)
    func origin(_ k: Int) -> Int { Int(origins[k]) }

    /// Begins with so many documents, without chains.
    func begin(_ wanted: UnsafePointer<UInt32>, _ wantedCount: Int, firstOrigin: Int = 0) {
        documents.update(from: wanted, count: wantedCount)
        for k in 0..<wantedCount {
            origins[k] = UInt8(truncatingIfNeeded: k &+ firstOrigin)
            frequencies[k &+ firstOrigin] = .max
        }
        count = wantedCount
        values.removeAll()
        chains.removeAll()
        hasChains = false
    }

    // MARK: Thinning out

    /// From here on documents are kept one by one, in order; those that are not go at `endKeeping`.
    @inline(__always)
    func beginKeeping() { (kept, keptChains) = (0, 0) }

    @inline(__always)
    func endKeeping(withChains: Bool) {
        count = kept
        hasChains = hasChains || withChains
        guard hasChains else { return }
        swap(&ends, &keptEnds)
        chains.truncate(to: 2 &* keptChains)
    }

    @inline(__always)
    private func move(_ k: Int) {
        documents[kept] = documents[k]
        origins[kept] = origins[k]
        kept &+= 1
    }

    /// Keeps document k with all its chains, if there are any yet.
    @inline(__always)
    func keep(_ k: Int) {
        guard hasChains else { return move(k) }
        let (from, to, values) = (ends[k], ends[k &+ 1], chains.values)
        for i in (2 &* from)..<(2 &* to) { values[2 &* keptChains &+ i &- 2 &* from] = values[i] }
        close(k, to &- from)
    }

    /// Keeps document k, if its chains go on with the occurrences of a stream.
    @inline(__always)
    func extend<S: OccurrenceStream>(_ k: Int, by stream: inout S, _ link: ChainLink) {
        let from = ends[k]
        let values = chains.values
        let more = Chain.extend(
            values + 2 &* from, ends[k &+ 1] &- from, by: &stream, link, to: values + 2 &* keptChains)
        close(k, more)
    }

    /// Keeps those of the candidates in a list's block, at their places there, whose chains go on with its links.
    @inline(__always)
    func extend(_ pairs: UnsafePointer<PlacePair>, _ count: Int, by walk: inout LinkWalk, _ link: ChainLink) {
        for i in 0..<count {
            let (k, place) = (Int(pairs[i].wanted), Int(pairs[i].place))
            walk.go(to: place)
            let from = ends[k]
            guard walk.frequencies[place] == 1, ends[k &+ 1] &- from == 1 else {
                var stream = walk.stream()
                extend(k, by: &stream, link)
                continue
            }
            // The usual case.
            let (left, right) = walk.first()
            let values = chains.values
            let (first, last) = (values[2 &* from], values[2 &* from &+ 1])
            guard link.isLeft ? right &+ link.distance == first : last &+ link.distance == left else { continue }
            values[2 &* keptChains] = link.isLeft ? left : first
            values[2 &* keptChains &+ 1] = link.isLeft ? last : right
            close(k, 1)
        }
    }

    /// The same for candidates without chains, which begin with what the lead has at the places they came from.
    @inline(__always)
    func begin(
        _ pairs: UnsafePointer<PlacePair>, _ count: Int, _ lead: inout LinkWalk, by walk: inout LinkWalk,
        _ link: ChainLink
    ) {
        for i in 0..<count {
            let (k, place) = (Int(pairs[i].wanted), Int(pairs[i].place))
            walk.go(to: place)
            lead.go(to: origin(k))
            guard walk.frequencies[place] == 1, lead.frequencies[origin(k)] == 1 else {
                var (leadStream, stream) = (lead.stream(), walk.stream())
                begin(k, &leadStream, by: &stream, link)
                continue
            }
            let (one, other) = (lead.first(), walk.first())
            let (before, behind) = link.isLeft ? (other, one) : (one, other)
            guard before.right &+ link.distance == behind.left else { continue }
            chains.append(before.left)
            chains.append(behind.right)
            close(k, 1)
        }
    }

    /// Keeps document k, which has no chains yet, if some begin with what the lead has of it and go on with the occurrences
    /// of a stream.
    @inline(__always)
    func begin<Lead: OccurrenceStream, S: OccurrenceStream>(
        _ k: Int, _ lead: inout Lead, by stream: inout S, _ link: ChainLink
    ) {
        appendChains(&lead)
        let begun = chains.values + 2 &* keptChains
        let more = Chain.extend(begun, lead.count, by: &stream, link, to: begun)
        chains.truncate(to: 2 &* (keptChains &+ more))
        close(k, more)
    }

    /// Gives document k the chains that are the occurrences of the lead.
    @inline(__always)
    func begin<Lead: OccurrenceStream>(_ k: Int, _ lead: inout Lead) {
        appendChains(&lead)
        close(k, lead.count)
    }

    @inline(__always)
    private func appendChains<Lead: OccurrenceStream>(_ lead: inout Lead) {
        for _ in 0..<lead.count {
            let (left, right) = lead.next()
            chains.append(left)
            chains.append(right)
        }
    }

    @inline(__always)
    private func close(_ k: Int, _ more: Int) {
        guard more > 0 else { return }
        move(k)
        keptChains &+= more
        keptEnds[kept] = keptChains
    }

    // MARK: What is kept for later

    /// The buffer that occurrences of a list are read to before `note`.
    var read: PositionBuffer { values }

    /// Notes that the numbers from `start` on are those of document k in the list at a place of the phrase.
    @inline(__always)
    func note(_ k: Int, _ place: Int, from start: Int, valueCount: Int) {
        runs[place &* MatchBatch.capacity &+ Int(origins[k])] = Run(
            start: UInt32(truncatingIfNeeded: start),
            count: UInt32(truncatingIfNeeded: (values.count &- start) / valueCount))
    }

    /// Keeps the documents whose chains go on with what was noted of a list.
    func extendNoted(_ list: ChainList, _ link: ChainLink) {
        beginKeeping()
        for k in 0..<count {
            let run = runs[list.place &* MatchBatch.capacity &+ Int(origins[k])]
            var stream = OccurrenceRun(
                values: values.values + Int(run.start), count: Int(run.count), ends: list.ends)
            extend(k, by: &stream, link)
        }
        endKeeping(withChains: true)
    }

    // MARK: Scores

    /// Document k has no more occurrences of the phrase than this.
    @inline(__always)
    func limit(_ k: Int, _ frequency: UInt32) {
        let origin = Int(origins[k])
        frequencies[origin] = min(frequencies[origin], frequency)
    }

    /// The most that the score of document k can be, by the lists asked so far.
    @inline(__always)
    func bound(_ k: Int, _ score: LeafScore) -> Double {
        score.score(frequencies[Int(origins[k])], documents[k])
    }

    /// Occurrences of the phrase in document k, when all lists are part of the chains.
    @inline(__always)
    func frequency(_ k: Int) -> UInt32 { UInt32(clamping: ends[k &+ 1] &- ends[k]) }
}

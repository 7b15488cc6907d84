/// Up to 128 documents that may have a phrase, each with the positions where it may begin. They stand in scratch memory, and
/// this says where: copies are the same candidates.
struct PhraseCandidates: BitwiseCopyable {
    private struct State: BitwiseCopyable {
        var count = 0
        var ends: UnsafeMutablePointer<Int>
        var keptEnds: UnsafeMutablePointer<Int>
        var kept = 0
        var keptStarts = 0
        var beginnings: PositionBuffer?
    }

    private let state: UnsafeMutablePointer<State>
    /// Ascending.
    let documents: UnsafeMutablePointer<UInt32>
    /// Where each document came from, as its finder counts.
    let origins: UnsafeMutablePointer<UInt8>
    /// Room for a finder: documents it asks for, and where they stand.
    let asked: UnsafeMutablePointer<UInt32>
    let leadPairs: UnsafeMutablePointer<PlacePair>
    private let starts: PositionBuffer
    private let scratch: Scratch

    init(_ scratch: Scratch) {
        self.scratch = scratch
        starts = PositionBuffer(scratch)
        documents = scratch.take(UInt32.self, MatchBatch.capacity)
        origins = scratch.take(UInt8.self, MatchBatch.capacity)
        asked = scratch.take(UInt32.self, MatchBatch.capacity)
        leadPairs = scratch.take(PlacePair.self, MatchBatch.capacity)
        state = scratch.take(State.self, 1)
        state.initialize(
            to: State(
                ends: scratch.take(Int.self, MatchBatch.capacity + 1),
                keptEnds: scratch.take(Int.self, MatchBatch.capacity + 1)))
        ends[0] = 0
        keptEnds[0] = 0
    }

    private(set) var count: Int {
        @inline(__always) get { state.pointee.count }
        @inline(__always) nonmutating set { state.pointee.count = newValue }
    }

    /// The starts of document k are `starts.values[ends[k]..<ends[k + 1]]`.
    private var ends: UnsafeMutablePointer<Int> { @inline(__always) get { state.pointee.ends } }
    /// Those of the documents that are kept.
    private var keptEnds: UnsafeMutablePointer<Int> { @inline(__always) get { state.pointee.keptEnds } }

    /// While candidates are thinned out: how many there are, and how many of them and their starts are kept.
    private var kept: Int {
        @inline(__always) get { state.pointee.kept }
        @inline(__always) nonmutating set { state.pointee.kept = newValue }
    }

    private var keptStarts: Int {
        @inline(__always) get { state.pointee.keptStarts }
        @inline(__always) nonmutating set { state.pointee.keptStarts = newValue }
    }

    /// Where repeats begin.
    private var beginnings: PositionBuffer {
        if let made = state.pointee.beginnings { return made }
        let made = PositionBuffer(scratch)
        state.pointee.beginnings = made
        return made
    }

    /// Occurrences of the phrase in document k, as far as is known.
    @inline(__always)
    func startCount(_ k: Int) -> Int { ends[k &+ 1] &- ends[k] }

    @inline(__always)
    func removeAll() {
        count = 0
        starts.removeAll()
    }

    @inline(__always)
    private func close(_ document: UInt32, _ origin: Int) {
        guard starts.count > ends[count] else { return }
        documents[count] = document
        origins[count] = UInt8(truncatingIfNeeded: origin)
        count &+= 1
        ends[count] = starts.count
    }

    /// Adds a document behind all others where `second` stands `distance` behind `lead`, which is to stand at
    /// `leadOffset` in the phrase.
    @inline(__always)
    func add(
        _ document: UInt32, _ origin: Int, _ lead: WidePlaces.Run, _ second: WidePlaces.Run, leadOffset: Int,
        distance: Int
    ) {
        var (p, q) = (lead[0], second[0])
        if lead.count &+ second.count == 2 {
            guard q &- p == distance, p >= leadOffset else { return }
            starts.append(UInt32(truncatingIfNeeded: p &- leadOffset))
            return close(document, origin)
        }
        var (a, b) = (0, 0)
        while true {
            if q &- p < distance {
                b &+= 1
                if b >= second.count { break }
                q = second[b]
            } else {
                if q &- p == distance, p >= leadOffset { starts.append(UInt32(truncatingIfNeeded: p &- leadOffset)) }
                a &+= 1
                if a >= lead.count { break }
                p = lead[a]
            }
        }
        close(document, origin)
    }

    /// Adds a document with the starts that the positions of the lead allow; false when there are none.
    func add(_ document: UInt32, _ origin: Int, _ lead: PositionRun, leadOffset: UInt32) -> Bool {
        let known = count
        for i in 0..<lead.count where lead.values[i] >= leadOffset { starts.append(lead.values[i] &- leadOffset) }
        close(document, origin)
        return count > known
    }

    /// Thins out the starts of the document added last; without any it is removed.
    func keepLast(_ run: PositionRun, offset: UInt32) {
        let from = ends[count &- 1]
        let end = thin(from, ends[count], run, offset, to: from)
        starts.truncate(to: end)
        if end > from { ends[count] = end } else { count &-= 1 }
    }

    /// So many times more positions than starts are not read one by one.
    private static let manyTimes = 16

    /// Copies those of the starts at `from..<to` that `run` has `offset` behind to `end`; returns the end of the copies.
    private func thin(_ from: Int, _ to: Int, _ run: PositionRun, _ offset: UInt32, to end: Int) -> Int {
        let values = starts.values
        var (end, j) = (end, 0)
        let isSearched = run.count / Self.manyTimes > to - from
        for i in from..<to {
            let wanted = values[i] &+ offset
            if isSearched { j = run.place(of: wanted, from: j) }
            while j < run.count, run.values[j] < wanted { j &+= 1 }
            if j == run.count { break }
            if run.values[j] == wanted {
                values[end] = values[i]
                end &+= 1
            }
        }
        return end
    }

    /// From here on documents are kept one by one, in order; those that are not go at `endKeeping`.
    func beginKeeping() { (kept, keptStarts) = (0, 0) }

    func endKeeping() {
        count = kept
        (state.pointee.ends, state.pointee.keptEnds) = (keptEnds, ends)
        starts.truncate(to: keptStarts)
    }

    @inline(__always)
    private func closeKept(_ k: Int, _ end: Int) {
        guard end > keptStarts else { return }
        documents[kept] = documents[k]
        origins[kept] = origins[k]
        kept &+= 1
        keptStarts = end
        keptEnds[kept] = end
    }

    /// Keeps document k with those starts that a list has `offset` behind.
    @inline(__always)
    func keep(_ k: Int, _ run: WidePlaces.Run, offset: Int) {
        let (values, to) = (starts.values, ends[k &+ 1])
        var (i, j, end) = (ends[k], 0, keptStarts)
        while i < to, j < run.count {
            let (start, position) = (values[i], run[j])
            let wanted = Int(start) &+ offset
            // Kept starts never overtake those that are read.
            values[end] = start
            end &+= position == wanted ? 1 : 0
            i &+= position >= wanted ? 1 : 0
            j &+= position <= wanted ? 1 : 0
        }
        closeKept(k, end)
    }

    /// The same with positions at hand.
    func keep(_ k: Int, _ run: PositionRun, offset: UInt32) {
        closeKept(k, thin(ends[k], ends[k &+ 1], run, offset, to: keptStarts))
    }

    /// The same with all places of a list.
    func keep(
        _ k: Int, _ run: PositionRun, _ repeats: [PhraseRepeat], _ cancellation: Cancellation?
    ) throws(StorageError) {
        var (from, to) = (ends[k], ends[k &+ 1])
        for list in repeats where from < to {
            try cancellation?.check()
            to = thin(from, to, list.beginnings(in: run, into: beginnings), list.offset, to: keptStarts)
            from = keptStarts
        }
        closeKept(k, to)
    }

    /// Drops documents whose score cannot be above `needed` with what they have, `scores` by origin.
    func drop(_ score: LeafScore, _ scores: UnsafePointer<Double>?, above needed: Double) {
        beginKeeping()
        for k in 0..<count {
            let most = score.score(UInt32(clamping: startCount(k)), documents[k])
            if most <= needed - (scores.map { $0[Int(origins[k])] } ?? 0) { continue }
            let (from, to, end) = (ends[k], ends[k &+ 1], keptStarts)
            for i in from..<to { starts.values[end &+ i &- from] = starts.values[i] }
            closeKept(k, end &+ to &- from)
        }
        endKeeping()
    }
}

// The documents in which a phrase occurs: all of its places hold the document, then positions decide. Block by block:
//
// 1. The rarest list leads. The documents of its block are looked for in the second list, a block of it at a time.
// 2. What both have is checked by the positions of the two; starts of the phrase are kept by document.
// 3. Documents with starts are looked for in the other lists, whose positions thin out the starts.
//
// A document whose score cannot be above what is needed is dropped as soon as that shows. A list that leaves hardly any of a
// block's candidates over is the second one from then on.

/// The documents in which a phrase of two places and more occurs, each place one list.
final class PhraseMatcher: Matcher {
    private let lead: PhraseList
    private let second: PhraseList
    /// All lists, of which the first two are those.
    private let lists: [PhraseList]
    /// What goes on with the lists in another order, once one has turned out to decide.
    private(set) var turned: PhraseMatcher?
    /// How often that may be yet: each hands on to the next.
    private let turnsLeft: Int
    private let scratch: Scratch
    private let score: LeafScore?
    private let found: PhraseCandidates
    /// The positions that are looked at.
    private let places: PositionBuffer
    private let pairs: UnsafeMutablePointer<PlacePair>
    private let cancellation: Cancellation?
    /// Documents below it were looked at.
    private var examined: UInt32 = 0

    /// `lists` are two or more, the rarest first. Without `score` documents get none.
    init?(
        _ lists: [PhraseList], score: LeafScore?, _ scratch: Scratch, _ cancellation: Cancellation? = nil,
        turnsLeft: Int? = nil
    ) {
        guard lists.count > 1 else { return nil }
        lead = lists[0]
        second = lists[1]
        self.lists = lists
        self.turnsLeft = turnsLeft ?? min(lists.count - 2, Self.turnCountMax)
        self.scratch = scratch
        self.score = score
        self.cancellation = cancellation
        found = PhraseCandidates(scratch)
        places = PositionBuffer(scratch)
        pairs = scratch.take(PlacePair.self, MatchBatch.capacity)
        super.init(cost: lists[0].cursor.documentFrequency)
    }

    /// A phrase is not more frequent than its rarest list.
    private(set) lazy var highest = lead.cursor.highestBound(score)
    override var bound: Double { highest }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        if let turned { return try turned.next(from: max(target, examined), above: needed, into: batch) }
        let lead = lead.cursor
        var target = max(target, examined)
        while try lead.seek(target, score, above: needed) {
            try cancellation?.check()
            let (from, to) = (lead.index, lead.count)
            target = lead.documents[to &- 1] &+ 1
            examined = target
            found.removeAll()
            var (place, common) = (from, 0)
            while place < to {
                let (count, next) = try second.cursor.findCommon(lead.documents, place, to, into: pairs)
                place = next
                if count > 0 { try addStarts(lead.documents, nil, count, nil, above: needed) }
                common &+= count
            }
            try askOthers(common, nil, above: needed)
            if found.count > 0 { return take(into: batch) }
            if let turned { return try turned.next(from: target, above: needed, into: batch) }
        }
        return 0
    }

    /// Positions are what a phrase costs most.
    override func hasCandidates(above needed: Double) -> Bool { true }

    override func candidates(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        if let turned { return try turned.candidates(from: max(target, examined), above: needed, into: batch) }
        return try lead.cursor.takeBlock(from: target, behind: &examined, score, above: needed, into: batch)
    }

    /// Hands the candidates that are left over.
    private func take(into batch: MatchBatch) -> Int {
        batch.documents.update(from: found.documents, count: found.count)
        for k in 0..<found.count {
            batch.scores[k] = score?.score(UInt32(clamping: found.startCount(k)), found.documents[k]) ?? 0
        }
        return found.count
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int {
        if let turned { return try turned.filter(batch, count, above: needed) }
        found.removeAll()
        let leadPairs = found.leadPairs
        var (place, common) = (0, 0)
        while place < count {
            let (leadCount, next) = try lead.cursor.findCommon(batch.documents, place, count, into: leadPairs)
            place = next
            for k in 0..<leadCount { found.asked[k] = batch.documents[Int(leadPairs[k].wanted)] }
            var at = 0
            while at < leadCount {
                let (both, behind) = try second.cursor.findCommon(found.asked, at, leadCount, into: pairs)
                at = behind
                if both > 0 { try addStarts(found.asked, leadPairs, both, batch.scores, above: needed) }
                common &+= both
            }
        }
        try askOthers(common, batch.scores, above: needed)
        for k in 0..<found.count {
            batch.move(Int(found.origins[k]), to: k)
            batch.scores[k] += score?.score(UInt32(clamping: found.startCount(k)), found.documents[k]) ?? 0
        }
        return found.count
    }

    /// Checks the documents of `pairs` by the positions of lead and second. Their place in the lead's block is that in
    /// `documents`, or with `leadPairs` the one named there, and so is where they come from. `scores` are what they have
    /// by that origin.
    private func addStarts(
        _ documents: UnsafePointer<UInt32>, _ leadPairs: UnsafePointer<PlacePair>?, _ count: Int,
        _ scores: UnsafePointer<Double>?, above needed: Double
    ) throws(StorageError) {
        guard lead.cursor.hasPositionWidths, second.cursor.hasPositionWidths else {
            return try addStartsOfAny(documents, leadPairs, count, scores, above: needed)
        }
        let (a, b) = (try lead.cursor.widePlaces(count), try second.cursor.widePlaces(count))
        let (leadOffset, distance) = (Int(lead.offset), Int(second.offset) &- Int(lead.offset))
        for k in 0..<count {
            let at = Int(pairs[k].wanted)
            let (i, j) = (leadPairs.map { Int($0[at].place) } ?? at, Int(pairs[k].place))
            let origin = leadPairs.map { Int($0[at].wanted) } ?? at
            let document = documents[at]
            if let score, needed > 0 {
                let bound = score.score(min(a.frequencies[i], b.frequencies[j]), document)
                if bound <= needed - (scores.map { $0[origin] } ?? 0) { continue }
            }
            guard let runA = a.run(i), let runB = b.run(j) else { throw lead.cursor.corrupt("damaged positions") }
            found.add(document, origin, runA, runB, leadOffset: leadOffset, distance: distance)
        }
    }

    /// The same for lists of any length.
    private func addStartsOfAny(
        _ documents: UnsafePointer<UInt32>, _ leadPairs: UnsafePointer<PlacePair>?, _ count: Int,
        _ scores: UnsafePointer<Double>?, above needed: Double
    ) throws(StorageError) {
        for k in 0..<count {
            let at = Int(pairs[k].wanted)
            let (i, j) = (leadPairs.map { Int($0[at].place) } ?? at, Int(pairs[k].place))
            let origin = leadPairs.map { Int($0[at].wanted) } ?? at
            if let score, needed > 0 {
                let frequency = min(try lead.cursor.frequencies()[i], try second.cursor.frequencies()[j])
                let bound = score.score(frequency, documents[at])
                if bound <= needed - (scores.map { $0[origin] } ?? 0) { continue }
            }
            let first = try lead.cursor.positions(of: i, into: places)
            if found.add(documents[at], origin, first, leadOffset: lead.offset) {
                found.keepLast(try second.cursor.positions(of: j, into: places), offset: second.offset)
            }
        }
    }

    /// Keeps the candidates that the other lists have at their places; they are left over of `common` documents that lead and
    /// second both have.
    private func askOthers(
        _ common: Int, _ scores: UnsafePointer<Double>?, above needed: Double
    ) throws(StorageError) {
        let isSecondCommon = found.count > common / 2
        var decisive: Int?
        defer { if let decisive { turn(decisive) } }
        for number in 2..<lists.count {
            let list = lists[number]
            let count = found.count
            if count == 0 { return }
            // A long document may be all there is to a block.
            try cancellation?.check()
            found.beginKeeping()
            var from = 0
            while from < count {
                let (both, next) = try list.cursor.findCommon(found.documents, from, count, into: pairs)
                from = next
                if both == 0 { continue }
                if !list.repeats.isEmpty {
                    try keepRepeats(list, both)
                } else if list.cursor.hasPositionWidths {
                    let wide = try list.cursor.widePlaces(both)
                    for k in 0..<both {
                        guard let run = wide.run(Int(pairs[k].place)) else {
                            throw list.cursor.corrupt("damaged positions")
                        }
                        found.keep(Int(pairs[k].wanted), run, offset: Int(list.offset))
                    }
                } else {
                    for k in 0..<both {
                        let run = try list.cursor.positions(of: Int(pairs[k].place), into: places)
                        found.keep(Int(pairs[k].wanted), run, offset: list.offset)
                    }
                }
            }
            found.endKeeping()
            if isSecondCommon, count >= Self.decidedCountMin, found.count <= count / Self.decisiveFactor {
                decisive = number
            }
            if let score, needed > 0 { found.drop(score, scores, above: needed) }
        }
    }

    /// A list decides when it leaves so small a part over of so many candidates, and the second one most of them: whether
    /// bigrams stand side by side cannot be told by how frequent they are. 新加 加拿 拿大 are all in 700 to 800 documents,
    /// 加拿大 in as many, 新加拿 in none.
    private static let (decidedCountMin, decisiveFactor) = (16, 8)
    private static let turnCountMax = 4

    /// Has a matcher with another list in the second place go on from the next block, unless reading that for all of the
    /// lead's costs far more. All lists stand where they were: what is asked of any is behind this block.
    private func turn(_ number: Int) {
        let frequency = lists[number].cursor.documentFrequency
        guard turnsLeft > 0, lists[number].repeats.isEmpty, frequency <= 2 * second.cursor.documentFrequency else {
            return
        }
        var lists = lists
        lists.swapAt(1, number)
        turned = PhraseMatcher(lists, score: score, scratch, cancellation, turnsLeft: turnsLeft - 1)
    }

    /// Keeps the candidates in `pairs` that a list has at all of its places.
    private func keepRepeats(_ list: PhraseList, _ both: Int) throws(StorageError) {
        for i in 0..<both {
            let run = try list.cursor.positions(of: Int(pairs[i].place), into: places)
            try found.keep(Int(pairs[i].wanted), run, list.repeats, cancellation)
        }
    }
}

/// One list of a phrase, and how far behind the phrase's first unit it stands.
struct PhraseList {
    let cursor: PostingCursor
    let offset: UInt32
    /// When it stands in the phrase several times: all places of it.
    var repeats: [PhraseRepeat] = []
}

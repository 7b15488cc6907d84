// The documents in which a phrase occurs: all of its lists hold the document, and their occurrences make a chain. Block by
// block:
//
// 1. The rarest list leads. The documents of its block are looked for in the next list (`ChainOrder`), a block of it at a
//    time, those that are left in the one after, and so on.
// 2. Each occurrence of the lead in such a document is a chain, which the lists beside it continue or end. A document
//    without chains is dropped, and so is one whose score cannot be above what is needed.

/// The documents in which a phrase of two tokens and more occurs, each of which is one list.
final class ChainMatcher: Matcher {
    private let lead: ChainList
    private let steps: [ChainStep]
    private let score: LeafScore?
    private let found: ChainCandidates
    /// Occurrences that are looked at.
    private let read: PositionBuffer
    private let leadRead: PositionBuffer
    private let pairs: UnsafeMutablePointer<PlacePair>
    private let cancellation: Cancellation?
    /// Documents below it were looked at.
    private var examined: UInt32 = 0

    /// `lists` are two or more, in the order of the text; the rarest, which leads, is at a place of them. Without `score`
    /// documents get none.
    init?(
        _ lists: [ChainList], rarest: Int, score: LeafScore?, _ scratch: Scratch, _ cancellation: Cancellation? = nil
    ) {
        guard lists.count > 1 else { return nil }
        lead = lists[rarest]
        steps = ChainOrder.steps(lists, lead: rarest)
        self.score = score
        self.cancellation = cancellation
        found = ChainCandidates(listCount: lists.count, scratch)
        read = PositionBuffer(scratch)
        leadRead = PositionBuffer(scratch)
        pairs = scratch.take(PlacePair.self, MatchBatch.capacity)
        super.init(cost: lead.cursor.documentFrequency)
    }

    /// A phrase is not more frequent than its rarest list.
    private(set) lazy var highest = lead.cursor.highestBound(score)
    override var bound: Double { highest }

    override func next(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        let lead = lead.cursor
        var target = max(target, examined)
        while try lead.seek(target, score, above: needed) {
            target = lead.documents[lead.count &- 1] &+ 1
            examined = target
            let from = lead.index
            found.begin(lead.documents + from, lead.count &- from, firstOrigin: from)
            try askAll(nil, above: needed)
            if found.count > 0 { return take(into: batch) }
        }
        return 0
    }

    /// Occurrences are what a phrase costs most.
    override func hasCandidates(above needed: Double) -> Bool { true }

    override func candidates(
        from target: UInt32, above needed: Double, into batch: MatchBatch
    ) throws(StorageError) -> Int {
        try lead.cursor.takeBlock(from: target, behind: &examined, score, above: needed, into: batch)
    }

    /// Hands the candidates that are left over.
    private func take(into batch: MatchBatch) -> Int {
        batch.documents.update(from: found.documents, count: found.count)
        for k in 0..<found.count {
            batch.scores[k] = score.map { $0.score(found.frequency(k), found.documents[k]) } ?? 0
        }
        return found.count
    }

    override func filter(
        _ batch: MatchBatch, _ count: Int, above needed: Double
    ) throws(StorageError) -> Int {
        found.begin(batch.documents, count)
        try askLead(batch.scores, above: needed)
        try askAll(batch.scores, above: needed)
        for k in 0..<found.count {
            batch.move(found.origin(k), to: k)
            batch.scores[k] += score?.score(found.frequency(k), found.documents[k]) ?? 0
        }
        return found.count
    }

    /// Keeps the candidates, which the lead has, in which the phrase occurs. `scores` are what they have by where they came
    /// from. Those without chains are in the block at which the lead stands, at the places they came from.
    private func askAll(_ scores: UnsafePointer<Double>?, above needed: Double) throws(StorageError) {
        for step in steps {
            if found.count == 0 { return }
            try cancellation?.check()
            switch step.kind {
            case .keep: try keep(step.list, scores, above: needed)
            case .extend: try extend(step.list, step.link, scores, above: needed)
            case .extendKept: found.extendNoted(step.list, step.link)
            }
        }
    }

    /// Finds the next candidates that a list has, with their places in its block, in `pairs`, but those whose score cannot
    /// be above what is needed; returns how many, and the candidate to go on from.
    @inline(__always)
    private func findCommon(
        _ cursor: PostingCursor, from: Int, _ scores: UnsafePointer<Double>?, above needed: Double
    ) throws(StorageError) -> (count: Int, next: Int) {
        let (count, next) = try cursor.findCommon(found.documents, from, found.count, into: pairs)
        guard let score, needed > 0, count > 0 else { return (count, next) }
        let frequencies = try cursor.frequencies()
        var kept = 0
        for i in 0..<count {
            let pair = pairs[i]
            let k = Int(pair.wanted)
            found.limit(k, frequencies[Int(pair.place)])
            pairs[kept] = pair
            kept &+= found.bound(k, score) > needed - (scores.map { $0[found.origin(k)] } ?? 0) ? 1 : 0
        }
        return (kept, next)
    }

    /// Keeps the candidates that the lead has, with the chains it begins.
    private func askLead(_ scores: UnsafePointer<Double>?, above needed: Double) throws(StorageError) {
        found.beginKeeping()
        var from = 0
        while from < found.count {
            let (count, next) = try findCommon(lead.cursor, from: from, scores, above: needed)
            from = next
            for i in 0..<count {
                var run = try run(of: lead, Int(pairs[i].place), into: leadRead)
                found.begin(Int(pairs[i].wanted), &run)
            }
        }
        found.endKeeping(withChains: true)
    }

    /// Keeps the candidates that a list has, and what it has of them.
    private func keep(
        _ list: ChainList, _ scores: UnsafePointer<Double>?, above needed: Double
    ) throws(StorageError) {
        let values = found.read
        found.beginKeeping()
        var from = 0
        while from < found.count {
            let (count, next) = try findCommon(list.cursor, from: from, scores, above: needed)
            from = next
            for i in 0..<count {
                let (k, start) = (Int(pairs[i].wanted), values.count)
                try list.cursor.appendOccurrences(of: Int(pairs[i].place), to: values)
                found.note(k, list.place, from: start, valueCount: list.ends.valueCount)
                found.keep(k)
            }
        }
        found.endKeeping(withChains: false)
    }

    /// Keeps the candidates whose chains a list continues.
    private func extend(
        _ list: ChainList, _ link: ChainLink, _ scores: UnsafePointer<Double>?, above needed: Double
    ) throws(StorageError) {
        let begins = !found.hasChains
        let isDirect = list.hasLinkBlocks && (!begins || lead.hasLinkBlocks)
        found.beginKeeping()
        var from = 0
        while from < found.count {
            let (count, next) = try findCommon(list.cursor, from: from, scores, above: needed)
            from = next
            if count == 0 { continue }
            if isDirect {
                try extendByLinks(list, link, count, begins: begins)
            } else {
                try extendByRuns(list, link, count, begins: begins)
            }
        }
        found.endKeeping(withChains: true)
    }

    /// Continues the chains of the candidates in `pairs`, of lists whose links are read where they stand.
    private func extendByLinks(
        _ list: ChainList, _ link: ChainLink, _ count: Int, begins: Bool
    ) throws(StorageError) {
        var walk = try list.cursor.linkWalk()
        if begins {
            var leadWalk = try lead.cursor.linkWalk()
            found.begin(pairs, count, &leadWalk, by: &walk, link)
            try lead.cursor.keep(leadWalk)
        } else {
            found.extend(pairs, count, by: &walk, link)
        }
        try list.cursor.keep(walk)
    }

    /// The same for any lists.
    private func extendByRuns(
        _ list: ChainList, _ link: ChainLink, _ count: Int, begins: Bool
    ) throws(StorageError) {
        for i in 0..<count {
            let k = Int(pairs[i].wanted)
            var run = try run(of: list, Int(pairs[i].place), into: read)
            if begins {
                var leadRun = try self.run(of: lead, found.origin(k), into: leadRead)
                found.begin(k, &leadRun, by: &run, link)
            } else {
                found.extend(k, by: &run, link)
            }
        }
    }

    /// The occurrences of a list in the document at a place of its block.
    @inline(__always)
    private func run(
        of list: ChainList, _ place: Int, into buffer: PositionBuffer
    ) throws(StorageError) -> OccurrenceRun {
        buffer.removeAll()
        try list.cursor.appendOccurrences(of: place, to: buffer)
        return OccurrenceRun(
            values: buffer.values, count: buffer.count / list.ends.valueCount, ends: list.ends)
    }
}

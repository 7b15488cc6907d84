/// One list of a phrase whose lists have links.
struct ChainList {
    let cursor: PostingCursor
    /// Its place in the order of the text.
    let place: Int
    /// Those of its occurrences, as they are in the list.
    let occurrenceEnds: ChainEnds
    /// How far its left end is behind the right end of the token before.
    let distance: UInt32
    /// The tokens side by side that are this list.
    let repeats: ChainRepeat

    var repeatCount: Int { repeats.count }

    /// Of occurrences of all of them.
    var ends: ChainEnds { repeatCount == 1 ? occurrenceEnds : .chain }

    /// Whether its occurrences are read without a buffer: the links of bigrams, block by block.
    var hasLinkBlocks: Bool { repeatCount == 1 && cursor.info.occurrences == .links && cursor.hasLinkBlocks }

    /// Makes chains of `repeatCount` occurrences of a run; returns how many there are. Chains of one, two, four, …
    /// occurrences make that of any number.
    func join(_ run: OccurrenceRun, into room: ChainRoom, _ cancellation: Cancellation?) throws(StorageError) -> Int {
        let (chains, powers) = (room.chains, room.powers)
        chains.removeAll()
        powers.removeAll()
        for i in 0..<run.count {
            powers.append(run.left(i))
            powers.append(run.right(i))
        }
        let link = ChainLink(isLeft: false, distance: repeats.distance)
        var (rest, count, powerCount) = (repeatCount, 0, run.count)
        var isBegun = false
        while true {
            try cancellation?.check()
            var stream = OccurrenceRun(values: powers.values, count: powerCount, ends: .chain)
            if rest & 1 == 1, isBegun {
                count = Chain.extend(chains.values, count, by: &stream, link, to: chains.values)
            } else if rest & 1 == 1 {
                for i in 0..<(2 &* powerCount) { chains.append(powers.values[i]) }
                (count, isBegun) = (powerCount, true)
            }
            rest >>= 1
            if rest == 0 || powerCount == 0 || (isBegun && count == 0) { return rest == 0 ? count : 0 }
            stream = OccurrenceRun(values: powers.values, count: powerCount, ends: .chain)
            // A chain is written behind none that is still to be read.
            powerCount = Chain.extend(powers.values, powerCount, by: &stream, link, to: powers.values)
        }
    }
}

/// Room for chains of one list's occurrences.
final class ChainRoom {
    let chains = PositionBuffer()
    let powers = PositionBuffer()
}

/// Equal tokens side by side, of which a list is read once: "哈哈哈哈" has that of 哈哈 three times.
struct ChainRepeat: Hashable {
    /// Which of the tokens is the first.
    let number: Int
    var count = 1
    /// How far each is behind the end of the one before.
    var distance: UInt32 = 0

    /// All of some tokens, in the order of the text. The first stays by itself, so two or more stay two or more.
    static func joined(_ tokens: ArraySlice<PlanToken>) -> [ChainRepeat] {
        var parts: [ChainRepeat] = []
        parts.reserveCapacity(tokens.count)
        for (number, token) in tokens.enumerated() {
            let place = tokens.startIndex + number
            if number > 1, token.term == tokens[place - 1].term {
                let (distance, last) = (token.offset &- tokens[place - 1].end, parts.count - 1)
                if parts[last].count == 1 { parts[last].distance = distance }
                if parts[last].distance == distance {
                    parts[last].count += 1
                    continue
                }
            }
            parts.append(ChainRepeat(number: number))
        }
        return parts
    }
}

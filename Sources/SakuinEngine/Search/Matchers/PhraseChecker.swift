/// One of the different tokens of a phrase: the lists any of which may stand there (several for variants and prefixes).
struct PhraseSlot {
    struct List {
        let cursor: PostingCursor
        /// Whose occurrences the ends of its own number, see `ChainEnds.characters`.
        let characters: (left: UInt32, right: UInt32)
    }

    let lists: [List]
    let ends: ChainEnds
}

/// Counts the occurrences of a phrase in single documents, which ascend: chains of occurrences of its tokens that hang
/// together.
///
/// What an occurrence ends with is a position, or the number of an occurrence of a character. Two spellings of a token may
/// end with the same number of different characters, which do not hang together, so ends are compared with the character.
///
/// Lists are read once a document, however often the phrase has their token. What comes again and again is joined to chains
/// of one, two, four, … times, which make that of any number.
final class PhraseChecker {
    private let slots: [PhraseSlot]
    /// In the order of the text.
    private let steps: [PhraseStep]
    private let runs: [TokenRun]
    /// By slot its occurrences in the document, by their left ends, once they were read.
    private var links: [[ChainedLink]]
    private var isRead: [Bool]
    /// The numbers of a list's occurrences.
    private let values: PositionBuffer
    private let cancellation: Cancellation?

    /// Of one or more steps.
    init(_ slots: [PhraseSlot], _ steps: [PhraseStep], _ scratch: Scratch, _ cancellation: Cancellation? = nil) {
        values = PositionBuffer(scratch)
        self.slots = slots
        self.steps = steps
        self.cancellation = cancellation
        runs = TokenRun.make(steps)
        links = Array(repeating: [], count: slots.count)
        isRead = Array(repeating: false, count: slots.count)
    }

    /// At most this many occurrences can be in the document.
    func frequencyBound(in document: UInt32) throws(StorageError) -> UInt32 {
        var bound = UInt32.max
        for slot in slots {
            var sum: UInt64 = 0
            for list in slot.lists where try list.cursor.has(document) {
                sum &+= UInt64(try list.cursor.frequencies()[list.cursor.index])
            }
            bound = min(bound, UInt32(clamping: sum))
        }
        return bound
    }

    /// Occurrences in the document.
    func occurrences(in document: UInt32) throws(StorageError) -> Int {
        for slot in isRead.indices { isRead[slot] = false }
        var chains: [ChainedLink] = []
        for (number, run) in runs.enumerated() {
            let start = run.steps.lowerBound
            if number == 0 {
                chains = try occurrences(of: run, in: document)
            } else if run.count == 1 {
                try read(steps[start].slot, in: document)
                ChainedLink.join(&chains, links[steps[start].slot], distance: steps[start].distance)
            } else {
                let next = try occurrences(of: run, in: document)
                ChainedLink.join(&chains, next, distance: steps[start].distance)
            }
            if chains.isEmpty { return 0 }
        }
        return chains.count
    }

    /// The chains of a run, by their left ends.
    private func occurrences(of run: TokenRun, in document: UInt32) throws(StorageError) -> [ChainedLink] {
        let first = steps[run.steps.lowerBound].slot
        try read(first, in: document)
        var power = links[first]
        for step in steps[run.steps].dropFirst() where !power.isEmpty {
            try read(step.slot, in: document)
            ChainedLink.join(&power, links[step.slot], distance: step.distance)
        }
        ChainedLink.sort(&power)
        var (rest, made) = (run.count, [ChainedLink]())
        while true {
            try cancellation?.check()
            if rest & 1 == 1 {
                if made.isEmpty { made = power } else { ChainedLink.join(&made, power, distance: run.distance) }
                if made.isEmpty { return [] }
            }
            rest >>= 1
            if rest == 0 { break }
            let once = power
            ChainedLink.join(&power, once, distance: run.distance)
            ChainedLink.sort(&power)
            if power.isEmpty { return [] }
        }
        ChainedLink.sort(&made)
        return made
    }

    /// Reads the occurrences of a slot in the document, if that was not done.
    private func read(_ number: Int, in document: UInt32) throws(StorageError) {
        try cancellation?.check()
        if isRead[number] { return }
        isRead[number] = true
        let slot = slots[number]
        links[number].removeAll(keepingCapacity: true)
        for list in slot.lists where try list.cursor.has(document) {
            values.removeAll()
            try list.cursor.appendOccurrences(of: list.cursor.index, to: values)
            let count = values.count / slot.ends.valueCount
            let read = OccurrenceRun(values: values.values, count: count, ends: slot.ends)
            let (left, right) = (UInt64(list.characters.left) &<< 32, UInt64(list.characters.right) &<< 32)
            for i in 0..<count {
                links[number].append(
                    ChainedLink(left: left | UInt64(read.left(i)), right: right | UInt64(read.right(i))))
            }
        }
        if slot.lists.count > 1 { ChainedLink.sort(&links[number]) }
    }
}

/// An occurrence of some tokens of a phrase by its ends: the character, or 0, in the upper half, the number in the lower.
/// No two begin alike, and no two end alike.
struct ChainedLink: BitwiseCopyable {
    var left: UInt64
    var right: UInt64

    /// So many times more links than chains are not read one by one.
    private static let manyTimes = 16

    /// By left ends. Nearly all are in order as they are: only numbers of different characters are not.
    static func sort(_ links: inout [ChainedLink]) {
        for i in links.indices.dropFirst() where links[i - 1].left > links[i].left {
            return links.sort { $0.left < $1.left }
        }
    }

    private static func sortByRight(_ links: inout [ChainedLink]) {
        for i in links.indices.dropFirst() where links[i - 1].right > links[i].right {
            return links.sort { $0.right < $1.right }
        }
    }

    /// Makes those chains longer that a link, of some in the order of their left ends, continues, and drops the others.
    static func join(_ chains: inout [ChainedLink], _ links: [ChainedLink], distance: UInt32) {
        sortByRight(&chains)
        let isSearched = links.count / manyTimes > chains.count
        var (next, kept) = (0, 0)
        for at in chains.indices {
            let wanted = chains[at].right &+ UInt64(distance)
            if isSearched {
                next = BlockSearch.firstPlace(from: next, to: links.count) { links[$0].left < wanted }
            } else {
                while next < links.count, links[next].left < wanted { next += 1 }
            }
            if next == links.count { break }
            if links[next].left == wanted {
                // What is kept never overtakes what is read.
                chains[kept] = ChainedLink(left: chains[at].left, right: links[next].right)
                kept += 1
            }
        }
        chains.removeLast(chains.count - kept)
    }
}

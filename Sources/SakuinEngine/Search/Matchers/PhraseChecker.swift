/// One token of a phrase: the lists any of which may stand there (several for variants and prefixes), and how it hangs
/// together with the token before.
struct PhraseSlot {
    struct List {
        let cursor: PostingCursor
        /// Whose occurrences the ends of its own number, see `ChainEnds.characters`.
        let characters: (left: UInt32, right: UInt32)
    }

    let lists: [List]
    let ends: ChainEnds
    let distance: UInt32
}

/// Counts the occurrences of a phrase in single documents, which ascend: chains of occurrences of its tokens that hang
/// together.
///
/// What an occurrence ends with is a position, or the number of an occurrence of a character. Two spellings of a token may
/// end with the same number of different characters, which do not hang together, so ends are compared with the character.
final class PhraseChecker {
    /// In the order of the text.
    private let slots: [PhraseSlot]
    /// Ends of the chains of occurrences so far.
    private var chains: [UInt64] = []
    /// The occurrences of a slot.
    private var run: [Link] = []
    /// The numbers of a list's occurrences.
    private let values = PositionBuffer()

    /// An occurrence by its ends: the character, or 0, in the upper half, the number in the lower.
    private struct Link {
        let left: UInt64
        let right: UInt64
    }

    private let cancellation: Cancellation?

    /// Of one or more slots.
    init(_ slots: [PhraseSlot], _ cancellation: Cancellation? = nil) {
        self.slots = slots
        self.cancellation = cancellation
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
        for (place, slot) in slots.enumerated() {
            try cancellation?.check()
            try read(slot, in: document)
            if place == 0 {
                chains.removeAll(keepingCapacity: true)
                for link in run { chains.append(link.right) }
            } else {
                extend(distance: slot.distance)
            }
            if chains.isEmpty { return 0 }
        }
        return chains.count
    }

    /// Puts the occurrences of a slot into `run`, by their left ends.
    private func read(_ slot: PhraseSlot, in document: UInt32) throws(StorageError) {
        run.removeAll(keepingCapacity: true)
        for list in slot.lists where try list.cursor.has(document) {
            values.removeAll()
            try list.cursor.appendOccurrences(of: list.cursor.index, to: values)
            let count = values.count / slot.ends.valueCount
            let read = OccurrenceRun(values: values.values, count: count, ends: slot.ends)
            let (left, right) = (UInt64(list.characters.left) &<< 32, UInt64(list.characters.right) &<< 32)
            for i in 0..<count {
                run.append(Link(left: left | UInt64(read.left(i)), right: right | UInt64(read.right(i))))
            }
        }
        if slot.lists.count > 1 { run.sort { $0.left < $1.left } }
    }

    /// Makes those chains longer that an occurrence of the next slot continues, and drops the others. No two end alike, and
    /// no two occurrences begin alike.
    private func extend(distance: UInt32) {
        chains.sort()
        var (at, kept) = (0, 0)
        for link in run {
            while at < chains.count, chains[at] &+ UInt64(distance) < link.left { at += 1 }
            if at == chains.count { break }
            if chains[at] &+ UInt64(distance) == link.left {
                // What is kept never overtakes what is read.
                chains[kept] = link.right
                kept += 1
                at += 1
            }
        }
        chains.removeLast(chains.count - kept)
    }
}

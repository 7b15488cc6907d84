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
    var documentFrequency: Int { lists.reduce(0) { $0 &+ $1.cursor.documentFrequency } }
}

/// Finds and counts the occurrences of a phrase in single documents: all tokens have the document, then occurrences hang
/// together.
///
/// What an occurrence ends with is a position, or the number of an occurrence of a character. Two spellings of a token may
/// end with the same number of different characters, which do not hang together, so ends are compared with the character.
final class PhraseChecker {
    /// In the order of the text.
    private let slots: [PhraseSlot]
    /// Places in `slots`, the rarest first.
    private let order: [Int]
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

    /// nil when a slot has no list, or there is none.
    init?(_ slots: [PhraseSlot]) {
        guard !slots.isEmpty, slots.allSatisfy({ !$0.lists.isEmpty }) else { return nil }
        self.slots = slots
        order = slots.indices.sorted { slots[$0].documentFrequency < slots[$1].documentFrequency }
    }

    /// The place of the rarest slot.
    var rarest: Int { order[0] }
    var documentFrequency: Int { slots[rarest].documentFrequency }
    /// The list to lead with; nil when the rarest slot has several.
    var lead: PostingCursor? { slots[rarest].lists.count == 1 ? slots[rarest].lists[0].cursor : nil }

    /// Whether every slot has the document; the cursors then stand at it.
    func allHave(_ document: UInt32) throws(StorageError) -> Bool {
        try slots[rarest].hasAny(document) ? othersHave(document) : false
    }

    /// Whether every slot but the rarest has the document.
    func othersHave(_ document: UInt32) throws(StorageError) -> Bool {
        for place in order.dropFirst() {
            guard try slots[place].hasAny(document) else { return false }
        }
        return true
    }

    /// At most this many occurrences can be in the document, which every slot has.
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

    /// Occurrences in the document that every slot has.
    func occurrences(in document: UInt32) throws(StorageError) -> Int {
        for (place, slot) in slots.enumerated() {
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

extension PhraseSlot {
    /// Whether a list has the document; all cursors then stand there or behind.
    fileprivate func hasAny(_ document: UInt32) throws(StorageError) -> Bool {
        var found = false
        for list in lists where try list.cursor.has(document) { found = true }
        return found
    }
}

/// One token of a phrase: the lists any of which may stand there (several for a prefix), and how it hangs together with the
/// token before.
struct PhraseSlot {
    let cursors: [PostingCursor]
    let ends: ChainEnds
    let distance: UInt32
    var documentFrequency: Int { cursors.reduce(0) { $0 + $1.documentFrequency } }
}

/// Finds and counts the occurrences of a phrase in single documents: all tokens have the document, then occurrences hang
/// together.
final class PhraseChecker {
    /// In the order of the text.
    private let slots: [PhraseSlot]
    /// Places in `slots`, the rarest first.
    private let order: [Int]
    private let chains = PositionBuffer()
    /// The occurrences read last, and those of several lists in order.
    private let values = PositionBuffer()
    private let merged = PositionBuffer()

    /// nil when a slot has no list, or there is none.
    init?(_ slots: [PhraseSlot]) {
        guard !slots.isEmpty, slots.allSatisfy({ !$0.cursors.isEmpty }) else { return nil }
        self.slots = slots
        order = slots.indices.sorted { slots[$0].documentFrequency < slots[$1].documentFrequency }
    }

    /// The place of the rarest slot.
    var rarest: Int { order[0] }
    var documentFrequency: Int { slots[rarest].documentFrequency }
    /// The list to lead with; nil when the rarest slot has several.
    var lead: PostingCursor? { slots[rarest].cursors.count == 1 ? slots[rarest].cursors[0] : nil }

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

    /// At most this many occurrences can be in the document every slot has.
    func frequencyBound() throws(StorageError) -> UInt32 {
        var bound = UInt32.max
        for slot in slots where slot.cursors.count == 1 {
            bound = min(bound, try slot.cursors[0].frequencies()[slot.cursors[0].index])
        }
        return bound
    }

    /// Occurrences in the document that every slot has.
    func occurrences(in document: UInt32) throws(StorageError) -> Int {
        chains.removeAll()
        for (place, slot) in slots.enumerated() {
            var run = try run(of: slot, in: document)
            if place == 0 {
                for i in 0..<run.count {
                    chains.append(run.left(i))
                    chains.append(run.right(i))
                }
            } else {
                let link = ChainLink(isLeft: false, distance: slot.distance)
                let kept = Chain.extend(chains.values, chains.count / 2, by: &run, link, to: chains.values)
                chains.truncate(to: 2 * kept)
            }
            if chains.count == 0 { return 0 }
        }
        return chains.count / 2
    }

    private func run(of slot: PhraseSlot, in document: UInt32) throws(StorageError) -> OccurrenceRun {
        values.removeAll()
        for cursor in slot.cursors where try cursor.has(document) {
            try cursor.appendOccurrences(of: cursor.index, to: values)
        }
        let count = values.count / slot.ends.valueCount
        let run = OccurrenceRun(values: values.values, count: count, ends: slot.ends)
        if slot.cursors.count == 1 { return run }
        // Lists of different words: their occurrences interleave.
        merged.removeAll()
        for i in (0..<count).sorted(by: { run.left($0) < run.left($1) }) {
            for k in 0..<slot.ends.valueCount { merged.append(run.values[i * slot.ends.valueCount + k]) }
        }
        return OccurrenceRun(values: merged.values, count: count, ends: slot.ends)
    }
}

extension PhraseSlot {
    /// Whether a list has the document; all cursors then stand there or behind.
    fileprivate func hasAny(_ document: UInt32) throws(StorageError) -> Bool {
        if cursors.count == 1 { return try cursors[0].has(document) }
        var found = false
        for cursor in cursors where try cursor.has(document) { found = true }
        return found
    }
}

/// One place of a phrase: the lists any of which may stand there (several for a prefix), and how far behind the
/// phrase's first unit it stands.
struct PhraseSlot {
    var cursors: [PostingCursor]
    var offset: UInt32
    var documentFrequency: Int { cursors.reduce(0) { $0 + $1.documentFrequency } }
}

/// Finds and counts the occurrences of a phrase in single documents: all slots hold the document, then positions.
final class PhraseChecker {
    /// Rarest first.
    private let slots: [PhraseSlot]
    /// The cursors of the slots, if each has one.
    private let single: [PostingCursor]
    private var starts = CodeBuffer()
    private var other = CodeBuffer()
    private var piece = CodeBuffer()

    init(_ slots: [PhraseSlot]) {
        self.slots = slots.sorted { $0.documentFrequency < $1.documentFrequency }
        single = slots.allSatisfy { $0.cursors.count == 1 } ? self.slots.map { $0.cursors[0] } : []
    }

    var documentFrequency: Int { slots.first?.documentFrequency ?? 0 }

    /// The list to lead with; nil when the rarest slot has several.
    var lead: PostingCursor? { slots.first.flatMap { $0.cursors.count == 1 ? $0.cursors[0] : nil } }

    /// Whether every slot has the document; the cursors then stand at it.
    @inline(__always)
    func allHave(_ document: UInt32) throws(StorageError) -> Bool {
        if single.isEmpty {
            for slot in slots where try !has(slot, document) { return false }
            return true
        }
        for cursor in single {
            guard try cursor.seek(document), cursor.document == document else { return false }
        }
        return true
    }

    private func has(_ slot: PhraseSlot, _ document: UInt32) throws(StorageError) -> Bool {
        var found = false
        for cursor in slot.cursors where try cursor.seek(document) {
            if cursor.document == document { found = true }
        }
        return found
    }

    /// At most this many occurrences can be in the document every slot has.
    func frequencyBound() throws(StorageError) -> UInt32 {
        var bound = UInt32.max
        for cursor in single { bound = min(bound, try cursor.frequencies()[cursor.index]) }
        return bound
    }

    /// Whether it occurs in the document that `allHave` said true for.
    func occurs(in document: UInt32) throws(StorageError) -> Bool { try occurrences(in: document) > 0 }

    /// Occurrences in the document that `allHave` said true for.
    func occurrences(in document: UInt32) throws(StorageError) -> Int {
        try load(slots[0], document, into: &starts, first: true)
        for slot in slots.dropFirst() {
            if starts.count == 0 { return 0 }
            try load(slot, document, into: &other, first: false)
            intersect(offset: slot.offset)
        }
        return starts.count
    }

    /// Positions of a slot in the document; for the first slot those of the phrase's first unit.
    private func load(
        _ slot: PhraseSlot, _ document: UInt32, into out: inout CodeBuffer, first: Bool
    ) throws(StorageError) {
        if slot.cursors.count == 1 {
            try slot.cursors[0].positions(of: slot.cursors[0].index, into: &out)
        } else {
            out.removeAll()
            for cursor in slot.cursors where cursor.count > 0 && cursor.document == document {
                try cursor.positions(of: cursor.index, into: &piece)
                out.append(piece.values, piece.count)
            }
            // Lists of different words: their positions interleave.
            var all = UnsafeMutableBufferPointer(start: out.values, count: out.count)
            all.sort()
        }
        guard first, slot.offset > 0 else { return }
        var kept = 0
        let values = out.values
        for i in 0..<out.count where values[i] >= slot.offset {
            values[kept] = values[i] &- slot.offset
            kept &+= 1
        }
        out.truncate(kept)
    }

    /// Keeps the starts that have a position in `other`, `offset` further on.
    private func intersect(offset: UInt32) {
        let (a, b) = (starts.values, other.values)
        let (aCount, bCount) = (starts.count, other.count)
        var (i, j, kept) = (0, 0, 0)
        while i < aCount, j < bCount {
            let wanted = a[i] &+ offset
            if b[j] < wanted {
                j &+= 1
            } else {
                if b[j] == wanted {
                    a[kept] = a[i]
                    kept &+= 1
                }
                i &+= 1
            }
        }
        starts.truncate(kept)
    }
}

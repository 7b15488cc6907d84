/// One place of a phrase: the lists any of which may stand there (several for a prefix), and how far behind the
/// phrase's first unit it stands.
struct PhraseSlot {
    var cursors: [PostingCursor]
    var offset: UInt32
    var documentFrequency: Int { cursors.reduce(0) { $0 + $1.documentFrequency } }
}

/// Finds and counts the occurrences of a phrase in single documents: all places hold the document, then positions.
final class PhraseChecker {
    /// The rarest place.
    private let first: PhrasePlace
    private let starts = PositionBuffer()
    let documentFrequency: Int

    /// `slots` is not empty.
    init?(_ slots: [PhraseSlot]) {
        let ordered = slots.sorted { $0.documentFrequency < $1.documentFrequency }
        var place: PhrasePlace?
        for slot in ordered.reversed() { place = PhrasePlace(slot, next: place) }
        guard let place else { return nil }
        first = place
        documentFrequency = ordered[0].documentFrequency
    }

    /// The list to lead with; nil when the rarest place has several.
    var lead: PostingCursor? { first.several.isEmpty ? first.cursor : nil }

    /// Whether every place has the document; the cursors then stand at it.
    @inline(__always)
    func allHave(_ document: UInt32) throws(StorageError) -> Bool { try first.allHave(document) }

    /// Whether every place has the document at which the lead stands.
    func othersHave(_ document: UInt32) throws(StorageError) -> Bool { try first.next?.allHave(document) ?? true }

    /// At most this many occurrences can be in the document every place has.
    func frequencyBound() throws(StorageError) -> UInt32 { try first.frequencyBound() }

    /// Occurrences in the document that every place has.
    func occurrences(in document: UInt32) throws(StorageError) -> Int {
        let run = try first.positions(in: document)
        if run.count == 1 {
            // The usual case: one candidate, which the other places have or have not.
            let position = run.values[0]
            guard position >= first.offset else { return 0 }
            return try first.next?.holds(position &- first.offset, in: document) ?? true ? 1 : 0
        }
        starts.copy(run, minus: first.offset)
        try first.next?.keep(starts, in: document)
        return starts.count
    }
}

/// A place of a phrase and those behind it, in the order they are asked: a chain of constants, along which nothing is
/// retained or locked.
private final class PhrasePlace {
    let cursor: PostingCursor
    /// All lists of the place, when there are several.
    let several: [PostingCursor]
    let offset: UInt32
    let next: PhrasePlace?
    /// The positions of `several` together.
    private let merged: PositionBuffer?
    /// The positions handed out last.
    private let found = PositionBuffer()

    /// nil when the slot has no list.
    init?(_ slot: PhraseSlot, next: PhrasePlace?) {
        guard let cursor = slot.cursors.first else { return nil }
        self.cursor = cursor
        several = slot.cursors.count > 1 ? slot.cursors : []
        merged = slot.cursors.count > 1 ? PositionBuffer() : nil
        offset = slot.offset
        self.next = next
    }

    func allHave(_ document: UInt32) throws(StorageError) -> Bool {
        guard try several.isEmpty ? cursor.has(document) : anyHas(document) else { return false }
        return try next?.allHave(document) ?? true
    }

    private func anyHas(_ document: UInt32) throws(StorageError) -> Bool {
        var found = false
        for cursor in several where try cursor.has(document) { found = true }
        return found
    }

    func frequencyBound() throws(StorageError) -> UInt32 {
        let others = try next?.frequencyBound() ?? .max
        return several.isEmpty ? min(try cursor.frequencies()[cursor.index], others) : others
    }

    @inline(__always)
    func positions(in document: UInt32) throws(StorageError) -> PositionRun {
        guard let merged else { return try cursor.positions(of: cursor.index, into: found) }
        return try positions(in: document, merged)
    }

    private func positions(in document: UInt32, _ merged: PositionBuffer) throws(StorageError) -> PositionRun {
        merged.removeAll()
        for cursor in several where try cursor.has(document) {
            let positions = try cursor.positions(of: cursor.index, into: found)
            for i in 0..<positions.count { merged.append(positions.values[i]) }
        }
        // Lists of different words: their positions interleave.
        merged.sort()
        return merged.run
    }

    /// Whether this place and those behind it stand where an occurrence at `start` has them.
    func holds(_ start: UInt32, in document: UInt32) throws(StorageError) -> Bool {
        guard try positions(in: document).contains(start &+ offset) else { return false }
        return try next?.holds(start, in: document) ?? true
    }

    /// Keeps the starts at which this place and those behind it stand.
    func keep(_ starts: PositionBuffer, in document: UInt32) throws(StorageError) {
        if starts.count == 0 { return }
        starts.intersect(try positions(in: document), offset: offset)
        try next?.keep(starts, in: document)
    }
}

// Where a pattern stands in the normal form of a text.

extension TextPattern {
    /// So many times the units of a text are compared one by one before a search begins that does not compare them again.
    private static let comparisonMax = 16

    /// Hands the first unit of each occurrence in a text to `body`, ascending; they may overlap.
    @inline(__always)
    func forEachOccurrence(in text: UnitBuffer, _ body: (_ start: Int) -> Void) {
        guard !units.isEmpty, units.count <= text.count else { return }
        let (first, mask) = firstCode
        let codes = text.codes
        var left = Self.comparisonMax * text.count
        for start in 0...(text.count - units.count) where codes[start] & mask == first {
            let count = equalCount(text, at: start)
            if count == units.count { body(start) }
            left -= count
            if left > 0 { continue }
            // Only repeats in both are compared so often.
            if let search = RepeatSearch(self) { return search.forEachOccurrence(in: text, behind: start, body) }
            left = .max
        }
    }

    /// What the code of the first unit of an occurrence is, under a mask.
    private var firstCode: (code: UInt32, mask: UInt32) {
        guard case .character(let scalar)? = units.first?.unit else { return (UnitBuffer.wordBit, UnitBuffer.wordBit) }
        if spellings.has(0) { return (0, UnitBuffer.wordBit) }
        return (scalar, UnitBuffer.wordBit | UnitBuffer.scalarMask)
    }

    /// How many of the first units are there.
    private func equalCount(_ text: UnitBuffer, at start: Int) -> Int {
        for i in units.indices where !isThere(i, text, at: start + i) { return i }
        return units.count
    }

    /// Whether unit `i` has a gap before it.
    func hasGap(beforeUnit i: Int) -> Bool { i > 0 && units[i].position - units[i - 1].position == 3 }

    /// Whether unit `i` is there, with the gap before it or without.
    @inline(__always)
    func isThere(_ i: Int, _ text: UnitBuffer, at place: Int) -> Bool {
        let code = text.codes[place]
        if i > 0, (code & UnitBuffer.gapBit != 0) != hasGap(beforeUnit: i) { return false }
        switch units[i].unit {
        case .character(let scalar):
            let found = code & UnitBuffer.scalarMask
            return code & UnitBuffer.wordBit == 0 && (found == scalar || spellings.has(i, found))
        case .word(let bytes):
            guard code & UnitBuffer.wordBit != 0 else { return false }
            let word = text.word(Int(code & UnitBuffer.wordMask))
            let isPrefix = lastIsPrefix && i == units.count - 1
            if spellings.has(i) { return spellings.has(i, word, isPrefix: isPrefix) }
            if isPrefix { return word.count >= bytes.count && word.prefix(bytes.count).elementsEqual(bytes) }
            return word.count == bytes.count && word.elementsEqual(bytes)
        }
    }
}

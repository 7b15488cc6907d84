// Where a pattern stands in the normal form of a text.

extension TextPattern {
    /// Hands the first unit of each occurrence in a text to `body`, ascending; they may overlap.
    @inline(__always)
    func forEachOccurrence(in text: UnitBuffer, _ body: (_ start: Int) -> Void) {
        guard !units.isEmpty, units.count <= text.count else { return }
        let (first, mask) = firstCode
        let codes = text.codes
        for start in 0...(text.count - units.count)
        where codes[start] & mask == first && isThere(text, at: start) { body(start) }
    }

    /// What the code of the first unit of an occurrence is, under a mask.
    private var firstCode: (code: UInt32, mask: UInt32) {
        guard case .character(let scalar)? = units.first?.unit else { return (UnitBuffer.wordBit, UnitBuffer.wordBit) }
        if spellings.has(0) { return (0, UnitBuffer.wordBit) }
        return (scalar, UnitBuffer.wordBit | UnitBuffer.scalarMask)
    }

    private func isThere(_ text: UnitBuffer, at start: Int) -> Bool {
        for (i, element) in units.enumerated() {
            let code = text.codes[start + i]
            let hasGap = code & UnitBuffer.gapBit != 0
            if i > 0, hasGap != (element.position - units[i - 1].position == 3) { return false }
            switch element.unit {
            case .character(let scalar):
                let found = code & UnitBuffer.scalarMask
                guard code & UnitBuffer.wordBit == 0, found == scalar || spellings.has(i, found) else { return false }
            case .word(let bytes):
                guard code & UnitBuffer.wordBit != 0 else { return false }
                let word = text.word(Int(code & UnitBuffer.wordMask))
                let isPrefix = lastIsPrefix && i == units.count - 1
                if spellings.has(i) {
                    guard spellings.has(i, word, isPrefix: isPrefix) else { return false }
                } else if isPrefix {
                    if word.count < bytes.count || !word.prefix(bytes.count).elementsEqual(bytes) { return false }
                } else if word.count != bytes.count || !word.elementsEqual(bytes) {
                    return false
                }
            }
        }
        return true
    }
}

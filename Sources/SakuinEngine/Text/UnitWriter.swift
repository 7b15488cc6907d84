/// Puts folded scalars into a unit buffer one by one: where units and words begin and end, and how full the buffer is.
struct UnitWriter {
    private(set) var joining: LineJoining
    var unitCount = 0
    var wordCount = 0
    var wordByteCount = 0
    var inWord = false

    init(_ joining: LineJoining) { self.joining = joining }

    /// Takes the next scalar, of the source range `start..<end`; makes room for it.
    mutating func take(
        _ scalar: UInt32, _ kind: UInt32, _ start: Int, _ end: Int, into units: UnitBuffer, offsets: Bool
    ) {
        switch kind {
        case CharacterTable.Class.blank, CharacterTable.Class.lineBreak:
            endWord(units)
            joining.blank(kind, scalar)
        case CharacterTable.Class.separator:
            endWord(units)
            joining.separator()
        default:
            units.count = unitCount
            units.wordCount = wordCount
            units.reserve(unitCount: unitCount + 1, byteCount: wordByteCount + 4, offsets: offsets)
            let isWord = kind == CharacterTable.Class.word
            if !isWord { endWord(units) }
            if !inWord {
                let gap = joining.unit(kind) ? UnitBuffer.gapBit : 0
                let hangul = kind == CharacterTable.Class.hangul ? UnitBuffer.hangulBit : 0
                let code = isWord ? UnitBuffer.wordBit | UInt32(truncatingIfNeeded: wordCount) : scalar
                units.codes[unitCount] = code | gap | hangul
                if offsets { units.sourceStart[unitCount] = UInt32(truncatingIfNeeded: start) }
                unitCount += 1
            }
            inWord = isWord
            if offsets { units.sourceEnd[unitCount - 1] = UInt32(truncatingIfNeeded: end) }
            if isWord { wordByteCount += UTF8Decoding.write(scalar, to: units.wordBytes + wordByteCount) }
        }
    }

    /// Ends a word that is still open and says in the buffer how much it holds.
    mutating func finish(_ units: UnitBuffer) {
        endWord(units)
        units.count = unitCount
        units.wordCount = wordCount
    }

    private mutating func endWord(_ units: UnitBuffer) {
        guard inWord else { return }
        units.wordEnds[wordCount] = UInt32(truncatingIfNeeded: wordByteCount)
        wordCount += 1
        inWord = false
    }
}

/// Looks for a pattern in one pass over a text, whatever repeats in both: a bit for each unit of the pattern says whether the
/// units up to it end here, all of which go one on with each unit of the text.
struct RepeatSearch {
    private let pattern: TextPattern
    /// Units with a bit: all but the beginning of a word.
    private let count: Int
    private let wordCount: Int
    /// The bits of the units that a unit of a text can be, of one after the other.
    private var bits: [UInt64] = []
    /// Where those of a unit begin.
    private var characters: [UInt32: Int] = [:]
    private var words: [[UInt8]: Int] = [:]
    /// The bits of units with a gap before.
    private var gaps: [UInt64]

    /// Bits of all units.
    private static let byteCountMax = 8 << 20

    /// nil for a pattern of many units that have no repeats, and for words in several spellings.
    init?(_ pattern: TextPattern) {
        self.pattern = pattern
        count = pattern.units.count - (pattern.lastIsPrefix ? 1 : 0)
        wordCount = (count + 63) / 64
        gaps = Array(repeating: 0, count: wordCount)
        if count == 0 { return nil }
        var (characters, words) = ([UInt32: Int](), [[UInt8]: Int]())
        for i in 0..<count {
            if pattern.hasGap(beforeUnit: i) { gaps[i / 64] |= 1 << UInt64(i % 64) }
            switch pattern.units[i].unit {
            case .character(let scalar):
                add(i, at: own(&characters, scalar))
                for spelling in pattern.spellings.all(i) { add(i, at: own(&characters, spelling)) }
            case .word(let bytes):
                if pattern.spellings.has(i) { return nil }
                add(i, at: own(&words, bytes))
            }
            if 8 * bits.count > Self.byteCountMax { return nil }
        }
        (self.characters, self.words) = (characters, words)
    }

    private mutating func add(_ i: Int, at start: Int) { bits[start + i / 64] |= 1 << UInt64(i % 64) }

    /// Where the bits of a unit of a text begin.
    private mutating func own<T: Hashable>(_ starts: inout [T: Int], _ unit: T) -> Int {
        if let start = starts[unit] { return start }
        starts[unit] = bits.count
        bits.append(contentsOf: repeatElement(0, count: wordCount))
        return bits.count - wordCount
    }

    /// Hands the first unit of each occurrence behind one to `body`, ascending.
    func forEachOccurrence(in text: UnitBuffer, behind start: Int, _ body: (_ start: Int) -> Void) {
        var state = [UInt64](repeating: 0, count: wordCount)
        // Words from here on are 0.
        var top = 0
        for place in (start + 1)..<text.count {
            guard let own = self.start(of: text.codes[place], text) else {
                for i in 0..<top { state[i] = 0 }
                top = 0
                continue
            }
            let end = min(top + 1, wordCount)
            let flip: UInt64 = text.codes[place] & UnitBuffer.gapBit != 0 ? 0 : .max
            var carry: UInt64 = 1
            top = 0
            for i in 0..<end {
                let word = state[i]
                // Before the first unit anything may stand.
                let allowed = (gaps[i] ^ flip) | (i == 0 ? 1 : 0)
                state[i] = (word &<< 1 | carry) & bits[own &+ i] & allowed
                carry = word &>> 63
                if state[i] != 0 { top = i &+ 1 }
            }
            guard end == wordCount, state[wordCount - 1] &>> UInt64((count - 1) % 64) & 1 == 1 else { continue }
            if pattern.lastIsPrefix {
                guard place + 1 < text.count, pattern.isThere(count, text, at: place + 1) else { continue }
            }
            body(place + 1 - count)
        }
    }

    private func start(of code: UInt32, _ text: UnitBuffer) -> Int? {
        if code & UnitBuffer.wordBit == 0 { return characters[code & UnitBuffer.scalarMask] }
        return words.isEmpty ? nil : words[Array(text.word(Int(code & UnitBuffer.wordMask)))]
    }
}

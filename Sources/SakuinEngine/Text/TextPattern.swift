/// A query text's normal form under an analyzer: what the planner looks up and the highlighter looks for.
struct TextPattern: Sendable, Hashable {
    enum Unit: Sendable, Hashable {
        case character(UInt32)
        /// Folded UTF-8.
        case word([UInt8])
    }
    struct Element: Sendable, Hashable {
        let unit: Unit
        /// Behind the first element: +2 for the next unit, +3 with a gap between.
        let position: UInt32
    }

    /// What is looked up; for `ngram` the grams that cover the text.
    let elements: [Element]
    /// The last element, a word, stands for every word that begins with it.
    let lastIsPrefix: Bool
    /// The units as they stand in a text, for highlighting.
    let units: [Element]
    /// How they may be written besides.
    let spellings: PatternSpellings

    init(
        _ text: String, analyzer: Analyzer, lastIsPrefix: Bool = false, variants: VariantFolding = []
    ) {
        var text = text
        let buffer = UnitBuffer(
            unitCount: UnitBuffer.unitCount(for: text.utf8.count), byteCount: UnitBuffer.byteCount(for: text.utf8.count)
        )
        // A string is valid UTF-8, which is all that can be wrong.
        text.withUTF8 { bytes in try? analyzer.normalize(bytes, into: buffer, offsets: false) }
        units = Self.elements(buffer)
        spellings = PatternSpellings(units, variants)
        if case .ngram(let n) = analyzer.kind {
            elements = Self.cover(buffer, n)
            self.lastIsPrefix = lastIsPrefix || buffer.count < n
        } else {
            elements = units
            self.lastIsPrefix = lastIsPrefix
        }
    }

    private static func elements(_ buffer: UnitBuffer) -> [Element] {
        var position: UInt32 = 0
        return (0..<buffer.count).map { i in
            let code = buffer.codes[i]
            if code & UnitBuffer.gapBit != 0 { position += 1 }
            defer { position += 2 }
            if code & UnitBuffer.wordBit != 0 {
                return Element(
                    unit: .word(Array(buffer.word(Int(code & UnitBuffer.wordMask)))), position: position)
            }
            return Element(unit: .character(code & UnitBuffer.scalarMask), position: position)
        }
    }

    /// Grams at 0, n, 2n, … and the last one; a text shorter than n is the beginning of a gram.
    private static func cover(_ buffer: UnitBuffer, _ n: Int) -> [Element] {
        let count = buffer.count
        if count == 0 { return [] }
        var starts = Array(stride(from: 0, through: max(count - n, 0), by: n))
        if count > n, starts.last != count - n { starts.append(count - n) }
        return starts.map { start in
            var gram: [UInt8] = []
            for i in start..<min(start + n, count) {
                gram.append(contentsOf: String(Unicode.Scalar(buffer.codes[i]) ?? " ").utf8)
            }
            return Element(unit: .word(gram), position: UInt32(2 * start))
        }
    }
}

/// Finds the occurrences of patterns in an original text; its buffer is used again from text to text.
struct Highlighter {
    private let units = UnitBuffer()

    /// Byte ranges of all occurrences, ascending; overlapping ones are merged, neighbours are not. An occurrence is one
    /// range from the first byte of its first unit to the last of its last, whatever vanished between.
    mutating func spans(
        of patterns: [TextPattern], in text: UnsafeBufferPointer<UInt8>, analyzer: Analyzer
    ) throws(TextError) -> [TextSpan] {
        try analyzer.normalize(text, into: units, offsets: true)
        var found: [TextSpan] = []
        for pattern in patterns where !pattern.units.isEmpty && pattern.units.count <= units.count {
            let (first, mask) = Self.firstCode(pattern)
            let codes = units.codes
            for start in 0...(units.count - pattern.units.count)
            where codes[start] & mask == first && matches(pattern, at: start) {
                let last = start + pattern.units.count - 1
                found.append(TextSpan(start: Int(units.sourceStart[start]), end: Int(units.sourceEnd[last])))
            }
        }
        found.sort()
        var merged: [TextSpan] = []
        for span in found {
            if let last = merged.last, span.start < last.end {
                merged[merged.count - 1].end = max(last.end, span.end)
            } else {
                merged.append(span)
            }
        }
        return merged
    }

    /// What the code of the first unit of an occurrence is, under a mask.
    private static func firstCode(_ pattern: TextPattern) -> (code: UInt32, mask: UInt32) {
        guard case .character(let scalar)? = pattern.units.first?.unit else {
            return (UnitBuffer.wordBit, UnitBuffer.wordBit)
        }
        return (scalar, UnitBuffer.wordBit | UnitBuffer.scalarMask)
    }

    private func matches(_ pattern: TextPattern, at start: Int) -> Bool {
        for (i, element) in pattern.units.enumerated() {
            let code = units.codes[start + i]
            let hasGap = code & UnitBuffer.gapBit != 0
            if i > 0, hasGap != (element.position - pattern.units[i - 1].position == 3) { return false }
            switch element.unit {
            case .character(let scalar):
                if code & UnitBuffer.wordBit != 0 || code & UnitBuffer.scalarMask != scalar { return false }
            case .word(let bytes):
                guard code & UnitBuffer.wordBit != 0 else { return false }
                let word = units.word(Int(code & UnitBuffer.wordMask))
                let isLast = i == pattern.units.count - 1
                if pattern.lastIsPrefix, isLast {
                    if word.count < bytes.count || !word.prefix(bytes.count).elementsEqual(bytes) { return false }
                } else if word.count != bytes.count || !word.elementsEqual(bytes) {
                    return false
                }
            }
        }
        return true
    }
}

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
        for pattern in patterns {
            pattern.forEachOccurrence(in: units) { start in
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
}

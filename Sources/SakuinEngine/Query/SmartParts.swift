// What a text is looked for by besides itself in mode `smart`: its parts, which neither need a dictionary of words nor
// tell where words end.

extension TextPattern {
    /// The words of a text, the pairs of CJK characters side by side and the characters that stand by themselves, each once,
    /// in order of appearance; none when the text is one of them.
    var smartParts: [String] {
        var parts: [String] = []
        var seen: Set<String> = []
        for (i, element) in units.enumerated() {
            let part: String
            switch element.unit {
            case .word(let bytes): part = String(decoding: bytes, as: UTF8.self)
            case .character(let scalar):
                if let next = character(i + 1, beside: i) {
                    part = Self.string([scalar, next])
                } else if i > 0, character(i - 1, beside: i) != nil {
                    continue
                } else {
                    part = Self.string([scalar])
                }
            }
            if seen.insert(part).inserted { parts.append(part) }
        }
        let isWhole = parts.count == 1 && (units.count == 1 || units.count == 2 && character(1, beside: 0) != nil)
        return isWhole ? [] : parts
    }

    /// The character at a place, if it is one and stands directly beside that at another.
    private func character(_ place: Int, beside other: Int) -> UInt32? {
        guard units.indices.contains(place), case .character(let scalar) = units[place].unit else { return nil }
        let (low, high) = (units[min(place, other)].position, units[max(place, other)].position)
        return high - low == 2 ? scalar : nil
    }

    private static func string(_ scalars: [UInt32]) -> String {
        var view = String.UnicodeScalarView()
        for scalar in scalars { view.append(Unicode.Scalar(scalar) ?? "\u{FFFD}") }
        return String(view)
    }
}

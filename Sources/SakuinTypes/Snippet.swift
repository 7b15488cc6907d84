/// The part of a text that shows its spans best.
public struct Snippet: Sendable, Hashable {
    public var text: String
    /// Byte offsets in `text`.
    public var spans: [TextSpan]
    /// Whether something was cut before and behind.
    public var isCutBefore: Bool
    public var isCutBehind: Bool

    /// The window of about `columns` terminal columns around the first spans; `width` says how many a scalar takes.
    /// Line breaks, tabs and other controls become blanks. Spans that do not lie on scalar boundaries of the text are left
    /// out.
    public static func make(
        _ text: String, spans: [TextSpan], columns: Int, width: (Unicode.Scalar) -> Int
    ) -> Snippet {
        let scalars = Array(text.unicodeScalars)
        func columnCount(_ scalar: Unicode.Scalar) -> Int { isBlank(scalar) ? 1 : width(scalar) }
        var starts: [Int] = []
        starts.reserveCapacity(scalars.count + 1)
        var offset = 0
        for scalar in scalars {
            starts.append(offset)
            offset += UTF8.width(scalar)
        }
        starts.append(offset)
        let focus = spans.first.flatMap { span in starts.firstIndex { $0 >= span.start } } ?? 0
        // A quarter of the window stands before the first span.
        var from = min(focus, scalars.count)
        var used = 0
        while from > 0, used + columnCount(scalars[from - 1]) <= columns / 4 {
            from -= 1
            used += columnCount(scalars[from])
        }
        var to = min(focus, scalars.count)
        while to < scalars.count, used + columnCount(scalars[to]) <= columns {
            used += columnCount(scalars[to])
            to += 1
        }
        while from > 0, used + columnCount(scalars[from - 1]) <= columns {
            from -= 1
            used += columnCount(scalars[from])
        }
        // No mark without what it is on.
        while from > 0, from < focus, columnCount(scalars[from]) == 0 { from += 1 }
        return cut(scalars, starts, from, to, spans)
    }

    /// Whether a blank is shown for it: a control, or a line break that is none.
    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: true
        default: false
        }
    }

    private static func cut(
        _ scalars: [Unicode.Scalar], _ starts: [Int], _ from: Int, _ to: Int, _ spans: [TextSpan]
    ) -> Snippet {
        var out = String.UnicodeScalarView()
        var places: [Int: Int] = [:]
        var length = 0
        for i in from..<to {
            places[starts[i]] = length
            let scalar: Unicode.Scalar = isBlank(scalars[i]) ? " " : scalars[i]
            out.append(scalar)
            length += UTF8.width(scalar)
        }
        places[starts[to]] = length
        let (first, last) = (starts[from], starts[to])
        let inside = spans.compactMap { span -> TextSpan? in
            guard let start = places[max(span.start, first)], let end = places[min(span.end, last)], start < end
            else { return nil }
            return TextSpan(start: start, end: end)
        }
        return Snippet(text: String(out), spans: inside, isCutBefore: from > 0, isCutBehind: to < scalars.count)
    }
}

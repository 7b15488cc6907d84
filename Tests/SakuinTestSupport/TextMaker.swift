/// Random texts over a small alphabet, so that everything meets everything.
public enum TextMaker {
    private static let alphabet: [[String]] = [
        ["国", "际", "数", "字", "网", "𠮷", "𡈽", "々"], ["あ", "い", "ー", "カ", "ガ"], ["ｶ", "ﾞ", "ﾊ", "ﾟ"],
        ["한", "국", "어"], ["a", "B", "x", "é", "Ｇ"], ["1", "2", "５", "0"],
        [" ", " ", "　", "\n", "\r\n", "\t", "\n\n", "\n \n"], ["，", "。", ",", "-", "「", "😀"],
        ["e\u{301}", "\u{301}", "\u{FE0F}", "\u{200D}", "か\u{3099}"],
    ]

    /// Weights of the rows above.
    private static let weights = [10, 5, 2, 4, 5, 4, 6, 4, 1]

    /// A text of up to `count` pieces.
    public static func text(_ count: Int, _ random: inout SeededRandom) -> String {
        var text = ""
        for _ in 0..<random.below(count + 1) {
            var place = random.below(weights.reduce(0, +))
            for (row, weight) in weights.enumerated() {
                if place < weight {
                    text += alphabet[row][random.below(alphabet[row].count)]
                    break
                }
                place -= weight
            }
        }
        return text
    }

    /// A part of the text, cut between scalars.
    public static func part(of text: String, _ random: inout SeededRandom) -> String {
        let scalars = Array(text.unicodeScalars)
        if scalars.isEmpty { return "国" }
        let start = random.below(scalars.count)
        let length = 1 + random.below(min(8, scalars.count - start))
        var part = String.UnicodeScalarView()
        part.append(contentsOf: scalars[start..<(start + length)])
        return String(part)
    }
}

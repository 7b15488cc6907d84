// Random numbers and text that are the same in every run.

/// SplitMix64: small, quick, good enough for test data.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number from 0 to 1, without 1.
    mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }
}

/// Chinese-looking text: 4,000 characters by Zipf's law, commas and full stops, now and then a word or a number.
struct SeededText {
    static let characterCount = 4_000
    private static let firstHan: UInt32 = 0x4E00
    private var random: SeededRandom

    init(_ seed: UInt64) { random = SeededRandom(seed) }

    /// Frequent characters first; the logarithm makes the n-th one n times as rare as the first.
    mutating func character() -> Unicode.Scalar {
        var rank: UInt32 = 1
        // e^(u ln n), without a logarithm: n^u by halving the range.
        var low = 1.0
        var high = Double(Self.characterCount)
        var share = random.fraction()
        while high / low > 1.02 {
            let middle = (low * high).squareRoot()
            if share < 0.5 {
                high = middle
                share *= 2
            } else {
                low = middle
                share = share * 2 - 1
            }
        }
        rank = UInt32(low)
        // Spread over the block, so that frequent characters are not neighbours.
        return Unicode.Scalar(Self.firstHan + rank * 7_919 % 20_000) ?? "索"
    }

    /// Text of about `byteCount` bytes.
    mutating func text(byteCount: Int) -> String {
        var text = ""
        var size = 0
        while size + 3 <= byteCount {
            var piece: String
            switch random.next() % 64 {
            case 0...3: piece = "，"
            case 4...5: piece = "。"
            case 6: piece = " " + String(random.next() % 10_000) + " "
            case 7: piece = " word" + String(random.next() % 5_000) + " "
            default: piece = String(Character(character()))
            }
            if size + piece.utf8.count > byteCount { piece = "。" }
            text += piece
            size += piece.utf8.count
        }
        return text
    }
}

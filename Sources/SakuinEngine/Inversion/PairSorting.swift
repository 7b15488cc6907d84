// The pairs of a field to their order: by character and side, then by word.
//
// 1. While the words are written their pairs are counted by character and side.
// 2. A part of the characters is taken, as many as have so many pairs together. The words are gone through again, which
//    costs little, and the pairs of the part are put where the counts say: a counting sort that keeps words, documents
//    and positions in order.
// 3. What has the same character, side and word is a list. Then the next part, in the same memory.

struct PairSorting<Place: TokenPlace>: ~Copyable {
    private let partCountMax: Int
    /// By place of a character and side: how many there are; in the part at hand, where the next goes.
    private var counts: [UInt32]
    /// The part at hand.
    private var part = 0..<0
    /// Of each pair the rank of its word, and where it stands.
    private var words = CodeBuffer()
    private var places = PlaceBuffer<Place>()

    /// For a field of so many characters. A part has at most so many pairs, unless one character and side has more.
    init(characterCount: Int, partCountMax: Int = 1 << 18) {
        counts = Array(repeating: 0, count: 2 * characterCount)
        self.partCountMax = partCountMax
    }

    @inline(__always)
    mutating func count(_ place: Int) { counts[place] &+= 1 }

    /// Goes to the next part, whose pairs are then added; false at the end.
    mutating func beginPart() -> Bool {
        let from = part.upperBound
        var (to, sum) = (from, 0)
        while to < counts.count, sum == 0 || sum + Int(counts[to]) <= partCountMax {
            let count = counts[to]
            counts[to] = UInt32(truncatingIfNeeded: sum)
            sum += Int(count)
            to += 1
        }
        part = from..<to
        words.resize(sum)
        places.resize(sum)
        return sum > 0
    }

    /// Takes a pair if it is of the part; words come by rank, documents and positions in order. `link`: that of the character.
    @inline(__always)
    mutating func add(_ place: Int, word: Int, _ document: UInt32, link: UInt32, _ position: UInt32) {
        guard part.contains(place) else { return }
        let at = Int(counts[place])
        counts[place] &+= 1
        words.values[at] = UInt32(truncatingIfNeeded: word)
        places.values[at] = Place(document: document, link: link, position: position)
    }

    /// Hands out the lists of the part, when its pairs are added.
    func forEach(
        _ body: (_ place: Int, _ word: Int, UnsafeBufferPointer<Place>) throws(StorageError) -> Void
    ) throws(StorageError) {
        var from = 0
        for place in part {
            let end = Int(counts[place])
            while from < end {
                let word = words.values[from]
                var to = from + 1
                while to < end, words.values[to] == word { to += 1 }
                try body(place, Int(word), UnsafeBufferPointer(start: places.values + from, count: to - from))
                from = to
            }
        }
    }
}

/// The order of pairs by character and side.
enum PairOrder {
    /// The place of a character, by rank, and side in the order of `WordNeighbour.code`.
    @inline(__always)
    static func place(_ rank: UInt32, isBehind: Bool) -> Int { Int(rank &<< 1 | (isBehind ? 1 : 0)) }

    /// The inverse, `scalars` being those of the characters by rank.
    static func neighbour(_ place: Int, _ scalars: [UInt32]) -> WordNeighbour {
        place & 1 == 0 ? .before(scalars[place / 2]) : .behind(scalars[place / 2])
    }
}

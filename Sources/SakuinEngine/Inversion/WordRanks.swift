/// The words of a field in byte order, over all chunks that are sealed together.
struct WordRanks: ~Copyable {
    private let slots: [FieldSlot]
    /// By rank, then by chunk: the number of the word there, -1 for none.
    private var numbers: [Int32] = []

    init(_ slots: [FieldSlot]) {
        self.slots = slots
        let sorted = slots.map { $0.inverter.interner.sortedNumbers() }
        var next = [Int](repeating: 0, count: slots.count)
        while let (lowest, word) = Self.lowest(slots, sorted, next) {
            for chunk in slots.indices {
                guard next[chunk] < sorted[chunk].count else {
                    numbers.append(-1)
                    continue
                }
                let number = sorted[chunk][next[chunk]]
                let isSame = chunk == lowest || Self.compare(slots[chunk], number, slots[lowest], word) == 0
                numbers.append(isSame ? Int32(number) : -1)
                next[chunk] += isSame ? 1 : 0
            }
        }
    }

    /// The chunk whose next word is the lowest, and that word's number there; nil at the end of all.
    private static func lowest(
        _ slots: [FieldSlot], _ sorted: [[Int]], _ next: [Int]
    ) -> (chunk: Int, word: Int)? {
        var lowest: (chunk: Int, word: Int)?
        for chunk in slots.indices where next[chunk] < sorted[chunk].count {
            let word = sorted[chunk][next[chunk]]
            if let (other, known) = lowest, compare(slots[chunk], word, slots[other], known) >= 0 { continue }
            lowest = (chunk, word)
        }
        return lowest
    }

    private static func compare(_ a: FieldSlot, _ first: Int, _ b: FieldSlot, _ second: Int) -> Int {
        a.inverter.interner.withWord(first) { first in
            b.inverter.interner.withWord(second) { WordDictionary.compare(first, $0) }
        }
    }

    var count: Int { numbers.count / slots.count }

    /// The number of a word in a chunk.
    func number(_ rank: Int, inChunk chunk: Int) -> Int? {
        let number = numbers[rank * slots.count + chunk]
        return number < 0 ? nil : Int(number)
    }

    /// The bytes of a word.
    func withWord<R>(_ rank: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R? {
        for chunk in slots.indices {
            if let number = number(rank, inChunk: chunk) {
                return slots[chunk].inverter.interner.withWord(number, body)
            }
        }
        return nil
    }
}

/// Distinct words to small numbers, in order of first appearance.
struct WordInterner: ~Copyable {
    private var bytes = ByteWriter(capacity: 4096)
    /// starts[i]..<starts[i + 1] are the bytes of word i.
    private var starts: [Int] = [0]
    private var hashes: [UInt64] = []
    /// Open addressing: word number + 1, or 0.
    private var slots: [UInt32] = Array(repeating: 0, count: 1024)

    init() {}

    var count: Int { hashes.count }
    /// Bytes of memory it takes.
    var byteCount: Int { bytes.capacity + starts.capacity * 8 + hashes.capacity * 8 + slots.count * 4 }

    mutating func number(of word: UnsafeBufferPointer<UInt8>) -> UInt32 {
        let hash = KeyHash.hash(UnsafeRawBufferPointer(word))
        let mask = slots.count &- 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let candidate = Int(slots[slot]) &- 1
            if hashes[candidate] == hash, isWord(candidate, word) { return UInt32(candidate) }
            slot = (slot &+ 1) & mask
        }
        let number = UInt32(count)
        slots[slot] = number &+ 1
        hashes.append(hash)
        bytes.append(bytes: UnsafeRawBufferPointer(word))
        starts.append(bytes.count)
        if count * 2 > slots.count { rehash() }
        return number
    }

    private func isWord(_ number: Int, _ word: UnsafeBufferPointer<UInt8>) -> Bool {
        withWord(number) { $0.elementsEqual(word) }
    }

    /// The bytes of a word.
    func withWord<R>(_ number: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        bytes.withBytes { body(UnsafeRawBufferPointer(rebasing: $0[starts[number]..<starts[number + 1]])) }
    }

    private mutating func rehash() {
        var larger = [UInt32](repeating: 0, count: slots.count * 2)
        let mask = larger.count - 1
        for number in 0..<count {
            var slot = Int(truncatingIfNeeded: hashes[number]) & mask
            while larger[slot] != 0 { slot = (slot + 1) & mask }
            larger[slot] = UInt32(number) + 1
        }
        slots = larger
    }

    /// Word numbers in ascending byte order of the words.
    func sortedNumbers() -> [Int] {
        bytes.withBytes { all in
            (0..<count).sorted { a, b in
                WordDictionary.compare(
                    UnsafeRawBufferPointer(rebasing: all[starts[a]..<starts[a + 1]]),
                    UnsafeRawBufferPointer(rebasing: all[starts[b]..<starts[b + 1]])) < 0
            }
        }
    }

    mutating func removeAll() {
        bytes.removeAll()
        starts = [0]
        hashes.removeAll(keepingCapacity: true)
        slots = Array(repeating: 0, count: 1024)
    }
}

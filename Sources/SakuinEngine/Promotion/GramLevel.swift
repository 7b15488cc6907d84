// The grams of one length that are promoted, from those of one character less.
//
// 1. `scan` goes along the places of a window: where two frequent grams are at places next to each other, there is one
//    of the level, which is the pair of their numbers. A table finds its list.
// 2. When there are more postings than are allowed for the documents so far, or more bytes, the threshold is doubled and
//    the lists of what is not frequent enough any more are let go: what is promoted at 2 T is part of what is at T.
// 3. `finish` puts the grams in order, and `forEachList` hands them out. Those that are frequent themselves get numbers,
//    with which `replace` makes the places of a window ready for the next level.

struct GramLevel: ~Copyable {
    private struct List: BitwiseCopyable {
        /// The numbers of the two grams, the first above.
        var pair: UInt64
        var place: PostingPool.Place
        /// The document at hand, which is not in the pool yet.
        var document: UInt32
        var frequency: UInt32
        var documentFrequency: UInt32
    }
    private struct Slot: BitwiseCopyable {
        /// Bits of the pair's hash, which tell most other pairs apart.
        var tag: UInt32
        /// The number of the list plus one; 0: free.
        var list: UInt32
    }

    private let parents: NumberedGrams
    private let parentFrequencies: UnsafeMutablePointer<UInt32>
    private let allowance: PostingAllowance
    /// Of what is allowed, for the documents so far.
    private var allowedShare = 1.0
    private var postingCountAllowed: Int
    private let byteCountMax: Int
    private(set) var threshold: Int
    private(set) var postingCount = 0
    private var lists = GrowableBuffer<List>()
    private var pool = PostingPool()
    /// Those of the document at hand.
    private var pairs = GrowableBuffer<UInt64>()
    private var firstSlots = GrowableBuffer<Slot>()
    private var slots: UnsafeMutablePointer<Slot>
    private var slotCount = 1 << 10
    /// By list, once finished: the number of the gram, 0 when it is not frequent.
    private var numbers: [UInt32] = []
    /// Lists in the order of their characters, once finished.
    private var order: [Int] = []

    /// Of pairs of `parents` those of which both are in so many documents, or in more, if they are more than is allowed
    /// or take more bytes.
    init(_ parents: NumberedGrams, threshold: Int, _ allowance: PostingAllowance, byteCountMax: Int) {
        self.parents = parents
        self.threshold = threshold
        self.allowance = allowance
        postingCountAllowed = allowance.postingCount(threshold)
        self.byteCountMax = byteCountMax
        let frequencies = parents.documentFrequencies
        parentFrequencies = .allocate(capacity: frequencies.count)
        for (number, frequency) in frequencies.enumerated() { parentFrequencies[number] = frequency }
        slots = .allocate(capacity: slotCount)
        slots.update(repeating: Slot(tag: 0, list: 0), count: slotCount)
    }

    deinit {
        parentFrequencies.deallocate()
        slots.deallocate()
    }

    private var byteCount: Int {
        pool.byteCount + lists.count * MemoryLayout<List>.stride + slotCount * MemoryLayout<Slot>.stride
    }
    /// Whether there is more than allowed.
    private var isOver: Bool { postingCount > postingCountAllowed || byteCount > byteCountMax }

    @inline(__always)
    private static func hash(_ pair: UInt64) -> UInt64 {
        let product = pair &* 0x9E37_79B9_7F4A_7C15
        return product ^ product &>> 29
    }

    @inline(__always)
    private static func tag(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash &>> 32) }

    /// Where a pair is looked for first.
    @inline(__always)
    private func firstSlot(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (slotCount &- 1) }

    /// The slot of a pair, or the free one where it goes.
    @inline(__always)
    private func find(_ pair: UInt64) -> Int {
        let hash = Self.hash(pair)
        let tag = Self.tag(hash)
        var slot = firstSlot(hash)
        while true {
            let found = slots[slot]
            if found.list == 0 || found.tag == tag && lists.values[Int(found.list &- 1)].pair == pair { return slot }
            slot = (slot &+ 1) & (slotCount &- 1)
        }
    }

    /// Notes in a free slot where a pair's list is.
    private func fill(_ slot: Int, _ pair: UInt64, list: Int) {
        slots[slot] = Slot(tag: Self.tag(Self.hash(pair)), list: UInt32(truncatingIfNeeded: list + 1))
    }

    // MARK: Scanning

    /// How much more than their share of all postings the first documents may have; and the part of all that is allowed
    /// to any number of them.
    private static let shareSlack = 1.25
    private static let leastShare = 1.0 / 16

    /// Takes the grams of the documents of a window, which are above all before; `documentCount` there are in all. The
    /// threshold rises when there is more than allowed.
    mutating func scan(_ window: borrowing GramWindow, documentCount: Int) {
        let share = Self.shareSlack * Double(window.documents.upperBound) / Double(max(documentCount, 1))
        allowedShare = min(max(share, Self.leastShare), 1)
        setAllowed()
        let (codes, starts) = (window.codes.values, window.starts.values)
        for (i, document) in window.documents.enumerated() {
            let document = UInt32(truncatingIfNeeded: document)
            let count = gather(codes + Int(starts[i]), Int(starts[i &+ 1] &- starts[i]))
            for k in 0..<count { add(pairs.values[k], firstSlots.values[k], document) }
            if isOver { raise() }
        }
    }

    private mutating func setAllowed() {
        postingCountAllowed = Int(Double(allowance.postingCount(threshold)) * allowedShare)
    }

    /// Puts the pairs of a document in `pairs`, and what stands where each is looked for first in `firstSlots`; returns how
    /// many. Whether there is one at a place cannot be foreseen, so each is written and kept or not.
    private mutating func gather(_ codes: UnsafePointer<UInt32>, _ placeCount: Int) -> Int {
        pairs.resize(placeCount)
        let pairs = pairs.values
        var count = 0
        var code = UInt64(codes[0])
        for place in 1..<placeCount {
            let next = UInt64(codes[place])
            pairs[count] = code &<< 32 | next
            count &+= code != 0 && next != 0 ? 1 : 0
            code = next
        }
        // One does not wait for the other, so the processor fetches several from memory at once.
        firstSlots.resize(count)
        for k in 0..<count { firstSlots.values[k] = slots[firstSlot(Self.hash(pairs[k]))] }
        return count
    }

    /// `known` is what stood in the first slot of the pair before the document: since then lists were added, but none moved.
    @inline(__always)
    private mutating func add(_ pair: UInt64, _ known: Slot, _ document: UInt32) {
        var at = known.list
        if at == 0 || known.tag != Self.tag(Self.hash(pair)) || lists.values[Int(at &- 1)].pair != pair {
            let slot = find(pair)
            at = slots[slot].list
            if at == 0 { return addList(pair, document, slot) }
        }
        let list = lists.values + Int(at &- 1)
        if list.pointee.document == document {
            list.pointee.frequency &+= 1
            return
        }
        pool.append(list.pointee.document, list.pointee.frequency, to: &list.pointee.place)
        list.pointee.document = document
        list.pointee.frequency = 1
        list.pointee.documentFrequency &+= 1
        postingCount &+= 1
    }

    @inline(never)
    private mutating func addList(_ pair: UInt64, _ document: UInt32, _ slot: Int) {
        guard isPromoted(pair) else { return }
        fill(slot, pair, list: lists.count)
        lists.append(
            List(pair: pair, place: pool.begin(), document: document, frequency: 1, documentFrequency: 1))
        postingCount &+= 1
        if lists.count > slotCount / 2 { makeTable() }
    }

    private func isPromoted(_ pair: UInt64) -> Bool {
        Int(parentFrequencies[Int(pair &>> 32)]) >= threshold
            && Int(parentFrequencies[Int(pair & 0xFFFF_FFFF)]) >= threshold
    }

    /// Makes the table anew, in a size that fits.
    private mutating func makeTable() {
        var wanted = 1 << 10
        while wanted < 4 * lists.count { wanted *= 2 }
        slots.deallocate()
        slots = .allocate(capacity: wanted)
        slots.update(repeating: Slot(tag: 0, list: 0), count: wanted)
        slotCount = wanted
        for i in 0..<lists.count {
            let pair = lists.values[i].pair
            fill(find(pair), pair, list: i)
        }
    }

    /// Raises the threshold until there is no more than allowed.
    private mutating func raise() {
        while isOver, lists.count > 0 {
            threshold *= 2
            setAllowed()
            var kept = 0
            for i in 0..<lists.count {
                let list = lists.values[i]
                if isPromoted(list.pair) {
                    lists.values[kept] = list
                    kept += 1
                } else {
                    postingCount -= Int(list.documentFrequency)
                    pool.end(list.place)
                }
            }
            lists.truncate(kept)
            makeTable()
        }
    }

    // MARK: When all is scanned

    /// Ends the lists and puts them in the order of their characters; returns the grams of at least `frequentMin`
    /// documents. Then nothing is changed but by `removeLists`, so that `forEachList` and `replace` may go on beside each
    /// other.
    mutating func finish(frequentMin: Int) -> NumberedGrams {
        var frequent = NumberedGrams(length: parents.length + 1)
        numbers = Array(repeating: 0, count: lists.count)
        order = numbers.indices.sorted { lists.values[$0].pair < lists.values[$1].pair }
        for i in order {
            let list = lists.values + i
            pool.append(list.pointee.document, list.pointee.frequency, to: &list.pointee.place)
            guard Int(list.pointee.documentFrequency) >= frequentMin else { continue }
            frequent.append(characters(of: list.pointee.pair), documentFrequency: list.pointee.documentFrequency)
            numbers[i] = UInt32(truncatingIfNeeded: frequent.count)
        }
        return frequent
    }

    /// Hands out the lists in order, in memory that is used again for the next.
    func forEachList(
        _ body: (_ characters: [UInt32], PostingRun) throws(StorageError) -> Void
    ) throws(StorageError) {
        var documents = CodeBuffer()
        var frequencies = CodeBuffer()
        for i in order {
            let list = lists.values[i]
            let count = Int(list.documentFrequency)
            pool.read(list.place, count: count, &documents, &frequencies)
            try body(
                characters(of: list.pair),
                PostingRun(count: count, documents: documents.values, frequencies: frequencies.values))
        }
    }

    /// Gives back what only `forEachList` needs.
    mutating func removeLists() {
        pool = PostingPool()
        order = []
    }

    private func characters(of pair: UInt64) -> [UInt32] {
        let last = parents.characters(of: Int(pair & 0xFFFF_FFFF)).suffix(1)
        return Array(parents.characters(of: Int(pair &>> 32)) + last)
    }

    /// By number of the level before: whether a gram is part of a frequent one of this level.
    func partsOfFrequent() -> [Bool] {
        var parts = [Bool](repeating: false, count: parents.count + 1)
        for (list, number) in numbers.enumerated() where number != 0 {
            parts[Int(lists.values[list].pair &>> 32)] = true
            parts[Int(lists.values[list].pair & 0xFFFF_FFFF)] = true
        }
        return parts
    }

    /// Puts the numbers of the frequent grams of this level in the place of those of the level before.
    func replace(_ window: borrowing GramWindow) {
        let codes = window.codes.values
        for place in 0..<max(window.codes.count - 1, 0) {
            let (code, next) = (codes[place], codes[place &+ 1])
            codes[place] = code == 0 || next == 0 ? 0 : number(UInt64(code) &<< 32 | UInt64(next))
        }
    }

    @inline(__always)
    private func number(_ pair: UInt64) -> UInt32 {
        let slot = find(pair)
        return slots[slot].list == 0 ? 0 : numbers[Int(slots[slot].list &- 1)]
    }
}

/// A place for a level, which cannot be shared itself.
final class GramLevelSlot {
    var level: GramLevel

    init(_ level: consuming GramLevel) { self.level = level }
}

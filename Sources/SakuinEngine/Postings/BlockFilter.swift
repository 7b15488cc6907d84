/// Tells for many documents in few instructions whether a block of a list has them, and where.
///
/// Two forms. A block that spans fewer documents than the table has slots: the place of each by its distance from the
/// first; slots of other documents hold anything, since what stands at the place decides. A block that spans more: a bit
/// for each document by its low bits; where a wanted document's is set the block is searched.
struct BlockFilter {
    private static let slotCount = 8_192
    private static let wordCount = 64
    private static let bitMask = UInt32(wordCount * 64 - 1)

    private let slots: UnsafeMutablePointer<UInt8>
    private let words: UnsafeMutablePointer<UInt64>

    init(_ scratch: Scratch) {
        words = scratch.take(UInt64.self, Self.wordCount)
        slots = scratch.take(UInt8.self, Self.slotCount)
    }

    private static func isDirect(_ documents: UnsafePointer<UInt32>, _ count: Int) -> Bool {
        documents[count &- 1] &- documents[0] < UInt32(slotCount)
    }

    /// Makes the filter of a block of 1...128 ascending documents.
    func fill(_ documents: UnsafePointer<UInt32>, _ count: Int) {
        if Self.isDirect(documents, count) {
            let first = documents[0]
            for i in 0..<count { slots[Int(documents[i] &- first)] = UInt8(truncatingIfNeeded: i) }
        } else {
            words.update(repeating: 0, count: Self.wordCount)
            for i in 0..<count {
                let bit = documents[i] & Self.bitMask
                words[Int(bit &>> 6)] |= 1 &<< UInt64(bit & 63)
            }
        }
    }

    /// Of `wanted[from..<to]` finds those the block has. Writes the place of each in `wanted` and in the block to
    /// `pairs`, ascending; returns how many.
    func find(
        _ wanted: UnsafePointer<UInt32>, _ from: Int, _ to: Int, in documents: UnsafePointer<UInt32>, _ count: Int,
        into pairs: UnsafeMutablePointer<PlacePair>
    ) -> Int {
        let slots = UnsafePointer(slots)
        var found = 0
        if Self.isDirect(documents, count) {
            let first = documents[0]
            let (mask, limit) = (UInt32(Self.slotCount &- 1), UInt8(truncatingIfNeeded: count &- 1))
            for i in from..<to {
                let place = min(slots[Int((wanted[i] &- first) & mask)], limit)
                pairs[found] = PlacePair(wanted: UInt8(truncatingIfNeeded: i), place: place)
                found &+= documents[Int(place)] == wanted[i] ? 1 : 0
            }
            return found
        }
        let words = UnsafePointer(words)
        var candidates = 0
        for i in from..<to {
            let bit = wanted[i] & Self.bitMask
            pairs[candidates] = PlacePair(wanted: UInt8(truncatingIfNeeded: i), place: 0)
            candidates &+= Int(truncatingIfNeeded: words[Int(bit &>> 6)] &>> UInt64(bit & 63) & 1)
        }
        return BlockSearch.find(wanted, of: pairs, candidates, in: documents, from: 0, count)
    }
}

/// A document that two blocks have: its place in one and in the other.
struct PlacePair: BitwiseCopyable {
    var wanted: UInt8
    var place: UInt8
}

enum BlockSearch {
    /// The first place from `first` on that is not before what is looked for, `end` when all are; those before come first.
    /// Galloping, then bisecting.
    @inline(__always)
    static func firstPlace(from first: Int, to end: Int, isBefore: (Int) -> Bool) -> Int {
        var (low, next, step) = (first, first, 1)
        while next < end, isBefore(next) {
            low = next &+ 1
            next &+= step
            step &*= 2
        }
        var high = min(next, end)
        while low < high {
            let middle = (low &+ high) &>> 1
            if isBefore(middle) { low = middle &+ 1 } else { high = middle }
        }
        return low
    }

    /// The place of the first of `documents[at..<end]` (at least one) that is not below `target`, or of the last.
    @inline(__always)
    static func place(of target: UInt32, in documents: UnsafePointer<UInt32>, _ at: Int, _ end: Int) -> Int {
        var at = at
        var length = end &- at
        while length > 1 {
            let half = length &>> 1
            at = documents[at &+ half &- 1] < target ? at &+ half : at
            length &-= half
        }
        return at
    }

    /// Of the documents that `pairs` name keeps those of `documents[from..<count]`, with their places; returns how many.
    @inline(__always)
    static func find(
        _ wanted: UnsafePointer<UInt32>, of pairs: UnsafeMutablePointer<PlacePair>, _ pairCount: Int,
        in documents: UnsafePointer<UInt32>, from: Int, _ count: Int
    ) -> Int {
        var (found, at) = (0, from)
        for k in 0..<pairCount {
            let target = wanted[Int(pairs[k].wanted)]
            at = place(of: target, in: documents, at, count)
            pairs[found] = PlacePair(wanted: pairs[k].wanted, place: UInt8(truncatingIfNeeded: at))
            found &+= documents[at] == target ? 1 : 0
        }
        return found
    }
}

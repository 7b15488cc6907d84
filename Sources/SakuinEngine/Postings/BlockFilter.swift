/// Tells for many documents in few instructions whether a block of a list has them, and where.
///
/// The documents from the block's first to its last fall into at most so many slots, of one document or 2, 4, 8 … each;
/// a slot keeps the place of the lowest of the block's that fell into it. Slots without one hold anything, since what
/// stands at the place decides. Nothing is branched on what is found: it is found or not as if at random, and a branch
/// guessed wrong costs as much as three documents.
struct BlockFilter: BitwiseCopyable {
    private static let slotCount = 4_096
    private static let slotMask = UInt32(slotCount - 1)
    private static let blockCount = PostingListWriter.blockCount
    private static let placeMask = UInt8(blockCount - 1)

    private let slots: UnsafeMutablePointer<UInt8>

    init(_ scratch: Scratch) { slots = scratch.take(UInt8.self, Self.slotCount) }

    /// How many bits of the distance from the first document one slot is for.
    @inline(__always)
    private static func shift(_ documents: UnsafePointer<UInt32>, _ count: Int) -> UInt32 {
        let width = 32 &- (documents[count &- 1] &- documents[0]).leadingZeroBitCount
        return UInt32(truncatingIfNeeded: max(width &- slotCount.trailingZeroBitCount, 0))
    }

    /// Makes the filter of a block of 1...128 ascending documents; there is room for 128, and what is behind the last
    /// becomes what no document is.
    func fill(_ documents: UnsafeMutablePointer<UInt32>, _ count: Int) {
        for i in count..<Self.blockCount { documents[i] = .max }
        let (first, shift) = (documents[0], Self.shift(documents, count))
        // From the last on, so that the lowest stays.
        var i = count
        while i > 0 {
            i &-= 1
            slots[Int((documents[i] &- first) &>> shift)] = UInt8(truncatingIfNeeded: i)
        }
    }

    /// Of `wanted[from..<to]` finds those the block has, of which the filter is. Writes the place of each in `wanted` and
    /// in the block to `pairs`, ascending; returns how many.
    func find(
        _ wanted: UnsafePointer<UInt32>, _ from: Int, _ to: Int, in documents: UnsafePointer<UInt32>, _ count: Int,
        into pairs: UnsafeMutablePointer<PlacePair>
    ) -> Int {
        let slots = UnsafePointer(slots)
        let (first, shift) = (documents[0], Self.shift(documents, count))
        var found = 0
        if shift == 0 {
            for i in from..<to {
                let place = slots[Int((wanted[i] &- first) & Self.slotMask)] & Self.placeMask
                pairs[found] = PlacePair(wanted: UInt8(truncatingIfNeeded: i), place: place)
                found &+= Branchless.areEqual(documents[Int(place)], wanted[i])
            }
            return found
        }
        for i in from..<to {
            let slot = (wanted[i] &- first) &>> shift
            var place = slots[Int(slot & Self.slotMask)] & Self.placeMask
            let lowest = documents[Int(place)]
            // Rarely another one stands before it in the slot: in the same, and less than the slot's width below it.
            let distance = UInt64(wanted[i] &- lowest) &- 1
            if UInt64((lowest &- first) &>> shift ^ slot) | distance &>> UInt64(shift) == 0 {
                while place < Self.placeMask, documents[Int(place)] < wanted[i] { place &+= 1 }
            }
            pairs[found] = PlacePair(wanted: UInt8(truncatingIfNeeded: i), place: place)
            found &+= Branchless.areEqual(documents[Int(place)], wanted[i])
        }
        return found
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

    /// Of `wanted[from..<to]` finds those of `documents[at..<count]`, as a filter does, by searching for each.
    @inline(__always)
    static func find(
        _ wanted: UnsafePointer<UInt32>, _ from: Int, _ to: Int, in documents: UnsafePointer<UInt32>, from at: Int,
        _ count: Int, into pairs: UnsafeMutablePointer<PlacePair>
    ) -> Int {
        var (found, at) = (0, at)
        for i in from..<to {
            at =
                count == PostingListWriter.blockCount
                ? placeOfBlock(of: wanted[i], in: documents) : place(of: wanted[i], in: documents, at, count)
            pairs[found] = PlacePair(wanted: UInt8(truncatingIfNeeded: i), place: UInt8(truncatingIfNeeded: at))
            found &+= Branchless.areEqual(documents[at], wanted[i])
        }
        return found
    }

    /// The place of the first of 128 documents that is not below `target`, or of the last. Searches for several targets
    /// overlap, since none waits for another and nothing is branched on.
    @inline(__always)
    private static func placeOfBlock(of target: UInt32, in documents: UnsafePointer<UInt32>) -> Int {
        var at = 0
        at &+= Branchless.isBelow(documents[63], target) &<< 6
        at &+= Branchless.isBelow(documents[at &+ 31], target) &<< 5
        at &+= Branchless.isBelow(documents[at &+ 15], target) &<< 4
        at &+= Branchless.isBelow(documents[at &+ 7], target) &<< 3
        at &+= Branchless.isBelow(documents[at &+ 3], target) &<< 2
        at &+= Branchless.isBelow(documents[at &+ 1], target) &<< 1
        return at &+ Branchless.isBelow(documents[at], target)
    }
}

/// One token: its key, its document, its position (for character unigrams: their frequency in the document).
struct PostingTriple {
    var key: UInt64
    var document: UInt32
    var position: UInt32
}

/// A growable run of triples and their stable radix sort by key.
struct PostingTriples: ~Copyable {
    private(set) var base: UnsafeMutablePointer<PostingTriple>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 1024) {
        self.capacity = max(capacity, 16)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    var byteCount: Int { capacity * MemoryLayout<PostingTriple>.stride }

    @inline(__always)
    mutating func append(_ key: UInt64, _ document: UInt32, _ position: UInt32) {
        if count == capacity { grow() }
        base[count] = PostingTriple(key: key, document: document, position: position)
        count &+= 1
    }

    @inline(never)
    private mutating func grow() { reserve(capacity * 2) }

    private mutating func reserve(_ wanted: Int) {
        guard wanted > capacity else { return }
        let moved = UnsafeMutablePointer<PostingTriple>.allocate(capacity: wanted)
        moved.update(from: base, count: count)
        base.deallocate()
        base = moved
        capacity = wanted
    }

    mutating func removeAll() { count = 0 }

    /// The key at a place, `.max` behind the last.
    @inline(__always)
    func key(_ place: Int) -> UInt64 { place < count ? base[place].key : .max }

    private static let digitBits: UInt64 = 11

    /// Sorts by key, keeping the order of equal keys (LSD radix sort; digits that are the same everywhere are
    /// skipped). Triples come in document and position order, so the result is in (key, document, position) order.
    mutating func sort(keyBits: Int, scratch: inout PostingTriples) {
        if count < 2 { return }
        scratch.reserve(count)
        var from = base
        var to = scratch.base
        let buckets = 1 << Int(Self.digitBits)
        let offsets = UnsafeMutablePointer<Int>.allocate(capacity: buckets)
        defer { offsets.deallocate() }
        var shift: UInt64 = 0
        while shift < UInt64(keyBits) {
            if Self.scatter(from, to, count, shift, offsets, buckets) { swap(&from, &to) }
            shift += Self.digitBits
        }
        if from != base {
            // The result lies in the scratch run: the two trade their memory.
            swap(&base, &scratch.base)
            swap(&capacity, &scratch.capacity)
        }
    }

    /// One pass; false when all triples have the same digit and nothing was moved.
    private static func scatter(
        _ from: UnsafeMutablePointer<PostingTriple>, _ to: UnsafeMutablePointer<PostingTriple>, _ count: Int,
        _ shift: UInt64, _ offsets: UnsafeMutablePointer<Int>, _ buckets: Int
    ) -> Bool {
        let mask = UInt64(buckets &- 1)
        offsets.update(repeating: 0, count: buckets)
        for i in 0..<count { offsets[Int(truncatingIfNeeded: from[i].key &>> shift & mask)] &+= 1 }
        if offsets[Int(truncatingIfNeeded: from[0].key &>> shift & mask)] == count { return false }
        var sum = 0
        for bucket in 0..<buckets {
            let size = offsets[bucket]
            offsets[bucket] = sum
            sum &+= size
        }
        for i in 0..<count {
            let triple = from[i]
            let digit = Int(truncatingIfNeeded: triple.key &>> shift & mask)
            to[offsets[digit]] = triple
            offsets[digit] &+= 1
        }
        return true
    }
}

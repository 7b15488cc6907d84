// Matchers over matchers: all of these, any of these, not this one, living documents only.

/// All children match: the cheapest leads, the others filter its blocks.
final class ConjunctionMatcher: Matcher {
    private let lead: Matcher
    private let others: [Matcher]
    /// Documents below it were handed to the others already, which may not see them again.
    private var examined: UInt32 = 0

    /// `children` is not empty.
    init(_ children: [Matcher]) {
        let ordered = children.sorted { $0.cost < $1.cost }
        lead = ordered.first ?? EmptyMatcher()
        others = Array(ordered.dropFirst())
        super.init(cost: lead.cost)
    }

    override func next(
        from target: UInt32, into out: UnsafeMutablePointer<UInt32>
    ) throws(StorageError) -> Int {
        examined = max(examined, target)
        while true {
            var count = try lead.next(from: examined, into: out)
            if count == 0 { return 0 }
            examined = out[count &- 1] &+ 1
            for other in others where count > 0 { count = try other.filter(out, count) }
            if count > 0 { return count }
        }
    }

    override func filter(
        _ documents: UnsafeMutablePointer<UInt32>, _ count: Int
    ) throws(StorageError) -> Int {
        var count = try lead.filter(documents, count)
        for other in others where count > 0 { count = try other.filter(documents, count) }
        return count
    }
}

/// Any child matches: children fill a bit window of 4,096 documents, which is read off in order.
final class DisjunctionMatcher: Matcher {
    private static let windowCount: UInt32 = 4096
    private let children: [Matcher]
    private let buffers: UnsafeMutablePointer<UInt32>
    private var counts: [Int]
    private var places: [Int]
    private let window: UnsafeMutablePointer<UInt64>
    private var windowStart: UInt32 = 0
    private var windowWord = 64

    init(_ children: [Matcher]) {
        self.children = children
        buffers = .allocate(capacity: 128 * max(children.count, 1))
        counts = Array(repeating: -1, count: children.count)
        places = Array(repeating: 0, count: children.count)
        window = .allocate(capacity: 64)
        window.initialize(repeating: 0, count: 64)
        super.init(cost: children.reduce(0) { $0 &+ $1.cost })
    }

    deinit {
        buffers.deallocate()
        window.deallocate()
    }

    override func next(
        from target: UInt32, into out: UnsafeMutablePointer<UInt32>
    ) throws(StorageError) -> Int {
        var kept = 0
        while true {
            while windowWord < 64 {
                var word = window[windowWord]
                let base = windowStart &+ UInt32(truncatingIfNeeded: windowWord &* 64)
                while word != 0, kept < 128 {
                    let document = base &+ UInt32(truncatingIfNeeded: word.trailingZeroBitCount)
                    word &= word &- 1
                    out[kept] = document
                    kept &+= document >= target ? 1 : 0
                }
                window[windowWord] = word
                if word != 0 || kept == 128 { return kept }
                windowWord &+= 1
            }
            if kept > 0 { return kept }
            if try !fillWindow(from: target) { return 0 }
        }
    }

    /// Sets the bits of the next window that has any; false at the end.
    private func fillWindow(from target: UInt32) throws(StorageError) -> Bool {
        var start = UInt32.max
        var found = false
        for (i, child) in children.enumerated() {
            try refill(i, child, from: target)
            if counts[i] > 0 {
                start = min(start, buffers[i &* 128 &+ places[i]])
                found = true
            }
        }
        if !found { return false }
        windowStart = start & ~63
        windowWord = 0
        let end = UInt64(windowStart) + UInt64(Self.windowCount)
        for (i, child) in children.enumerated() {
            while counts[i] > 0 {
                let buffer = buffers + i &* 128
                var place = places[i]
                let count = counts[i]
                while place < count, UInt64(buffer[place]) < end {
                    let at = buffer[place] &- windowStart
                    window[Int(at &>> 6)] |= 1 &<< UInt64(at & 63)
                    place &+= 1
                }
                places[i] = place
                if place < count { break }
                try refill(i, child, from: buffer[count &- 1] &+ 1)
            }
        }
        return true
    }

    /// Makes the buffer of a child hold a document not below `target`, unless it has come to its end.
    private func refill(_ i: Int, _ child: Matcher, from target: UInt32) throws(StorageError) {
        let buffer = buffers + i &* 128
        if counts[i] == 0 { return }
        while places[i] < counts[i], buffer[places[i]] < target { places[i] &+= 1 }
        if counts[i] < 0 || places[i] >= counts[i] {
            counts[i] = try child.next(from: target, into: buffer)
            places[i] = 0
        }
    }

    override func filter(
        _ documents: UnsafeMutablePointer<UInt32>, _ count: Int
    ) throws(StorageError) -> Int {
        var matched: (UInt64, UInt64) = (0, 0)
        for (i, child) in children.enumerated() {
            let buffer = buffers + i &* 128
            buffer.update(from: documents, count: count)
            let kept = try child.filter(buffer, count)
            var place = 0
            for k in 0..<kept {
                while documents[place] < buffer[k] { place &+= 1 }
                if place < 64 { matched.0 |= 1 &<< UInt64(place) } else { matched.1 |= 1 &<< UInt64(place &- 64) }
            }
        }
        var kept = 0
        for place in 0..<count {
            let bit = place < 64 ? matched.0 &>> UInt64(place) : matched.1 &>> UInt64(place &- 64)
            documents[kept] = documents[place]
            kept &+= Int(bit & 1)
        }
        return kept
    }
}

/// What `base` matches and `excluded` does not.
final class ExclusionMatcher: Matcher {
    private let base: Matcher
    private let excluded: Matcher
    /// Documents below it were handed to `excluded` already, which may not see them again: it would not know them.
    private var examined: UInt32 = 0
    private let buffer: UnsafeMutablePointer<UInt32>

    init(_ base: Matcher, without excluded: Matcher) {
        self.base = base
        self.excluded = excluded
        buffer = .allocate(capacity: 128)
        super.init(cost: base.cost)
    }

    deinit { buffer.deallocate() }

    override func next(
        from target: UInt32, into out: UnsafeMutablePointer<UInt32>
    ) throws(StorageError) -> Int {
        examined = max(examined, target)
        while true {
            let count = try base.next(from: examined, into: out)
            if count == 0 { return 0 }
            examined = out[count &- 1] &+ 1
            let kept = try remove(out, count)
            if kept > 0 { return kept }
        }
    }

    override func filter(
        _ documents: UnsafeMutablePointer<UInt32>, _ count: Int
    ) throws(StorageError) -> Int {
        try remove(documents, try base.filter(documents, count))
    }

    private func remove(_ documents: UnsafeMutablePointer<UInt32>, _ count: Int) throws(StorageError) -> Int {
        if count == 0 { return 0 }
        buffer.update(from: documents, count: count)
        let gone = try excluded.filter(buffer, count)
        var (kept, place) = (0, 0)
        for i in 0..<count {
            if place < gone, buffer[place] == documents[i] {
                place &+= 1
            } else {
                documents[kept] = documents[i]
                kept &+= 1
            }
        }
        return kept
    }
}

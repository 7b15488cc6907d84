/// A document that was found: where it is, and what it is ordered by.
struct FoundDocument: Equatable {
    var score: Float
    var segment: Int32
    var document: UInt32

    /// Best first: the higher score, then the earlier segment, then the earlier document.
    @inline(__always)
    func isBefore(_ other: FoundDocument) -> Bool {
        if score != other.score { return score > other.score }
        if segment != other.segment { return segment < other.segment }
        return document < other.document
    }
}

/// The k best documents so far: a binary heap with the worst on top.
struct TopK {
    let capacity: Int
    private var heap: [FoundDocument] = []

    init(_ capacity: Int) {
        self.capacity = capacity
        // Reserving nothing would take memory.
        if capacity > 0 { heap.reserveCapacity(min(capacity, 1024)) }
    }

    /// A score must be above this to enter; documents come in order, so an equal score never does.
    var threshold: Float { heap.count < capacity || heap.isEmpty ? -.infinity : heap[0].score }

    mutating func offer(_ found: FoundDocument) {
        if heap.count < capacity {
            heap.append(found)
            var child = heap.count - 1
            while child > 0 {
                let parent = (child - 1) / 2
                guard heap[parent].isBefore(heap[child]) else { break }
                heap.swapAt(parent, child)
                child = parent
            }
        } else if capacity > 0, found.isBefore(heap[0]) {
            replaceWorst(found)
        }
    }

    /// Puts a document in the place of the worst.
    private mutating func replaceWorst(_ found: FoundDocument) {
        heap.withUnsafeMutableBufferPointer { heap in
            var parent = 0
            while true {
                var child = 2 &* parent &+ 1
                if child >= heap.count { break }
                if child &+ 1 < heap.count, heap[child].isBefore(heap[child &+ 1]) { child &+= 1 }
                if !found.isBefore(heap[child]) { break }
                heap[parent] = heap[child]
                parent = child
            }
            heap[parent] = found
        }
    }

    /// Best first; nothing is kept.
    mutating func takeSorted() -> [FoundDocument] {
        var found: [FoundDocument] = []
        swap(&found, &heap)
        found.sort { $0.isBefore($1) }
        return found
    }
}

/// A growable run of positions behind a reference, so that filling it needs no exclusive access to its owner.
final class PositionBuffer {
    private(set) var values: UnsafeMutablePointer<UInt32>
    private(set) var count = 0
    private var capacity: Int
    /// Whether `values` is in scratch memory, as long as it is enough.
    private var isBorrowed: Bool

    init() {
        capacity = 16
        isBorrowed = false
        values = .allocate(capacity: capacity)
    }

    /// With its first values in memory of a scratch.
    init(_ scratch: Scratch) {
        capacity = 256
        isBorrowed = true
        values = scratch.take(UInt32.self, capacity)
    }

    deinit { if !isBorrowed { values.deallocate() } }

    func removeAll() { count = 0 }

    /// Cuts to the first values, of which there are as many.
    func truncate(to count: Int) { self.count = count }

    @inline(__always)
    func append(_ value: UInt32) {
        if count == capacity { grow() }
        values[count] = value
        count &+= 1
    }

    @inline(never)
    private func grow() {
        let moved = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity * 2)
        moved.update(from: values, count: count)
        if !isBorrowed { values.deallocate() }
        isBorrowed = false
        values = moved
        capacity *= 2
    }

    /// What is there now; valid until the buffer changes.
    var run: PositionRun { PositionRun(values: UnsafePointer(values), count: count) }
}

/// Ascending positions that somebody else keeps.
struct PositionRun {
    let values: UnsafePointer<UInt32>
    let count: Int

    /// The place of the first position from one on that is not below another.
    func place(of position: UInt32, from start: Int) -> Int {
        BlockSearch.firstPlace(from: start, to: count) { values[$0] < position }
    }
}

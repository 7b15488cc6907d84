/// A growable buffer of 32-bit values.
struct CodeBuffer: ~Copyable {
    private(set) var values: UnsafeMutablePointer<UInt32>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 256) {
        self.capacity = max(capacity, 16)
        values = .allocate(capacity: self.capacity)
    }

    deinit { values.deallocate() }

    mutating func removeAll() { count = 0 }

    @inline(__always)
    mutating func append(_ value: UInt32) {
        if count == capacity { grow(1) }
        values[count] = value
        count &+= 1
    }

    @inline(__always)
    mutating func append(_ from: UnsafePointer<UInt32>, _ more: Int) {
        if count &+ more > capacity { grow(more) }
        (values + count).update(from: from, count: more)
        count &+= more
    }

    /// Cuts to the first `size` values.
    mutating func truncate(_ size: Int) { count = min(count, size) }

    private mutating func grow(_ more: Int) {
        let wanted = max(capacity * 2, count + more)
        let moved = UnsafeMutablePointer<UInt32>.allocate(capacity: wanted)
        moved.update(from: values, count: count)
        values.deallocate()
        values = moved
        capacity = wanted
    }
}

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A growable buffer of values of a trivial type.
///
/// Its memory grows in place where it can: while indexes are built a few of these take tens of megabytes, and a second
/// copy beside each would be the peak of the process.
struct GrowableBuffer<Element: BitwiseCopyable>: ~Copyable {
    private(set) var values: UnsafeMutablePointer<Element>
    private var capacity: Int
    private(set) var count = 0

    /// Up to this many bytes the memory doubles when it is full, from then on it grows by a quarter.
    private static var doubledByteCountMax: Int { 4 << 20 }

    init(capacity: Int = 256) {
        self.capacity = max(capacity, 16)
        values = Self.memory(malloc(self.capacity * MemoryLayout<Element>.stride), self.capacity)
    }

    deinit { free(values) }

    /// Without memory the process ends here, as in any allocation of the language.
    private static func memory(_ raw: UnsafeMutableRawPointer?, _ capacity: Int) -> UnsafeMutablePointer<Element> {
        raw?.bindMemory(to: Element.self, capacity: capacity) ?? .allocate(capacity: capacity)
    }

    mutating func removeAll() { count = 0 }

    @inline(__always)
    mutating func append(_ value: Element) {
        if count == capacity { grow(1) }
        values[count] = value
        count &+= 1
    }

    @inline(__always)
    mutating func append(_ from: UnsafePointer<Element>, _ more: Int) {
        if count &+ more > capacity { grow(more) }
        (values + count).update(from: from, count: more)
        count &+= more
    }

    /// Cuts to the first `size` values.
    mutating func truncate(_ size: Int) { count = min(count, size) }

    /// Makes it so long; what is new is not initialised.
    mutating func resize(_ size: Int) {
        if size > capacity { grow(size - count) }
        count = size
    }

    private mutating func grow(_ more: Int) {
        let stride = MemoryLayout<Element>.stride
        let step = capacity * stride <= Self.doubledByteCountMax ? capacity : capacity / 4
        capacity = max(capacity + step, count + more)
        values = Self.memory(realloc(values, capacity * stride), capacity)
    }
}

/// A growable buffer of 32-bit values.
typealias CodeBuffer = GrowableBuffer<UInt32>

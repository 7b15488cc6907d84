/// Characters to small numbers in order of first appearance: pages of 256 by scalar, made when they are needed.
struct CharacterNumbers: ~Copyable {
    private static let pageCount = 0x1100
    private static let pageSize = 256

    /// By high bits of the scalar: the number plus one of each, 0 for one not met. Pages without any share one.
    private let pages: UnsafeMutablePointer<UnsafeMutablePointer<UInt32>>
    private let empty: UnsafeMutablePointer<UInt32>
    /// Scalars by number.
    private(set) var scalars: [UInt32] = []
    private var used: [Int] = []

    init() {
        empty = .allocate(capacity: Self.pageSize)
        empty.initialize(repeating: 0, count: Self.pageSize)
        pages = .allocate(capacity: Self.pageCount)
        pages.initialize(repeating: empty, count: Self.pageCount)
    }

    deinit {
        for page in used { pages[page].deallocate() }
        pages.deallocate()
        empty.deallocate()
    }

    /// Bytes of memory it takes.
    var byteCount: Int { (used.count * Self.pageSize + scalars.capacity) * 4 + (Self.pageCount + used.capacity) * 8 }

    /// The number of a scalar (21 bits); nil when it has none yet.
    @inline(__always)
    func number(_ scalar: UInt32) -> Int? {
        let entry = pages[min(Int(scalar &>> 8), Self.pageCount &- 1)][Int(scalar & 0xFF)]
        return entry == 0 ? nil : Int(entry &- 1)
    }

    /// Gives a scalar that has none the next number.
    mutating func add(_ scalar: UInt32) {
        let page = min(Int(scalar >> 8), Self.pageCount - 1)
        if pages[page] == empty {
            let fresh = UnsafeMutablePointer<UInt32>.allocate(capacity: Self.pageSize)
            fresh.initialize(repeating: 0, count: Self.pageSize)
            pages[page] = fresh
            used.append(page)
        }
        scalars.append(scalar)
        pages[page][Int(scalar & 0xFF)] = UInt32(scalars.count)
    }

    /// Forgets all numbers.
    mutating func removeAll() {
        for scalar in scalars { pages[min(Int(scalar >> 8), Self.pageCount - 1)][Int(scalar & 0xFF)] = 0 }
        scalars.removeAll(keepingCapacity: true)
    }
}

/// Counts numbers, booleans and dates of all segments: a hash table with linear probing, at most half full.
final class NumberCounts: ColumnCounts {
    private struct Slot: BitwiseCopyable {
        var value: Int64
        /// 0: the slot is free.
        var count: Int
    }

    private static let firstCapacity = 1024

    private let kind: ColumnKind
    private let field: String
    private let limits: FacetLimits
    private var column: Column?
    /// A power of two of them, or none.
    private var slots = UnsafeMutableBufferPointer<Slot>(start: nil, count: 0)
    private var used = 0
    /// Where a value goes cannot be told from outside, so that nobody can choose values that all go to one place.
    private let seed = UInt64.random(in: 0...UInt64.max)

    init(_ kind: ColumnKind, _ field: String, _ limits: FacetLimits) {
        self.kind = kind
        self.field = field
        self.limits = limits
    }

    deinit { slots.deallocate() }

    override func enter(_ column: Column) throws(SearchError) { self.column = column }

    override func take(
        _ documents: UnsafeMutablePointer<UInt32>, _ count: Int
    ) throws(SearchError) -> Int {
        guard let column else { return count }
        if used &+ count > slots.count / 2 { try grow(toHold: used &+ count) }
        let (slots, seed) = (slots, seed)
        var used = used
        let left = column.takeValues(of: documents, count) { value in
            let place = Self.place(of: value, in: slots, seed)
            if slots[place].count == 0 {
                slots[place].value = value
                used &+= 1
            }
            slots[place].count &+= 1
        }
        self.used = used
        return left
    }

    /// The slot that has the value, or the free one where it belongs. There is a free one.
    @inline(__always)
    private static func place(of value: Int64, in slots: UnsafeMutableBufferPointer<Slot>, _ seed: UInt64) -> Int {
        // The finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
        var hash = UInt64(bitPattern: value) ^ seed
        hash = (hash ^ (hash &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ (hash &>> 27)) &* 0x94D0_49BB_1331_11EB
        let mask = slots.count &- 1
        var place = Int(truncatingIfNeeded: hash ^ (hash &>> 31)) & mask
        while slots[place].count != 0, slots[place].value != value { place = (place &+ 1) & mask }
        return place
    }

    private func grow(toHold count: Int) throws(SearchError) {
        var capacity = max(Self.firstCapacity, slots.count)
        while capacity < 2 * count { capacity *= 2 }
        try limits.take(capacity * MemoryLayout<Slot>.stride, for: field)
        let larger = UnsafeMutableBufferPointer<Slot>.allocate(capacity: capacity)
        larger.initialize(repeating: Slot(value: 0, count: 0))
        for slot in slots where slot.count > 0 { larger[Self.place(of: slot.value, in: larger, seed)] = slot }
        limits.giveBack(slots.count * MemoryLayout<Slot>.stride)
        slots.deallocate()
        slots = larger
    }

    /// Adds the counts of floats to those of the integers they equal exactly, of which this has the counts; nothing is counted
    /// in either afterwards.
    func takeEqual(from floats: NumberCounts) throws(SearchError) {
        if slots.isEmpty { return }
        for (number, slot) in floats.slots.enumerated() where slot.count > 0 {
            try limits.check(at: number)
            guard let value = Int64(exactly: ColumnSetWriter.double(ordered: slot.value)) else { continue }
            let place = Self.place(of: value, in: slots, seed)
            guard slots[place].count > 0 else { continue }
            slots[place].count += slot.count
            floats.slots[number].count = 0
        }
    }

    override func offer(to best: inout BestCounts) throws(SearchError) {
        for (number, slot) in slots.enumerated() where slot.count > 0 {
            try limits.check(at: number)
            best.offer(BestCounts.Entry(count: slot.count, kind: kind, order: slot.value))
        }
    }

    override func value(_ order: Int64) -> FacetValue? {
        switch kind {
        case .integer: .integer(order)
        case .float: .float(ColumnSetWriter.double(ordered: order))
        case .boolean: .boolean(order != 0)
        case .date: .date(milliseconds: order)
        case .keyword, .keywordSet: nil
        }
    }
}

/// Decomposition, canonical ordering and composition (UAX #15) of short runs of scalars: the slow path of folding.
/// Decompositions are the canonical ones and the compatibility ones that hold marks.
struct CanonicalComposition: Sendable {
    static let shared = CanonicalComposition()

    private let combiningClasses: [UInt32: UInt8]
    private let decompositions: [UInt32: [UInt32]]
    /// First scalar << 32 | second scalar to what they compose to.
    private let compositions: [UInt64: UInt32]

    private init() {
        var packed = PackedData(CharacterData.combiningClasses)
        var classes: [UInt32: UInt8] = [:]
        var scalar: UInt32 = 0
        for _ in 0..<packed.varint() {
            scalar += UInt32(truncatingIfNeeded: packed.varint())
            classes[scalar] = packed.byte()
        }
        combiningClasses = classes
        var parts = PackedData(CharacterData.decompositions)
        var decompositions: [UInt32: [UInt32]] = [:]
        var compositions: [UInt64: UInt32] = [:]
        scalar = 0
        for _ in 0..<parts.varint() {
            scalar += UInt32(truncatingIfNeeded: parts.varint())
            let head = parts.byte()
            let target = (0..<(head & 0x7F)).map { _ in UInt32(truncatingIfNeeded: parts.varint()) }
            decompositions[scalar] = target
            if head < 0x80, target.count == 2 { compositions[UInt64(target[0]) << 32 | UInt64(target[1])] = scalar }
        }
        self.decompositions = decompositions
        self.compositions = compositions
    }

    // Hangul syllables are composed by arithmetic (The Unicode Standard, 3.12).
    private static let syllables: UInt32 = 0xAC00
    private static let leads: UInt32 = 0x1100
    private static let vowels: UInt32 = 0x1161
    private static let trails: UInt32 = 0x11A7

    private func decompose(_ scalar: UInt32, into out: inout [UInt32]) {
        if scalar >= Self.syllables, scalar < Self.syllables + 11172 {
            let index = scalar - Self.syllables
            out.append(Self.leads + index / 588)
            out.append(Self.vowels + index % 588 / 28)
            if index % 28 != 0 { out.append(Self.trails + index % 28) }
        } else if let parts = decompositions[scalar] {
            for part in parts { decompose(part, into: &out) }
        } else {
            out.append(scalar)
        }
    }

    /// Whether the scalar takes part in canonical ordering.
    func isMark(_ scalar: UInt32) -> Bool { combiningClasses[scalar] != nil }

    /// The syllable that two or three conjoining jamo make, when they are just that.
    func syllable(_ jamo: [UInt32]) -> UInt32? {
        guard jamo.count == 2 || jamo.count == 3, jamo[0] &- Self.leads < 19, jamo[1] &- Self.vowels < 21 else {
            return nil
        }
        let syllable = Self.syllables + ((jamo[0] - Self.leads) * 21 + jamo[1] - Self.vowels) * 28
        if jamo.count == 2 { return syllable }
        let trail = jamo[2] &- Self.trails
        return trail > 0 && trail < 28 ? syllable + trail : nil
    }

    /// What a scalar and the next one compose to.
    func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if first >= Self.leads, first < Self.leads + 19, second >= Self.vowels, second < Self.vowels + 21 {
            return Self.syllables + ((first - Self.leads) * 21 + second - Self.vowels) * 28
        }
        if first >= Self.syllables, first < Self.syllables + 11172, (first - Self.syllables) % 28 == 0,
            second > Self.trails, second < Self.trails + 28
        {
            return first + second - Self.trails
        }
        return compositions[UInt64(first) << 32 | UInt64(second)]
    }

    /// The NFC of the scalars.
    func normalize(_ scalars: [UInt32]) -> [UInt32] { compose(decompose(scalars)) }

    /// The scalars decomposed, marks in canonical order.
    private func decompose(_ scalars: [UInt32]) -> [UInt32] {
        var all: [UInt32] = []
        all.reserveCapacity(2 * scalars.count)
        for scalar in scalars { decompose(scalar, into: &all) }
        let classes = all.map { combiningClasses[$0] ?? 0 }
        var start = 0
        while start < all.count {
            var end = start
            while end < all.count, classes[end] != 0 { end += 1 }
            if end - start > 1 { order(&all, classes, start..<end) }
            start = end + 1
        }
        return all
    }

    /// Canonical ordering of a run of marks: by class, stable. A counting sort, since a run may be as long as a text.
    private func order(_ all: inout [UInt32], _ classes: [UInt8], _ run: Range<Int>) {
        if run.dropFirst().allSatisfy({ classes[$0 - 1] <= classes[$0] }) { return }
        var places = [Int](repeating: 0, count: 257)
        for i in run { places[Int(classes[i]) + 1] += 1 }
        for i in 1...256 { places[i] += places[i - 1] }
        let marks = Array(all[run])
        for (i, mark) in marks.enumerated() {
            let kind = Int(classes[run.lowerBound + i])
            all[run.lowerBound + places[kind]] = mark
            places[kind] += 1
        }
    }

    /// Canonical composition of decomposed, ordered scalars.
    private func compose(_ all: [UInt32]) -> [UInt32] {
        var out: [UInt32] = []
        out.reserveCapacity(all.count)
        var starter: Int?
        var lastClass: UInt8 = 0
        for scalar in all {
            let kind = combiningClasses[scalar] ?? 0
            if let place = starter {
                // Blocked by a scalar between whose class is 0 or not smaller.
                let isAdjacent = out.count - 1 == place
                if isAdjacent || (lastClass < kind && lastClass != 0), let composed = compose(out[place], scalar) {
                    out[place] = composed
                    continue
                }
            }
            if kind == 0 { starter = out.count }
            out.append(scalar)
            lastClass = kind
        }
        return out
    }
}

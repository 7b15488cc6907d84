/// Canonical decomposition, ordering and composition (UAX #15) of short runs of scalars: the slow path of folding.
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

    private func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
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
    func normalize(_ scalars: [UInt32]) -> [UInt32] {
        var all: [UInt32] = []
        for scalar in scalars { decompose(scalar, into: &all) }
        var classes = all.map { combiningClasses[$0] ?? 0 }
        // Canonical ordering: marks behind a starter by class, stable.
        var i = 1
        while i < all.count {
            var j = i
            while j > 0, classes[j] != 0, classes[j - 1] > classes[j] {
                all.swapAt(j, j - 1)
                classes.swapAt(j, j - 1)
                j -= 1
            }
            i += 1
        }
        var out: [UInt32] = []
        var outClasses: [UInt8] = []
        var starter: Int?
        for (scalar, kind) in zip(all, classes) {
            if let starter, let composed = compose(out[starter], scalar) {
                let last = outClasses[outClasses.count - 1]
                let isAdjacent = out.count - 1 == starter
                if isAdjacent || (last < kind && last != 0) {
                    out[starter] = composed
                    continue
                }
            }
            if kind == 0 { starter = out.count }
            out.append(scalar)
            outClasses.append(kind)
        }
        return out
    }
}

/// How the units of a pattern may be written under a folding of variants, where that is more than one way.
struct PatternSpellings: Sendable, Hashable {
    /// By unit and character of it all it may be written as; empty for a unit that is written one way, and empty when
    /// all are.
    private var byUnit: [[[UInt32]]] = []

    init(_ units: [TextPattern.Element], _ folding: VariantFolding) {
        if folding.isEmpty { return }
        byUnit = units.map { VariantTable.shared.spellings(of: $0.unit, folding) }
        if byUnit.allSatisfy(\.isEmpty) { byUnit = [] }
    }

    /// Whether any unit is written in several ways.
    var areSeveral: Bool { !byUnit.isEmpty }

    /// Whether a unit is written in several ways.
    @inline(__always)
    func has(_ unit: Int) -> Bool { !byUnit.isEmpty && !byUnit[unit].isEmpty }

    /// Whether a character is a way to write a unit, which is a character written in several ways.
    @inline(__always)
    func has(_ unit: Int, _ scalar: UInt32) -> Bool { has(unit) && byUnit[unit][0].contains(scalar) }

    /// The ways to write a unit that is a character, when they are several.
    func all(_ unit: Int) -> [UInt32] { has(unit) ? byUnit[unit][0] : [] }

    /// Whether a word, or with `isPrefix` its beginning, is a way to write a unit, which is a word written in several ways.
    func has(_ unit: Int, _ word: UnsafeBufferPointer<UInt8>, isPrefix: Bool) -> Bool {
        var rest = word
        for spellings in byUnit[unit] {
            guard let start = rest.baseAddress, !rest.isEmpty else { return false }
            let (scalar, length) = UTF8Decoding.scalar(start, rest.count)
            guard length > 0, spellings.contains(scalar) else { return false }
            rest = UnsafeBufferPointer(rebasing: rest[length...])
        }
        return isPrefix || rest.isEmpty
    }
}

extension VariantTable {
    /// By character of a unit all it may be written as; empty when that is one way.
    fileprivate func spellings(of unit: TextPattern.Unit, _ folding: VariantFolding) -> [[UInt32]] {
        switch unit {
        case .character(let scalar):
            return variantCount(of: scalar, folding) > 1 ? [variants(of: scalar, folding)] : []
        case .word(let bytes):
            let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars
            guard scalars.contains(where: { variantCount(of: $0.value, folding) > 1 }) else { return [] }
            return scalars.map { variants(of: $0.value, folding) }
        }
    }
}

// Variants by hand, of the characters that tests write with: the oracle of searches with variants.

public import SakuinTypes

public enum NaiveVariants {
    /// Characters that have a traditional form in common, form by form.
    public static let groups: [Set<Unicode.Scalar>] = [
        ["发", "發", "発"], ["发", "髮", "髪"], ["国", "國"], ["际", "際"], ["数", "數"], ["网", "網"], ["干", "乾"],
        ["干", "幹"], ["气", "気", "氣"], ["展"], ["字"],
    ]

    /// All that a character may be written as, if it is in a group.
    public static func all(of scalar: Unicode.Scalar) -> Set<Unicode.Scalar> {
        groups.filter { $0.contains(scalar) }.reduce([]) { $0.union($1) }
    }

    /// By character a bit for each of its groups.
    private static let bits: [Unicode.Scalar: UInt32] = {
        var bits: [Unicode.Scalar: UInt32] = [:]
        for (number, group) in groups.enumerated() { for c in group { bits[c, default: 0] |= 1 << UInt32(number) } }
        return bits
    }()

    /// The katakana of each hiragana.
    private static let katakana = Dictionary(
        uniqueKeysWithValues: zip("ぁあいかがきゝゞゔゕ".unicodeScalars, "ァアイカガキヽヾヴヵ".unicodeScalars))

    private static func isSame(_ a: Unicode.Scalar, _ b: Unicode.Scalar, _ variants: VariantFolding) -> Bool {
        if a == b { return true }
        if variants.contains(.han), let own = bits[a], let other = bits[b] { return own & other != 0 }
        return variants.contains(.kana) && (katakana[a] == b || katakana[b] == a)
    }

    /// Whether a unit may be written as the other.
    public static func isSame(_ a: NaiveUnit, _ b: NaiveUnit, _ variants: VariantFolding) -> Bool {
        guard case .character(let a) = a, case .character(let b) = b else { return a == b }
        return isSame(a, b, variants)
    }

    /// Whether a folded value may be written as the other.
    public static func isSame(_ a: String, _ b: String, _ variants: VariantFolding) -> Bool {
        a.unicodeScalars.elementsEqual(b.unicodeScalars) { isSame($0, $1, variants) }
    }
}

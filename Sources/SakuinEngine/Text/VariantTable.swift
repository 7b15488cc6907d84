/// Which characters are variants of one another; asked with folded scalars, as texts and queries consist of.
///
/// The relation is symmetric and not transitive: groups of characters have a traditional form in common, and a character
/// that stands for several traditional ones is in several groups. See Scripts/make_variants.py.
struct VariantTable: Sendable {
    static let shared = VariantTable()

    /// The Han characters that have variants, ascending.
    private let characters: [UInt32]
    /// Where the variants of each begin in `variants`, and the end.
    private let starts: [Int]
    /// All that each may be written as, itself among them, ascending.
    private let variants: [UInt32]

    private init() {
        var data = PackedData(VariantData.groups)
        var members: [(character: UInt32, group: Int)] = []
        var groups: [[UInt32]] = []
        var first: UInt32 = 0
        for number in 0..<Int(data.varint()) {
            var group: [UInt32] = []
            let count = data.varint()
            first &+= UInt32(truncatingIfNeeded: data.varint())
            var scalar = first
            for i in 0..<count {
                if i > 0 { scalar &+= UInt32(truncatingIfNeeded: data.varint()) }
                group.append(scalar)
                members.append((scalar, number))
            }
            groups.append(group)
        }
        members.sort { $0.character < $1.character }
        var (characters, starts, variants): ([UInt32], [Int], [UInt32]) = ([], [], [])
        var at = 0
        while at < members.count {
            let character = members[at].character
            var all: Set<UInt32> = []
            while at < members.count, members[at].character == character {
                all.formUnion(groups[members[at].group])
                at += 1
            }
            characters.append(character)
            starts.append(variants.count)
            variants += all.sorted()
        }
        starts.append(variants.count)
        (self.characters, self.starts, self.variants) = (characters, starts, variants)
    }

    /// All that a character may be written as, itself among them.
    func variants(of scalar: UInt32, _ folding: VariantFolding) -> [UInt32] {
        if folding.contains(.kana), let other = Self.otherKana(scalar) { return [scalar, other] }
        guard folding.contains(.han), let place = place(of: scalar) else { return [scalar] }
        return Array(variants[starts[place]..<starts[place + 1]])
    }

    /// How many those are.
    func variantCount(of scalar: UInt32, _ folding: VariantFolding) -> Int {
        if folding.contains(.kana), Self.otherKana(scalar) != nil { return 2 }
        guard folding.contains(.han), let place = place(of: scalar) else { return 1 }
        return starts[place + 1] - starts[place]
    }

    private func place(of scalar: UInt32) -> Int? {
        var (low, high) = (0, characters.count)
        while low < high {
            let middle = (low + high) / 2
            if characters[middle] < scalar { low = middle + 1 } else { high = middle }
        }
        return low < characters.count && characters[low] == scalar ? low : nil
    }

    /// The katakana of a hiragana and the other way round, of those that have one.
    private static func otherKana(_ scalar: UInt32) -> UInt32? {
        switch scalar {
        case 0x3041...0x3096, 0x309D...0x309E: scalar + 0x60
        case 0x30A1...0x30F6, 0x30FD...0x30FE: scalar - 0x60
        default: nil
        }
    }
}

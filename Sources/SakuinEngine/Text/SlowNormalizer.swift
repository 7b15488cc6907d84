// The path for texts in which a scalar's normalisation depends on its neighbours.
//
// 1. Scalars are gathered into clusters: a cluster begins with each scalar whose fold cannot combine with what stands
//    before it. Nearly all clusters are one scalar, which is folded by the table.
// 2. A longer cluster is composed (NFC), then each scalar is folded, then what came out is composed again. It has the
//    source range of the whole cluster.

struct SlowNormalizer {
    let breaks: BreaksPolicy

    func normalize(
        _ text: UnsafeBufferPointer<UInt8>, into units: UnitBuffer, offsets: Bool
    ) throws(TextError) {
        units.prepare(unitCount: text.count + 1, byteCount: 2 * text.count + 64, offsets: offsets)
        var writer = UnitWriter(LineJoining(breaks))
        try Self.forEachFolded(text) { scalar, kind, start, end in
            writer.take(scalar, kind, start, end, into: units, offsets: offsets)
        }
        writer.finish(units)
    }

    /// Hands over the folded scalars of a text in order, with their classes and source ranges.
    @inline(__always)
    static func forEachFolded(
        _ text: UnsafeBufferPointer<UInt8>,
        _ take: (_ scalar: UInt32, _ kind: UInt32, _ start: Int, _ end: Int) -> Void
    ) throws(TextError) {
        guard let bytes = text.baseAddress else { return }
        let table = CharacterTable.shared
        var cluster: [UInt32] = []
        var (start, end) = (0, 0)
        var isPlain = true
        func flush() {
            if isPlain {
                if let scalar = cluster.first { Self.plain(table.entry(scalar), table, start, end, take) }
            } else {
                for scalar in Self.compose(cluster, table) {
                    take(scalar, Self.kind(ofFolded: scalar, table), start, end)
                }
            }
            cluster.removeAll(keepingCapacity: true)
            isPlain = true
        }
        var at = 0
        while at < text.count {
            let (scalar, length) = UTF8Decoding.scalar(bytes + at, text.count - at)
            guard length > 0 else { throw .invalidUTF8(byteOffset: at) }
            let entry = table.entry(scalar)
            if CharacterTable.kind(entry) == CharacterTable.Class.gone {
                // It vanishes, but until then the marks before and behind it do not change places.
                if !cluster.isEmpty {
                    cluster.append(scalar)
                    if end == at, CharacterTable.isAttached(scalar) { end = at + length }
                }
            } else {
                let isSlow = entry & CharacterTable.slowBit != 0
                if !isSlow || cluster.isEmpty {
                    flush()
                    start = at
                }
                if isSlow { isPlain = false }
                cluster.append(scalar)
                end = at + length
            }
            at += length
        }
        flush()
    }

    /// The fold of a scalar that stands alone.
    @inline(__always)
    private static func plain(
        _ entry: UInt32, _ table: CharacterTable, _ start: Int, _ end: Int,
        _ take: (_ scalar: UInt32, _ kind: UInt32, _ start: Int, _ end: Int) -> Void
    ) {
        let kind = CharacterTable.kind(entry)
        if kind == CharacterTable.Class.several {
            for part in table.expansions[Int(entry & CharacterTable.scalarMask)] {
                take(part & CharacterTable.scalarMask, CharacterTable.kind(part), start, end)
            }
        } else {
            take(entry & CharacterTable.scalarMask, kind, start, end)
        }
    }

    /// The fold of a cluster. It is composed before it is folded too, because U+0345 folds to a letter, which would stay
    /// where it stands: equivalent spellings of ᾴ would fold differently.
    @inline(never)
    private static func compose(_ cluster: [UInt32], _ table: CharacterTable) -> [UInt32] {
        let composition = CanonicalComposition.shared
        if let composed = composition.syllable(cluster) ?? pair(cluster, table, composition) { return [composed] }
        var folded: [UInt32] = []
        for scalar in composition.normalize(cluster) {
            let entry = table.entry(scalar)
            let kind = CharacterTable.kind(entry)
            if kind == CharacterTable.Class.several {
                for part in table.expansions[Int(entry & CharacterTable.scalarMask)] {
                    folded.append(part & CharacterTable.scalarMask)
                }
            } else if kind != CharacterTable.Class.gone {
                folded.append(entry & CharacterTable.scalarMask)
            }
        }
        return composition.normalize(folded)
    }

    /// What a letter and one mark compose to, when both fold to one scalar each and the mark stays a mark.
    private static func pair(
        _ cluster: [UInt32], _ table: CharacterTable, _ composition: CanonicalComposition
    ) -> UInt32? {
        guard cluster.count == 2 else { return nil }
        let (first, mark) = (table.entry(cluster[0]), table.entry(cluster[1]))
        guard CharacterTable.kind(first) != CharacterTable.Class.several, first & CharacterTable.slowBit == 0,
            CharacterTable.kind(mark) != CharacterTable.Class.several,
            composition.isMark(mark & CharacterTable.scalarMask)
        else { return nil }
        return composition.compose(first & CharacterTable.scalarMask, mark & CharacterTable.scalarMask)
    }

    /// The class of a scalar that is folded already. A composed one may fold further only in ways that keep its class.
    @inline(__always)
    private static func kind(ofFolded scalar: UInt32, _ table: CharacterTable) -> UInt32 {
        let kind = CharacterTable.kind(table.entry(scalar))
        if kind != CharacterTable.Class.several { return kind }
        let parts = table.expansions[Int(table.entry(scalar) & CharacterTable.scalarMask)]
        return parts.first.map(CharacterTable.kind) ?? CharacterTable.Class.separator
    }
}

// The path for texts in which a scalar's normalisation depends on its neighbours, or one scalar folds to several.
//
// 1. Scalars are folded one by one and gathered into clusters: a cluster begins with each scalar whose fold cannot
//    combine with what stands before it.
// 2. A cluster is composed as a whole (NFC); what comes out has the source range of the whole cluster.

struct SlowNormalizer {
    let breaks: BreaksPolicy

    /// A folded scalar with its entry and where it came from.
    private struct Folded {
        var entry: UInt32
        var start: Int
        var end: Int
    }

    func normalize(
        _ text: UnsafeBufferPointer<UInt8>, into units: UnitBuffer, offsets: Bool
    ) throws(TextError) {
        let folded = try fold(text)
        units.prepare(unitCount: folded.count + 1, byteCount: 4 * folded.count + 64, offsets: offsets)
        var joining = LineJoining(breaks)
        var wordByteCount = 0
        var inWord = false
        func endWord() {
            if inWord {
                units.wordEnds[units.wordCount] = UInt32(truncatingIfNeeded: wordByteCount)
                units.wordCount += 1
            }
            inWord = false
        }
        for item in folded {
            let kind = CharacterTable.kind(item.entry)
            let scalar = item.entry & CharacterTable.scalarMask
            if kind == CharacterTable.Class.blank || kind == CharacterTable.Class.lineBreak {
                endWord()
                joining.blank(kind, scalar)
            } else if kind == CharacterTable.Class.separator {
                endWord()
                joining.separator()
            } else {
                let isWord = kind == CharacterTable.Class.word
                if !isWord { endWord() }
                if !inWord {
                    let gap = joining.unit(kind) ? UnitBuffer.gapBit : 0
                    let hangul = kind == CharacterTable.Class.hangul ? UnitBuffer.hangulBit : 0
                    units.codes[units.count] =
                        gap | hangul | (isWord ? UnitBuffer.wordBit | UInt32(units.wordCount) : scalar)
                    if offsets { units.sourceStart[units.count] = UInt32(truncatingIfNeeded: item.start) }
                    units.count += 1
                }
                inWord = isWord
                if offsets { units.sourceEnd[units.count - 1] = UInt32(truncatingIfNeeded: item.end) }
                if isWord { wordByteCount += UTF8Decoding.write(scalar, to: units.wordBytes + wordByteCount) }
            }
        }
        endWord()
    }

    private func fold(_ text: UnsafeBufferPointer<UInt8>) throws(TextError) -> [Folded] {
        guard let bytes = text.baseAddress else { return [] }
        let table = CharacterTable.shared
        var out: [Folded] = []
        out.reserveCapacity(text.count / 2)
        var cluster: [UInt32] = []
        var clusterStart = 0
        var clusterEnd = 0
        var isPlain = true
        func flush() {
            if isPlain {
                for entry in cluster { out.append(Folded(entry: entry, start: clusterStart, end: clusterEnd)) }
            } else {
                let scalars = cluster.map { $0 & CharacterTable.scalarMask }
                for scalar in CanonicalComposition.shared.normalize(scalars) {
                    let kind = CharacterTable.kind(Self.ownEntry(scalar, table))
                    out.append(
                        Folded(entry: CharacterTable.makeEntry(scalar, kind), start: clusterStart, end: clusterEnd))
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
            let kind = CharacterTable.kind(entry)
            if kind == CharacterTable.Class.gone {
                at += length
                continue
            }
            let isSlow = entry & CharacterTable.slowBit != 0
            if !isSlow || cluster.isEmpty {
                flush()
                clusterStart = at
            }
            if isSlow { isPlain = false }
            if kind == CharacterTable.Class.several {
                cluster.append(contentsOf: table.expansions[Int(entry & CharacterTable.scalarMask)])
            } else {
                cluster.append(entry)
            }
            at += length
            clusterEnd = at
        }
        flush()
        return out
    }

    /// The entry of a scalar that is folded already; its class must not be that of its own fold.
    private static func ownEntry(_ scalar: UInt32, _ table: CharacterTable) -> UInt32 {
        let entry = table.entry(scalar)
        let kind = CharacterTable.kind(entry)
        // A composed scalar may fold further only in ways that keep its class.
        if kind == CharacterTable.Class.several {
            return table.expansions[Int(entry & CharacterTable.scalarMask)].first ?? entry
        }
        return entry
    }

    /// The folded scalars of a text in order, with their classes and source ranges, for analyzers that want them all.
    func foldedScalars(
        _ text: UnsafeBufferPointer<UInt8>
    ) throws(TextError) -> [(scalar: UInt32, kind: UInt32, start: Int, end: Int)] {
        try fold(text).map {
            ($0.entry & CharacterTable.scalarMask, CharacterTable.kind($0.entry), $0.start, $0.end)
        }
    }
}

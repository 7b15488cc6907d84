/// What takes the tokens of a text.
protocol TokenSink: ~Copyable {
    /// A run of `count` (at least 1) CJK characters, the low 21 bits of the codes; the first at `position`, the others two
    /// apart (analyzer `cjk`). Its tokens: every character, for the list of documents and frequencies; the first and the
    /// last as edges, where that is said (once if they are one); each two side by side as a bigram, at the position of
    /// the first.
    mutating func run(
        _ codes: UnsafePointer<UInt32>, _ count: Int, position: UInt32, firstIsEdge: Bool, lastIsEdge: Bool)
    /// A CJK character under `words`.
    mutating func unit(_ scalar: UInt32, position: UInt32)
    /// A word, and the CJK characters directly before and behind it, each of which makes a pair with it at the position
    /// of the first of the two.
    mutating func word(
        _ bytes: UnsafeBufferPointer<UInt8>, position: UInt32, before: UInt32?, behind: UInt32?)
}

/// A sink that takes tokens one by one.
protocol GramSink: TokenSink, ~Copyable {
    mutating func character(_ scalar: UInt32)
    mutating func edge(_ scalar: UInt32, position: UInt32)
    mutating func bigram(_ first: UInt32, _ second: UInt32, position: UInt32)
    mutating func word(_ bytes: UnsafeBufferPointer<UInt8>, position: UInt32)
    mutating func pair(_ neighbour: WordNeighbour, _ word: UnsafeBufferPointer<UInt8>, position: UInt32)
}

extension GramSink where Self: ~Copyable {
    @inline(__always)
    mutating func run(
        _ codes: UnsafePointer<UInt32>, _ count: Int, position: UInt32, firstIsEdge: Bool, lastIsEdge: Bool
    ) {
        var position = position
        var held = codes[0] & UnitBuffer.scalarMask
        character(held)
        if firstIsEdge { edge(held, position: position) }
        for i in 1..<count {
            let next = codes[i] & UnitBuffer.scalarMask
            bigram(held, next, position: position)
            position &+= 2
            character(next)
            held = next
        }
        if lastIsEdge, count > 1 || !firstIsEdge { edge(held, position: position) }
    }

    mutating func unit(_ scalar: UInt32, position: UInt32) { edge(scalar, position: position) }

    mutating func word(
        _ bytes: UnsafeBufferPointer<UInt8>, position: UInt32, before: UInt32?, behind: UInt32?
    ) {
        if let before { pair(.before(before), bytes, position: position &- 2) }
        word(bytes, position: position)
        if let behind { pair(.behind(behind), bytes, position: position) }
    }
}

/// The choices of a field made one value: text to units, units to tokens.
///
/// A unit takes two positions and a gap one, so neighbours are 2 apart and units with a gap between them 3: a gap can
/// be told from a character although it is not indexed.
struct Analyzer: Sendable, Hashable {
    let kind: AnalyzerKind
    let breaks: BreaksPolicy

    /// Changes when the same text gives other tokens; segments remember it. 4 and 5: as 2 and 3, but only Hangul has edges
    /// in fields that are stored and do not ask for them. 3: links, in indexes that are to be small. 2: pairs, edges only
    /// beside gaps. 1: no pairs, edges at both ends of every run.
    static let newestVersion: UInt32 = 5
    var version = Self.newestVersion

    /// That of the segments of an index.
    static func version(isCompact: Bool) -> UInt32 { isCompact ? 5 : 4 }

    static func hasPairs(version: UInt32) -> Bool { version >= 2 }
    /// Whether lists of grams and pairs keep links, see `OccurrenceKind`; else positions.
    static func hasLinks(version: UInt32) -> Bool { version == 3 || version == 5 }
    /// Whether all characters beside gaps have edges. Where they have none, what needs one is looked for in stored text;
    /// Hangul always has them, since blanks are gaps there and single syllables between them frequent.
    static func hasEdges(version: UInt32) -> Bool { version < 4 }
    /// Whether a character has an edge everywhere.
    static func hasEdge(_ scalar: UInt32) -> Bool { CharacterTable.isHangul(scalar) }

    /// The version of what segments of two versions become when they are merged in an index that writes `written`.
    static func merged(_ version: UInt32, written: UInt32) -> UInt32 {
        hasPairs(version: version) && version + 2 == written ? written : version
    }

    /// Replaces what is in `units` by the normal form of the text.
    func normalize(
        _ text: UnsafeBufferPointer<UInt8>, into units: UnitBuffer, offsets: Bool
    ) throws(TextError) {
        switch kind {
        case .cjk, .words: try Normalizer(breaks: breaks).normalize(text, into: units, offsets: offsets)
        case .keyword: try WholeValue.normalize(text, into: units, offsets: offsets, asCharacters: false)
        case .ngram: try WholeValue.normalize(text, into: units, offsets: offsets, asCharacters: true)
        }
    }

    /// Hands the tokens of the text to `sink`; returns its length in units and the position behind the last.
    func index<S: TokenSink & ~Copyable>(
        _ text: UnsafeBufferPointer<UInt8>, scratch: UnitBuffer, positionBase: UInt32, sink: inout S
    ) throws(TextError) -> (units: Int, nextPosition: UInt32) {
        try normalize(text, into: scratch, offsets: false)
        switch kind {
        case .cjk:
            let hasPairs = Self.hasPairs(version: version)
            return (scratch.count, Self.emitGrams(scratch, positionBase, hasPairs: hasPairs, &sink))
        case .words, .keyword: return (scratch.count, Self.emitWords(scratch, positionBase, &sink))
        case .ngram(let n): return (scratch.count, WholeValue.emit(scratch, n, positionBase, &sink))
        }
    }

    @inline(__always)
    private static func emitGrams<S: TokenSink & ~Copyable>(
        _ units: UnitBuffer, _ base: UInt32, hasPairs: Bool, _ sink: inout S
    ) -> UInt32 {
        let codes = units.codes
        let count = units.count
        let endBits = UnitBuffer.wordBit | UnitBuffer.gapBit
        var position = base
        var i = 0
        while i < count {
            let code = codes[i]
            i &+= 1
            if code & UnitBuffer.gapBit != 0 { position &+= 1 }
            if code & UnitBuffer.wordBit != 0 {
                let isJoined = hasPairs && i > 1 && code & UnitBuffer.gapBit == 0
                let isBehind = hasPairs && i < count && codes[i] & UnitBuffer.gapBit == 0
                sink.word(
                    units.word(Int(code & UnitBuffer.wordMask)), position: position,
                    before: isJoined ? character(codes[i &- 2]) : nil, behind: isBehind ? character(codes[i]) : nil)
                position &+= 2
                continue
            }
            let first = i &- 1
            while i < count, codes[i] & endBits == 0 { i &+= 1 }
            sink.run(
                codes + first, i &- first, position: position,
                firstIsEdge: !hasPairs || code & UnitBuffer.gapBit != 0,
                lastIsEdge: !hasPairs || i < count && codes[i] & UnitBuffer.gapBit != 0)
            position &+= 2 &* UInt32(truncatingIfNeeded: i &- first)
        }
        return position
    }

    /// The character of a code; nil for a word's.
    @inline(__always)
    private static func character(_ code: UInt32) -> UInt32? {
        code & UnitBuffer.wordBit == 0 ? code & UnitBuffer.scalarMask : nil
    }

    private static func emitWords<S: TokenSink & ~Copyable>(
        _ units: UnitBuffer, _ base: UInt32, _ sink: inout S
    ) -> UInt32 {
        var position = base
        for i in 0..<units.count {
            let code = units.codes[i]
            if code & UnitBuffer.gapBit != 0 { position &+= 1 }
            if code & UnitBuffer.wordBit != 0 {
                sink.word(
                    units.word(Int(code & UnitBuffer.wordMask)), position: position, before: nil, behind: nil)
            } else {
                sink.unit(code & UnitBuffer.scalarMask, position: position)
            }
            position &+= 2
        }
        return position
    }
}

extension FieldDefinition {
    /// Whether all characters beside gaps have edges, whatever the analyzer version: it was asked for, or there is no stored
    /// text to look for them in.
    var hasEdges: Bool { edges || !stored }
}

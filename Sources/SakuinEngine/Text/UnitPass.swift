/// The units and words that one pass over a text has written so far.
///
/// Everything is inlined into the loop over the text, where these are values in registers: they are nowhere handed on by
/// reference. `LineJoining` is the loop's own: as a member of this it costs a tenth of the speed. The buffer has room for all
/// the text, but for what expands.
struct UnitPass {
    private var codes: UnsafeMutablePointer<UInt32>
    private var starts: UnsafeMutablePointer<UInt32>
    private(set) var ends: UnsafeMutablePointer<UInt32>
    private var wordBytes: UnsafeMutablePointer<UInt8>
    private var wordEnds: UnsafeMutablePointer<UInt32>
    private(set) var unitCount = 0
    private var wordCount = 0
    private var wordByteCount = 0
    private var inWord = false

    @inline(__always)
    init(_ units: UnitBuffer) {
        (codes, starts, ends) = (units.codes, units.sourceStart, units.sourceEnd)
        (wordBytes, wordEnds) = (units.wordBytes, units.wordEnds)
    }

    @inline(__always)
    private mutating func endWord() {
        guard inWord else { return }
        inWord = false
        wordEnds[wordCount] = UInt32(truncatingIfNeeded: wordByteCount)
        wordCount &+= 1
    }

    /// A folded character or hangul syllable, of the source range `start..<end`.
    @inline(__always)
    mutating func character(
        _ scalar: UInt32, _ kind: UInt32, _ joining: inout LineJoining, _ start: Int, _ end: Int, _ offsets: Bool
    ) {
        endWord()
        let gap = joining.unit(kind) ? UnitBuffer.gapBit : 0
        append(scalar | gap | (kind == CharacterTable.Class.hangul ? UnitBuffer.hangulBit : 0), start, end, offsets)
    }

    @inline(__always)
    private mutating func append(_ code: UInt32, _ start: Int, _ end: Int, _ offsets: Bool) {
        codes[unitCount] = code
        if offsets {
            starts[unitCount] = UInt32(truncatingIfNeeded: start)
            ends[unitCount] = UInt32(truncatingIfNeeded: end)
        }
        unitCount &+= 1
    }

    /// Han and kana from `at` on, which moves behind them: behind a CJK character they need nothing decided, no table, no gap.
    @inline(__always)
    mutating func plainCJK(_ bytes: UnsafePointer<UInt8>, _ at: inout Int, _ count: Int, _ offsets: Bool) {
        while count &- at >= FourScalars.byteCount {
            let four = FourScalars(bytes + at)
            guard FourScalars.areAll(four.isSequence & Normalizer.arePlainCJK(four.scalars)) else { break }
            UnsafeMutableRawPointer(codes + unitCount).storeBytes(of: four.scalars, as: SIMD4<UInt32>.self)
            if offsets {
                let start = SIMD4(repeating: UInt32(truncatingIfNeeded: at)) &+ SIMD4(0, 3, 6, 9)
                UnsafeMutableRawPointer(starts + unitCount).storeBytes(of: start, as: SIMD4<UInt32>.self)
                UnsafeMutableRawPointer(ends + unitCount).storeBytes(of: start &+ 3, as: SIMD4<UInt32>.self)
            }
            unitCount &+= 4
            at &+= 12
        }
        while at &+ 2 < count {
            let (lead, second, third) = (bytes[at], bytes[at &+ 1], bytes[at &+ 2])
            // 0xE3 0x80 begins punctuation.
            guard lead &- 0xE4 <= 5 || (lead == 0xE3 && second > 0x80) else { break }
            let next = UInt32(lead & 0x0F) &<< 12 | UInt32(second & 0x3F) &<< 6 | UInt32(third & 0x3F)
            guard (second & 0xC0) == 0x80, (third & 0xC0) == 0x80, Normalizer.isPlainCJK(next) else { break }
            append(next, at, at &+ 3, offsets)
            at &+= 3
        }
    }

    /// A folded scalar of a word.
    @inline(__always)
    mutating func letter(
        _ scalar: UInt32, _ joining: inout LineJoining, _ start: Int, _ end: Int, _ offsets: Bool
    ) {
        if !inWord {
            inWord = true
            let gap = joining.unit(CharacterTable.Class.word) ? UnitBuffer.gapBit : 0
            codes[unitCount] = UnitBuffer.wordBit | gap | UInt32(truncatingIfNeeded: wordCount)
            if offsets { starts[unitCount] = UInt32(truncatingIfNeeded: start) }
            unitCount &+= 1
        }
        if offsets { ends[unitCount &- 1] = UInt32(truncatingIfNeeded: end) }
        wordByteCount &+= UTF8Decoding.write(scalar, to: wordBytes + wordByteCount)
    }

    /// A separator, blank or line break.
    @inline(__always)
    mutating func gap(_ kind: UInt32, _ scalar: UInt32, _ joining: inout LineJoining) {
        endWord()
        if kind == CharacterTable.Class.separator {
            joining.separator()
        } else {
            joining.blank(kind, scalar)
        }
    }

    /// What folds to several scalars, by its number among those; `rest` bytes of text stand behind it.
    @inline(__always)
    mutating func several(
        _ number: UInt32, _ joining: inout LineJoining, _ start: Int, _ end: Int, _ rest: Int, _ units: UnitBuffer,
        _ offsets: Bool
    ) {
        // A copy, so that what the loop counts can stay in registers.
        var writer = UnitWriter(joining)
        (writer.unitCount, writer.wordCount) = (unitCount, wordCount)
        (writer.wordByteCount, writer.inWord) = (wordByteCount, inWord)
        Self.expand(number, start, end, rest, &writer, units, offsets)
        (codes, starts, ends) = (units.codes, units.sourceStart, units.sourceEnd)
        (wordBytes, wordEnds) = (units.wordBytes, units.wordEnds)
        (unitCount, wordCount) = (writer.unitCount, writer.wordCount)
        (wordByteCount, inWord) = (writer.wordByteCount, writer.inWord)
        joining = writer.joining
    }

    /// Says in the buffer how much it holds.
    @inline(__always)
    mutating func finish(_ units: UnitBuffer) {
        endWord()
        units.count = unitCount
        units.wordCount = wordCount
    }

    /// Takes the scalars of an expansion and leaves room for the `rest` bytes of text behind it.
    @inline(never)
    private static func expand(
        _ number: UInt32, _ start: Int, _ end: Int, _ rest: Int, _ writer: inout UnitWriter, _ units: UnitBuffer,
        _ offsets: Bool
    ) {
        for part in CharacterTable.shared.expansions[Int(number)] {
            writer.take(
                part & CharacterTable.scalarMask, CharacterTable.kind(part), start, end, into: units, offsets: offsets)
        }
        units.count = writer.unitCount
        units.wordCount = writer.wordCount
        units.reserve(
            unitCount: writer.unitCount + rest + 1, byteCount: writer.wordByteCount + 2 * rest + 64, offsets: offsets)
    }
}

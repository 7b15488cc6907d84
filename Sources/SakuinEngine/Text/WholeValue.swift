/// The folded value as a whole, for the analyzers `keyword` and `ngram`: blanks at the ends are dropped, runs of blanks
/// inside are one space, everything else stays.
enum WholeValue {
    /// One word unit with the whole value, or one unit a character.
    static func normalize(
        _ text: UnsafeBufferPointer<UInt8>, into units: UnitBuffer, offsets: Bool, asCharacters: Bool
    ) throws(TextError) {
        units.prepare(unitCount: text.count + 1, byteCount: 2 * text.count + 64, offsets: offsets)
        var byteCount = 0
        var pendingBlank: (start: Int, end: Int)?
        func append(_ scalar: UInt32, _ start: Int, _ end: Int) {
            units.reserve(unitCount: units.count + 1, byteCount: byteCount + 4, offsets: offsets)
            if asCharacters || units.count == 0 {
                units.codes[units.count] = asCharacters ? scalar : UnitBuffer.wordBit
                if offsets { units.sourceStart[units.count] = UInt32(truncatingIfNeeded: start) }
                units.count += 1
            }
            if offsets { units.sourceEnd[units.count - 1] = UInt32(truncatingIfNeeded: end) }
            if !asCharacters { byteCount += UTF8Decoding.write(scalar, to: units.wordBytes + byteCount) }
        }
        try SlowNormalizer.forEachFolded(text) { scalar, kind, start, end in
            if kind == CharacterTable.Class.blank || kind == CharacterTable.Class.lineBreak {
                pendingBlank = (pendingBlank?.start ?? start, end)
                return
            }
            if let blank = pendingBlank, units.count > 0 { append(0x20, blank.start, blank.end) }
            pendingBlank = nil
            append(scalar, start, end)
        }
        if !asCharacters, units.count > 0 {
            units.wordEnds[0] = UInt32(truncatingIfNeeded: byteCount)
            units.wordCount = 1
        }
    }

    /// At every character the run of `n` that begins there, shorter at the end.
    static func emit<S: TokenSink & ~Copyable>(
        _ units: UnitBuffer, _ n: Int, _ base: UInt32, _ sink: inout S
    ) -> UInt32 {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4 * n) { gram in
            guard let bytes = gram.baseAddress else { return }
            for i in 0..<units.count {
                var length = 0
                for j in i..<min(i + n, units.count) {
                    length += UTF8Decoding.write(units.codes[j], to: bytes + length)
                }
                sink.word(
                    UnsafeBufferPointer(start: bytes, count: length), position: base &+ UInt32(2 &* i), before: nil,
                    behind: nil)
            }
        }
        return base &+ UInt32(2 &* units.count)
    }
}

// Text to units, in one pass over UTF-8.
//
// 1. Decode a scalar by hand; the common Han block needs no table.
// 2. One table look-up folds and classifies it; one that folds to several ("…", "℃") goes through `UnitWriter`. When its
//    normalisation depends on neighbours, the pass is given up and the whole text goes through `SlowNormalizer`, which
//    ordinary text never needs.
// 3. `LineJoining` decides whether a gap stands before a unit; words are gathered until something ends them.

struct Normalizer {
    let breaks: BreaksPolicy

    func normalize(
        _ text: UnsafeBufferPointer<UInt8>, into units: UnitBuffer, offsets: Bool
    ) throws(TextError) {
        units.prepare(
            unitCount: UnitBuffer.unitCount(for: text.count), byteCount: UnitBuffer.byteCount(for: text.count),
            offsets: offsets)
        let isDone =
            offsets
            ? try pass(text, units, offsets: true)
            : try pass(text, units, offsets: false)
        if !isDone { try SlowNormalizer(breaks: breaks).normalize(text, into: units, offsets: offsets) }
    }

    /// False when the text needs the slow path.
    @inline(__always)
    private func pass(
        _ text: UnsafeBufferPointer<UInt8>, _ units: UnitBuffer, offsets: Bool
    ) throws(TextError) -> Bool {
        guard let bytes = text.baseAddress else { return true }
        let count = text.count
        let table = CharacterTable.shared.entries
        var out = UnitPass(units)
        var joining = LineJoining(breaks)
        var at = 0
        while at < count {
            let start = at
            var scalar = try Self.scalar(bytes, &at, count)
            var kind = CharacterTable.Class.cjk
            if scalar &- 0x4E00 >= 0x5200 {
                let entry =
                    scalar < CharacterTable.limit ? table[Int(scalar)] : CharacterTable.shared.entry(scalar)
                if entry & CharacterTable.slowBit != 0 { return false }
                kind = CharacterTable.kind(entry)
                scalar = entry & CharacterTable.scalarMask
            }
            if kind == CharacterTable.Class.cjk || kind == CharacterTable.Class.hangul {
                out.character(scalar, kind, &joining, start, at, offsets)
                if kind == CharacterTable.Class.cjk { out.plainCJK(bytes, &at, count, offsets) }
            } else if kind == CharacterTable.Class.word {
                out.letter(scalar, &joining, start, at, offsets)
            } else if kind == CharacterTable.Class.gone {
                if offsets { Self.attach(bytes, start, at, out.ends, out.unitCount) }
            } else if kind == CharacterTable.Class.several {
                out.several(scalar, &joining, start, at, count &- at, units, offsets)
            } else {
                out.gap(kind, scalar, &joining)
            }
        }
        out.finish(units)
        return true
    }

    /// The scalar at `at`, which moves behind it.
    @inline(__always)
    private static func scalar(
        _ bytes: UnsafePointer<UInt8>, _ at: inout Int, _ count: Int
    ) throws(TextError) -> UInt32 {
        let first = bytes[at]
        if first < 0x80 {
            at &+= 1
            return UInt32(first)
        }
        if first & 0xF0 == 0xE0, at &+ 2 < count, bytes[at &+ 1] & 0xC0 == 0x80, bytes[at &+ 2] & 0xC0 == 0x80 {
            let scalar =
                UInt32(first & 0x0F) &<< 12 | UInt32(bytes[at &+ 1] & 0x3F) &<< 6 | UInt32(bytes[at &+ 2] & 0x3F)
            guard scalar >= 0x800, scalar & 0xF800 != 0xD800 else { throw .invalidUTF8(byteOffset: at) }
            at &+= 3
            return scalar
        }
        let (scalar, length) = UTF8Decoding.scalar(bytes + at, count &- at)
        guard length > 0 else { throw .invalidUTF8(byteOffset: at) }
        at &+= length
        return scalar
    }

    /// Han and kana that fold to themselves and have the fast path; what may follow a kana and change it is found when it comes.
    @inline(__always)
    static func isPlainCJK(_ scalar: UInt32) -> Bool {
        scalar &- 0x4E00 < 0x5200 || scalar &- 0x3041 < 0x56 || scalar &- 0x30A1 < 0x5A
    }

    /// The same by lanes, which are ones or zeros.
    @inline(__always)
    static func arePlainCJK(_ scalars: SIMD4<UInt32>) -> SIMD4<UInt32> {
        FourScalars.lies(scalars, from: 0x4E00, to: 0x9FFF) | FourScalars.lies(scalars, from: 0x3041, to: 0x3096)
            | FourScalars.lies(scalars, from: 0x30A1, to: 0x30FA)
    }

    /// Lets the units that end where a scalar that vanishes stands end behind it, when it is part of their character: a
    /// span that parts 葛 and its variation selector would show another form.
    @inline(never)
    private static func attach(
        _ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ ends: UnsafeMutablePointer<UInt32>, _ unitCount: Int
    ) {
        guard CharacterTable.isAttached(UTF8Decoding.scalar(bytes + start, end - start).scalar) else { return }
        var unit = unitCount
        while unit > 0, ends[unit - 1] == UInt32(truncatingIfNeeded: start) {
            unit -= 1
            ends[unit] = UInt32(truncatingIfNeeded: end)
        }
    }
}

/// UTF-8 by hand.
enum UTF8Decoding {
    /// The scalar at `bytes` and its length; length 0 when there is none (RFC 3629).
    static func scalar(_ bytes: UnsafePointer<UInt8>, _ available: Int) -> (scalar: UInt32, length: Int) {
        let first = bytes[0]
        if first < 0x80 { return (UInt32(first), 1) }
        let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        guard first >= 0xC2, first <= 0xF4, available >= length else { return (0, 0) }
        var scalar = UInt32(first) & (length == 2 ? 0x1F : length == 3 ? 0x0F : 0x07)
        for i in 1..<length {
            guard bytes[i] & 0xC0 == 0x80 else { return (0, 0) }
            scalar = scalar &<< 6 | UInt32(bytes[i] & 0x3F)
        }
        let least: UInt32 = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000
        guard scalar >= least, scalar <= 0x10FFFF, scalar & 0x1FF800 != 0xD800 else { return (0, 0) }
        return (scalar, length)
    }

    /// Writes a scalar; returns its length.
    @inline(__always)
    static func write(_ scalar: UInt32, to out: UnsafeMutablePointer<UInt8>) -> Int {
        if scalar < 0x80 {
            out[0] = UInt8(truncatingIfNeeded: scalar)
            return 1
        }
        if scalar < 0x800 {
            out[0] = 0xC0 | UInt8(truncatingIfNeeded: scalar &>> 6)
            out[1] = 0x80 | UInt8(truncatingIfNeeded: scalar & 0x3F)
            return 2
        }
        if scalar < 0x10000 {
            out[0] = 0xE0 | UInt8(truncatingIfNeeded: scalar &>> 12)
            out[1] = 0x80 | UInt8(truncatingIfNeeded: scalar &>> 6 & 0x3F)
            out[2] = 0x80 | UInt8(truncatingIfNeeded: scalar & 0x3F)
            return 3
        }
        out[0] = 0xF0 | UInt8(truncatingIfNeeded: scalar &>> 18)
        out[1] = 0x80 | UInt8(truncatingIfNeeded: scalar &>> 12 & 0x3F)
        out[2] = 0x80 | UInt8(truncatingIfNeeded: scalar &>> 6 & 0x3F)
        out[3] = 0x80 | UInt8(truncatingIfNeeded: scalar & 0x3F)
        return 4
    }
}

/// Texts of Han and kana alone, which are their own normal form: one run, without gaps.
enum PlainText {
    /// Hands the scalars of such a text to `body`; nil when it is empty or another.
    static func withScalars<R>(_ text: String, _ body: (UnsafeBufferPointer<UInt32>) -> R) -> R? {
        let result: R?? = text.utf8.withContiguousStorageIfAvailable { bytes in
            guard bytes.count > 0 else { return nil }
            // Each takes three bytes or four.
            return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: bytes.count / 3) { run in
                var (at, count) = (0, 0)
                while at < bytes.count {
                    let length = bytes[at] < 0xF0 ? 3 : 4
                    guard at &+ length <= bytes.count, let scalar = scalar(bytes, at) else { return nil }
                    run[count] = scalar
                    count &+= 1
                    at &+= length
                }
                return body(UnsafeBufferPointer(rebasing: run[..<count]))
            }
        }
        return result ?? nil
    }

    /// The plain scalar of the three or four bytes at `at`, which are there; nil when they are no such scalar.
    @inline(__always)
    private static func scalar(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> UInt32? {
        let lead = UInt32(bytes[at])
        let (second, third) = (UInt32(bytes[at &+ 1] & 0x3F), UInt32(bytes[at &+ 2] & 0x3F))
        if lead & 0xF0 == 0xE0 {
            let scalar = (lead & 0x0F) &<< 12 | second &<< 6 | third
            return Normalizer.isPlainCJK(scalar) || isPlain(scalar) ? scalar : nil
        }
        guard lead & 0xF8 == 0xF0 else { return nil }
        let scalar = (lead & 0x07) &<< 18 | second &<< 12 | third &<< 6 | UInt32(bytes[at &+ 3] & 0x3F)
        return isPlain(scalar) ? scalar : nil
    }

    /// Whether a scalar is a CJK character that folds to itself, whatever stands beside it.
    @inline(never)
    private static func isPlain(_ scalar: UInt32) -> Bool {
        CharacterTable.shared.entry(scalar) == CharacterTable.makeEntry(scalar, CharacterTable.Class.cjk)
    }
}

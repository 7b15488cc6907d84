// Stored bytes before LZ4: the common characters of CJK text in two bytes instead of three, anything else lossless.
//
// - A byte 0x80...0xFF is a page of 256 scalars, the next byte the low byte of the scalar: 0x80 is U+30xx, 0x81 U+FFxx,
//   0x82...0xD3 U+4Exx...U+9Fxx, 0xD4...0xFF U+ACxx...U+D7xx. 0x1F is the page U+20xx (dashes, quotes, ellipsis).
// - 0x01 escapes. A byte 0xC0...0xF7 behind it begins a sequence of 2 (0xC0), 3 (0xE0) or 4 (0xF0) bytes that stand
//   for themselves; 0x02 is followed by one byte that stands for itself; any other byte stands for itself.
// - All other bytes below 0x80 stand for themselves.

enum StoredTextCode {
    private static let escape: UInt8 = 0x01
    private static let byteMark: UInt8 = 0x02
    private static let punctuation: UInt8 = 0x1F
    /// Source bytes between two looks at the room left.
    private static let pieceByteCount = 4096

    /// Lead byte by page (scalar >> 8), 0 for pages without one.
    @inline(__always)
    private static func lead(ofPage page: UInt32) -> UInt8 {
        switch page {
        case 0x4E...0x9F: UInt8(truncatingIfNeeded: page &+ 0x34)
        case 0x30: 0x80
        case 0xFF: 0x81
        case 0x20: punctuation
        case 0xAC...0xD7: UInt8(truncatingIfNeeded: page &+ 0x28)
        default: 0
        }
    }

    /// Page by lead byte 0x80...0xFF.
    @inline(__always)
    private static func page(ofLead lead: UInt8) -> UInt32 {
        let lead = UInt32(lead)
        if lead >= 0xD4 { return lead &- 0x28 }
        if lead >= 0x82 { return lead &- 0x34 }
        return lead == 0x80 ? 0x30 : 0xFF
    }

    /// Appends the coded form of any bytes.
    static func encode(_ bytes: UnsafeRawBufferPointer, into out: inout ByteWriter) {
        guard let start = bytes.baseAddress else { return }
        let end = start + bytes.count
        var at = start
        while at < end {
            let stop = min(at + pieceByteCount, end)
            // At most three bytes for one, and the last sequence may begin just before `stop`.
            out.append(upTo: 3 * (pieceByteCount + 4)) { target in
                var to = target
                while at < stop { encodeOne(&at, &to, end) }
                return to - target
            }
        }
    }

    /// Codes four characters of pages U+30xx, U+FFxx, U+20xx and U+4Exx to U+9Fxx with the leads of `lead(ofPage:)`; false
    /// when they are others.
    @inline(__always)
    private static func encodeFour(_ at: inout UnsafeRawPointer, _ to: inout UnsafeMutableRawPointer) -> Bool {
        let four = FourScalars(at)
        let pages = four.scalars &>> SIMD4(repeating: 8)
        let isHan = FourScalars.lies(pages, from: 0x4E, to: 0x9F)
        let (isKana, isWide) = (FourScalars.equals(pages, 0x30), FourScalars.equals(pages, 0xFF))
        let isPunctuation = FourScalars.equals(pages, 0x20)
        guard FourScalars.areAll(four.isSequence & (isHan | isKana | isWide | isPunctuation)) else { return false }
        let lead =
            (pages &+ SIMD4(repeating: 0x34)) & isHan | SIMD4(repeating: 0x80) & isKana | SIMD4(repeating: 0x81)
            & isWide
            | SIMD4(repeating: UInt32(punctuation)) & isPunctuation
        let codes = lead | (four.scalars & SIMD4(repeating: 0xFF)) &<< SIMD4(repeating: 8)
        // The low halves of the four side by side.
        let pairs = unsafeBitCast(codes, to: SIMD2<UInt64>.self)
        let first = (pairs[0] | pairs[0] &>> 16) & 0xFFFF_FFFF
        let word = first | (pairs[1] | pairs[1] &>> 16) &<< 32
        to.storeBytes(of: word.littleEndian, as: UInt64.self)
        at += 12
        to += 8
        return true
    }

    /// Codes eight plain bytes, or a few characters, or one byte.
    @inline(__always)
    private static func encodeOne(
        _ at: inout UnsafeRawPointer, _ to: inout UnsafeMutableRawPointer, _ end: UnsafeRawPointer
    ) {
        let first = at.load(as: UInt8.self)
        let left = end - at
        if first & 0xF0 == 0xE0, left >= 3 {
            if left >= FourScalars.byteCount, encodeFour(&at, &to) { return }
            let second = at.load(fromByteOffset: 1, as: UInt8.self)
            let third = at.load(fromByteOffset: 2, as: UInt8.self)
            if second & 0xC0 == 0x80, third & 0xC0 == 0x80 {
                let scalar =
                    UInt32(first & 0x0F) &<< 12 | UInt32(second & 0x3F) &<< 6 | UInt32(third & 0x3F)
                let lead = lead(ofPage: scalar &>> 8)
                if lead != 0 {
                    to.storeBytes(
                        of: (UInt16(lead) | UInt16(truncatingIfNeeded: scalar) &<< 8).littleEndian, as: UInt16.self)
                    to += 2
                } else {
                    copySequence(&at, &to, 3)
                    return
                }
                at += 3
                return
            }
        } else if first < 0x80 {
            if left >= 8 {
                let word = at.loadUnaligned(as: UInt64.self)
                // No byte has its high bit set or is below 0x20 (Anderson, "Bit Twiddling Hacks": hasless).
                if (word | (word &- 0x2020_2020_2020_2020)) & 0x8080_8080_8080_8080 == 0 {
                    to.storeBytes(of: word, as: UInt64.self)
                    at += 8
                    to += 8
                    return
                }
            }
            if first != escape, first != punctuation {
                to.storeBytes(of: first, as: UInt8.self)
                at += 1
                to += 1
                return
            }
        }
        encodeRare(&at, &to, first, left)
    }

    @inline(__always)
    private static func copySequence(_ at: inout UnsafeRawPointer, _ to: inout UnsafeMutableRawPointer, _ count: Int) {
        to.storeBytes(of: escape, as: UInt8.self)
        (to + 1).copyMemory(from: at, byteCount: count)
        at += count
        to += count &+ 1
    }

    @inline(never)
    private static func encodeRare(
        _ at: inout UnsafeRawPointer, _ to: inout UnsafeMutableRawPointer, _ first: UInt8, _ left: Int
    ) {
        let count = sequenceByteCount(first)
        if count > 1, left >= count {
            var isSequence = true
            for i in 1..<count where at.load(fromByteOffset: i, as: UInt8.self) & 0xC0 != 0x80 { isSequence = false }
            if isSequence {
                copySequence(&at, &to, count)
                return
            }
        }
        to.storeBytes(of: escape, as: UInt8.self)
        to += 1
        if first >= 0xC0 || first == byteMark {
            to.storeBytes(of: byteMark, as: UInt8.self)
            to += 1
        }
        to.storeBytes(of: first, as: UInt8.self)
        to += 1
        at += 1
    }

    /// Bytes of the UTF-8 sequence a byte begins, 1 if it begins none.
    @inline(__always)
    private static func sequenceByteCount(_ first: UInt8) -> Int {
        switch first {
        case 0xC0...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF7: 4
        default: 1
        }
    }

    /// Appends what `encode` was given; false when the bytes end inside a character. Safe on hostile bytes.
    static func decode(_ bytes: UnsafeRawBufferPointer, into out: inout ByteWriter) -> Bool {
        guard let start = bytes.baseAddress else { return true }
        let end = start + bytes.count
        var at = start
        var isWhole = true
        while at < end, isWhole {
            let stop = min(at + pieceByteCount, end)
            // Two bytes become at most three; a character that begins before `stop` takes four more.
            out.append(upTo: pieceByteCount / 2 * 3 + 16) { target in
                var to = target
                while at < stop, isWhole { isWhole = decodeOne(&at, &to, end) }
                return to - target
            }
        }
        return isWhole
    }

    @inline(__always)
    private static func decodeOne(
        _ at: inout UnsafeRawPointer, _ to: inout UnsafeMutableRawPointer, _ end: UnsafeRawPointer
    ) -> Bool {
        let first = at.load(as: UInt8.self)
        if first >= 0x80 {
            guard end - at >= 2 else { return false }
            write(page(ofLead: first), at.load(fromByteOffset: 1, as: UInt8.self), &to)
            at += 2
            return true
        }
        if first != escape, first != punctuation {
            if end - at >= 8 {
                let word = at.loadUnaligned(as: UInt64.self)
                if (word | (word &- 0x2020_2020_2020_2020)) & 0x8080_8080_8080_8080 == 0 {
                    to.storeBytes(of: word, as: UInt64.self)
                    at += 8
                    to += 8
                    return true
                }
            }
            to.storeBytes(of: first, as: UInt8.self)
            at += 1
            to += 1
            return true
        }
        return decodeRare(&at, &to, end)
    }

    /// The three bytes of a scalar between U+0800 and U+FFFF, and one more that the next character overwrites.
    @inline(__always)
    private static func write(_ page: UInt32, _ low: UInt8, _ to: inout UnsafeMutableRawPointer) {
        let low = UInt32(low)
        let first = 0xE0 | page &>> 4
        let second = 0x80 | (page & 0x0F) &<< 2 | low &>> 6
        let third = 0x80 | low & 0x3F
        to.storeBytes(of: (first | second &<< 8 | third &<< 16).littleEndian, as: UInt32.self)
        to += 3
    }

    @inline(never)
    private static func decodeRare(
        _ at: inout UnsafeRawPointer, _ to: inout UnsafeMutableRawPointer, _ end: UnsafeRawPointer
    ) -> Bool {
        guard end - at >= 2 else { return false }
        let second = at.load(fromByteOffset: 1, as: UInt8.self)
        if at.load(as: UInt8.self) == punctuation {
            write(0x20, second, &to)
            at += 2
            return true
        }
        at += 1
        if second == byteMark {
            at += 1
            guard at < end else { return false }
        }
        let count = second == byteMark ? 1 : sequenceByteCount(second)
        guard end - at >= count else { return false }
        to.copyMemory(from: at, byteCount: count)
        at += count
        to += count
        return true
    }

    /// Goes over what a coded form stands for: characters of three bytes of UTF-8 as they are, any others by their first
    /// byte. Safe on hostile bytes.
    struct Units {
        private var at: UnsafeRawPointer
        private let end: UnsafeRawPointer
        /// Whether it ended inside a character.
        private(set) var isDamaged = false

        init(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) {
            at = start
            self.end = end
        }

        @inline(__always)
        mutating func next() -> UInt16? {
            guard at < end else { return nil }
            let first = at.load(as: UInt8.self)
            if first < 0x80, first != escape, first != punctuation {
                at += 1
                return UInt16(first)
            }
            guard end - at >= 2 else { return damage() }
            if first == escape { return nextRare() }
            let low = UInt16(at.load(fromByteOffset: 1, as: UInt8.self))
            at += 2
            let page = first == punctuation ? 0x20 : page(ofLead: first)
            return UInt16(truncatingIfNeeded: page) &<< 8 | low
        }

        /// What stands behind an escape.
        @inline(never)
        private mutating func nextRare() -> UInt16? {
            let second = at.load(fromByteOffset: 1, as: UInt8.self)
            if second == byteMark {
                guard end - at >= 3 else { return damage() }
                defer { at += 3 }
                return UInt16(at.load(fromByteOffset: 2, as: UInt8.self))
            }
            let count = sequenceByteCount(second)
            guard end - at > count else { return damage() }
            let unit = SymbolTable.unit(at + 1, at + 1 + count).unit
            at += 1 + count
            return unit
        }

        private mutating func damage() -> UInt16? {
            isDamaged = true
            at = end
            return nil
        }
    }
}

/// What a scalar becomes: one look-up gives the class and the folded form.
///
/// Entry: bits 0-20 the folded scalar (or the number of an expansion), bits 24-26 the class, bit 27 set when the
/// normalisation depends on neighbours. Scalars from 0x40000 on have no entry: they are separators, but for the
/// default-ignorable U+E0000-E0FFF.
struct CharacterTable: Sendable {
    enum Class {
        static let separator: UInt32 = 0
        static let blank: UInt32 = 1
        static let lineBreak: UInt32 = 2
        static let word: UInt32 = 3
        static let cjk: UInt32 = 4
        static let hangul: UInt32 = 5
        /// Vanishes.
        static let gone: UInt32 = 6
        /// Folds to several scalars.
        static let several: UInt32 = 7
    }

    static let version = CharacterData.version
    static let limit: UInt32 = 0x40000
    static let slowBit: UInt32 = 1 << 27
    static let scalarMask: UInt32 = 0x1F_FFFF

    static let shared = CharacterTable()

    /// `limit` entries; filled once, then only read, never freed.
    nonisolated(unsafe) let entries: UnsafePointer<UInt32>
    /// The entries of each expansion's scalars.
    let expansions: [[UInt32]]

    @inline(__always)
    static func makeEntry(_ scalar: UInt32, _ kind: UInt32) -> UInt32 { scalar | kind &<< 24 }

    /// The class of an entry.
    @inline(__always)
    static func kind(_ entry: UInt32) -> UInt32 { entry &>> 24 & 7 }

    /// Whether an entry is of a CJK character.
    static func isCJK(_ entry: UInt32) -> Bool { kind(entry) == Class.cjk || kind(entry) == Class.hangul }

    /// Whether a folded character is Hangul.
    static func isHangul(_ scalar: UInt32) -> Bool { kind(shared.entry(scalar)) == Class.hangul }

    /// Whether a scalar that vanishes is part of the character before it (UAX #29: Extend, or ZWJ): variation selectors,
    /// joiners, tags. Those that stand by themselves, as U+00AD and U+FEFF, are not.
    static func isAttached(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x034F, 0x17B4...0x17B5, 0x180B...0x180D, 0x180F, 0x200C...0x200D, 0xFE00...0xFE0F, 0xE0020...0xE007F,
            0xE0100...0xE01EF:
            true
        default: false
        }
    }

    private init() {
        let table = UnsafeMutablePointer<UInt32>.allocate(capacity: Int(Self.limit))
        table.initialize(repeating: 0, count: Int(Self.limit))
        var runs = PackedData(CharacterData.runs)
        var scalar: UInt32 = 0
        while scalar < Self.limit, !runs.isAtEnd {
            let count = UInt32(truncatingIfNeeded: runs.varint())
            let byte = UInt32(runs.byte())
            let zigzag = runs.varint()
            let value = Int32(truncatingIfNeeded: zigzag >> 1) ^ -Int32(truncatingIfNeeded: zigzag & 1)
            let kind = byte & 7
            for c in scalar..<min(scalar + count, Self.limit) {
                let target = kind == Class.several ? UInt32(bitPattern: value) : UInt32(bitPattern: Int32(c) &+ value)
                table[Int(c)] = Self.makeEntry(target & Self.scalarMask, kind) | (byte & 8 != 0 ? Self.slowBit : 0)
            }
            scalar += count
        }
        entries = UnsafePointer(table)
        var packed = PackedData(CharacterData.expansions)
        expansions = (0..<packed.varint()).map { _ in
            (0..<packed.varint()).map { _ in
                let target = UInt32(truncatingIfNeeded: packed.varint())
                return Self.makeEntry(target, UInt32(packed.byte()))
            }
        }
    }

    @inline(__always)
    func entry(_ scalar: UInt32) -> UInt32 {
        scalar < Self.limit ? entries[Int(scalar)] : Self.high(scalar)
    }

    @inline(never)
    private static func high(_ scalar: UInt32) -> UInt32 {
        makeEntry(scalar, (0xE0000...0xE0FFF).contains(scalar) ? Class.gone : Class.separator)
    }
}

/// Reads the base64 text of generated data.
struct PackedData {
    private var bytes: [UInt8] = []
    private var at = 0

    init(_ text: StaticString) {
        bytes.reserveCapacity(text.utf8CodeUnitCount * 3 / 4)
        var held: UInt32 = 0
        var bits = 0
        text.withUTF8Buffer { characters in
            for character in characters {
                let value: UInt32
                switch character {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = UInt32(character) - 65
                case UInt8(ascii: "a")...UInt8(ascii: "z"): value = UInt32(character) - 71
                case UInt8(ascii: "0")...UInt8(ascii: "9"): value = UInt32(character) + 4
                case UInt8(ascii: "+"): value = 62
                case UInt8(ascii: "/"): value = 63
                default: continue
                }
                held = held << 6 | value
                bits += 6
                if bits >= 8 {
                    bits -= 8
                    bytes.append(UInt8(truncatingIfNeeded: held >> UInt32(bits)))
                }
            }
        }
    }

    var isAtEnd: Bool { at >= bytes.count }

    mutating func byte() -> UInt8 {
        guard at < bytes.count else { return 0 }
        defer { at += 1 }
        return bytes[at]
    }

    mutating func varint() -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64 {
            let byte = byte()
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        return value
    }
}

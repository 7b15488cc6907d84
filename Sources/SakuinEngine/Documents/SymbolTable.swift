import SakuinCompression

/// A code of stored text made for one segment: its most frequent characters in one byte, others and the most frequent
/// pairs of characters in two.
///
/// A static table of byte strings as in FSST (Boncz, Neumann and Leis, "FSST: fast random access string compression",
/// 2020), with codes of two bytes since CJK text has thousands of characters. Symbol i below `oneByteCount` n has the
/// code i; the others have a lead byte n + (i − n) / 256 and (i − n) % 256 behind it; the byte 255 is followed by one
/// that stands for itself. Codes are whole bytes, so LZ4 behind it finds repeats.
///
/// As bytes: u8 n, u32 symbols, then LZ4 of: per symbol u16 its first unit, u16 its second, 0 for a single one.
final class SymbolTable: Sendable {
    /// A unit is a character of three bytes of UTF-8, or any other single byte.
    struct Symbol: Equatable {
        var first: UInt16
        /// nil for a single unit; never the byte 0, which is in no pair.
        var second: UInt16?
    }

    static let escape: UInt8 = 255
    private static let oneByteCountMax = 250

    let oneByteCount: Int
    let symbols: [Symbol]
    /// Bytes of each symbol in one word, and how many. Filled in the initialiser, never written afterwards, freed in
    /// deinit, as the tables below.
    private nonisolated(unsafe) let words: UnsafeMutablePointer<UInt64>
    private nonisolated(unsafe) let lengths: UnsafeMutablePointer<UInt8>
    /// Code of a single unit by unit, 0 where there is none: bits 0-15 its bytes, 16-17 how many.
    private nonisolated(unsafe) let unitCodes: UnsafeMutablePointer<UInt32>
    /// Open addressing: bits 32-63 the pair, 0-17 its code as above; 0 for an empty place.
    private nonisolated(unsafe) let pairs: UnsafeMutablePointer<UInt64>
    private let pairMask: Int

    /// The most symbols of a table with so many codes of one byte.
    static func symbolCountMax(oneByteCount: Int) -> Int { oneByteCount + (255 - oneByteCount) * 256 }

    /// nil when there are too many symbols, or a unit is none.
    init?(_ symbols: [Symbol], oneByteCount: Int) {
        guard oneByteCount <= Self.oneByteCountMax, symbols.count <= Self.symbolCountMax(oneByteCount: oneByteCount),
            symbols.allSatisfy({ Self.isUnit($0.first) && $0.second.map(Self.isUnit) ?? true })
        else { return nil }
        self.oneByteCount = oneByteCount
        self.symbols = symbols
        words = .allocate(capacity: max(symbols.count, 1))
        lengths = .allocate(capacity: max(symbols.count, 1))
        unitCodes = .allocate(capacity: 1 << 16)
        unitCodes.initialize(repeating: 0, count: 1 << 16)
        let pairCount = symbols.count { $0.second != nil }
        let room = 1 << (Int.bitWidth - (2 * pairCount + 2).leadingZeroBitCount)
        pairMask = room - 1
        pairs = .allocate(capacity: room)
        pairs.initialize(repeating: 0, count: room)
        for (number, symbol) in symbols.enumerated() { enter(symbol, number) }
    }

    deinit {
        words.deallocate()
        lengths.deallocate()
        unitCodes.deallocate()
        pairs.deallocate()
    }

    /// The table as bytes.
    func encode(into out: inout ByteWriter) {
        var plain = ByteWriter(capacity: 4 * symbols.count)
        for symbol in symbols {
            plain.append16(symbol.first)
            plain.append16(symbol.second ?? 0)
        }
        out.append(UInt8(oneByteCount))
        out.append32(UInt32(symbols.count))
        var packed = ByteWriter(capacity: plain.count)
        let isSmaller = plain.withBytes { BlockCompression(high: true).compress($0, into: &packed) }
        if isSmaller {
            packed.withBytes { out.append(bytes: $0) }
        } else {
            plain.withBytes { out.append(bytes: $0) }
        }
    }

    /// The table that `encode` wrote; nil when the bytes cannot be one.
    static func decode(_ bytes: UnsafeRawBufferPointer) -> SymbolTable? {
        guard bytes.count >= 5, let start = bytes.baseAddress else { return nil }
        let count = Int(UInt32(littleEndian: start.loadUnaligned(fromByteOffset: 1, as: UInt32.self)))
        guard count <= symbolCountMax(oneByteCount: 0) else { return nil }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[5...])
        var plain = ByteWriter(capacity: 4 * count)
        if rest.count == 4 * count {
            plain.append(bytes: rest)
        } else {
            plain.append(upTo: 4 * count) {
                BlockCompression.decompress(rest, into: $0, count: 4 * count, wanted: 4 * count) ? 4 * count : 0
            }
        }
        guard plain.count == 4 * count else { return nil }
        let symbols = (0..<count).map { i in
            let first = plain.start.loadUnaligned(fromByteOffset: 4 * i, as: UInt16.self)
            let second = plain.start.loadUnaligned(fromByteOffset: 4 * i + 2, as: UInt16.self)
            return Symbol(first: UInt16(littleEndian: first), second: second == 0 ? nil : UInt16(littleEndian: second))
        }
        return SymbolTable(symbols, oneByteCount: Int(start.load(as: UInt8.self)))
    }

    /// Single bytes, and scalars that take three bytes of UTF-8.
    static func isUnit(_ unit: UInt16) -> Bool {
        unit < 256 || (unit >= 0x800 && !(0xD800...0xDFFF).contains(unit))
    }

    private func enter(_ symbol: Symbol, _ number: Int) {
        var (word, length) = Self.bytes(of: symbol.first)
        var code = UInt32(truncatingIfNeeded: number) | 1 << 16
        if number >= oneByteCount {
            let (lead, low) = (oneByteCount + (number - oneByteCount) / 256, (number - oneByteCount) % 256)
            code = UInt32(truncatingIfNeeded: lead | low << 8) | 2 << 16
        }
        if let second = symbol.second {
            let (more, moreLength) = Self.bytes(of: second)
            word |= more << UInt64(8 * length)
            length += moreLength
            let key = UInt32(symbol.first) << 16 | UInt32(second)
            var place = Self.hash(key) & pairMask
            while pairs[place] != 0 { place = (place + 1) & pairMask }
            pairs[place] = UInt64(key) << 32 | UInt64(code)
        } else {
            unitCodes[Int(symbol.first)] = code
        }
        words[number] = word.littleEndian
        lengths[number] = UInt8(length)
    }

    @inline(__always)
    private static func hash(_ key: UInt32) -> Int { Int(truncatingIfNeeded: (key &* 0x9E37_79B1) &>> 8) }

    /// The bytes of a unit from the lowest on, and how many.
    private static func bytes(of unit: UInt16) -> (UInt64, Int) {
        let unit = UInt64(unit)
        if unit < 256 { return (unit, 1) }
        return (0xE0 | unit >> 12 | (0x80 | unit >> 6 & 0x3F) << 8 | (0x80 | unit & 0x3F) << 16, 3)
    }

    /// The unit that begins at `at`, and its bytes.
    @inline(__always)
    static func unit(_ at: UnsafeRawPointer, _ end: UnsafeRawPointer) -> (unit: UInt16, byteCount: Int) {
        let first = at.load(as: UInt8.self)
        guard first & 0xF0 == 0xE0, end - at >= 3 else { return (UInt16(first), 1) }
        let (second, third) = (at.load(fromByteOffset: 1, as: UInt8.self), at.load(fromByteOffset: 2, as: UInt8.self))
        guard second & 0xC0 == 0x80, third & 0xC0 == 0x80 else { return (UInt16(first), 1) }
        let unit = UInt16(first & 0x0F) &<< 12 | UInt16(second & 0x3F) &<< 6 | UInt16(third & 0x3F)
        // Overlong forms and surrogates are no characters, but bytes.
        return isUnit(unit) && unit >= 0x800 ? (unit, 3) : (UInt16(first), 1)
    }

    /// Where a pair would stand first.
    @inline(__always)
    private func place(ofPair first: UInt16, _ second: UInt16) -> Int {
        Self.hash(UInt32(first) &<< 16 | UInt32(second)) & pairMask
    }

    @inline(__always)
    private func code(ofPair first: UInt16, _ second: UInt16) -> UInt32? {
        let key = UInt32(first) &<< 16 | UInt32(second)
        var place = place(ofPair: first, second)
        while true {
            let entry = pairs[place]
            if entry == 0 { return nil }
            if UInt32(truncatingIfNeeded: entry &>> 32) == key { return UInt32(truncatingIfNeeded: entry) }
            place = (place &+ 1) & pairMask
        }
    }

    /// Units that are looked at together.
    private static let runUnitCount = 64

    /// Appends the coded form of any bytes. Places of pairs are asked for while further units are read: the table is larger
    /// than the nearer caches.
    func encode(_ bytes: UnsafeRawBufferPointer, into out: inout ByteWriter) {
        guard var at = bytes.baseAddress else { return }
        let end = at + bytes.count
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: Self.runUnitCount) { buffer in
            guard let run = buffer.baseAddress else { return }
            var count = 0
            while at < end {
                while count < Self.runUnitCount, at < end {
                    let (unit, byteCount) = Self.unit(at, end)
                    at += byteCount
                    if count > 0 { Prefetch.line(pairs + place(ofPair: run[count - 1], unit)) }
                    run[count] = unit
                    count += 1
                }
                let done = encode(run, count, isLast: at == end, into: &out)
                if done < count { run[0] = run[done] }
                count -= done
            }
        }
    }

    /// Appends the code of a run of units; returns how many: all, or all but the last, which may be the first of a pair
    /// if the run is not the last one.
    @inline(__always)
    private func encode(
        _ run: UnsafePointer<UInt16>, _ count: Int, isLast: Bool, into out: inout ByteWriter
    ) -> Int {
        var done = 0
        // A unit takes six bytes when none of its three has a code, and two are written at once.
        out.append(upTo: 6 * count + 8) { target in
            var to = target
            while done < count {
                let unit = run[done]
                if done + 1 < count {
                    if let code = code(ofPair: unit, run[done + 1]) {
                        to.storeBytes(of: UInt16(truncatingIfNeeded: code).littleEndian, as: UInt16.self)
                        to += Int(code &>> 16)
                        done += 2
                        continue
                    }
                } else if !isLast {
                    break
                }
                let code = unitCodes[Int(unit)]
                if code != 0 {
                    to.storeBytes(of: UInt16(truncatingIfNeeded: code).littleEndian, as: UInt16.self)
                    to += Int(code &>> 16)
                } else {
                    to = Self.escape(unit, to)
                }
                done += 1
            }
            return to - target
        }
        return done
    }

    /// Writes the bytes of a unit that has no code.
    @inline(never)
    private static func escape(_ unit: UInt16, _ to: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let (word, count) = bytes(of: unit)
        for i in 0..<count {
            to.storeBytes(of: escape, toByteOffset: 2 * i, as: UInt8.self)
            to.storeBytes(
                of: UInt8(truncatingIfNeeded: word >> UInt64(8 * i)), toByteOffset: 2 * i + 1, as: UInt8.self)
        }
        return to + 2 * count
    }

    /// The unit whose first byte stood behind an escape: a character without a code is coded as three bytes, and `at` moves
    /// behind them.
    @inline(__always)
    static func escapedUnit(_ first: UInt8, _ at: inout UnsafeRawPointer, _ end: UnsafeRawPointer) -> UInt16 {
        guard first & 0xF0 == 0xE0, end - at >= 4, at.load(as: UInt8.self) == escape,
            at.load(fromByteOffset: 2, as: UInt8.self) == escape
        else { return UInt16(first) }
        let (second, third) = (at.load(fromByteOffset: 1, as: UInt8.self), at.load(fromByteOffset: 3, as: UInt8.self))
        guard second & 0xC0 == 0x80, third & 0xC0 == 0x80 else { return UInt16(first) }
        at += 4
        return UInt16(first & 0x0F) &<< 12 | UInt16(second & 0x3F) &<< 6 | UInt16(third & 0x3F)
    }

    /// Appends what `encode` was given; false when the bytes end inside a code or have one that stands for nothing. Safe
    /// on hostile bytes.
    func decode(_ bytes: UnsafeRawBufferPointer, into out: inout ByteWriter) -> Bool {
        guard let start = bytes.baseAddress else { return true }
        let end = start + bytes.count
        var isGood = true
        // A code of one byte stands for up to six, and eight are written at once.
        out.append(upTo: 6 * bytes.count + 8) { target in
            var to = target
            var at = start
            while at < end {
                let lead = Int(at.load(as: UInt8.self))
                var number = lead
                at += 1
                if lead >= oneByteCount {
                    guard at < end else {
                        isGood = false
                        break
                    }
                    let low = at.load(as: UInt8.self)
                    at += 1
                    if lead == Int(Self.escape) {
                        to.storeBytes(of: low, as: UInt8.self)
                        to += 1
                        continue
                    }
                    number = oneByteCount &+ (lead &- oneByteCount) &<< 8 &+ Int(low)
                }
                guard number < symbols.count else {
                    isGood = false
                    break
                }
                to.storeBytes(of: words[number], as: UInt64.self)
                to += Int(lengths[number])
            }
            return to - target
        }
        return isGood
    }
}

extension SymbolTable: Equatable {
    /// By content: segments read the same table each for itself.
    static func == (a: SymbolTable, b: SymbolTable) -> Bool {
        a === b || a.oneByteCount == b.oneByteCount && a.symbols == b.symbols
    }
}

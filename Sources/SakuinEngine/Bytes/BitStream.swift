// Bits to bytes and back, from the lowest bit of each byte on, with the codes that lists and dictionaries use.

/// What takes bits, with the codes made of them.
protocol BitOutput: ~Copyable {
    /// Appends the low `width` (0...56) bits of a value that has no others.
    mutating func append(_ value: UInt64, width: Int)
}

extension BitOutput where Self: ~Copyable {
    /// Appends a value of `0..<limit` in truncated binary: k = ⌊log₂ limit⌋ bits, one more unless it is below
    /// 2^(k+1) − limit.
    @inline(__always)
    mutating func append(_ value: Int, below limit: Int) {
        guard limit > 1 else { return }
        let width = 63 &- limit.leadingZeroBitCount
        let short = (2 &<< width) &- limit
        // One way for both lengths: which it is cannot be foreseen.
        let isLong = value >= short
        let long = UInt64(truncatingIfNeeded: value &+ short)
        let bits = long &>> 1 | (long & 1) &<< UInt64(truncatingIfNeeded: width)
        append(isLong ? bits : UInt64(truncatingIfNeeded: value), width: width &+ (isLong ? 1 : 0))
    }

    /// Appends a value from 1 to 2^48 in Elias' gamma code: n zeros, a one, then the n bits below the highest.
    @inline(__always)
    mutating func append(gamma value: UInt64) {
        let n = 63 &- value.leadingZeroBitCount
        if n <= 27 {
            let low = value & ((1 &<< UInt64(truncatingIfNeeded: n)) &- 1)
            append((low &<< 1 | 1) &<< UInt64(truncatingIfNeeded: n), width: 2 &* n &+ 1)
            return
        }
        append(1 &<< UInt64(truncatingIfNeeded: n), width: n &+ 1)
        append(value & ((1 &<< UInt64(truncatingIfNeeded: n)) &- 1), width: n)
    }

    /// Appends a value below 128 in Rice code of order `k` (0...6): value / 2^k zeros, a one, k bits; when that many zeros
    /// are `RiceCode.zeroCountMax` or more, so many, a one, and 7 bits.
    @inline(__always)
    mutating func append(gap value: UInt32, order k: Int) {
        let zeros = Int(value &>> UInt32(truncatingIfNeeded: k))
        if zeros < RiceCode.zeroCountMax {
            let low = UInt64(value) & ((1 &<< UInt64(truncatingIfNeeded: k)) &- 1)
            append((low &<< 1 | 1) &<< UInt64(truncatingIfNeeded: zeros), width: zeros &+ 1 &+ k)
        } else {
            append(
                (UInt64(value) &<< 1 | 1) &<< UInt64(truncatingIfNeeded: RiceCode.zeroCountMax),
                width: RiceCode.zeroCountMax &+ 8)
        }
    }

    /// Appends a value below 2^48 in exponential Golomb code of order `k`: gamma of value / 2^k + 1, then k bits.
    @inline(__always)
    mutating func append(_ value: UInt64, order k: Int) {
        append(gamma: value &>> UInt64(truncatingIfNeeded: k) &+ 1)
        append(value & ((1 &<< UInt64(truncatingIfNeeded: k)) &- 1), width: k)
    }
}

enum RiceCode {
    /// So many zeros say that the value stands behind them as it is.
    static let zeroCountMax = 24
}

/// Bits into a growing buffer.
struct BitWriter: ~Copyable, BitOutput {
    /// The whole bytes so far; all of them after `finish`.
    private(set) var bytes: ByteWriter
    private var held: UInt64 = 0
    private var heldCount = 0

    init(capacity: Int = 256) { bytes = ByteWriter(capacity: capacity) }

    /// Bits appended so far.
    var bitCount: Int { bytes.count &* 8 &+ heldCount }

    mutating func removeAll() {
        bytes.removeAll()
        (held, heldCount) = (0, 0)
    }

    @inline(__always)
    mutating func append(_ value: UInt64, width: Int) {
        held |= value &<< UInt64(truncatingIfNeeded: heldCount)
        heldCount &+= width
        guard heldCount >= 8 else { return }
        let (held, whole) = (held, heldCount &>> 3)
        bytes.append(upTo: 8) {
            $0.storeBytes(of: held.littleEndian, as: UInt64.self)
            return whole
        }
        self.held = held &>> UInt64(truncatingIfNeeded: whole &<< 3)
        heldCount &= 7
    }

    /// Appends what `body` writes, at most `byteCount` bytes: many codes in a row, without looking for room at each.
    @inline(__always)
    mutating func write(upTo byteCount: Int, _ body: (inout BitSink) -> Void) {
        var (held, heldCount) = (held, heldCount)
        bytes.append(upTo: byteCount + 16) { room in
            var sink = BitSink(at: room, held: held, heldCount: heldCount)
            body(&sink)
            (held, heldCount) = (sink.held, sink.heldCount)
            return sink.at - room
        }
        (self.held, self.heldCount) = (held, heldCount)
    }

    /// Fills the last byte with zeros.
    mutating func finish() { append(0, width: (8 &- heldCount) & 7) }
}

/// Bits into memory that is known to have room.
struct BitSink: BitOutput {
    fileprivate var at: UnsafeMutableRawPointer
    fileprivate var held: UInt64
    fileprivate var heldCount: Int

    @inline(__always)
    mutating func append(_ value: UInt64, width: Int) {
        held |= value &<< UInt64(truncatingIfNeeded: heldCount)
        heldCount &+= width
        at.storeBytes(of: held.littleEndian, as: UInt64.self)
        at += heldCount &>> 3
        // 63 bits are held at most.
        held = held &>> UInt64(truncatingIfNeeded: heldCount & 56)
        heldCount &= 7
    }
}

/// Bits out of bytes; zeros behind their end, where `isOverrun` becomes true.
///
/// At least 7 bytes behind `end` must be readable: what a segment's sections have, since its trailer follows them.
struct BitReader: BitwiseCopyable {
    private let start: UnsafeRawPointer
    private let end: UnsafeRawPointer
    /// Bits read so far.
    fileprivate(set) var bit: Int

    init(_ start: UnsafeRawPointer, end: UnsafeRawPointer, bit: Int = 0) {
        self.start = start
        self.end = end
        self.bit = bit
    }

    var bytes: (start: UnsafeRawPointer, end: UnsafeRawPointer) { (start, end) }

    /// More was read than there is; what was read is meaningless.
    var isOverrun: Bool { bit > (end - start) &<< 3 }
    /// Whether less than a byte is left.
    var isAtEnd: Bool { bit &+ 8 > (end - start) &<< 3 }
    /// The bytes begun so far.
    var byteCount: Int { (bit &+ 7) &>> 3 }
    /// Whether `count` more bits are there.
    @inline(__always)
    func has(_ count: Int) -> Bool { bit &+ count <= (end - start) &<< 3 }
    /// The same bits, from `bit` on.
    func at(bit: Int) -> BitReader { BitReader(start, end: end, bit: bit) }

    /// The next 57 bits or more, which stay where they are.
    @inline(__always)
    func window() -> UInt64 {
        let at = start + bit &>> 3
        guard at < end else { return 0 }
        return UInt64(littleEndian: at.loadUnaligned(as: UInt64.self)) &>> UInt64(truncatingIfNeeded: bit & 7)
    }

    /// The `width` (0...56) bits from `bit` on, wherever the reader stands.
    @inline(__always)
    func value(at bit: Int, width: Int) -> UInt64 {
        let at = start + bit &>> 3
        guard at < end else { return 0 }
        let bits = UInt64(littleEndian: at.loadUnaligned(as: UInt64.self)) &>> UInt64(truncatingIfNeeded: bit & 7)
        return bits & ((1 &<< UInt64(truncatingIfNeeded: width)) &- 1)
    }

    /// Whether there are so many bits behind `bit`.
    @inline(__always)
    func has(_ count: Int, behind bit: Int) -> Bool { bit &+ count <= (end - start) &<< 3 }

    /// Goes on with the next whole byte.
    @inline(__always)
    mutating func align() { bit = (bit &+ 7) & ~7 }

    /// Steps over bits.
    @inline(__always)
    mutating func skip(_ count: Int) { bit &+= count }

    /// The next `width` (0...56) bits.
    @inline(__always)
    mutating func next(width: Int) -> UInt64 {
        let value = window() & ((1 &<< UInt64(truncatingIfNeeded: width)) &- 1)
        bit &+= width
        return value
    }

    /// A value of `0..<limit` in truncated binary; 0 when there is only that.
    @inline(__always)
    mutating func next(below limit: Int) -> Int {
        guard limit > 1 else { return 0 }
        let width = 63 &- limit.leadingZeroBitCount
        let short = (2 &<< width) &- limit
        let bits = window()
        let value = Int(truncatingIfNeeded: bits & ((1 &<< UInt64(truncatingIfNeeded: width)) &- 1))
        let isLong = value >= short
        bit &+= width &+ (isLong ? 1 : 0)
        let last = Int(truncatingIfNeeded: bits &>> UInt64(truncatingIfNeeded: width) & 1)
        return isLong ? value &<< 1 &+ last &- short : value
    }

    /// A value in gamma code, at least 1.
    @inline(__always)
    mutating func gamma() -> UInt64 {
        let bits = window()
        let n = bits.trailingZeroBitCount
        if n <= 28 {
            bit &+= 2 &* n &+ 1
            let low = bits &>> UInt64(truncatingIfNeeded: n &+ 1) & ((1 &<< UInt64(truncatingIfNeeded: n)) &- 1)
            return 1 &<< UInt64(truncatingIfNeeded: n) | low
        }
        return longGamma(n)
    }

    @inline(never)
    private mutating func longGamma(_ n: Int) -> UInt64 {
        guard n <= 48 else {
            // No code begins so: nothing behind it can be read either.
            bit = .max &>> 1
            return 1
        }
        bit &+= n &+ 1
        return 1 &<< UInt64(truncatingIfNeeded: n) | next(width: n)
    }

    /// A value in exponential Golomb code of order `k` (0...32).
    @inline(__always)
    mutating func next(order k: Int) -> UInt64 {
        let bits = window()
        let n = bits.trailingZeroBitCount
        let used = 2 &* n &+ 1 &+ k
        // Mostly one look at the bits is enough.
        guard used <= 57 else {
            let high = gamma() &- 1
            return high &<< UInt64(truncatingIfNeeded: k) | next(width: k)
        }
        bit &+= used
        let tail = bits &>> UInt64(truncatingIfNeeded: n &+ 1)
        let one: UInt64 = 1 &<< UInt64(truncatingIfNeeded: n)
        let low = tail &>> UInt64(truncatingIfNeeded: n) & ((1 &<< UInt64(truncatingIfNeeded: k)) &- 1)
        let high = (one | tail & (one &- 1)) &- 1
        return high &<< UInt64(truncatingIfNeeded: k) | low
    }
}

/// What is read at one look at the bits of a reader: short codes one after another, without loading them again.
struct BitWindow {
    /// The bits not read yet; zeros behind the end.
    private(set) var bits: UInt64
    private(set) var used = 0

    @inline(__always)
    init(_ reader: BitReader) { bits = reader.window() }

    /// Whether all that was read was in the window; if not, it is meaningless.
    var isWhole: Bool { @inline(__always) get { used <= 57 } }

    @inline(__always)
    mutating func skip(_ count: Int) {
        bits = bits &>> UInt64(truncatingIfNeeded: count)
        used &+= count
    }

    /// A value in exponential Golomb code of order `k`.
    @inline(__always)
    mutating func next(order k: Int) -> UInt64 {
        let n = bits.trailingZeroBitCount
        let tail = bits &>> UInt64(truncatingIfNeeded: n &+ 1)
        let one: UInt64 = 1 &<< UInt64(truncatingIfNeeded: n)
        let low = tail &>> UInt64(truncatingIfNeeded: n) & ((1 &<< UInt64(truncatingIfNeeded: k)) &- 1)
        let high = (one | tail & (one &- 1)) &- 1
        skip(2 &* n &+ 1 &+ k)
        return high &<< UInt64(truncatingIfNeeded: k) | low
    }
}

extension BitReader {
    /// Continues where `ahead` stopped, which began here.
    @inline(__always)
    mutating func advance(to ahead: BitsAhead) { bit = ahead.bit }
}

/// Bits of a `BitReader` held in a register, for loops that read many codes one after another: the next code waits for
/// a shift instead of a load.
struct BitsAhead {
    private let start: UnsafeRawPointer
    /// Bytes from `start` to the end.
    private let count: Int
    /// Bytes taken from there.
    private var at: Int
    private var held: UInt64
    private var heldCount: Int

    @inline(__always)
    init(_ reader: BitReader) {
        start = reader.bytes.start
        count = reader.bytes.end - reader.bytes.start
        at = reader.bit &>> 3
        held = 0
        heldCount = 0
        fill()
        let skipped = reader.bit & 7
        held = held &>> UInt64(truncatingIfNeeded: skipped)
        heldCount &-= skipped
    }

    /// Bits read so far, as the reader counts them.
    var bit: Int { at &<< 3 &- heldCount }

    /// Holds 56 bits or more; zeros or what stands there behind the end.
    @inline(__always)
    private mutating func fill() {
        if at < count {
            held |=
                UInt64(littleEndian: start.loadUnaligned(fromByteOffset: at, as: UInt64.self))
                &<< UInt64(truncatingIfNeeded: heldCount)
        }
        at &+= (63 &- heldCount) &>> 3
        heldCount |= 56
    }

    /// A value of `0..<limit` in truncated binary; 0 when there is only that. `limit` is not 0.
    @inline(__always)
    mutating func next(below limit: UInt32) -> UInt32 {
        if heldCount < 33 { fill() }
        let limit = UInt64(limit)
        let width = UInt64(truncatingIfNeeded: 63 &- limit.leadingZeroBitCount)
        let short = (2 &<< width) &- limit
        let value = held & ((1 &<< width) &- 1)
        let isLong: UInt64 = value >= short ? 1 : 0
        let last = held &>> width & isLong
        let used = width &+ isLong
        held = held &>> used
        heldCount &-= Int(truncatingIfNeeded: used)
        let long = value &<< isLong &+ last &- (short & (0 &- isLong))
        return UInt32(truncatingIfNeeded: long)
    }

    /// A value in Rice code of order `k`, then one in gamma code; bits that are no such codes are read as something below
    /// 2^31.
    @inline(__always)
    mutating func gapAndGamma(order k: Int) -> (gap: UInt32, gamma: UInt32) {
        // Every time: whether it has to is as if at random.
        fill()
        let zeros = held.trailingZeroBitCount
        let isShort = zeros < RiceCode.zeroCountMax
        let skipped = UInt64(truncatingIfNeeded: (isShort ? zeros : RiceCode.zeroCountMax) &+ 1)
        let width = isShort ? UInt64(truncatingIfNeeded: k) : 7
        let low = held &>> skipped & ((1 &<< width) &- 1)
        held = held &>> (skipped &+ width)
        heldCount &-= Int(truncatingIfNeeded: skipped &+ width)
        let high = isShort ? UInt32(truncatingIfNeeded: zeros) &<< UInt32(truncatingIfNeeded: k) : 0
        let gap = high | UInt32(truncatingIfNeeded: low)
        // Short ones are not told from those that are a one alone, for the same reason.
        let n = held.trailingZeroBitCount
        guard n <= 12, heldCount >= 25 else { return (gap, gamma()) }
        return (gap, takeGamma(n))
    }

    /// A value in gamma code, at least 1. Below 2^25, or it is read as 1 and the bits come out as overrun.
    @inline(__always)
    mutating func gamma() -> UInt32 {
        if heldCount < 49 { fill() }
        let n = held.trailingZeroBitCount
        guard n <= 24 else {
            at = .max &>> 8
            return 1
        }
        return takeGamma(n)
    }

    /// The value that begins with `n` zeros; so many bits and as many behind the one are held.
    @inline(__always)
    private mutating func takeGamma(_ n: Int) -> UInt32 {
        let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: n)
        let value = bit | held &>> UInt64(truncatingIfNeeded: n &+ 1) & (bit &- 1)
        held = held &>> UInt64(truncatingIfNeeded: 2 &* n &+ 1)
        heldCount &-= 2 &* n &+ 1
        return UInt32(truncatingIfNeeded: value)
    }
}

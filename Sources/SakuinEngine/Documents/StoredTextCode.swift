/// A byte code in which common CJK characters take two bytes instead of UTF-8's three, applied before LZ4.
///
/// Bytes 0x80-0xFF lead 128 pages of 256 scalars (U+30xx, U+FFxx, U+4E00-9FFF, U+AC00-D7FF) and are followed by the
/// scalar's low byte. 0x01 is followed by a UTF-8 sequence of any other scalar, 0x02 by one byte as it is. All other
/// bytes below 0x80 stand for themselves. Any bytes survive the round trip, text or not.
enum StoredTextCode {
    private static let escapeSequence: UInt8 = 1
    private static let escapeByte: UInt8 = 2

    /// By high byte of the scalar: the lead byte, or 0; and back, by lead minus 0x80. Filled once, then only read.
    private final class Pages: Sendable {
        nonisolated(unsafe) let leads: UnsafeMutablePointer<UInt8>
        nonisolated(unsafe) let pages: UnsafeMutablePointer<UInt8>

        init() {
            leads = .allocate(capacity: 256)
            leads.initialize(repeating: 0, count: 256)
            pages = .allocate(capacity: 128)
            pages.initialize(repeating: 0, count: 128)
            var lead = 0
            for page in [0x30, 0xFF] + Array(0x4E...0x9F) + Array(0xAC...0xD7) {
                leads[page] = UInt8(0x80 + lead)
                pages[lead] = UInt8(page)
                lead += 1
            }
        }
    }

    private static let table = Pages()

    /// The most bytes `encode` can write.
    static func encodedByteCountMax(_ count: Int) -> Int { 2 * count }

    /// Writes the code of `count` bytes; returns its length.
    static func encode(_ from: UnsafeRawPointer, count: Int, into out: UnsafeMutableRawPointer) -> Int {
        let leads = UnsafePointer(table.leads)
        let source = from.assumingMemoryBound(to: UInt8.self)
        let target = out.assumingMemoryBound(to: UInt8.self)
        var at = 0
        var to = 0
        while at < count {
            let byte = source[at]
            if byte < 0x80, byte != escapeSequence, byte != escapeByte {
                target[to] = byte
                at &+= 1
                to &+= 1
                continue
            }
            if byte & 0xF0 == 0xE0, at &+ 2 < count {
                let (second, third) = (source[at &+ 1], source[at &+ 2])
                if second & 0xC0 == 0x80, third & 0xC0 == 0x80 {
                    let high = (byte & 0x0F) &<< 4 | (second & 0x3F) &>> 2
                    if leads[Int(high)] != 0 {
                        target[to] = leads[Int(high)]
                        target[to &+ 1] = (second & 0x03) &<< 6 | third & 0x3F
                        at &+= 3
                        to &+= 2
                        continue
                    }
                }
            }
            let length = sequenceLength(source + at, count &- at)
            target[to] = length > 1 ? escapeSequence : escapeByte
            to &+= 1
            for i in 0..<length { target[to &+ i] = source[at &+ i] }
            to &+= length
            at &+= length
        }
        return to
    }

    /// Bytes of the multi-byte sequence at `source` by its lead byte when its continuation bytes are there, else 1.
    @inline(__always)
    private static func sequenceLength(_ source: UnsafePointer<UInt8>, _ available: Int) -> Int {
        let length = leadLength(source[0])
        guard length > 1, length <= available else { return 1 }
        for i in 1..<length where source[i] & 0xC0 != 0x80 { return 1 }
        return length
    }

    @inline(__always)
    private static func leadLength(_ lead: UInt8) -> Int {
        switch lead {
        case 0xC0...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF7: 4
        default: 1
        }
    }

    /// Writes what `encode` took, exactly `byteCount` bytes; false when the code cannot be theirs.
    static func decode(
        _ from: UnsafeRawPointer, count: Int, into out: UnsafeMutableRawPointer, byteCount: Int
    ) -> Bool {
        let pages = UnsafePointer(table.pages)
        let source = from.assumingMemoryBound(to: UInt8.self)
        let target = out.assumingMemoryBound(to: UInt8.self)
        var at = 0
        var to = 0
        while at < count {
            let byte = source[at]
            if byte >= 0x80 {
                guard at &+ 1 < count, to &+ 3 <= byteCount else { return false }
                let (high, low) = (pages[Int(byte & 0x7F)], source[at &+ 1])
                target[to] = 0xE0 | high &>> 4
                target[to &+ 1] = 0x80 | (high & 0x0F) &<< 2 | low &>> 6
                target[to &+ 2] = 0x80 | low & 0x3F
                at &+= 2
                to &+= 3
            } else if byte != escapeSequence, byte != escapeByte {
                guard to < byteCount else { return false }
                target[to] = byte
                at &+= 1
                to &+= 1
            } else {
                guard at &+ 1 < count else { return false }
                let length = byte == escapeByte ? 1 : leadLength(source[at &+ 1])
                guard at &+ length < count, to &+ length <= byteCount else { return false }
                for i in 0..<length { target[to &+ i] = source[at &+ 1 &+ i] }
                at &+= 1 &+ length
                to &+= length
            }
        }
        return to == byteCount
    }
}

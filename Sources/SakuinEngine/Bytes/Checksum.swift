/// CRC-32C (Castagnoli, RFC 3720 appendix B.4), eight tables a step, three places at a time.
enum CRC32C {
    private static let tables: Tables = Tables()

    /// The eight tables of the slicing-by-8 method (Kounavis and Berry, 2005), and four that tell what a stripe of zeros
    /// makes of a register.
    private final class Tables: Sendable {
        /// 12 × 256 entries, filled once in `init` and only read afterwards.
        nonisolated(unsafe) let entries: UnsafeMutablePointer<UInt32>

        init() {
            entries = .allocate(capacity: 12 * 256)
            for i in 0..<256 {
                var value = UInt32(i)
                for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
                entries[i] = value
            }
            for i in 0..<256 {
                for step in 1..<8 {
                    let before = entries[(step - 1) * 256 + i]
                    entries[step * 256 + i] = before >> 8 ^ entries[Int(before & 0xFF)]
                }
            }
            // A register is the sum of its bits, and so is what becomes of it.
            let behindZeros = (0..<32).map { bit in
                var crc = UInt32(1) << UInt32(bit)
                for _ in 0..<(stripeByteCount / 8) { crc = step(crc, 0, UnsafePointer(entries)) }
                return crc
            }
            for place in 0..<4 {
                for i in 0..<256 {
                    entries[2048 + place * 256 + i] = (0..<8).reduce(0) {
                        i >> $1 & 1 == 1 ? $0 ^ behindZeros[place * 8 + $1] : $0
                    }
                }
            }
        }
    }

    /// Three of these are read together, since each step waits for the one before.
    private static let stripeByteCount = 1024

    @inline(__always)
    private static func step(_ crc: UInt32, _ next: UInt64, _ table: UnsafePointer<UInt32>) -> UInt32 {
        let word = next ^ UInt64(crc)
        let low = UInt32(truncatingIfNeeded: word)
        let high = UInt32(truncatingIfNeeded: word &>> 32)
        return table[1792 + Int(low & 0xFF)] ^ table[1536 + Int(low &>> 8 & 0xFF)]
            ^ table[1280 + Int(low &>> 16 & 0xFF)] ^ table[1024 + Int(low &>> 24)]
            ^ table[768 + Int(high & 0xFF)] ^ table[512 + Int(high &>> 8 & 0xFF)]
            ^ table[256 + Int(high &>> 16 & 0xFF)] ^ table[Int(high &>> 24)]
    }

    @inline(__always)
    private static func word(_ at: UnsafeRawPointer) -> UInt64 {
        UInt64(littleEndian: at.loadUnaligned(as: UInt64.self))
    }

    /// What a register becomes behind a stripe of zeros.
    @inline(__always)
    private static func behindStripe(_ crc: UInt32, _ table: UnsafePointer<UInt32>) -> UInt32 {
        table[2048 + Int(crc & 0xFF)] ^ table[2304 + Int(crc &>> 8 & 0xFF)] ^ table[2560 + Int(crc &>> 16 & 0xFF)]
            ^ table[2816 + Int(crc &>> 24)]
    }

    /// The checksum of `bytes`; pass an earlier result as `seed` to go on where it stopped.
    static func checksum(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
        guard var at = bytes.baseAddress else { return seed }
        let table = UnsafePointer(tables.entries)
        var crc = ~seed
        var rest = bytes.count
        while rest >= 3 * stripeByteCount {
            var second: UInt32 = 0
            var third: UInt32 = 0
            let end = at + stripeByteCount
            while at < end {
                crc = step(crc, word(at), table)
                second = step(second, word(at + stripeByteCount), table)
                third = step(third, word(at + 2 * stripeByteCount), table)
                at += 8
            }
            crc = behindStripe(behindStripe(crc, table) ^ second, table) ^ third
            at += 2 * stripeByteCount
            rest &-= 3 * stripeByteCount
        }
        while rest >= 8 {
            crc = step(crc, word(at), table)
            at += 8
            rest &-= 8
        }
        while rest > 0 {
            crc = crc &>> 8 ^ table[Int((crc ^ UInt32(at.load(as: UInt8.self))) & 0xFF)]
            at += 1
            rest &-= 1
        }
        return ~crc
    }
}

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4), eight tables a step.
enum CRC32C {
    private static let tables: Tables = Tables()

    /// The eight tables of the slicing-by-8 method (Kounavis and Berry, 2005).
    private final class Tables: Sendable {
        /// 8 × 256 entries, filled once in `init` and only read afterwards.
        nonisolated(unsafe) let entries: UnsafeMutablePointer<UInt32>

        init() {
            entries = .allocate(capacity: 8 * 256)
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
        }
    }

    /// The checksum of `bytes`; pass an earlier result as `seed` to go on where it stopped.
    static func checksum(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
        guard var at = bytes.baseAddress else { return seed }
        let table = UnsafePointer(tables.entries)
        var crc = ~seed
        var rest = bytes.count
        while rest >= 8 {
            let word = UInt64(littleEndian: at.loadUnaligned(as: UInt64.self)) ^ UInt64(crc)
            let low = UInt32(truncatingIfNeeded: word)
            let high = UInt32(truncatingIfNeeded: word &>> 32)
            crc =
                table[1792 + Int(low & 0xFF)] ^ table[1536 + Int(low &>> 8 & 0xFF)]
                ^ table[1280 + Int(low &>> 16 & 0xFF)] ^ table[1024 + Int(low &>> 24)]
                ^ table[768 + Int(high & 0xFF)] ^ table[512 + Int(high &>> 8 & 0xFF)]
                ^ table[256 + Int(high &>> 16 & 0xFF)] ^ table[Int(high &>> 24)]
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

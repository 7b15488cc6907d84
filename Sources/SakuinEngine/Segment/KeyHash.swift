/// A 64-bit hash of a key: eight bytes a step, multiplied and folded (the mixing step of wyhash), for key tables and
/// word interning. Part of the format: it must not change within a format version.
enum KeyHash {
    private static let multiplier: UInt64 = 0x9E37_79B9_7F4A_7C15

    @inline(__always)
    private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }

    static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var state = UInt64(bytes.count) &* multiplier ^ 0xA076_1D64_78BD_642F
        var at = 0
        while at &+ 8 <= bytes.count {
            state = mix(state ^ bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self), multiplier)
            at &+= 8
        }
        var tail: UInt64 = 0
        while at < bytes.count {
            tail = tail &<< 8 | UInt64(bytes[at])
            at &+= 1
        }
        return mix(state ^ tail ^ 0xE703_7ED1_A0B4_28DB, multiplier ^ tail)
    }
}

// Numbers and checksums in the bytes of a file, little-endian, for targets that make checksums match.

@testable import SakuinEngine

extension Array where Element == UInt8 {
    /// The number of `width` (1...8) bytes at a place; nil when it does not lie within.
    func number(at place: Int, width: Int) -> UInt64? {
        guard place >= 0, place + width <= count else { return nil }
        return (0..<width).reduce(0) { $0 | UInt64(self[place + $1]) << UInt64(8 * $1) }
    }

    /// Writes four bytes, which have to be there.
    mutating func put(_ value: UInt32, at place: Int) {
        for i in 0..<4 { self[place + i] = UInt8(truncatingIfNeeded: value >> UInt32(8 * i)) }
    }

    func checksum(of range: Range<Int>) -> UInt32 {
        withUnsafeBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }
}

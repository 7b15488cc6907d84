// CRC-32C against its published vectors, and against one bit at a time.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct ChecksumTests {
    private func checksum(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBytes { CRC32C.checksum($0, seed: seed) }
    }

    /// RFC 3720, appendix B.4, and the check value of the catalogue of CRCs.
    @Test func publishedVectors() {
        #expect(checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(checksum(Array(0..<32)) == 0x46DD_794E)
        #expect(checksum((0..<32).reversed()) == 0x113F_DB5C)
        #expect(checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(checksum([]) == 0)
    }

    private func bitByBit(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        ~bytes.reduce(~0) { crc, byte in
            (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
        }
    }

    /// Long runs are read in stripes of 1,024 bytes, three at a time, wherever they begin.
    @Test func everyLengthAroundTheStripes() {
        var random = SeededRandom(seed: 5)
        let bytes = (0..<12_400).map { _ in UInt8(random.below(256)) }
        for count in Array(0..<20) + Array(3_060..<3_085) + Array(6_140..<6_150) + [9_216, 12_300] {
            let start = random.below(100)
            let run = bytes[start..<(start + count)]
            #expect(
                run.withUnsafeBytes { CRC32C.checksum($0) } == bitByBit(run), "seed 5, \(count) bytes from \(start)")
        }
    }

    @Test func goingOnWhereItStopped() {
        var random = SeededRandom(seed: 6)
        let bytes = (0..<10_000).map { _ in UInt8(random.below(256)) }
        for cut in [0, 1, 7, 3_072, 5_000, 9_999] {
            #expect(checksum(Array(bytes[cut...]), seed: checksum(Array(bytes[..<cut]))) == checksum(bytes))
        }
    }
}

// Four UTF-8 sequences at once against one after another.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct FourScalarsTests {
    /// Bytes that are, or nearly are, four sequences of three bytes.
    private static func bytes(_ random: inout SeededRandom) -> [UInt8] {
        let edges: [UInt32] = [
            0x800, 0xFFF, 0x1000, 0x2014, 0x3041, 0x30FC, 0x4E00, 0x9FFF, 0xD7FF, 0xE000, 0xFF0C, 0xFFFF,
        ]
        var bytes: [UInt8] = []
        for _ in 0..<4 {
            let scalar = random.below(3) == 0 ? edges[random.below(edges.count)] : UInt32(0x800 + random.below(0xF800))
            bytes += [0xE0 | UInt8(scalar >> 12), 0x80 | UInt8(scalar >> 6 & 0x3F), 0x80 | UInt8(scalar & 0x3F)]
        }
        bytes.append(UInt8(random.below(256)))
        if random.below(2) == 0 { bytes[random.below(13)] = UInt8(random.below(256)) }
        return bytes
    }

    @Test func decodesWhatIsASequence() {
        var random = SeededRandom(seed: 4)
        for round in 0..<20_000 {
            let bytes = Self.bytes(&random)
            bytes.withUnsafeBytes { raw in
                guard let start = raw.baseAddress else { return }
                let four = FourScalars(start)
                for lane in 0..<4 {
                    let at = 3 * lane
                    let isSequence =
                        bytes[at] & 0xF0 == 0xE0 && bytes[at + 1] & 0xC0 == 0x80 && bytes[at + 2] & 0xC0 == 0x80
                    #expect(four.isSequence[lane] == (isSequence ? .max : 0), "round \(round), \(bytes)")
                    if !isSequence { continue }
                    let scalar =
                        UInt32(bytes[at] & 0x0F) << 12 | UInt32(bytes[at + 1] & 0x3F) << 6
                        | UInt32(bytes[at + 2] & 0x3F)
                    #expect(four.scalars[lane] == scalar, "round \(round), \(bytes)")
                }
                let isAll = (0..<4).allSatisfy { four.isSequence[$0] != 0 }
                #expect(FourScalars.areAll(four.isSequence) == isAll)
            }
        }
    }

    @Test func plainCharactersAreTheSameByLanes() {
        for first in stride(from: 0 as UInt32, to: 0x11000, by: 4) {
            let scalars = first &+ SIMD4(0, 1, 2, 3)
            let isPlain = Normalizer.arePlainCJK(scalars)
            for lane in 0..<4 where (isPlain[lane] == .max) != Normalizer.isPlainCJK(scalars[lane]) {
                Issue.record("U+\(String(scalars[lane], radix: 16))")
            }
        }
    }

    @Test func comparesByLanes() {
        var random = SeededRandom(seed: 5)
        for _ in 0..<20_000 {
            let (first, last) = (UInt32(random.below(64)), UInt32(random.below(64)))
            let values = SIMD4(
                (0..<4).map { _ in UInt32(random.below(8) == 0 ? random.below(1 << 31) : random.below(64)) })
            for lane in 0..<4 {
                let lies = first <= last && (first...last).contains(values[lane])
                #expect(FourScalars.lies(values, from: first, to: last)[lane] == (lies ? .max : 0))
                #expect(FourScalars.equals(values, first)[lane] == (values[lane] == first ? .max : 0))
            }
        }
    }
}

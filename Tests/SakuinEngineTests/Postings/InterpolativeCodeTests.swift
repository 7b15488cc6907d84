// Interpolative coding: what was written comes back, and any bits give ascending numbers.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

struct InterpolativeCodeTests {
    private func encoded(_ numbers: [UInt32], _ limit: Int) -> [UInt8] {
        var bits = BitWriter()
        numbers.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            InterpolativeCode.encode(from, count: numbers.count, limit: limit, into: &bits)
        }
        bits.finish()
        return bits.bytes.array()
    }

    /// The numbers and the bytes they took; nil when the bytes do not fit.
    private func decoded(_ bytes: [UInt8], _ count: Int, _ limit: Int) -> (numbers: [UInt32], used: Int)? {
        var out = [UInt32](repeating: 0, count: 128)
        let used = MappedFile(copying: bytes + [UInt8](repeating: 0xA5, count: 8)).withBytes { source in
            out.withUnsafeMutableBufferPointer { target -> Int? in
                guard let from = source.baseAddress, let to = target.baseAddress else { return nil }
                var bits = BitReader(from, end: from + bytes.count)
                guard InterpolativeCode.decode(&bits, count: count, limit: limit, into: to) else { return nil }
                return bits.isOverrun ? nil : bits.byteCount
            }
        }
        return used.map { (Array(out[..<count]), $0) }
    }

    @Test(arguments: [1, 2, 3, 64, 127]) func comesBack(count: Int) throws {
        var random = SeededRandom(seed: UInt64(count))
        for limit in [count, count + 1, 1_000, 1 << 20, Int(UInt32.max)] {
            var chosen: Set<UInt32> = []
            while chosen.count < count { chosen.insert(UInt32(random.below(limit))) }
            let numbers = chosen.sorted()
            let bytes = encoded(numbers, limit)
            let back = try #require(decoded(bytes, count, limit))
            #expect(back.numbers == numbers)
            #expect(back.used == bytes.count)
            if !bytes.isEmpty { #expect(decoded(Array(bytes.dropLast()), count, limit) == nil) }
        }
    }

    @Test func allNumbersTakeNoBits() { #expect(encoded(Array(0..<100), 100).isEmpty) }

    @Test func anyBitsGiveAscendingNumbers() {
        var random = SeededRandom(seed: 7)
        var seen = 0
        for _ in 0..<2_000 {
            let count = 2 + random.below(126)
            let limit = count + random.below(5_000)
            let bytes = (0..<(1 + random.below(300))).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            guard let numbers = decoded(bytes, count, limit)?.numbers else { continue }
            seen += 1
            #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 })
            #expect(numbers.allSatisfy { Int($0) < limit })
        }
        #expect(seen > 500)
    }

    @Test func moreNumbersThanThereAreAreRefused() { #expect(decoded([1, 2, 3], 5, 4) == nil) }
}

// Frequencies of a block: any come back, in the code of today and in that of formats before 7.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct FrequencyBlockTests {
    private func encoded(_ frequencies: [UInt32]) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: FrequencyBlock.byteCountMax)
        var bits = BitWriter()
        let length = frequencies.withUnsafeBufferPointer { source in
            out.withUnsafeMutableBytes { out in
                guard let from = source.baseAddress, let to = out.baseAddress else { return 0 }
                return FrequencyBlock.encode(from, count: frequencies.count, scratch: &bits, into: to)
            }
        }
        return Array(out[..<length])
    }

    /// As format 6 wrote them.
    private func encodedBefore7(_ frequencies: [UInt32]) -> [UInt8] {
        let places = frequencies.indices.filter { frequencies[$0] > 1 }.map { UInt32($0) }
        var bits = BitWriter()
        bits.append(UInt64(places.count), width: 8)
        places.withUnsafeBufferPointer {
            guard let from = $0.baseAddress else { return }
            InterpolativeCode.encode(from, count: places.count, limit: frequencies.count, into: &bits)
        }
        for place in places { bits.append(gamma: UInt64(frequencies[Int(place)] - 1)) }
        bits.finish()
        return bits.bytes.array()
    }

    /// The frequencies and the bytes they took; nil when the bytes cannot be such a block.
    private func decoded(_ bytes: [UInt8], _ count: Int, isOld: Bool) -> (values: [UInt32], length: Int)? {
        var out = [UInt32](repeating: 0, count: 128)
        let length = MappedFile(copying: bytes + [UInt8](repeating: 0xA5, count: 8)).withBytes { source in
            out.withUnsafeMutableBufferPointer { target -> Int? in
                guard let from = source.baseAddress, let to = target.baseAddress else { return nil }
                return FrequencyBlock.decode(at: from, end: from + bytes.count, count: count, isOld: isOld, into: to)
                    .map { $0 - from }
            }
        }
        return length.map { (Array(out[..<count]), $0) }
    }

    /// Frequencies of which one in `sparsity` is above 1, up to `highest`.
    private func frequencies(_ count: Int, _ sparsity: Int, _ highest: Int, _ random: inout SeededRandom) -> [UInt32] {
        (0..<count).map { _ in random.below(sparsity) == 0 ? UInt32(2 + random.below(highest)) : 1 }
    }

    @Test(arguments: [1, 2, 3, 40, 64, 127, 128]) func comeBack(count: Int) {
        var random = SeededRandom(seed: UInt64(count))
        for sparsity in [1, 2, 3, 5, 10, 30, 60, 127, 1_000] {
            for highest in [1, 2, 30, 100_000] {
                let values = frequencies(count, sparsity, highest, &random)
                let bytes = encoded(values)
                let back = decoded(bytes, count, isOld: false)
                #expect(back?.values == values)
                #expect(back?.length == bytes.count)
                #expect(decoded(Array(bytes.dropLast()), count, isOld: false) == nil)
                if values.filter({ $0 > 1 }).count < 128 {
                    #expect(decoded(encodedBefore7(values), count, isOld: true)?.values == values)
                }
            }
        }
    }

    /// A long way to the one that is above 1 of many is written as it is.
    @Test(arguments: [0, 60, 100, 127]) func gapsOfAnyLengthComeBack(first: Int) {
        for run in [1, 20, 27, 60, 100] where first + run <= 128 {
            var values = [UInt32](repeating: 1, count: 128)
            for place in first..<(first + run) { values[place] = UInt32(2 + place * place * 40) }
            #expect(decoded(encoded(values), 128, isOld: false)?.values == values)
        }
    }

    @Test func anyBytesAreRefusedOrRead() {
        var random = SeededRandom(seed: 3)
        var read = 0
        for _ in 0..<5_000 {
            let count = 1 + random.below(128)
            let bytes = (0..<(1 + random.below(200))).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            for isOld in [false, true] {
                guard let back = decoded(bytes, count, isOld: isOld) else { continue }
                read += 1
                #expect(back.values.allSatisfy { $0 >= 1 })
                #expect(back.length <= bytes.count)
            }
        }
        #expect(read > 0)
    }
}

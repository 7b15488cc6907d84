// Packed blocks: every width, every count, patches, and bytes that are none.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct PackedBlockTests {
    private func encode(_ values: [UInt32]) -> [UInt8] {
        var out = [UInt8](repeating: 0xAA, count: PackedBlock.byteCountMax + 8)
        let length = values.withUnsafeBufferPointer { values in
            out.withUnsafeMutableBytes { out in
                guard let from = values.baseAddress, let to = out.baseAddress else { return 0 }
                return PackedBlock.encode(from, count: values.count, into: to)
            }
        }
        #expect(length <= PackedBlock.byteCountMax)
        #expect(out[PackedBlock.byteCountMax...].allSatisfy { $0 == 0xAA }, "written past the limit")
        return Array(out[..<length])
    }

    /// The values and the bytes they took; nil when the bytes are no block. The bytes end where their memory ends.
    private func decode(_ bytes: [UInt8], count: Int) -> (values: [UInt32], length: Int)? {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
        defer { memory.deallocate() }
        memory.copyBytes(from: bytes)
        var out = [UInt32](repeating: 0x5555_5555, count: 128)
        guard let start = UnsafeRawPointer(memory.baseAddress) else { return nil }
        let next = out.withUnsafeMutableBufferPointer { out in
            out.baseAddress.flatMap {
                PackedBlock.decode(at: start, end: start + bytes.count, count: count, into: $0)
            }
        }
        guard let next else { return nil }
        return (Array(out[..<count]), next - start)
    }

    @Test func everyWidthAndCount() {
        var random = SeededRandom(seed: 51)
        for width in 0...32 {
            for count in [1, 2, 3, 7, 31, 32, 33, 64, 100, 127, 128] {
                let mask = width == 32 ? UInt32.max : (1 << UInt32(width)) - 1
                var values = (0..<count).map { _ in UInt32(truncatingIfNeeded: random.next()) & mask }
                values[random.below(count)] = mask
                let bytes = encode(values)
                let back = decode(bytes, count: count)
                #expect(back?.values == values, "width \(width) count \(count)")
                #expect(back?.length == bytes.count)
            }
        }
    }

    /// The sum of any values side by side is that of the values, whatever the width and the patches.
    @Test func sumsAreThoseOfTheValues() {
        var random = SeededRandom(seed: 57)
        for round in 0..<1_500 {
            let width = UInt32(round % 33)
            let mask = width == 32 ? UInt32.max : (1 << width) - 1
            var values = (0..<128).map { _ in UInt32(truncatingIfNeeded: random.next()) & mask }
            for _ in 0..<random.below(9) { values[random.below(128)] = UInt32(truncatingIfNeeded: random.next()) }
            let bytes = encode(values) + [UInt8](repeating: 0xFF, count: 8)
            let from = round % 2 == 0 ? 0 : random.below(129)
            let to = from + random.below(129 - from)
            let sum = bytes.withUnsafeBytes { raw in
                raw.baseAddress.flatMap { PackedBlock.sum(from, to, at: $0, end: $0 + bytes.count - 8) }
            }
            #expect(sum == values[from..<to].reduce(0) { $0 + Int($1) }, "width \(width), \(from) to \(to)")
        }
    }

    @Test func patchesKeepTheFewLargeValues() {
        var random = SeededRandom(seed: 52)
        for round in 0..<2_000 {
            let count = round % 3 == 0 ? 1 + random.below(127) : 128
            let small = UInt32(1) << UInt32(random.below(12))
            var values = (0..<count).map { _ in UInt32(random.below(Int(small))) }
            for _ in 0..<random.below(6) {
                values[random.below(count)] = UInt32(truncatingIfNeeded: random.next()) >> UInt32(random.below(32))
            }
            let bytes = encode(values)
            #expect(decode(bytes, count: count)?.values == values)
        }
        // One large value among small ones must not widen all the others.
        var values = [UInt32](repeating: 1, count: 128)
        values[77] = 1 << 20
        #expect(encode(values).count < 40)
    }

    @Test func truncatedBlocksAreRefused() {
        var random = SeededRandom(seed: 53)
        for count in [5, 128] {
            var values = (0..<count).map { _ in UInt32(random.below(100)) }
            values[1] = 1 << 30
            let bytes = encode(values)
            for length in 0..<bytes.count { #expect(decode(Array(bytes[..<length]), count: count) == nil) }
        }
    }

    /// Bytes that are no block give nil or some values, never a read outside them (run under a memory checker).
    @Test func hostileBytesNeverTrap() {
        var random = SeededRandom(seed: 54)
        for _ in 0..<20_000 {
            let bytes = (0..<random.below(80)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let count = random.below(2) == 0 ? 128 : 1 + random.below(128)
            if let back = decode(bytes, count: count) { #expect(back.length <= bytes.count) }
        }
    }

    @Test func gapsBecomeDocuments() {
        var random = SeededRandom(seed: 55)
        for count in [1, 4, 5, 127, 128] {
            var values = (0..<count).map { _ in UInt32(random.below(1_000)) }
            for start: UInt32 in [.max, 0, 99] {
                var sum = start
                let expected = values.map { value in
                    sum = sum &+ value &+ 1
                    return sum
                }
                var copy = values
                copy.withUnsafeMutableBufferPointer { copy in
                    if let base = copy.baseAddress { BitPacking.prefixSumOfGaps(base, count: count, start: start) }
                }
                #expect(copy == expected)
            }
            values.removeAll()
        }
    }

    @Test func lengthCodesRoundDownInOrder() {
        var previous: UInt8 = 0
        for length in (UInt32(0)..<5_000).map({ $0 }) + [1 << 16, 1 << 20, .max] {
            let code = LengthCode.encode(length)
            #expect(code >= previous)
            previous = code
            let back = LengthCode.decode(code)
            #expect(back <= length && Double(length - back) <= 0.125 * Double(length))
            if length < 16 { #expect(back == length) }
        }
        #expect(LengthCode.decode(255) == .max)
    }
}

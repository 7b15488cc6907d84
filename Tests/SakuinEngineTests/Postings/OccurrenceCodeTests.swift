// What lists keep of occurrences: the layout of the format, every number back, and bits that are cut off.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct OccurrenceCodeTests {
    private static let kinds: [OccurrenceKind] = [.position, .links, .linkAndPosition]

    private func withReader<R>(_ bytes: [UInt8], upTo count: Int? = nil, _ body: (BitReader) throws -> R) rethrows -> R
    {
        // What stands behind the end must be readable.
        try (bytes + [UInt8](repeating: 0, count: 16)).withUnsafeBytes { room in
            let start = UnsafeRawPointer(room.baseAddress.unsafelyUnwrapped)
            return try body(BitReader(start, end: start + (count ?? bytes.count)))
        }
    }

    private func values(_ buffer: PositionBuffer) -> [UInt32] {
        Array(UnsafeBufferPointer(start: buffer.values, count: buffer.count))
    }

    /// Numbers of an occurrence that ascend, mostly by little.
    private func random(_ count: Int, _ kind: OccurrenceKind, _ random: inout SeededRandom) -> [UInt32] {
        var next = [UInt32](repeating: 0, count: kind.valueCount)
        return (0..<count).flatMap { _ in
            for i in next.indices {
                next[i] += UInt32(random.below(3) == 0 ? random.below(1 << (1 + random.below(17))) : 0)
            }
            defer { for i in next.indices { next[i] += 1 } }
            return next
        }
    }

    @Test func linksHaveTheLayoutOfTheFormat() {
        // 0, 0 is a one; 0, 2 in distances a zero, a one and gamma of 2 (0 1 0): from the lowest bit on 1 01 010.
        var bits = BitWriter()
        OccurrenceCode.write([0, 0, 1, 3], 2, .links, order: 3, to: &bits)
        bits.finish()
        #expect(bits.bytes.array() == [0b01_0101])
        // Orders 0, and unary 1 1 1 001.
        var block = BitWriter()
        LinkBlock.encode([0, 0, 1, 3], [2], count: 1, into: &block)
        block.finish()
        #expect(block.bytes.array() == [0x00, 0x27])
    }

    @Test(arguments: kinds, [0, 3, 9]) func codesComeBack(kind: OccurrenceKind, order: Int) {
        var random = SeededRandom(seed: 91)
        for count in [1, 2, 50] {
            let numbers = self.random(count, kind, &random)
            var bits = BitWriter()
            OccurrenceCode.write(numbers, count, kind, order: order, to: &bits)
            let bitCount = bits.bitCount
            bits.finish()
            withReader(bits.bytes.array()) { reader in
                var (read, skipped) = (reader, reader)
                let memory = ScratchMemory()
                let found = PositionBuffer(memory.scratch)
                #expect(OccurrenceCode.read(count, kind, order: order, from: &read, into: found))
                #expect(values(found) == numbers && read.bit == bitCount)
                OccurrenceCode.skip(count, kind, order: order, in: &skipped)
                #expect(skipped.bit == bitCount)
            }
            withReader(bits.bytes.array(), upTo: bits.bytes.count / 2) { reader in
                var reader = reader
                let memory = ScratchMemory()
                let found = PositionBuffer(memory.scratch)
                #expect(
                    bitCount < 8 || !OccurrenceCode.read(count, kind, order: order, from: &reader, into: found))
            }
        }
    }

    /// Any occurrence of a block is found from the beginning and from any before it.
    @Test(arguments: [0.0, 0.2, 1.0]) func blocksAreReadAtAnyPlace(several: Double) throws {
        var random = SeededRandom(seed: 92)
        for count in [1, 7, 128] {
            let frequencies = (0..<count).map { _ in
                UInt32(1 + (Double(random.below(1_000)) < several * 1_000 ? random.below(40) : 0))
            }
            let documents = frequencies.map { self.random(Int($0), .links, &random) }
            var bits = BitWriter()
            LinkBlock.encode(documents.flatMap { $0 }, frequencies, count: count, into: &bits)
            bits.finish()
            let occurrenceCount = Int(frequencies.reduce(0, +))
            try withReader(bits.bytes.array()) { reader in
                let block = try #require(LinkBlock(reader, frequencies, count: count))
                var (place, first) = (block.start, 0)
                for (document, numbers) in documents.enumerated() {
                    defer { first += Int(frequencies[document]) }
                    if random.below(3) == 0 { continue }
                    place = block.place(of: first, from: random.below(4) == 0 ? block.start : place)
                    #expect(block.isSound(place) && place.occurrence == first)
                    let memory = ScratchMemory()
                    let found = PositionBuffer(memory.scratch)
                    var at = place
                    block.append(Int(frequencies[document]), from: &at, to: found)
                    #expect(block.isSound(at) && values(found) == numbers)
                }
                #expect(!block.isSound(block.place(of: occurrenceCount + 200, from: block.start)))
            }
            withReader(bits.bytes.array(), upTo: 0) { #expect(LinkBlock($0, frequencies, count: count) == nil) }
        }
    }
}

// Bits: every code gives back what was written, exactly as long as it says, and ends are noticed.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

struct BitStreamTests {
    private enum Item: Equatable {
        case bits(UInt64, Int)
        case truncated(Int, Int)
        case gamma(UInt64)
        case golomb(UInt64, Int)
    }

    private func item(_ random: inout SeededRandom) -> Item {
        switch random.below(4) {
        case 0:
            let width = random.below(57)
            return .bits(random.next() & ((1 << UInt64(width)) - 1), width)
        case 1:
            let limit = 1 + random.below(1 << (1 + random.below(40)))
            return .truncated(random.below(limit), limit)
        case 2: return .gamma(1 + random.next() >> UInt64(16 + random.below(48)))
        default: return .golomb(random.next() >> UInt64(17 + random.below(47)), random.below(33))
        }
    }

    @Test func everyCodeComesBack() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<300 {
            let items = (0..<(1 + random.below(60))).map { _ in item(&random) }
            var bits = BitWriter()
            for item in items {
                switch item {
                case .bits(let value, let width): bits.append(value, width: width)
                case .truncated(let value, let limit): bits.append(value, below: limit)
                case .gamma(let value): bits.append(gamma: value)
                case .golomb(let value, let order): bits.append(value, order: order)
                }
            }
            bits.finish()
            let bytes = bits.bytes.array()
            MappedFile(copying: bytes + [UInt8](repeating: 0xA5, count: 8)).withBytes { source in
                guard let start = source.baseAddress else { return }
                var reader = BitReader(start, end: start + bytes.count)
                for item in items {
                    switch item {
                    case .bits(let value, let width): #expect(reader.next(width: width) == value)
                    case .truncated(let value, let limit): #expect(reader.next(below: limit) == value)
                    case .gamma(let value): #expect(reader.gamma() == value)
                    case .golomb(let value, let order): #expect(reader.next(order: order) == value)
                    }
                }
                #expect(!reader.isOverrun && reader.byteCount == bytes.count)
                _ = reader.next(width: 8)
                #expect(reader.isOverrun)
            }
        }
    }

    /// Gamma of 1, 5 and 11 is 1, 001 10 and 0001 110, from the lowest bit of each byte on.
    @Test func gammaHasTheLayoutOfTheFormat() {
        var bits = BitWriter()
        for value: UInt64 in [1, 5, 11] { bits.append(gamma: value) }
        bits.finish()
        #expect(bits.bytes.array() == [0x19, 0x0E])
    }

    /// Only zeros: no gamma code, which is noticed at once and for good.
    @Test func zerosAreNoCode() {
        MappedFile(copying: [UInt8](repeating: 0, count: 40)).withBytes { source in
            guard let start = source.baseAddress else { return }
            var reader = BitReader(start, end: start + 32)
            _ = reader.gamma()
            #expect(reader.isOverrun)
            _ = reader.gamma()
            #expect(reader.isOverrun)
        }
    }
}

extension BitStreamTests {
    /// Codes written in a row into known room are those written one by one.
    @Test func sinkWritesWhatTheWriterWrites() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<200 {
            var one = BitWriter(capacity: 1)
            var row = BitWriter(capacity: 1)
            let values = (0..<random.below(60)).map { _ in
                (random.next() >> UInt64(17 + random.below(40)), random.below(4))
            }
            func write<Output: BitOutput & ~Copyable>(_ value: (UInt64, Int), to bits: inout Output) {
                switch value.1 {
                case 0: bits.append(value.0, width: 47)
                case 1: bits.append(gamma: value.0 + 1)
                case 2: bits.append(value.0 & 0xFFFF_FFFF, order: Int(value.0 & 15))
                default: bits.append(Int(value.0 & 0xFFFF), below: 0x1_0000 + Int(value.0 & 0xFFF))
                }
            }
            let cut = values.isEmpty ? 0 : random.below(values.count)
            for value in values { write(value, to: &one) }
            for value in values[..<cut] { write(value, to: &row) }
            row.write(upTo: 13 * values.count) { sink in
                for value in values[cut...] { write(value, to: &sink) }
            }
            one.finish()
            row.finish()
            #expect(one.bytes.array() == row.bytes.array())
        }
    }
}

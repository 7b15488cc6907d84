// Packed blocks of a posting list, and the heap of the best scores.

import Benchmark
@_spi(Benchmarks) import SakuinEngine

func listBenchmarks() {
    for size in [128, 1_280, 12_800, 128_000] {
        let configuration = Benchmark.Configuration.quick(size < 12_800)
        Benchmark(title("pack", size, "integers"), configuration: configuration) {
            (benchmark, integers: PackedIntegers) in
            for _ in benchmark.scaledIterations { integers.pack() }
        } setup: {
            PackedIntegers(count: size)
        }
        Benchmark(title("unpack", size, "integers"), configuration: configuration) {
            (benchmark, integers: PackedIntegers) in
            for _ in benchmark.scaledIterations { integers.unpack() }
        } setup: {
            PackedIntegers(count: size)
        }
    }
    for count in [10, 100, 1_000, 10_000] {
        Benchmark(title("top k of 100,000 scores", count, "best", items: "100000 scores")) {
            (benchmark, scores: [Float]) in
            blackHole(BestScores.best(count, of: scores))
        } setup: {
            var random = SeededRandom(3)
            return (0..<100_000).map { _ in Float(random.fraction()) }
        }
    }
}

/// Integers of up to seven bits, as gaps of a frequent character are, and room for them packed.
private final class PackedIntegers {
    private static let width = 7
    private let values: UnsafeMutableBufferPointer<UInt32>
    private let packed: UnsafeMutableRawPointer

    init(count: Int) {
        var random = SeededRandom(4)
        values = .allocate(capacity: count)
        values.initialize(repeating: 0)
        for i in values.indices { values[i] = UInt32(random.next() % (1 << Self.width)) }
        packed = .allocate(byteCount: count / BlockCodec.blockCount * 16 * Self.width, alignment: 16)
        pack()
    }

    deinit {
        values.deallocate()
        packed.deallocate()
    }

    func pack() {
        BlockCodec.pack(UnsafeBufferPointer(values), width: Self.width, into: packed)
        blackHole(packed)
    }

    func unpack() {
        BlockCodec.unpack(packed, width: Self.width, into: values)
        blackHole(values)
    }
}

import Testing

@testable import SakuinEngine

@Suite struct DictionaryTrainingTests {
    private func dictionary(_ sample: [UInt8], _ byteCount: Int) -> [UInt8] {
        sample.withUnsafeBytes { DictionaryTraining.dictionary(of: $0, byteCount: byteCount) }
    }

    @Test func smallSamples() {
        #expect(dictionary([], 64 << 10) == [])
        #expect(dictionary([], 0) == [])
        #expect(dictionary([1, 2, 3], 64 << 10) == [1, 2, 3])
        #expect(dictionary(Array(repeating: 7, count: 100), 63) == [])
        var random = StorageRandom(3)
        for count in 1..<400 {
            let sample = random.bytes(count)
            #expect(dictionary(sample, 128).count == min(count, 128), "\(count) bytes")
        }
    }

    @Test func neverLargerThanLZ4Reaches() {
        var random = StorageRandom(4)
        #expect(dictionary(random.bytes(1 << 20), .max).count == 64 << 10)
    }

    /// What is repeated comes before what stands there once, and once.
    @Test func repeatsAreChosen() {
        var random = StorageRandom(5)
        let (first, second) = (random.bytes(64), random.bytes(64))
        var sample: [UInt8] = []
        for i in 0..<64 {
            sample += random.bytes(16 * (1 + random.next(below: 20)))
            sample += i % 2 == 0 ? first : second
        }
        let chosen = dictionary(sample, 4 * 64)
        func holds(_ piece: [UInt8]) -> Int {
            (0...(chosen.count - 32)).count { chosen[$0..<($0 + 32)].elementsEqual(piece[16..<48]) }
        }
        #expect(holds(first) == 1 && holds(second) == 1)
    }
}

// The fuzz targets without a fuzzer: their seeds, the cases found before, and seeds with changes.

import Foundation
import SakuinTestSupport
import Testing

@Suite struct FuzzTests {
    private static let failCases = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "FailCases")

    private static func run(_ target: FuzzTarget, _ input: [UInt8]) -> String? {
        input.withUnsafeBytes { target.run($0) }
    }

    @Test(arguments: FuzzTarget.all.map(\.name)) func seedsHold(name: String) throws {
        let target = try #require(FuzzTarget.named(name))
        let seeds = target.seeds()
        #expect(!seeds.isEmpty)
        for seed in seeds + [[]] { #expect(Self.run(target, seed) == nil) }
    }

    /// A folder for each target; a file is an input that broke something once.
    @Test func casesFoundBeforeHold() throws {
        for file in try Self.cases() {
            let target = try #require(FuzzTarget.named(file.deletingLastPathComponent().lastPathComponent))
            let broken = Self.run(target, Array(try Data(contentsOf: file)))
            #expect(broken == nil, "\(file.path): \(broken ?? "")")
        }
    }

    private static func cases() throws -> [URL] {
        guard FileManager.default.fileExists(atPath: failCases.path) else { return [] }
        return try FileManager.default.contentsOfDirectory(at: failCases, includingPropertiesForKeys: nil)
            .filter(\.hasDirectoryPath)
            .flatMap { try FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil) }
    }

    @Test(arguments: FuzzTarget.all.map(\.name)) func changedSeedsHold(name: String) throws {
        let target = try #require(FuzzTarget.named(name))
        let seeds = target.seeds()
        var random = SeededRandom(seed: 20_261_126)
        for _ in 0..<(["segments": 100, "large-queries": 40][name] ?? 400) {
            let input = Self.changed(seeds[random.below(seeds.count)], seeds, &random)
            let broken = Self.run(target, input)
            #expect(broken == nil, "\(input): \(broken ?? "")")
        }
    }

    @Test func theCanaryIsFound() {
        #expect(Self.run(.canary, Array("cage".utf8)) == nil)
        #expect(Self.run(.canary, Array("birds".utf8)) != nil)
    }

    /// The bytes with up to eight changes: other values, bytes put in, taken out or cut off, a piece of another seed.
    private static func changed(_ seed: [UInt8], _ seeds: [[UInt8]], _ random: inout SeededRandom) -> [UInt8] {
        var bytes = seed
        for _ in 0...random.below(8) {
            let at = bytes.isEmpty ? 0 : random.below(bytes.count)
            switch random.below(6) {
            case 0 where !bytes.isEmpty: bytes[at] = UInt8(random.below(256))
            case 1 where !bytes.isEmpty: bytes[at] ^= 1 << UInt8(random.below(8))
            case 2 where !bytes.isEmpty: bytes.remove(at: at)
            case 3: bytes.removeLast(bytes.count - at)
            case 4: bytes.insert(contentsOf: seeds[random.below(seeds.count)].suffix(1 + random.below(20)), at: at)
            default: bytes.insert(contentsOf: (0..<(1 + random.below(5))).map { _ in UInt8(random.below(256)) }, at: at)
            }
        }
        return bytes
    }
}

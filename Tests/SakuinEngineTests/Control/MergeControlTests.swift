// What merges pay: piece by piece, and for everything they read and write.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct MergeControlTests {
    /// Whoever comes while a whole section is being paid for waits for a piece of it, not for all of it.
    @Test func aLargeChargeDoesNotKeepOthersWaiting() throws {
        let now = Monitor(UInt64(0))
        let longest = Monitor(UInt64(0))
        var bucket = TokenBucket(bytesPerSecond: 1 << 20, now: 0)
        #expect(bucket.take(64 << 20, now: 0) > 60_000_000_000, "in one piece")
        let probe = Monitor<ByteBudget?>(nil)
        let budget = ByteBudget(
            bytesPerSecond: 1 << 20, clock: { now.read { $0 } },
            sleep: { pause in
                let waits = probe.read { $0?.waitNanoseconds ?? 0 }
                longest.change { $0 = max($0, waits) }
                now.change { $0 += pause }
            })
        probe.change { $0 = budget }
        let control = MergeControl([budget])
        try control.didRead(64 << 20)
        probe.change { $0 = nil }
        #expect(control.bytesRead == 64 << 20)
        #expect(now.read { $0 } >= 63_000_000_000)
        #expect(longest.read { $0 } <= 1_000_000_001, "a piece is paid for in a second")
    }

    /// Sections of terms that go through files of their own are written and read twice.
    @Test func temporarySectionsArePaidFor() async throws {
        var random = SeededRandom(seed: 7)
        var options = SearchFixture.options
        options.memoryBudgetBytes = 16 << 20
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: options)
        for part in 0..<2 {
            let documents = (0..<1_500).map { i in
                let scalars = (0..<60).compactMap { _ in Unicode.Scalar(0x4E00 + UInt32(random.below(3_000))) }
                return Document(key: "\(part)-\(i)", ["body": .string(String(String.UnicodeScalarView(scalars)))])
            }
            _ = try await index.write(WriteBatch(documents.map { .put($0) }))
            _ = try await index.refresh()
        }
        let inputs = index.mergeCandidates
        let control = MergeControl()
        _ = try index.merge(inputs.map(\.id), control, withHelper: false)
        let merged = try #require(index.mergeCandidates.first)
        let spilled = merged.termByteCounts.spilled(index.memory.shares.spillByteCount, withHelper: false)
        #expect(index.mergeCandidates.count == 1 && spilled > 0)
        // Pieces are a little larger or smaller than they should be.
        #expect(control.bytesWritten > merged.byteCount + spilled / 2)
        // And what was reckoned before is about what it comes to.
        let cost = MergeCost(inputs, MergeLimits(index.memory), withHelper: false)
        #expect(abs(control.bytesWritten - cost.bytesWritten) < cost.bytesWritten / 5)
        #expect(abs(control.bytesRead - cost.bytesRead) < cost.bytesRead / 5)
        index.abandon()
    }
}

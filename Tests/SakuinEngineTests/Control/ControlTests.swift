import Testing

@testable import SakuinEngine

@Suite struct ControlTests {
    @Test func budgetPaysByTheClock() throws {
        let now = Monitor(UInt64(0))
        let budget = ByteBudget(
            bytesPerSecond: 1_000_000, clock: { now.read { $0 } }, sleep: { pause in now.change { $0 += pause } })
        for _ in 0..<10 { try budget.spend(300_000) }
        let took = now.read { $0 }
        #expect((2_900_000_000...3_100_000_000).contains(took), "3 MB at 1 MB/s took \(took) ns")
        budget.bytesPerSecond = nil
        try budget.spend(1 << 40)
        #expect(now.read { $0 } == took)
    }

    @Test func restSavesNoMoreThanABurst() throws {
        var bucket = TokenBucket(bytesPerSecond: 1000, now: 0)
        #expect(bucket.take(0, now: 3_600_000_000_000) == 0)
        #expect(bucket.take(100, now: 3_600_000_000_000) == 0)
        #expect(bucket.take(1000, now: 3_600_000_000_000) == 1_000_000_000)
        // A clock that steps back gives nothing.
        #expect(bucket.take(0, now: 0) == 1_000_000_000)
    }

    @Test func cancellationEndsAWait() throws {
        let cancellation = Cancellation()
        try cancellation.check()
        let now = Monitor(UInt64(0))
        let budget = ByteBudget(
            bytesPerSecond: 1, clock: { now.read { $0 } },
            sleep: { pause in
                now.change { $0 += pause }
                cancellation.cancel()
            })
        #expect(throws: StorageError.cancelled) {
            try budget.spend(1000) { () throws(StorageError) in try cancellation.check() }
        }
        #expect(throws: StorageError.cancelled) { try cancellation.check() }
        #expect(now.read { $0 } < 1_000_000_000)
    }
}

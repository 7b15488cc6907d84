import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct WorkAheadTests {
    private struct Failed: Error, Equatable {}

    @Test func theResultIsWaitedFor() {
        let gate = Monitor(false)
        let work = WorkAhead<Int, Never> {
            _ = gate.wait { $0 ? true : nil }
            return 7
        }
        gate.change { $0 = true }
        #expect(work.result() == 7)
    }

    @Test func aFailureIsThrownWhereTheResultIsAskedFor() {
        let work = WorkAhead<Int, Failed> { () throws(Failed) in throw Failed() }
        #expect(throws: Failed()) { try work.result() }
    }

    @Test func whatIsDroppedHasEnded() {
        let isDone = Monitor(false)
        do {
            _ = WorkAhead<Void, Never> {
                // Long enough that whoever does not wait for it comes first.
                var random = SeededRandom(seed: 1)
                let isAny = (0..<1_000_000).contains { _ in random.below(1 << 62) == 0 }
                isDone.change { $0 = !isAny }
            }
        }
        #expect(isDone.read { $0 })
    }
}

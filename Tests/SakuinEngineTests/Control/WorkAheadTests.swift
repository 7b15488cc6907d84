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
                _ = isDone.wait(milliseconds: 20) { _ -> Bool? in nil }
                isDone.change { $0 = true }
            }
        }
        #expect(isDone.read { $0 })
    }
}

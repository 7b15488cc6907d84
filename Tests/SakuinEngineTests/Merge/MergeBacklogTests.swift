// Merges far behind: writes wait for them, and go on by themselves.

import Testing

@testable import SakuinEngine

@Suite struct MergeBacklogTests {
    /// So many segments of one size; merges end when the gate is open.
    private func target(count: Int, _ gate: Monitor<Bool>) -> SizesTarget {
        SizesTarget(SizesTarget.segments(1..<UInt64(count + 1), mebibytes: 1)) { _, control throws(StorageError) in
            while gate.wait(milliseconds: 10, { $0 ? true : nil }) == nil { try control.check() }
        }
    }

    @Test func writesWaitUntilMergesHaveCaughtUp() throws {
        let gate = Monitor(false)
        let target = target(count: 1_100, gate)
        let merges = try target.scheduler(inBackground: true)
        let pace = target.pace.read { $0 }
        #expect(pace.stops && pace.reason.contains("1100 segments"))
        gate.change { $0 = true }
        #expect(target.pace.wait { $0 == WritePace() ? true : nil } == true)
        #expect(target.segments.wait { $0.count < 40 ? true : nil } == true)
        merges.close()
    }

    /// Paused merges let writes go on as long as the segments are few enough.
    @Test func aPauseHoldsWritesOnlyAtTheBound() throws {
        let gate = Monitor(false)
        let target = target(count: 20, gate)
        let merges = try target.scheduler(inBackground: true)
        _ = try merges.control(0, .pause)
        #expect(target.pace.read { $0 } == WritePace())
        target.segments.change { $0 += SizesTarget.segments(5_001..<6_101, mebibytes: 1) }
        merges.wake()
        let pace = target.pace.read { $0 }
        #expect(pace.stops && pace.reason.contains("paused"))
        gate.change { $0 = true }
        _ = try merges.control(0, .resume)
        #expect(target.pace.wait { $0 == WritePace() ? true : nil } == true)
        merges.close()
    }

    /// Of two threads that reckon at once the one with the older numbers does not have the last word: writes would wait for
    /// merges that are done.
    @Test func thePaceIsThatOfTheLastReckoning() throws {
        let target = SizesTarget(SizesTarget.segments(1..<1_101, mebibytes: 1))
        let merges = try target.scheduler(inBackground: false)
        let other = Monitor<WorkerThread?>(nil)
        let isDone = Monitor(false)
        target.onPace.change {
            $0 = {
                target.segments.change { $0.removeAll() }
                let thread = WorkerThread {
                    merges.followDebt()
                    isDone.change { $0 = true }
                }
                other.change { $0 = thread }
                // Where nothing keeps the other from it, it is done at once; else it waits for this one.
                _ = isDone.wait(milliseconds: 50) { $0 ? true : nil }
            }
        }
        merges.followDebt()
        other.read { $0 }?.join()
        #expect(target.pace.read { $0 } == WritePace())
        #expect(merges.debt.byteCount == 0)
        merges.close()
    }
}

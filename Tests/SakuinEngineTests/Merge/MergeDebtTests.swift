import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct MergeDebtTests {
    private func segment(_ id: UInt64, _ mebibytes: Int, dead: Int = 0) -> MergePolicy.Candidate {
        MergePolicy.Candidate(id: id, byteCount: mebibytes << 20, documentCount: 1_000, deadCount: dead)
    }

    @Test func debtIsWhatThePolicyWouldRead() {
        let policy = MergePolicy()
        #expect(MergeDebt(policy, []) == MergeDebt())
        #expect(MergeDebt(policy, (1...7).map { segment($0, 10) }).byteCount == 0)
        #expect(MergeDebt(policy, [segment(1, 10, dead: 500)]).byteCount == 10 << 20)
        // 80 of one size: all of them once, some of the results again.
        let many = MergeDebt(policy, (1...80).map { segment($0, 10) })
        #expect(many.segmentCount == 80)
        #expect(many.byteCount >= 640 << 20 && many.byteCount <= 2_400 << 20)
        // Too large to be merged at all.
        #expect(MergeDebt(policy, (1...40).map { segment($0, 3_000) }).byteCount == 0)
    }

    /// More debt never means slower merges or faster writes.
    @Test func ratesFollowTheDebt() throws {
        for limit in [nil, 8 << 20] {
            var throttle = MergeThrottle()
            throttle.bytesPerSecondMax = limit
            var lastMerge = 0
            var last = WritePace()
            for step in 0..<600 {
                var debt = MergeDebt()
                debt.byteCount = step * 64 << 20
                debt.segmentCount = step * 4
                debt.excessCount = step * 2
                let merge = throttle.mergeRate(debt) ?? .max
                let pace = throttle.writePace(debt)
                let (rate, lastRate) = (pace.bytesPerSecond ?? .max, last.bytesPerSecond ?? .max)
                #expect(merge >= lastMerge && merge <= limit ?? .max)
                #expect(rate <= lastRate && rate >= throttle.writeBytesPerSecondMin)
                #expect(pace.refreshPauseMilliseconds >= last.refreshPauseMilliseconds)
                #expect(pace.stops || !last.stops)
                #expect(pace.reason.isEmpty == (pace.bytesPerSecond == nil))
                // Smooth: from one step to the next at most an eighth of the whole.
                if lastRate != .max { #expect(lastRate - rate <= throttle.writeBytesPerSecondMax / 8) }
                lastMerge = merge
                last = pace
            }
            #expect(throttle.writePace(MergeDebt()) == WritePace())
            #expect(last.bytesPerSecond == throttle.writeBytesPerSecondMin && last.stops)
            #expect(last.reason.hasPrefix("Writes wait for merges"))
        }
    }

    /// Merges stop giving way long before writes are slowed down.
    @Test func priorityFollowsTheDebt() {
        let throttle = MergeThrottle()
        var debt = MergeDebt()
        #expect(!throttle.isUrgent(debt))
        debt.segmentCount = 5_000
        #expect(!throttle.isUrgent(debt), "as many as the policy allows are no debt")
        debt.excessCount = throttle.urgentExcessCount
        #expect(throttle.isUrgent(debt) && throttle.writePace(debt) == WritePace())
        debt = MergeDebt()
        debt.byteCount = throttle.urgentDebt
        #expect(throttle.isUrgent(debt) && throttle.writePace(debt) == WritePace())
    }

    /// While merging is paused its bytes do not count, the segments do.
    @Test func aPauseKeepsSegmentsBounded() {
        let throttle = MergeThrottle()
        var debt = MergeDebt()
        debt.byteCount = throttle.stopDebt
        #expect(throttle.writePace(debt).bytesPerSecond == throttle.writeBytesPerSecondMin)
        #expect(throttle.writePace(debt, isPaused: true) == WritePace())
        // They go on slowly for as long as it can be borne.
        debt.excessCount = throttle.waitExcessCount - 1
        var pace = throttle.writePace(debt, isPaused: true)
        #expect(!pace.stops && pace.bytesPerSecond == throttle.writeBytesPerSecondMin)
        debt.excessCount = throttle.waitExcessCount
        pace = throttle.writePace(debt, isPaused: true)
        #expect(pace.stops && pace.reason.contains("paused"))
    }

    /// Refreshes every 50 ms of whatever has come, merges that get between nothing and ten times what they need: the
    /// segments stay below the bound, and merges that keep up hold nobody up. Time is counted, not waited for.
    @Test(arguments: [0, 1 << 20, 20 << 20, 200 << 20])
    func segmentsStayBoundedHoweverSlowMergesAre(mergeBytesPerSecond: Int) {
        let (policy, throttle) = (MergePolicy(), MergeThrottle())
        var segments: [MergePolicy.Candidate] = []
        var pace = WritePace()
        var (id, most, written) = (UInt64(0), 0, 0)
        var merge: (ids: Set<UInt64>, bytesLeft: Int)?
        var (nextRefresh, pending) = (0, 0)
        for milliseconds in stride(from: 0, to: 40_000, by: 50) {
            // 20 MiB a second are offered.
            if !pace.stops { pending += min(20 << 20, pace.bytesPerSecond ?? .max) / 20 }
            var isChanged = false
            if pending > 0, milliseconds >= nextRefresh {
                id += 1
                segments.append(
                    MergePolicy.Candidate(id: id, byteCount: pending, documentCount: pending / 1_000, deadCount: 0))
                written += pending
                pending = 0
                isChanged = true
            }
            most = max(most, segments.count)
            var room = mergeBytesPerSecond / 20
            while room > 0 {
                if merge == nil, let ids = policy.next(segments) {
                    let bytes = segments.filter { ids.contains($0.id) }.reduce(0) { $0 + $1.byteCount }
                    merge = (Set(ids), bytes)
                }
                guard let now = merge else { break }
                merge?.bytesLeft -= room
                room -= now.bytesLeft
                guard room >= 0 else { break }
                let inputs = segments.filter { now.ids.contains($0.id) }
                segments.removeAll { now.ids.contains($0.id) }
                id += 1
                if let merged = MergePolicy.merged(inputs, id: id) { segments.append(merged) }
                merge = nil
                isChanged = true
            }
            if isChanged {
                pace = throttle.writePace(MergeDebt(policy, segments))
                nextRefresh = milliseconds + max(50, pace.refreshPauseMilliseconds)
            }
        }
        #expect(most <= throttle.stopExcessCount + 40, "\(most) segments")
        if mergeBytesPerSecond >= 200 << 20 {
            #expect(written >= (20 << 20) * 38 && most < 80, "\(written >> 20) MiB, \(most) segments")
        }
    }

    @Test func aPlanReckonsWhatACompactionReads() {
        let policy = MergePolicy()
        let segments = (1...5).map { segment($0, 10, dead: $0 == 2 ? 500 : 0) }
        let all = CompactionPlan(policy, segments, CompactionOptions())
        #expect(all.segmentCount == 1 && all.bytesRead == 50 << 20 && all.bytesWritten == 45 << 20)
        let dead = CompactionPlan(policy, segments, CompactionOptions(onlyDeletes: true))
        #expect(dead.segmentCount == 5 && dead.bytesRead == 10 << 20 && dead.bytesWritten == 5 << 20)
        let three = CompactionPlan(policy, segments, CompactionOptions(segments: 3))
        #expect(three.segmentCount == 3 && three.bytesRead >= 30 << 20)
        var flushed = segment(9, 10)
        #expect(CompactionPlan(policy, [flushed], CompactionOptions()).bytesRead == 0)
        flushed.isFlushed = true
        #expect(CompactionPlan(policy, [flushed], CompactionOptions()).bytesRead == 10 << 20)
        var outdated = segment(9, 10)
        outdated.isOutdated = true
        #expect(CompactionPlan(policy, [outdated], CompactionOptions()).bytesRead == 10 << 20)
        #expect(CompactionPlan(policy, [outdated], CompactionOptions(onlyDeletes: true)).bytesRead == 0)
        let wholly = [segment(1, 10, dead: 1_000)]
        #expect(CompactionPlan(policy, wholly, CompactionOptions()).segmentCount == 0)
    }
}

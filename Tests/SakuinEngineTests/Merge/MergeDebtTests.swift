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
            var lastWrite = Int.max
            for step in 0..<200 {
                var debt = MergeDebt()
                debt.byteCount = step * 64 << 20
                debt.segmentCount = step * 4
                let merge = throttle.mergeRate(debt) ?? .max
                let write = throttle.writeRate(debt) ?? .max
                #expect(merge >= lastMerge && merge <= limit ?? .max)
                #expect(write <= lastWrite && write >= throttle.writeBytesPerSecondMin)
                #expect(throttle.reason(debt).isEmpty == (throttle.writeRate(debt) == nil))
                // Smooth: from one step to the next at most an eighth of the whole.
                if lastWrite != .max { #expect(lastWrite - write <= throttle.writeBytesPerSecondMax / 8) }
                lastMerge = merge
                lastWrite = write
            }
            #expect(throttle.writeRate(MergeDebt()) == nil)
            #expect(lastWrite == throttle.writeBytesPerSecondMin)
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
        let wholly = [segment(1, 10, dead: 1_000)]
        #expect(CompactionPlan(policy, wholly, CompactionOptions()).segmentCount == 0)
    }
}

// Merges in the background that fail, find no room, or would wait behind others.

import Testing

@testable import SakuinEngine

@Suite struct MergeFailureTests {
    private static let second: UInt64 = 1_000_000_000
    private static let threads: [MergeScheduler.Role] = [.any, .small, .urgentAny, .urgentSmall]

    /// The threads would otherwise begin the same merge again and again.
    @Test func afterAFailedWriteNoMergeBegins() throws {
        let target = SizesTarget(SizesTarget.segments(1..<21, mebibytes: 3))
        let merges = try target.scheduler(inBackground: false)
        let (run, ids) = try #require(merges.pick(.any))
        merges.finish(run, [], nil)
        target.broken.change { $0 = SakuinError(.unavailable, "The disk has failed.") }
        for role in Self.threads { #expect(merges.pick(role) == nil) }
        target.broken.change { $0 = nil }
        #expect(merges.pick(.any)?.1 == ids)
        merges.close()
    }

    @Test func aMergeThatFoundNoRoomIsTriedAgain() throws {
        let now = Monitor(Self.second)
        let isFull = Monitor(true)
        let target = SizesTarget(SizesTarget.segments(1..<11, mebibytes: 3)) { _, _ throws(StorageError) in
            if isFull.read({ $0 }) { throw .io(operation: "write", path: "x", errno: 28) }
        }
        let merges = try target.scheduler(inBackground: false) { now.read { $0 } }
        // Each time it is left alone for twice as long.
        for seconds in [1, 2, 4, 8, 16, 32, 64, 64] as [UInt64] {
            let (run, ids) = try #require(merges.pick(.any), "after the rest before \(seconds) s")
            merges.mergeInBackground(run, ids)
            #expect(merges.pick(.any) == nil)
            now.change { $0 += seconds * Self.second - 1 }
            #expect(merges.pick(.any) == nil)
            now.change { $0 += 1 }
        }
        isFull.change { $0 = false }
        let (run, ids) = try #require(merges.pick(.any))
        merges.mergeInBackground(run, ids)
        #expect(target.segments.read { $0.count } == 3)
        merges.close()
    }

    /// Neither merged again nor a debt that would hold writes back for good.
    @Test(arguments: [
        StorageError.corrupt(file: "x", offset: 0, reason: "bits"), .tooLarge(part: "keys", byteCount: 8, limit: 7),
    ])
    func whatNeverSucceedsIsLeftAlone(error: StorageError) throws {
        let now = Monitor(Self.second)
        let target = SizesTarget(SizesTarget.segments(1..<11, mebibytes: 3)) { _, _ throws(StorageError) in
            throw error
        }
        let merges = try target.scheduler(inBackground: false) { now.read { $0 } }
        merges.followDebt()
        #expect(merges.debt.byteCount == 24 << 20)
        let (run, ids) = try #require(merges.pick(.any))
        merges.mergeInBackground(run, ids)
        now.change { $0 += 3_600 * Self.second }
        #expect(merges.pick(.any) == nil)
        merges.followDebt()
        #expect(merges.debt.byteCount == 0)
        merges.close()
    }

    /// Threads that give way to searches and writes merge while little is to be done, the others when it is much.
    @Test func theDebtSaysWhoMerges() throws {
        for (count, expected) in [(10, [true, true, false, false]), (100, [false, false, true, true])] {
            let begins = try Self.threads.map { role in
                let target = SizesTarget(SizesTarget.segments(1..<UInt64(count + 1), mebibytes: 3))
                let merges = try target.scheduler(inBackground: false)
                defer { merges.close() }
                merges.followDebt()
                return merges.pick(role) != nil
            }
            #expect(begins == expected)
        }
    }

    /// What a compaction has yet to merge is left to it, unless there are too many segments.
    @Test func whatACompactionIsGoingToMergeIsLeftToIt() throws {
        let target = SizesTarget(SizesTarget.segments(1..<21, mebibytes: 3))
        let merges = try target.scheduler(inBackground: false)
        try merges.state.change { state in
            let job = try state.jobs.add(.compaction, CompactionOptions(), shared: [])
            _ = state.jobs.begin(.compaction, now: Self.second)
            state.jobs.update(job.number) { $0.segments = [17, 18, 19, 20] }
        }
        merges.followDebt()
        let (_, ids) = try #require(merges.pick(.any))
        #expect(ids.count == 8 && ids.allSatisfy { $0 < 17 })
        target.segments.change { $0 += SizesTarget.segments(101..<201, mebibytes: 4) }
        target.segments.change { $0.removeAll { $0.id < 17 } }
        merges.followDebt()
        #expect(merges.pick(.urgentAny) != nil)
        merges.close()
    }

    @Test func withoutRoomForABigMergeSmallOnesGoOn() throws {
        let directory = MemoryDirectory()
        // Half of the big ones is dead, which the policy takes first.
        var big = SizesTarget.segments(1..<41, mebibytes: 200)
        for i in big.indices { big[i].deadCount = 50 }
        let target = SizesTarget(big + SizesTarget.segments(101..<111, mebibytes: 3))
        let merges = try target.scheduler(inBackground: false, directory)
        directory.setSpace(SpaceReading(free: 200 << 20, total: 1 << 40))
        var ids: Set<UInt64> = []
        while let (_, next) = merges.pick(.any) { ids.formUnion(next) }
        #expect(ids.count == 8 && ids.isSubset(of: 101..<111))
        directory.setSpace(SpaceReading(free: 1 << 40, total: 1 << 41))
        let next = try #require(merges.pick(.any)).1
        #expect(Set(next).isSubset(of: 1..<41))
        merges.close()
    }

    @Test func smallMergesAreNotBehindBigOnes() throws {
        let gate = Monitor(false)
        let target = SizesTarget(SizesTarget.segments(1..<11, mebibytes: 100)) { ids, control throws(StorageError) in
            if ids.allSatisfy({ $0 >= 100 }) { return }
            while gate.wait(milliseconds: 10, { $0 ? true : nil }) == nil { try control.check() }
        }
        let merges = try target.scheduler(inBackground: true)
        _ = target.begun.wait { $0.isEmpty ? nil : true }
        target.segments.change { $0 += SizesTarget.segments(100..<120, mebibytes: 3) }
        merges.wake()
        _ = target.segments.wait { segments in segments.count { $0.byteCount < 50 << 20 } <= 12 ? true : nil }
        #expect(target.segments.read { $0.count { $0.byteCount == 100 << 20 } } == 10, "the big ones are still merged")
        gate.change { $0 = true }
        _ = target.segments.wait { segments in segments.contains { $0.byteCount >= 800 << 20 } ? true : nil }
        merges.close()
    }

    @Test func pausedMergesBeginAndEndNothing() throws {
        let gate = Monitor(false)
        let target = SizesTarget(SizesTarget.segments(1..<11, mebibytes: 3)) { _, control throws(StorageError) in
            _ = gate.wait { $0 ? true : nil }
            try control.check()
        }
        let merges = try target.scheduler(inBackground: true)
        _ = target.begun.wait { $0.isEmpty ? nil : true }
        #expect(try merges.control(0, .pause).state == .paused)
        gate.change { $0 = true }
        for role in Self.threads { #expect(merges.pick(role) == nil) }
        #expect(target.segments.read { $0.count } == 10)
        #expect(try merges.control(0, .throttle(bytesPerSecond: 7)).options.bytesPerSecond == 7)
        #expect(merges.limit.bytesPerSecond == 7)
        _ = try merges.control(0, .resume)
        _ = target.segments.wait { $0.count == 3 ? true : nil }
        merges.close()
    }
}

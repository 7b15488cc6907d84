// Compactions that others are in the way of, what they say of their progress, and what keeps them from beginning.

import Testing

@testable import SakuinEngine

@Suite struct CompactionSteeringTests {
    private static let second: UInt64 = 1_000_000_000

    private func ended(_ number: UInt64, _ merges: MergeScheduler) -> JobStatus? {
        merges.state.wait { state in
            state.jobs.find(number).flatMap { $0.status.state.isFinal ? $0.status : nil }
        }
    }

    /// A target whose first merge waits until it is cancelled.
    private func stuck(_ count: UInt64) -> SizesTarget {
        let isFirst = Monitor(true)
        return SizesTarget(SizesTarget.segments(1..<(count + 1), mebibytes: 3)) { _, control throws(StorageError) in
            let waits = isFirst.change { isFirst in
                defer { isFirst = false }
                return isFirst
            }
            while waits {
                try control.check()
                ByteBudget.sleepThread(1_000_000)
            }
        }
    }

    @Test func aPausedMergeMakesWayForACompaction() throws {
        for pausesFirst in [true, false] {
            let target = stuck(10)
            let merges = try target.scheduler(inBackground: true)
            _ = target.begun.wait { $0.isEmpty ? nil : true }
            if pausesFirst { _ = try merges.control(0, .pause) }
            let job = try merges.compact(CompactionOptions())
            if !pausesFirst {
                // It says what it waits for.
                while merges.statuses.last?.message != MergeScheduler.waitsForMerge {
                    ByteBudget.sleepThread(1_000_000)
                }
                // What it waits for is running.
                #expect(merges.statuses.first?.state == .running && merges.statuses.first?.message == "")
                _ = try merges.control(0, .pause)
            }
            #expect(ended(job.number, merges)?.state == .done)
            #expect(target.segments.read { $0.count } == 1)
            #expect(merges.statuses.first?.state == .paused)
            merges.close()
        }
    }

    @Test func aPausedCompactionMakesWayForTheNext() throws {
        let target = stuck(4)
        let merges = try target.scheduler(inBackground: false)
        let first = try merges.compact(CompactionOptions(segments: 2))
        _ = target.begun.wait { $0.isEmpty ? nil : true }
        let second = try merges.compact(CompactionOptions(segments: 3))
        #expect(merges.statuses.last?.message == "Waits for another job.")
        #expect(try merges.control(first.number, .pause).state == .paused)
        #expect(ended(second.number, merges)?.state == .done)
        #expect(target.segments.read { $0.count } == 3)
        #expect(merges.statuses[1].state == .paused)
        _ = try merges.control(first.number, .resume)
        #expect(ended(first.number, merges)?.state == .done)
        #expect(target.segments.read { $0.count } == 2)
        merges.close()
    }

    @Test func oneThatMadeWayCanBeCancelled() throws {
        let target = stuck(4)
        let merges = try target.scheduler(inBackground: false)
        let first = try merges.compact(CompactionOptions(segments: 2))
        _ = target.begun.wait { $0.isEmpty ? nil : true }
        _ = try merges.control(first.number, .pause)
        let second = try merges.compact(CompactionOptions(segments: 3))
        #expect(ended(second.number, merges)?.state == .done)
        _ = try merges.control(first.number, .cancel)
        #expect(ended(first.number, merges)?.state == .cancelled)
        #expect(target.segments.read { $0.count } == 3)
        merges.close()
    }

    @Test func progressCountsBothWaysAndNoPauses() throws {
        var table = JobTable()
        let number = try table.add(.compaction, CompactionOptions(bytesPerSecond: nil), shared: []).number
        let begun = table.begin(now: Self.second)
        let job = try #require(begun)
        table.update(number) { job in
            job.status.bytesTotal = 100
            job.status.bytesToWrite = 100
        }
        func status(_ seconds: UInt64) throws -> JobStatus {
            let job = try #require(table.find(number))
            return table.status(of: job, now: seconds * Self.second)
        }
        #expect(try status(2).millisecondsLeft == nil && status(2).percent == 0)
        try job.control.didRead(50)
        #expect(try status(11).percent == 25 && status(11).millisecondsLeft == 30_000)
        table.pause(number, now: 11 * Self.second)
        let paused = try status(100)
        #expect(paused.state == .paused && paused.millisecondsLeft == nil && paused.milliseconds == 10_000)
        table.resume(number, now: 100 * Self.second)
        try job.control.willWrite(50)
        let later = try status(110)
        #expect(later.percent == 50 && later.milliseconds == 20_000 && later.millisecondsLeft == 20_000)
        // More than was reckoned is more to do.
        try job.control.didRead(100)
        let more = try status(110)
        #expect(more.bytesRead == 150 && more.bytesTotal == 150 && more.percent == 80)
        #expect(more.millisecondsLeft == 5_000)
        // It makes way for another one, and begins again.
        table.putBack(number, now: 110 * Self.second)
        #expect(try status(200).milliseconds == 20_000 && status(200).state == .queued)
        let again = table.begin(now: 200 * Self.second)
        #expect(again?.status.number == number)
        #expect(try status(201).milliseconds == 21_000)
        try job.control.willWrite(20)
        _ = table.end(number, .done, now: 201 * Self.second)
        let done = try status(202)
        #expect(done.bytesTotal == 150 && done.bytesWritten == 70 && done.bytesToWrite == 70)
    }

    @Test func theRateOfAJobIsShown() throws {
        var table = JobTable()
        let options = CompactionOptions(bytesPerSecond: 500)
        let number = try table.add(.compaction, options, shared: []).number
        let job = try #require(table.find(number))
        #expect(table.status(of: job, now: 0).options.bytesPerSecond == 500)
        job.budget.bytesPerSecond = 70
        #expect(table.status(of: job, now: 0).options.bytesPerSecond == 70)
        job.budget.bytesPerSecond = nil
        #expect(table.status(of: job, now: 0).options.bytesPerSecond == nil)
    }

    @Test func whatForgottenJobsHaveWrittenCounts() throws {
        var table = JobTable()
        for count in 1...(2 * JobTable.endedCountMax) {
            let number = try table.add(.compaction, CompactionOptions(), shared: []).number
            let job = table.begin(now: 0)
            try job?.control.willWrite(100)
            _ = table.end(number, .done, now: 0)
            #expect(table.writtenByteCount == 100 * count)
        }
        #expect(table.jobs.count == JobTable.endedCountMax)
    }

    /// One that waited long ends behind younger ones, and is forgotten behind them.
    @Test func endedJobsAreForgottenInTheOrderOfTheirEnds() throws {
        var table = JobTable()
        var numbers: [UInt64] = []
        for _ in 0...JobTable.endedCountMax {
            numbers.append(try table.add(.compaction, CompactionOptions(), shared: []) { _ in }.number)
        }
        for number in numbers.dropFirst() { #expect(table.end(number, .cancelled, now: 0).count == 1) }
        #expect(table.end(numbers[0], .done, now: 0).count == 1)
        #expect(table.find(numbers[0])?.status.state == .done)
        #expect(table.jobs.map(\.status.number) == [numbers[0]] + numbers.dropFirst(2))
    }

    /// A pause and a rate of merging in the background are kept over a restart.
    @Test func howMergingWasLeftIsKept() throws {
        let directory = MemoryDirectory()
        let target = SizesTarget(SizesTarget.segments(1..<11, mebibytes: 3))
        var merges = try target.scheduler(inBackground: false, directory)
        _ = try merges.control(0, .pause)
        _ = try merges.control(0, .throttle(bytesPerSecond: 9_000))
        merges.close()
        merges = try target.scheduler(inBackground: true, directory)
        let status = try #require(merges.statuses.first)
        #expect(status.state == .paused && status.options.bytesPerSecond == 9_000)
        #expect(merges.pick(.any) == nil && target.begun.read { $0.isEmpty })
        _ = try merges.control(0, .throttle(bytesPerSecond: nil))
        _ = try merges.control(0, .resume)
        merges.close()
        merges = try target.scheduler(inBackground: false, directory)
        #expect(merges.statuses.first?.state == .queued && merges.bytesPerSecond == nil)
        merges.close()
    }

    /// A refresh that reckons the debt while the index is closed leaves none behind.
    @Test func aClosedIndexHasNoDebt() throws {
        let budget = MergeBudget(bytesPerSecond: 80 << 20)
        let idle = budget.background.bytesPerSecond
        let target = SizesTarget(SizesTarget.segments(1..<41, mebibytes: 64))
        let merges = try target.scheduler(inBackground: false, budget: budget)
        merges.followDebt()
        #expect(budget.background.bytesPerSecond != idle)
        target.onCandidates.change { $0 = { merges.close() } }
        merges.followDebt()
        #expect(budget.background.bytesPerSecond == idle)
    }

    @Test func indexesShareOneBudget() throws {
        let budget = MergeBudget(bytesPerSecond: 80 << 20)
        let few = try SizesTarget(SizesTarget.segments(1..<5, mebibytes: 3)).scheduler(
            inBackground: false, budget: budget)
        let many = try SizesTarget(SizesTarget.segments(1..<11, mebibytes: 16)).scheduler(
            inBackground: false, budget: budget)
        few.followDebt()
        let rate = try #require(budget.background.bytesPerSecond)
        #expect(few.bytesPerSecond == 80 << 20)
        many.followDebt()
        #expect(try #require(budget.background.bytesPerSecond) > rate)
        few.followDebt()
        #expect(try #require(budget.background.bytesPerSecond) > rate, "the debt of all of them counts")
        many.close()
        #expect(budget.background.bytesPerSecond == rate)
        few.close()
    }

    @Test func theDryRunSaysWhatTheStartSays() throws {
        let directory = MemoryDirectory()
        var segments = SizesTarget.segments(1..<5, mebibytes: 3)
        for i in segments.indices { segments[i].memoryByteCount = 10 << 20 }
        let target = SizesTarget(segments)
        var limits = MergeLimits()
        limits.memoryByteCountMax = 39 << 20
        let merges = try target.scheduler(inBackground: false, limits: limits, directory)
        let memory = try #require(merges.estimate(CompactionOptions()).refusal)
        #expect(memory.code == .resourceExhausted && memory.field == "memoryBudgetBytes")
        #expect(merges.estimate(CompactionOptions()).memoryBytes == 40 << 20)
        var job = try merges.compact(CompactionOptions())
        #expect(ended(job.number, merges)?.error == memory && target.begun.read { $0.isEmpty })
        // Two and two are within the memory; then the disk is in the way.
        directory.setSpace(SpaceReading(free: 6 << 20, total: 1 << 40))
        let options = CompactionOptions(segments: 3)
        #expect(merges.estimate(options).refusal == nil && merges.estimate(options).bytesNeeded == 6 << 20)
        directory.setSpace(SpaceReading(free: 6 << 20 - 1, total: 1 << 40))
        let disk = try #require(merges.estimate(options).refusal)
        #expect(disk.code == .resourceExhausted && disk.field == "disk")
        #expect(disk.nextStep?.contains("again") == true && disk.retryAfterMilliseconds == nil)
        job = try merges.compact(options)
        #expect(ended(job.number, merges)?.error == disk)
        merges.close()
    }

    /// Postings go through a file of their own beside a helper, which would cost more where the disk is what is limited.
    @Test func onlyCompactionsWithoutALimitHaveHelpers() throws {
        let limits: [(own: Int?, all: Int?)] = [(nil, nil), (1 << 30, nil), (nil, 1 << 30)]
        for (own, all) in limits {
            let target = SizesTarget(SizesTarget.segments(1..<5, mebibytes: 4))
            let merges = try target.scheduler(inBackground: false, budget: MergeBudget(bytesPerSecond: all))
            let options = CompactionOptions(bytesPerSecond: own)
            let job = try merges.compact(options)
            #expect(ended(job.number, merges)?.state == .done)
            #expect(target.helped.read { $0 } == [own == nil && all == nil])
            merges.close()
        }
        let target = SizesTarget(SizesTarget.segments(1..<11, mebibytes: 3))
        let merges = try target.scheduler(inBackground: false)
        let (run, ids) = try #require(merges.pick(.any))
        merges.mergeInBackground(run, ids)
        #expect(target.helped.read { $0 } == [false])
        merges.close()
    }

    @Test func whatThePlanReadsAndWritesIsWhatAMergeDoes() {
        var limits = MergeLimits()
        limits.spillByteCount = 1 << 20
        var segments = SizesTarget.segments(1..<3, mebibytes: 4)
        for i in segments.indices {
            segments[i].termByteCounts = TermByteCounts(grams: 1_000, postings: 5 << 19, positions: 3 << 19)
        }
        let cost = MergeCost(segments, limits, withHelper: false)
        #expect(cost.bytesRead == 11 << 20 && cost.bytesWritten == 11 << 20, "3 MiB of positions go through a file")
        let helped = MergeCost(segments, limits, withHelper: true)
        #expect(helped.bytesRead == 16 << 20 && helped.diskByteCount == 16 << 20, "and 5 MiB of postings")
        #expect(
            CompactionPlan(MergePolicy(), segments, CompactionOptions(), limits: limits, withHelper: true).diskByteCount
                == helped.diskByteCount)
        segments[0].deadCount = segments[0].documentCount
        let half = MergeCost(segments, limits, withHelper: false)
        #expect(half.bytesRead == 9 << 20 && half.bytesWritten == 5 << 20 && half.diskByteCount == 5 << 20)
        let plan = CompactionPlan(MergePolicy(), segments, CompactionOptions(), limits: limits)
        #expect(plan.bytesRead == half.bytesRead && plan.diskByteCount == half.diskByteCount)
    }
}

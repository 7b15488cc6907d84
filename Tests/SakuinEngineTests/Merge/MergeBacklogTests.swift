// Merges far behind: writes wait for them, and go on by themselves.

import Testing

@testable import SakuinEngine

@Suite struct MergeBacklogTests {
    /// An index of which there are only the sizes; merges end when the gate is open.
    private final class Target: MergeTarget {
        let segments: Monitor<[MergePolicy.Candidate]>
        let gate = Monitor(false)
        let pace = Monitor(WritePace())

        init(count: Int) {
            segments = Monitor(
                (1...UInt64(count)).map {
                    MergePolicy.Candidate(id: $0, byteCount: 1 << 20, documentCount: 100, deadCount: 0)
                })
        }

        var mergeCandidates: [MergePolicy.Candidate] { segments.read { $0 } }

        func merge(_ ids: [UInt64], _ control: MergeControl) throws(StorageError) -> UInt64? {
            while gate.wait(milliseconds: 10, { $0 ? true : nil }) == nil { try control.check() }
            return segments.change { segments in
                let inputs = segments.filter { ids.contains($0.id) }
                segments.removeAll { ids.contains($0.id) }
                let id = 1_000 + (inputs.map(\.id).max() ?? 0)
                if let merged = MergePolicy.merged(inputs, id: id) { segments.append(merged) }
                return id
            }
        }

        func keepWrites(_ pace: WritePace) { self.pace.change { $0 = pace } }
        func settle(commits: Bool) throws(SakuinError) {}
        func check(
            _ control: MergeControl, _ tell: (CheckFindings, _ bytesTotal: Int) -> Void
        ) throws(StorageError) {}
        func note(_ level: String, _ message: String) {}
        func explain(_ error: StorageError) -> SakuinError { ErrorMapping.sakuinError(error) }
    }

    private func scheduler(_ target: Target) -> MergeScheduler {
        let directory = MemoryDirectory()
        return MergeScheduler(
            target, policy: MergePolicy(), inBackground: true, bytesPerSecond: nil,
            disk: DiskSpace(directory, mergeMark: 0, writeMark: 0), directory: directory)
    }

    @Test func writesWaitUntilMergesHaveCaughtUp() throws {
        let target = Target(count: 300)
        let merges = scheduler(target)
        let pace = target.pace.read { $0 }
        #expect(pace.stops && pace.reason.contains("300 segments"))
        target.gate.change { $0 = true }
        #expect(target.pace.wait { $0 == WritePace() ? true : nil } == true)
        #expect(target.segments.wait { $0.count < 40 ? true : nil } == true)
        merges.close()
    }

    /// Paused merges let writes go on as long as the segments are few enough.
    @Test func aPauseHoldsWritesOnlyAtTheBound() throws {
        let target = Target(count: 20)
        let merges = scheduler(target)
        _ = try merges.control(0, .pause)
        #expect(target.pace.read { $0 } == WritePace())
        target.segments.change { segments in
            segments += (1...300).map {
                MergePolicy.Candidate(id: 5_000 + $0, byteCount: 1 << 20, documentCount: 100, deadCount: 0)
            }
        }
        merges.wake()
        let pace = target.pace.read { $0 }
        #expect(pace.stops && pace.reason.contains("paused"))
        target.gate.change { $0 = true }
        _ = try merges.control(0, .resume)
        #expect(target.pace.wait { $0 == WritePace() ? true : nil } == true)
        merges.close()
    }
}

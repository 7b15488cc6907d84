/// An index of which there are only the sizes of segments, for tests of what the scheduler decides.
@testable import SakuinEngine

final class SizesTarget: MergeTarget {
    let segments: Monitor<[MergePolicy.Candidate]>
    let pace = Monitor(WritePace())
    let broken = Monitor<SakuinError?>(nil)
    /// Called, once, when somebody wants to know the segments.
    let onCandidates = Monitor<(@Sendable () -> Void)?>(nil)
    /// Called, once, before the next pace is kept.
    let onPace = Monitor<(@Sendable () -> Void)?>(nil)
    /// What merges have begun with.
    let begun = Monitor<[Set<UInt64>]>([])
    /// Whether they may have helpers.
    let helped = Monitor<[Bool]>([])
    /// What a merge does before its result is there.
    private let work: @Sendable ([UInt64], MergeControl) throws(StorageError) -> Void

    init(
        _ segments: [MergePolicy.Candidate],
        work: @escaping @Sendable ([UInt64], MergeControl) throws(StorageError) -> Void = { _, _ in }
    ) {
        self.segments = Monitor(segments)
        self.work = work
    }

    /// Segments of a size.
    static func segments(_ ids: Range<UInt64>, mebibytes: Int) -> [MergePolicy.Candidate] {
        ids.map { MergePolicy.Candidate(id: $0, byteCount: mebibytes << 20, documentCount: 100, deadCount: 0) }
    }

    var mergeCandidates: [MergePolicy.Candidate] {
        onCandidates.change { $0.take() }?()
        return segments.read { $0 }
    }
    var failure: SakuinError? { broken.read { $0 } }

    func merge(_ ids: [UInt64], _ control: MergeControl, withHelper: Bool) throws(StorageError) -> UInt64? {
        try control.check()
        begun.change { $0.append(Set(ids)) }
        helped.change { $0.append(withHelper) }
        try work(ids, control)
        return segments.change { segments in
            let inputs = segments.filter { ids.contains($0.id) }
            segments.removeAll { ids.contains($0.id) }
            let id = 1_000 + (inputs.map(\.id).max() ?? 0)
            if let merged = MergePolicy.merged(inputs, id: id) { segments.append(merged) }
            return id
        }
    }

    func keepWrites(_ pace: WritePace) {
        onPace.change { $0.take() }?()
        self.pace.change { $0 = pace }
    }
    func settle(commits: Bool) throws(SakuinError) {}
    func check(
        _ control: MergeControl, _ tell: (CheckFindings, _ bytesTotal: Int) -> Void
    ) throws(StorageError) {}
    func note(_ level: String, _ message: String) {}
    func explain(_ error: StorageError) -> SakuinError { ErrorMapping.sakuinError(error) }

    /// A scheduler of this index; without `inBackground` the test is the thread that merges.
    func scheduler(
        inBackground: Bool, limits: MergeLimits = MergeLimits(),
        budget: MergeBudget = MergeBudget(bytesPerSecond: nil), _ directory: MemoryDirectory = MemoryDirectory(),
        clock: @escaping @Sendable () -> UInt64 = { Clock.nanoseconds() }
    ) throws(StorageError) -> MergeScheduler {
        try MergeScheduler(
            self, policy: MergePolicy(), limits: limits, inBackground: inBackground, budget: budget,
            disk: DiskSpace(directory, mergeMark: 0, writeMark: 0), directory: directory, clock: clock)
    }
}

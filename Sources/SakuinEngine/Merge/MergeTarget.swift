/// What merges read and replace.
protocol MergeTarget: AnyObject, Sendable {
    var mergeCandidates: [MergePolicy.Candidate] { get }
    /// Why nothing can be published any more; nil while all is well.
    var failure: SakuinError? { get }
    /// Merges these segments and publishes the result; returns its id, nil when nothing lived. `withHelper`: two threads may
    /// have a part in it, see `SegmentMerger`.
    func merge(_ ids: [UInt64], _ control: MergeControl, withHelper: Bool) throws(StorageError) -> UInt64?
    /// Makes what was written so far part of the segments, and with `commits` durable in them.
    func settle(commits: Bool) throws(SakuinError)
    /// Says how fast writes may come.
    func keepWrites(_ pace: WritePace)
    /// Reads everything that can be seen and says now and then, and at the end, what was found.
    func check(_ control: MergeControl, _ tell: (CheckFindings, _ bytesTotal: Int) -> Void) throws(StorageError)
    func note(_ level: String, _ message: String)
    func explain(_ error: StorageError) -> SakuinError
}

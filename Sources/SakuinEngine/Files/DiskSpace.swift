import Synchronization

/// Bytes of the file system that holds a folder.
struct SpaceReading: Sendable, Equatable {
    var free: Int
    var total: Int
}

/// Low-water marks of the disk: below the first merges wait, below the second writes are refused. Both end by themselves
/// when space returns.
final class DiskSpace: Sendable {
    enum Mark: Sendable {
        case merges
        case writes
    }

    private struct State {
        var reading: SpaceReading?
        var readAt: UInt64 = 0
        /// Bytes of batches that were taken since.
        var takenByteCount = 0
    }

    private let state = Mutex(State())
    private let directory: any Directory
    private let mergeMark: Int
    private let writeMark: Int
    private let clock: @Sendable () -> UInt64
    /// A reading serves for so long, and for batches of this part of the disk: a fast import fills a small one in less time.
    private static let ageNanosecondsMax: UInt64 = 200_000_000
    private static let takenShare = 64

    /// Bytes that have to be free; 0: not watched. On a small file system at most half and a quarter of it: what is under
    /// way when writes stop (batches, a segment, a manifest) needs its megabytes there too.
    init(
        _ directory: any Directory, mergeMark: Int, writeMark: Int,
        clock: @escaping @Sendable () -> UInt64 = { Clock.nanoseconds() }
    ) {
        self.directory = directory
        self.mergeMark = mergeMark
        self.writeMark = writeMark
        self.clock = clock
    }

    /// How it stands; nil when it cannot be told, which stops nothing.
    func reading(isFresh: Bool = false) -> SpaceReading? {
        let now = clock()
        return state.withLock { state in
            let isUsedUp = state.takenByteCount > (state.reading?.total ?? .max) / Self.takenShare
            if isFresh || isUsedUp || state.readAt == 0 || now &- state.readAt >= Self.ageNanosecondsMax {
                state.reading = try? directory.space()
                state.readAt = max(now, 1)
                state.takenByteCount = 0
            }
            return state.reading
        }
    }

    /// Bytes that have to stay free for this.
    func mark(_ mark: Mark, of reading: SpaceReading) -> Int {
        switch mark {
        case .merges: min(mergeMark, reading.total / 2)
        case .writes: min(writeMark, reading.total / 4)
        }
    }

    /// Whether an index that a full disk has stopped can be opened again with so many bytes of journal; looked at anew.
    /// Without a mark too: half replayed it would serve less than it did before.
    func hasRoom(toReplay byteCount: Int) -> Bool {
        guard let reading = reading(isFresh: true) else { return true }
        return reading.free >= max(mark(.writes, of: reading), 2 * byteCount + Self.openingByteCount)
    }

    /// Manifests and the beginning of a journal.
    private static let openingByteCount = 1 << 20

    /// A batch of so many bytes was taken.
    func took(_ byteCount: Int) { state.withLock { $0.takenByteCount += byteCount } }

    /// Why no batch is taken while so many bytes are still to be written; nil when it is.
    func refusal(ofWritesBeside byteCount: Int, _ reading: SpaceReading?) -> SakuinError? {
        guard writeMark > 0, let reading else { return nil }
        return shortage(reading, mark(.writes, of: reading) + byteCount)
    }

    /// Why there is no room for `byteCount` bytes more above the mark; nil when there is.
    func refusal(_ mark: Mark, for byteCount: Int = 0) -> SakuinError? {
        if mark == .merges ? mergeMark == 0 : writeMark == 0, byteCount == 0 { return nil }
        guard let reading = reading(isFresh: byteCount > 0) else { return nil }
        let needed = self.mark(mark, of: reading).addingReportingOverflow(byteCount).partialValue
        return shortage(reading, needed)
    }

    private func shortage(_ reading: SpaceReading, _ needed: Int) -> SakuinError? {
        if reading.free >= needed { return nil }
        return SakuinError(
            .resourceExhausted,
            "The disk of \(directory.path) is nearly full: \(reading.free >> 20) MiB are free, \(needed >> 20) MiB have to be.",
            field: "disk", limit: "\(needed)", value: "\(reading.free)",
            nextStep: "Make room; it goes on by itself when there is some.", retryAfterMilliseconds: 1_000)
    }
}

import Synchronization

/// One segment of a snapshot: the file, and which of its documents live.
struct SnapshotSegment: Sendable {
    let file: SegmentFile
    let reader: SegmentReader
    /// nil: all live.
    var live: LiveDocuments?
    /// Generation of the live file that holds `live`; 0 while there is none.
    var liveGeneration: UInt64
    /// Whether `live` has changed since that file was written.
    var liveIsDirty: Bool
    let byteCount: Int
    let checksum: UInt32

    var id: UInt64 { file.id }
    var documentCount: Int { reader.meta.documentCount }
    var liveCount: Int { live?.liveCount ?? documentCount }
    var searchable: SearchableSegment { SearchableSegment(reader: reader, live: live) }
}

/// The segments a search sees: immutable, shared; the files are there while a snapshot is held.
struct IndexSnapshot: Sendable {
    var segments: [SnapshotSegment] = [] {
        didSet {
            models = ScoreModels()
            searchable = segments.map(\.searchable)
            proofs = segments.reduce(into: []) { kinds, segment in
                kinds.insert(ProofKinds(ProofKind(analyzerVersion: segment.reader.meta.analyzerVersion)))
            }
        }
    }
    /// The segments as searches take them.
    private(set) var searchable: [SearchableSegment] = []
    /// By what the segments prove phrases.
    private(set) var proofs: ProofKinds = []
    /// Every write up to this sequence number is in it.
    var sequence: UInt64 = 0
    /// What scores need to know of all segments; a snapshot with other segments has others.
    private(set) var models = ScoreModels()
    /// Sentences about segments that could not be opened; empty when the snapshot is complete.
    var damage: [String] = []
    /// Why writes behind `sequence` are in no later snapshot of the open index; nil while they will be.
    var gap: String?

    var isComplete: Bool { damage.isEmpty && gap == nil }
    /// What every reply says is missing.
    var missing: [String] { gap.map { damage + [$0] } ?? damage }

    var liveCount: Int { segments.reduce(0) { $0 + $1.liveCount } }

    /// Takes a segment out that does not verify; whether it was there. What it says is missing is in `damage` then.
    mutating func quarantine(_ file: String, _ sentence: String) -> Bool {
        guard let place = segments.firstIndex(where: { $0.reader.file == file }) else { return false }
        segments.remove(at: place)
        damage.append(sentence)
        return true
    }

    /// The living document with this key: its segment and number.
    func find(_ key: UnsafeRawBufferPointer, hash: UInt64) throws(StorageError) -> (segment: Int, document: UInt32)? {
        for (number, segment) in segments.enumerated().reversed() {
            if let document = try segment.livingDocument(key, hash: hash) { return (number, document) }
        }
        return nil
    }
}

extension SnapshotSegment {
    /// The living document of this segment with this key.
    func livingDocument(_ key: UnsafeRawBufferPointer, hash: UInt64) throws(StorageError) -> UInt32? {
        var found: UInt32?
        try reader.keys.find(key, hash: hash) { document in
            if live?.isLive(document) ?? true { found = document }
            return found == nil
        }
        return found
    }
}

extension LiveDocuments {
    /// Those of a segment of a manifest; nil: all live.
    static func read(_ entry: Manifest.Segment, _ directory: any Directory) throws(StorageError) -> LiveDocuments? {
        guard entry.liveGeneration > 0 else { return nil }
        let file = FileName.live(segment: entry.id, generation: entry.liveGeneration)
        return try directory.open(file).withBytes { (bytes) throws(StorageError) in
            try LiveDocuments.decode(bytes, file: file, documentCount: entry.documentCount)
        }
    }
}

/// A snapshot behind one reference: each search takes one, and counting what a copy refers to would cost it as much as a
/// look into a dictionary.
final class SharedSnapshot: Sendable {
    let value: IndexSnapshot

    init(_ value: IndexSnapshot) { self.value = value }
}

/// Holds the current snapshot; taking it never waits for longer than a copy of a reference.
final class SnapshotHolder: Sendable {
    private let current: Mutex<SharedSnapshot>

    init(_ snapshot: IndexSnapshot) { current = Mutex(SharedSnapshot(snapshot)) }

    var shared: SharedSnapshot { current.withLock { $0 } }
    var snapshot: IndexSnapshot { shared.value }

    func replace(_ snapshot: IndexSnapshot) {
        let next = SharedSnapshot(snapshot)
        // The old one is let go behind the lock: files may be removed with it.
        _ = current.withLock { current in
            defer { current = next }
            return current
        }
    }
}

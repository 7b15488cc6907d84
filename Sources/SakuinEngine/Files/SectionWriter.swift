/// The bytes of one section while it is made: in memory, and beyond a limit in a temporary file or where they will stay.
struct SectionWriter: ~Copyable {
    private enum Place {
        case memory
        /// The file once there is one.
        case temporary(any SpillPlace, name: String, (any OutputFile)?)
        case final(SectionSink)
    }

    /// What has not been spilled; append here, then call `spillIfLarge` now and then.
    var buffer: ByteWriter
    private var spilled = 0
    private var place: Place

    private let spillByteCount: Int
    /// A limit for whoever has no budget to follow.
    static let usualSpillByteCount = 8 << 20
    private static let pieceByteCountMax = 1 << 20

    /// Without a directory nothing is spilled.
    init(directory: (any SpillPlace)?, name: String, spillByteCount: Int = SectionWriter.usualSpillByteCount) {
        self.init(directory.map { .temporary($0, name: name, nil) } ?? .memory, spillByteCount)
    }

    /// Of a section of a segment that was begun.
    init(in sink: SectionSink, spillByteCount: Int) { self.init(.final(sink), spillByteCount) }

    private init(_ place: Place, _ spillByteCount: Int) {
        self.place = place
        self.spillByteCount = spillByteCount
        buffer = ByteWriter(capacity: 4096)
    }

    /// Bytes appended since the beginning.
    var count: Int { @inline(__always) get { spilled &+ buffer.count } }

    /// Moves the buffer on when it has grown over the limit.
    @inline(__always)
    mutating func spillIfLarge() throws(StorageError) {
        if buffer.count >= spillByteCount { try spill() }
    }

    private mutating func spill() throws(StorageError) {
        switch place {
        case .memory: return
        case .final(let sink): try buffer.withBytes { (bytes) throws(StorageError) in try sink.write(bytes) }
        case .temporary(let directory, let name, let known):
            let file: any OutputFile
            if let known { file = known } else { file = try directory.create(name) }
            place = .temporary(directory, name: name, file)
            try buffer.withBytes { (bytes) throws(StorageError) in try file.append(bytes) }
        }
        spilled += buffer.count
        buffer.removeAll()
    }

    /// Hands all bytes that are not where they will stay to `body` piece by piece, in order, then removes the temporary
    /// file.
    mutating func drain(_ body: (UnsafeRawBufferPointer) throws(StorageError) -> Void) throws(StorageError) {
        if case .temporary(let directory, let name, let file?) = place {
            try file.close()
            try directory.forEachPiece(name, pieceByteCount: min(spillByteCount, Self.pieceByteCountMax), body)
            try directory.remove(name)
        }
        try buffer.withBytes { (bytes) throws(StorageError) in try body(bytes) }
    }
}

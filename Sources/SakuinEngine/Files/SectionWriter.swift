/// The bytes of one section while it is made: in memory, and beyond a limit in a temporary file.
struct SectionWriter: ~Copyable {
    /// What has not been spilled; append here, then call `spillIfLarge` now and then.
    var buffer: ByteWriter
    private var spilled = 0
    private var file: (any OutputFile)?
    private let directory: (any SpillPlace)?
    private let name: String

    private let spillByteCount: Int
    /// A limit for whoever has no budget to follow.
    static let usualSpillByteCount = 8 << 20
    private static let pieceByteCountMax = 1 << 20

    /// Without a directory nothing is spilled.
    init(directory: (any SpillPlace)?, name: String, spillByteCount: Int = SectionWriter.usualSpillByteCount) {
        self.directory = directory
        self.name = name
        self.spillByteCount = spillByteCount
        buffer = ByteWriter(capacity: 4096)
    }

    /// Bytes appended since the beginning.
    var count: Int { @inline(__always) get { spilled &+ buffer.count } }

    /// Moves the buffer to the temporary file when it has grown over the limit.
    mutating func spillIfLarge() throws(StorageError) {
        guard buffer.count >= spillByteCount, let directory else { return }
        if file == nil { file = try directory.create(name) }
        guard let file else { return }
        try buffer.withBytes { (bytes) throws(StorageError) in try file.append(bytes) }
        spilled += buffer.count
        buffer.removeAll()
    }

    /// Hands all bytes to `body` piece by piece, in order, then removes the temporary file.
    mutating func drain(_ body: (UnsafeRawBufferPointer) throws(StorageError) -> Void) throws(StorageError) {
        if let file, let directory {
            try file.close()
            try directory.forEachPiece(name, pieceByteCount: min(spillByteCount, Self.pieceByteCountMax), body)
            try directory.remove(name)
        }
        try buffer.withBytes { (bytes) throws(StorageError) in try body(bytes) }
    }
}

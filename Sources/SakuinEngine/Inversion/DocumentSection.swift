/// The blocks of documents of a chunk while it is filled: in memory, and beyond a limit in a file that begins as a segment
/// with their section. The first chunk of a segment goes on with that file, so its documents are written once.
struct DocumentSection: ~Copyable {
    /// What has not been spilled; append here, then call `spillIfLarge`.
    var buffer = ByteWriter(capacity: 4096)
    private let directory: (any Directory)?
    private let name: String
    private let spillByteCount: Int
    /// Once there is a file, and the section in it.
    private var file: SegmentFileWriter?
    private var sink: SectionSink?
    private static let pieceByteCountMax = 1 << 20

    /// Without a directory nothing is spilled.
    init(directory: (any Directory)?, name: String, spillByteCount: Int) {
        self.directory = directory
        self.name = name
        self.spillByteCount = spillByteCount
    }

    /// Moves the buffer to the file when it has grown over the limit.
    mutating func spillIfLarge() throws(StorageError) {
        guard buffer.count >= spillByteCount, let directory else { return }
        if file == nil {
            file = try SegmentFileWriter(try directory.create(name))
            sink = try file?.begin(.documents)
        }
        if let sink { try flush(to: sink) }
    }

    private mutating func flush(to sink: SectionSink) throws(StorageError) {
        try buffer.withBytes { (bytes) throws(StorageError) in try sink.write(bytes) }
        buffer.removeAll()
    }

    /// The file of the segment `target`, with the section begun and all blocks in it.
    mutating func takeFile(_ directory: any Directory, target: String) throws(StorageError) -> SegmentFileWriter {
        if let file = file.take(), let sink {
            try flush(to: sink)
            try directory.rename(name, to: target)
            return file
        }
        var file = try SegmentFileWriter(try directory.create(target))
        try flush(to: try file.begin(.documents))
        return file
    }

    /// Copies all blocks to the section of another chunk's file, and removes its own.
    mutating func drain(to other: SectionSink) throws(StorageError) {
        if let directory, let file = file.take() {
            try file.close()
            // The file begins with the header of a segment.
            var skipped = SegmentLayout.headerByteCount
            try directory.forEachPiece(name, pieceByteCount: min(spillByteCount, Self.pieceByteCountMax)) {
                (piece) throws(StorageError) in
                let part = min(skipped, piece.count)
                skipped -= part
                try other.write(UnsafeRawBufferPointer(rebasing: piece[part...]))
            }
            try directory.remove(name)
        }
        try flush(to: other)
    }
}

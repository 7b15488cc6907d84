/// Writes sections to one segment file with their checksums, and the footer that makes it a segment.
struct SegmentFileWriter: ~Copyable {
    private let file: any OutputFile
    private var offset = 0
    private var table = ByteWriter()
    private var sectionCount: UInt32 = 0

    init(_ file: any OutputFile) throws(StorageError) {
        self.file = file
        var header = ByteWriter()
        header.append64(SegmentLayout.magic)
        header.append32(SegmentLayout.formatVersion)
        header.append32(0)
        try write(header)
    }

    private mutating func write(_ bytes: borrowing ByteWriter) throws(StorageError) {
        let file = file
        try bytes.withBytes { (bytes) throws(StorageError) in try file.append(bytes) }
        offset += bytes.count
    }

    /// Appends a section that was made apart.
    mutating func append(_ id: SegmentLayout.Section, _ section: inout SectionWriter) throws(StorageError) {
        try append(id) { (sink) throws(StorageError) in
            try section.drain { (piece) throws(StorageError) in try sink.write(piece) }
        }
    }

    /// Appends a section of what `produce` writes, and its line in the table: u16 id, u64 offset, u64 bytes, u32 per
    /// checked block.
    mutating func append(
        _ id: SegmentLayout.Section, _ produce: (inout SectionSink) throws(StorageError) -> Void
    ) throws(StorageError) {
        let padding = (SegmentLayout.alignment - offset % SegmentLayout.alignment) % SegmentLayout.alignment
        var zeros = ByteWriter()
        for _ in 0..<padding { zeros.append(0) }
        try write(zeros)
        var sink = SectionSink(file)
        try produce(&sink)
        table.append16(id.rawValue)
        table.append64(UInt64(offset))
        table.append64(UInt64(sink.count))
        for checksum in sink.finish() { table.append32(checksum) }
        offset += sink.count
        sectionCount += 1
    }

    /// Writes footer and trailer and closes the file; returns its size and the footer's checksum.
    mutating func finish(_ meta: SegmentMeta) throws(StorageError) -> (byteCount: Int, checksum: UInt32) {
        var footer = ByteWriter()
        footer.append32(sectionCount)
        table.withBytes { footer.append(bytes: $0) }
        meta.encode(into: &footer)
        let checksum = footer.withBytes { CRC32C.checksum($0) }
        let length = footer.count
        footer.append32(UInt32(length))
        footer.append32(checksum)
        footer.append32(SegmentLayout.formatVersion)
        footer.append64(SegmentLayout.magic)
        try write(footer)
        try file.close()
        return (offset, checksum)
    }
}

/// Takes the bytes of one section to its file and reckons their checksums.
struct SectionSink {
    private let file: any OutputFile
    /// Bytes written.
    private(set) var count = 0
    private var checksums: [UInt32] = []
    private var crc: UInt32 = 0
    private var filled = 0
    /// Bytes since the disk was last told of some.
    private var quietByteCount = 0
    /// A segment is written in a second or two and then waited for, so the disk begins early; small ones may be merged
    /// before they ever have to be on it.
    private static let quietByteCountMax = 4 << 20

    fileprivate init(_ file: any OutputFile) { self.file = file }

    mutating func write(_ piece: UnsafeRawBufferPointer) throws(StorageError) {
        try file.append(piece)
        count += piece.count
        quietByteCount += piece.count
        if quietByteCount >= Self.quietByteCountMax {
            file.beginSync()
            quietByteCount = 0
        }
        var at = 0
        while at < piece.count {
            let part = min(SectionView.checkedByteCount - filled, piece.count - at)
            crc = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: piece[at..<(at + part)]), seed: crc)
            at += part
            filled += part
            if filled == SectionView.checkedByteCount {
                checksums.append(crc)
                crc = 0
                filled = 0
            }
        }
    }

    fileprivate func finish() -> [UInt32] { filled > 0 ? checksums + [crc] : checksums }
}

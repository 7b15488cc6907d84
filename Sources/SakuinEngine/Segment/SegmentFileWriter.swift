/// Writes sections to one segment file with their checksums, and the footer that makes it a segment.
struct SegmentFileWriter: ~Copyable {
    private let file: any OutputFile
    private var offset = 0
    private var table = ByteWriter()
    private var sectionCount: UInt32 = 0
    /// The section that was begun and has not ended.
    private var open: (id: SegmentLayout.Section, sink: SectionSink)?

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

    /// Appends a section of what `produce` writes; one that was begun ends with that.
    mutating func append(
        _ id: SegmentLayout.Section, _ produce: (SectionSink) throws(StorageError) -> Void
    ) throws(StorageError) {
        let sink: SectionSink
        if let open, open.id == id { sink = open.sink } else { sink = try begin(id) }
        try produce(sink)
        end()
    }

    /// Begins a section that grows where it will stand, while others are made apart, and ends with `append`. Only one at a
    /// time can.
    mutating func begin(_ id: SegmentLayout.Section) throws(StorageError) -> SectionSink {
        end()
        let padding = (SegmentLayout.alignment - offset % SegmentLayout.alignment) % SegmentLayout.alignment
        var zeros = ByteWriter()
        for _ in 0..<padding { zeros.append(0) }
        try write(zeros)
        let sink = SectionSink(file)
        open = (id, sink)
        return sink
    }

    /// Writes the line of the section that was begun in the table: u16 id, u64 offset, u64 bytes, u32 per checked block.
    private mutating func end() {
        guard let (id, sink) = open else { return }
        open = nil
        table.append16(id.rawValue)
        table.append64(UInt64(offset))
        table.append64(UInt64(sink.count))
        for checksum in sink.finish() { table.append32(checksum) }
        offset += sink.count
        sectionCount += 1
    }

    /// Closes the file as it is, which is no segment.
    consuming func close() throws(StorageError) { try file.close() }

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

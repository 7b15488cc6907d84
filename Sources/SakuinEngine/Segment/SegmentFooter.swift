/// The footer of a segment file, read and checked.
struct SegmentFooter {
    let meta: SegmentMeta
    /// CRC-32C of the footer.
    let checksum: UInt32
    let formatVersion: UInt32
    let sections: [SegmentLayout.Section: SectionView]
    private let file: String

    /// Where the footer stands, and what the trailer behind it says of it.
    private struct Place {
        let start: Int
        let end: Int
        let checksum: UInt32
        let formatVersion: UInt32
    }

    init(_ mapped: MappedFile, _ file: String) throws(StorageError) {
        self.file = file
        let place = try Self.find(mapped.bytes, file)
        let footer = UnsafeRawBufferPointer(rebasing: mapped.bytes[place.start..<place.end])
        guard CRC32C.checksum(footer) == place.checksum else {
            throw .corrupt(file: file, offset: place.start, reason: "checksum of the footer does not match")
        }
        try Self.checkVersion(place, mapped.bytes, file)
        checksum = place.checksum
        formatVersion = place.formatVersion
        var reader = ByteReader(footer, file: file, base: place.start)
        sections = try Self.readSections(&reader, mapped, below: place.start)
        meta = try SegmentMeta(from: &reader)
        guard (1...Analyzer.newestVersion).contains(meta.analyzerVersion) else {
            throw .unsupportedVersion(
                file: "\(file) (analyzer)", found: Int(meta.analyzerVersion),
                supported: 1...Int(Analyzer.newestVersion))
        }
        try checkBetweenSections(mapped.bytes, below: place.start)
    }

    func section(_ id: SegmentLayout.Section) throws(StorageError) -> SectionView {
        guard let view = sections[id] else {
            throw .corrupt(file: file, offset: 0, reason: "section \(id.name) is missing")
        }
        return view
    }

    /// Reads the trailer, the last bytes of the file.
    private static func find(_ bytes: UnsafeRawBufferPointer, _ file: String) throws(StorageError) -> Place {
        guard bytes.count >= SegmentLayout.headerByteCount + SegmentLayout.trailerByteCount else {
            throw .corrupt(file: file, offset: 0, reason: "a file of \(bytes.count) bytes is no segment")
        }
        let end = bytes.count - SegmentLayout.trailerByteCount
        var trailer = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[end...]), file: file, base: end)
        let length = Int(try trailer.read32())
        let checksum = try trailer.read32()
        let version = try trailer.read32()
        guard try trailer.read64() == SegmentLayout.magic else {
            throw .corrupt(file: file, offset: end, reason: "the file ends in the middle")
        }
        guard length <= end - SegmentLayout.headerByteCount else {
            throw .corrupt(file: file, offset: end, reason: "footer too long")
        }
        return Place(start: end - length, end: end, checksum: checksum, formatVersion: version)
    }

    /// Reads the header. Only a file that verifies can be of another format: a version that was damaged must not stop the
    /// whole index.
    private static func checkVersion(
        _ place: Place, _ bytes: UnsafeRawBufferPointer, _ file: String
    ) throws(StorageError) {
        var head = ByteReader(bytes, file: file)
        guard try head.read64() == SegmentLayout.magic else {
            throw .corrupt(file: file, offset: 0, reason: "the magic of a segment is missing")
        }
        let version = try head.read32()
        guard try head.read32() == 0 else { throw .corrupt(file: file, offset: 12, reason: "damaged header") }
        guard place.formatVersion == version else {
            throw .corrupt(
                file: file, offset: 8, reason: "format \(version) in the header, \(place.formatVersion) in the trailer")
        }
        let supported = SegmentLayout.oldestFormatVersion...SegmentLayout.formatVersion
        guard supported.contains(version) else {
            throw .unsupportedVersion(
                file: file, found: Int(version), supported: Int(supported.lowerBound)...Int(supported.upperBound))
        }
    }

    /// Reads where the sections stand, and their checksums.
    private static func readSections(
        _ reader: inout ByteReader, _ mapped: MappedFile, below end: Int
    ) throws(StorageError) -> [SegmentLayout.Section: SectionView] {
        let count = Int(try reader.read32())
        guard count <= SegmentLayout.Section.allCases.count else { throw reader.corrupt("\(count) sections") }
        var sections: [SegmentLayout.Section: SectionView] = [:]
        for _ in 0..<count {
            guard let id = SegmentLayout.Section(rawValue: try reader.read16()) else {
                throw reader.corrupt("unknown section")
            }
            let (offset, size) = (try reader.read64(), try reader.read64())
            guard offset <= UInt64(end), size <= UInt64(end) - offset, sections[id] == nil else {
                throw reader.corrupt("section \(id.name) out of place")
            }
            let blocks = (Int(size) + SectionView.checkedByteCount - 1) / SectionView.checkedByteCount
            guard blocks * 4 <= reader.remaining else { throw reader.corrupt("checksums cut short") }
            var checksums: [UInt32] = []
            checksums.reserveCapacity(blocks)
            for _ in 0..<blocks { checksums.append(try reader.read32()) }
            sections[id] = SectionView(
                owner: mapped, file: reader.file, offset: Int(offset), count: Int(size), checksums: checksums)
        }
        return sections
    }

    /// Checks that nothing stands between sections, which no checksum covers.
    private func checkBetweenSections(_ bytes: UnsafeRawBufferPointer, below end: Int) throws(StorageError) {
        var at = SegmentLayout.headerByteCount
        // Empty sections stand where the next one begins.
        for section in sections.values.sorted(by: { ($0.fileOffset, $0.count) < ($1.fileOffset, $1.count) }) {
            try checkPadding(bytes, at, section.fileOffset, "something between sections")
            at = section.fileOffset + section.count
        }
        try checkPadding(bytes, at, end, "something before the footer")
    }

    private func checkPadding(
        _ bytes: UnsafeRawBufferPointer, _ from: Int, _ to: Int, _ reason: String
    ) throws(StorageError) {
        guard to >= from, to - from < SegmentLayout.alignment, bytes[from..<to].allSatisfy({ $0 == 0 }) else {
            throw .corrupt(file: file, offset: from, reason: reason)
        }
    }
}

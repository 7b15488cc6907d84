/// Takes the bytes of one section to its file and reckons their checksums.
final class SectionSink {
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

    init(_ file: any OutputFile) { self.file = file }

    func write(_ piece: UnsafeRawBufferPointer) throws(StorageError) {
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

    /// The checksums of all checked blocks.
    func finish() -> [UInt32] { filled > 0 ? checksums + [crc] : checksums }
}

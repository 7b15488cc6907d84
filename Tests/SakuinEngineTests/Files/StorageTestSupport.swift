@testable import SakuinEngine

/// Seeded numbers, bytes and texts for the storage tests (splitmix64).
struct StorageRandom {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    /// 0..<limit; `limit` above 0.
    mutating func next(below limit: Int) -> Int { Int(next() % UInt64(limit)) }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }

    /// So many characters of the scripts an index meets.
    mutating func text(_ count: Int) -> String {
        let alphabet = Array("的一是了我不人在他有這个上们来到时大地为子中你说生国年着就那和要她出也得里后自以会。，、「」アイウンー한국어abc123 \n“”—éЖ😀")
        return String((0..<count).map { _ in alphabet[next(below: alphabet.count)] })
    }
}

/// A section over bytes, with checksums that match them: damage in them has to be found otherwise.
enum TestSection {
    static func view(_ bytes: [UInt8]) -> SectionView {
        let block = SectionView.checkedByteCount
        let checksums = bytes.withUnsafeBytes { raw in
            stride(from: 0, to: raw.count, by: block).map { from in
                CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[from..<min(from + block, raw.count)]))
            }
        }
        return SectionView(
            owner: MappedFile(copying: bytes + [UInt8](repeating: 0xA5, count: 8)), file: "test", offset: 0,
            count: bytes.count, checksums: checksums)
    }
}

extension JournalWriter {
    func append(_ kind: JournalFormat.Kind, sequence: UInt64, _ payload: [UInt8]) throws(StorageError) {
        try MappedFile(copying: payload).withBytes { (bytes) throws(StorageError) in
            try append(kind, sequence: sequence, bytes)
        }
    }
}

extension Journal {
    func append(sequence: UInt64, batch: [UInt8]) throws(StorageError) {
        try MappedFile(copying: batch).withBytes { (bytes) throws(StorageError) in
            try append(sequence: sequence, batch: bytes)
        }
    }
}

extension OutputFile {
    func append(_ bytes: [UInt8]) throws(StorageError) {
        try MappedFile(copying: bytes).withBytes { (bytes) throws(StorageError) in try append(bytes) }
    }
}

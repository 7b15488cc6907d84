/// Which documents of a segment still live: an immutable bit map, a new one each time it changes.
///
/// File: magic "SAKUINLV", u32 version, u32 documents, u64 words (bit i of word w: document 64 w + i lives), u32
/// CRC-32C of all before.
final class LiveDocuments: Sendable {
    private static let magic: UInt64 = 0x564C_4E49_554B_4153
    private static let version: UInt32 = 1

    let documentCount: Int
    let liveCount: Int
    /// Filled in the initialiser, never written afterwards, freed in deinit.
    private nonisolated(unsafe) let words: UnsafeMutablePointer<UInt64>
    private var wordCount: Int { (documentCount + 63) / 64 }

    /// All of `documentCount` live but `dead`.
    convenience init(documentCount: Int, dead: [UInt32]) {
        self.init(documentCount: documentCount) { words in
            for i in 0..<((documentCount + 63) / 64) {
                let rest = documentCount - i * 64
                words[i] = rest >= 64 ? .max : (1 << UInt64(rest)) - 1
            }
            for document in dead where Int(document) < documentCount {
                words[Int(document) / 64] &= ~(1 << UInt64(document % 64))
            }
        }
    }

    private init(documentCount: Int, _ fill: (UnsafeMutablePointer<UInt64>) -> Void) {
        self.documentCount = documentCount
        let count = (documentCount + 63) / 64
        words = .allocate(capacity: max(count, 1))
        words.initialize(repeating: 0, count: max(count, 1))
        fill(words)
        var sum = 0
        for i in 0..<count { sum += words[i].nonzeroBitCount }
        liveCount = sum
    }

    deinit { words.deallocate() }

    @inline(__always)
    func isLive(_ document: UInt32) -> Bool {
        Int(document) < documentCount && words[Int(document &>> 6)] &>> UInt64(document & 63) & 1 == 1
    }

    /// The same without these; documents outside are ignored.
    func deleting(_ dead: [UInt32]) -> LiveDocuments {
        let (old, count) = (words, documentCount)
        return LiveDocuments(documentCount: count) { words in
            words.update(from: old, count: (count + 63) / 64)
            for document in dead where Int(document) < count {
                words[Int(document) / 64] &= ~(1 << UInt64(document % 64))
            }
        }
    }

    func encode() -> ByteWriter {
        var out = ByteWriter(capacity: 32 + wordCount * 8)
        out.append64(Self.magic)
        out.append32(Self.version)
        out.append32(UInt32(documentCount))
        for i in 0..<wordCount { out.append64(words[i]) }
        out.append32(out.withBytes { CRC32C.checksum($0) })
        return out
    }

    /// Reads a file; throws when it is damaged or of another number of documents.
    static func decode(
        _ bytes: UnsafeRawBufferPointer, file: String, documentCount: Int
    ) throws(StorageError) -> LiveDocuments {
        var reader = ByteReader(bytes, file: file)
        guard try reader.read64() == magic else { throw reader.corrupt("not a file of living documents") }
        let version = try reader.read32()
        let count = Int(try reader.read32())
        guard bytes.count >= 20 else { throw reader.corrupt("the file ends in the middle") }
        let checked = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - 4)]))
        guard bytes.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self) == checked else {
            throw reader.corrupt("checksum does not match")
        }
        // Behind the checksum: a version that was damaged is no other format.
        guard version == Self.version else {
            throw .unsupportedVersion(
                file: file, found: Int(version), supported: Int(Self.version)...Int(Self.version))
        }
        guard count == documentCount, bytes.count == 20 + (count + 63) / 64 * 8 else {
            throw reader.corrupt("\(count) documents of \(documentCount)")
        }
        return LiveDocuments(documentCount: count) { words in
            UnsafeMutableRawPointer(words).copyMemory(
                from: bytes.baseAddress.map { $0 + 16 } ?? UnsafeRawPointer(words), byteCount: (count + 63) / 64 * 8)
        }
    }
}

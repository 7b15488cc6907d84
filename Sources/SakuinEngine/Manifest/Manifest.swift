/// The live segments of one generation, and what else an index needs to open: immutable once written.
///
/// File: 8 bytes magic "SAKUINMF", u32 format version, u64 generation, u64 next segment id, u64 committed sequence,
/// varint schema bytes, the schema as JSON, varint names, each name a varint length and UTF-8, varint segments, per
/// segment varint id, varint documents, varint generation of the live file (0: none), varint bytes, u32 checksum of
/// the footer; u32 CRC-32C of all before.
struct Manifest: Equatable, Sendable {
    struct Segment: Equatable, Sendable {
        var id: UInt64
        var documentCount: Int
        /// Generation in the name of its live file; 0: all documents live.
        var liveGeneration: UInt64
        var byteCount: Int
        /// CRC-32C of the segment's footer.
        var checksum: UInt32
    }

    private static let magic: UInt64 = 0x464D_4E49_554B_4153
    /// 1: the first format.
    static let formatVersion: UInt32 = 1

    /// No segment is larger, so that the sum of all does not overflow: a petabyte.
    private static let segmentByteCountMax = 1 << 50

    var generation: UInt64 = 0
    var nextSegmentID: UInt64 = 1
    /// Every write up to this sequence number is in the segments.
    var committedSequence: UInt64 = 0
    var schema: [UInt8] = []
    /// By field number.
    var fieldNames: [String] = []
    var segments: [Segment] = []

    init() {}

    func encode(into out: inout ByteWriter) {
        let start = out.count
        out.append64(Self.magic)
        out.append32(Self.formatVersion)
        out.append64(generation)
        out.append64(nextSegmentID)
        out.append64(committedSequence)
        out.appendVarint(UInt64(schema.count))
        schema.withUnsafeBytes { out.append(bytes: $0) }
        out.appendVarint(UInt64(fieldNames.count))
        for name in fieldNames { out.append(string: name) }
        out.appendVarint(UInt64(segments.count))
        for segment in segments {
            out.appendVarint(segment.id)
            out.appendVarint(UInt64(segment.documentCount))
            out.appendVarint(segment.liveGeneration)
            out.appendVarint(UInt64(segment.byteCount))
            out.append32(segment.checksum)
        }
        out.append32(out.withBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[start...])) })
    }

    /// The inverse of `encode`; throws when the bytes are anything else.
    init(decoding bytes: UnsafeRawBufferPointer, file: String) throws(StorageError) {
        var reader = ByteReader(bytes, file: file)
        guard try reader.read64() == Self.magic else { throw reader.corrupt("not a manifest") }
        let version = try reader.read32()
        guard bytes.count >= 40 else { throw reader.corrupt("a manifest cut short") }
        let body = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - 4)])
        var tail = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[body.count...]), file: file, base: body.count)
        guard try tail.read32() == CRC32C.checksum(body) else { throw reader.corrupt("checksum does not match") }
        guard version == Self.formatVersion else {
            throw .unsupportedVersion(
                file: file, found: Int(version), supported: Int(Self.formatVersion)...Int(Self.formatVersion))
        }
        reader = ByteReader(body, file: file)
        try reader.skip(12)
        generation = try reader.read64()
        nextSegmentID = try reader.read64()
        committedSequence = try reader.read64()
        guard max(generation, nextSegmentID, committedSequence) < FileName.numberMax else {
            throw reader.corrupt("a number that cannot be")
        }
        schema = [UInt8](try reader.readBytes(try reader.readCount(max: reader.remaining)))
        for _ in 0..<(try reader.readCount(max: reader.remaining)) { fieldNames.append(try reader.readString()) }
        var seen: Set<UInt64> = []
        for _ in 0..<(try reader.readCount(max: reader.remaining)) {
            let segment = Segment(
                id: try reader.readVarint(), documentCount: try reader.readCount(max: Int(Int32.max)),
                liveGeneration: try reader.readVarint(), byteCount: try reader.readCount(max: Self.segmentByteCountMax),
                checksum: try reader.read32())
            guard segment.id < nextSegmentID, segment.liveGeneration <= generation, seen.insert(segment.id).inserted
            else { throw reader.corrupt("segment \(segment.id) cannot be in generation \(generation)") }
            segments.append(segment)
        }
        guard reader.remaining == 0 else { throw reader.corrupt("bytes behind the last segment") }
    }
}

// The write-ahead log: a header, then records one behind the other; Docs/FORMAT.md draws it.
//
// header  8 bytes magic "SAKUINJL", u32 format version, u64 first sequence number, u32 CRC-32C of all before
// record  u32 payload bytes, u32 CRC-32C of kind, sequence and payload, u8 kind, u64 sequence number, payload
//
// Sequence numbers never descend. What follows the last record is nothing, zeros (preallocated room), or a record that
// was being written when the machine stopped. A `synced` record says that everything before it was durable when it was
// written: what cannot be read before one is damage, what cannot be read behind the last is a torn tail.

enum JournalFormat {
    /// 1: batches and field names. 2: idempotency keys and marks of what was synced.
    static let version: UInt32 = 2
    static let oldestVersion: UInt32 = 1
    static let magic: UInt64 = 0x4C4A_4E49_554B_4153
    static let headerByteCount = 24
    static let recordHeaderByteCount = 17

    /// What a payload is.
    enum Kind: UInt8, Sendable {
        case batch = 1
        /// Varint number of the first field, varint names, each a varint length and UTF-8.
        case fieldNames = 2
        /// An idempotency key, see `RecentKeys`, then a batch.
        case keyedBatch = 3
        /// The keys remembered when the file was begun, see `RecentKeys`.
        case recentKeys = 4
        /// u64 offset of the record itself in its file.
        case synced = 5

        static let last = Kind.synced
    }

    static let markByteCount = recordHeaderByteCount + 8

    static func appendHeader(firstSequence: UInt64, to out: inout ByteWriter) {
        let start = out.count
        out.append64(magic)
        out.append32(version)
        out.append64(firstSequence)
        out.append32(out.withBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[start...])) })
    }

    static func checksum(_ kind: UInt8, _ sequence: UInt64, _ payload: UnsafeRawBufferPointer) -> UInt32 {
        var head = (sequence.littleEndian, kind)
        let first = withUnsafeBytes(of: &head.1) { CRC32C.checksum($0) }
        let second = withUnsafeBytes(of: &head.0) { CRC32C.checksum($0, seed: first) }
        return CRC32C.checksum(payload, seed: second)
    }
}

// The idempotency keys an index remembers, so that a batch sent twice is applied once.
//
// Key of a batch: varint length, UTF-8, u32 CRC-32C of the batch's bytes. Record of all: varint keys, each the same and
// u64 sequence number, oldest first.

/// The last keys, oldest first; the oldest is forgotten when there are too many.
struct RecentKeys: Sendable {
    static let countMax = 4096

    /// A key with what it stands for.
    struct Key: Sendable, Equatable {
        var text: String
        /// CRC-32C of the batch: the same key with another batch is a mistake of the sender.
        var checksum: UInt32
    }

    private var order: [String] = []
    /// The oldest stands here; what is before is forgotten.
    private var first = 0
    private var known = NameTable<(sequence: UInt64, checksum: UInt32)>()

    /// What was written under the key.
    func find(_ key: String) -> (sequence: UInt64, checksum: UInt32)? { known[key] }

    mutating func insert(_ key: Key, sequence: UInt64) {
        guard known[key.text] == nil else { return }
        known[key.text] = (sequence, key.checksum)
        order.append(key.text)
        if known.count > Self.countMax {
            known[order[first]] = nil
            first += 1
            if first == Self.countMax {
                order.removeFirst(first)
                first = 0
            }
        }
    }

    /// Those of batches up to `sequence`; empty when there is none.
    func encode(upTo sequence: UInt64 = .max) -> [UInt8] {
        let count = known.count { $0.value.sequence <= sequence }
        if count == 0 { return [] }
        var out = ByteWriter()
        out.appendVarint(UInt64(count))
        for text in order[first...] {
            guard let entry = known[text], entry.sequence <= sequence else { continue }
            Self.append(Key(text: text, checksum: entry.checksum), to: &out)
            out.append64(entry.sequence)
        }
        return out.array()
    }

    /// Takes over what `encode` wrote.
    mutating func restore(_ payload: UnsafeRawBufferPointer, file: String) throws(StorageError) {
        var reader = ByteReader(payload, file: file)
        for _ in 0..<(try reader.readCount(max: Self.countMax)) {
            let key = try Self.read(&reader)
            insert(key, sequence: try reader.read64())
        }
    }

    static func append(_ key: Key, to out: inout ByteWriter) {
        out.append(string: key.text)
        out.append32(key.checksum)
    }

    static func read(_ reader: inout ByteReader) throws(StorageError) -> Key {
        Key(text: try reader.readString(), checksum: try reader.read32())
    }
}

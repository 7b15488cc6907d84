/// Keys in document order to a section that finds a key's documents and a document's key.
///
/// Section: blocks of 16 keys (per key varint bytes shared with the key before, 0 for the first of a block, varint
/// bytes that follow, those bytes); u32 offset of each block; then a hash table: u32 start of each bucket and of the
/// end, u16 fingerprints, document numbers of w bytes, both by bucket; u64 documents, u64 buckets, u64 offset of the
/// block offsets, u64 offset of the buckets, u64 w. Bucket: high 32 bits of the hash × buckets >> 32; fingerprint:
/// low 16 bits.
struct KeyTableWriter: ~Copyable {
    static let blockKeyCount = 16
    static let trailerByteCount = 40

    private let offsetMax: Int
    private var blob = ByteWriter()
    private var offsets: [UInt32] = []
    /// Whether a block begins behind what an offset can say.
    private var isTooLarge = false
    /// Hash of each key, by document.
    private(set) var hashes: [UInt64] = []
    private var previous: [UInt8] = []

    init(offsetMax: Int = Int(UInt32.max)) { self.offsetMax = offsetMax }

    /// Bytes of memory it takes.
    var byteCount: Int { blob.capacity + hashes.capacity * 8 + offsets.capacity * 4 }

    mutating func add(_ key: UnsafeRawBufferPointer) {
        var shared = 0
        if hashes.count % Self.blockKeyCount == 0 {
            if blob.count > offsetMax { isTooLarge = true }
            offsets.append(UInt32(truncatingIfNeeded: blob.count))
        } else {
            let limit = min(previous.count, key.count)
            while shared < limit, previous[shared] == key[shared] { shared += 1 }
        }
        blob.appendVarint(UInt64(shared))
        blob.appendVarint(UInt64(key.count - shared))
        blob.append(bytes: UnsafeRawBufferPointer(rebasing: key[shared...]))
        previous.removeAll(keepingCapacity: true)
        previous.append(contentsOf: key)
        hashes.append(KeyHash.hash(key))
    }

    /// Adds the keys of another behind its own.
    mutating func append(_ other: borrowing KeyTableWriter) {
        var key = ByteWriter()
        let end = other.blob.start + other.blob.count
        var cursor = RawCursor(other.blob.start, end: end)
        while !cursor.isAtEnd {
            key.truncate(to: Int(cursor.varint32()))
            let more = Int(cursor.varint32())
            guard let bytes = cursor.bytes(more) else { return }
            key.append(bytes: UnsafeRawBufferPointer(start: bytes, count: more))
            key.withBytes { add($0) }
        }
    }

    static func bucket(_ hash: UInt64, of count: Int) -> Int { Int(((hash >> 32) * UInt64(count)) >> 32) }

    /// Throws `tooLarge` when there are more bytes of keys than offsets can say.
    func finish(into out: inout ByteWriter) throws(StorageError) {
        if isTooLarge { throw .tooLarge(part: "keys", byteCount: blob.count, limit: offsetMax) }
        blob.withBytes { out.append(bytes: $0) }
        let offsetsAt = out.count
        for offset in offsets { out.append32(offset) }
        let bucketsAt = out.count
        let bucketCount = max(1, hashes.count / 4)
        var starts = [Int](repeating: 0, count: bucketCount + 1)
        for hash in hashes { starts[Self.bucket(hash, of: bucketCount) + 1] += 1 }
        for i in 0..<bucketCount { starts[i + 1] += starts[i] }
        for start in starts { out.append32(UInt32(start)) }
        var places = starts
        var byBucket = [UInt32](repeating: 0, count: hashes.count)
        for (document, hash) in hashes.enumerated() {
            let bucket = Self.bucket(hash, of: bucketCount)
            byBucket[places[bucket]] = UInt32(document)
            places[bucket] += 1
        }
        for document in byBucket { out.append16(UInt16(truncatingIfNeeded: hashes[Int(document)])) }
        let width = hashes.count <= 1 << 16 ? 2 : hashes.count <= 1 << 24 ? 3 : 4
        for document in byBucket {
            for byte in 0..<width { out.append(UInt8(truncatingIfNeeded: document >> UInt32(8 * byte))) }
        }
        out.append64(UInt64(hashes.count))
        out.append64(UInt64(bucketCount))
        out.append64(UInt64(offsetsAt))
        out.append64(UInt64(bucketsAt))
        out.append64(UInt64(width))
    }
}

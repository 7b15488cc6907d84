/// A document to its key, and a key to the documents that have it; see `KeyTableWriter` for the layout.
struct KeyTable: DocumentKeys {
    private let section: SectionView
    private let documentCount: Int
    private let bucketCount: Int
    private let offsetsAt: Int
    private let bucketsAt: Int
    private let fingerprintsAt: Int
    private let documentsAt: Int
    private let width: Int

    init(_ section: SectionView, documentCount: Int) throws(StorageError) {
        self.section = section
        let trailer = section.count - KeyTableWriter.trailerByteCount
        var reader = ByteReader(
            try section.bytes(trailer, KeyTableWriter.trailerByteCount), file: section.file,
            base: section.fileOffset + trailer)
        let documents = try reader.read64()
        let buckets = try reader.read64()
        let offsets = try reader.read64()
        let bucketsAt = try reader.read64()
        let width = try reader.read64()
        let blocks = (documentCount + KeyTableWriter.blockKeyCount - 1) / KeyTableWriter.blockKeyCount
        guard documents == UInt64(documentCount), buckets >= 1, buckets <= documents + 1, (2...4).contains(width),
            offsets <= UInt64(trailer), bucketsAt == offsets + UInt64(blocks) * 4,
            UInt64(trailer) == bucketsAt + (buckets + 1) * 4 + documents * (2 + width)
        else { throw reader.corrupt("the key table does not add up") }
        self.documentCount = documentCount
        bucketCount = Int(buckets)
        offsetsAt = Int(offsets)
        self.bucketsAt = Int(bucketsAt)
        fingerprintsAt = self.bucketsAt + (bucketCount + 1) * 4
        documentsAt = fingerprintsAt + documentCount * 2
        self.width = Int(width)
    }

    /// The key of a document.
    func key(_ document: UInt32) throws(StorageError) -> [UInt8] { try withKey(document) { Array($0) } }

    /// The key of a document as text.
    func text(_ document: UInt32) throws(StorageError) -> String {
        try withKey(document) { String(decoding: $0, as: UTF8.self) }
    }

    /// Asks for where the block of a document's key stands; then `prefetchKey` asks for the block.
    @inline(__always)
    func prefetchPlace(of document: UInt32) { section.area.line(at: offset(of: document)) }

    @inline(__always)
    func prefetchKey(_ document: UInt32) { section.prefetchNamed(at: offset(of: document)) }

    @inline(__always)
    private func offset(of document: UInt32) -> Int { offset(ofBlock: Int(document) / KeyTableWriter.blockKeyCount) }

    /// Where it stands where a block begins.
    @inline(__always)
    private func offset(ofBlock block: Int) -> Int { offsetsAt &+ block &* 4 }

    /// Room behind a key, so that short pieces are copied without asking how short.
    private static let slack = 16
    /// Keys that are no longer are put together at once.
    private static let usualByteCount = 240

    /// Puts the key of a document together and hands it to `body`, where alone it is valid.
    @inline(__always)
    private func withKey<R>(
        _ document: UInt32, _ body: (UnsafeBufferPointer<UInt8>) -> R
    ) throws(StorageError) -> R {
        guard Int(document) < documentCount else { throw section.corrupt(0, "document \(document)") }
        let block = Int(document) / KeyTableWriter.blockKeyCount
        let count = Int(document) % KeyTableWriter.blockKeyCount + 1
        let start = try blockCursor(block)
        if let result = Self.withKey(start, count, room: Self.usualByteCount, body) { return result }
        guard let longest = Self.longest(start, count),
            let result = Self.withKey(start, count, room: longest, body)
        else { throw damaged(block) }
        return result
    }

    /// nil when the bytes cannot be keys, or one of them has no room.
    @inline(__always)
    private static func withKey<R>(
        _ start: RawCursor, _ count: Int, room: Int, _ body: (UnsafeBufferPointer<UInt8>) -> R
    ) -> R? {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: room + slack) { buffer in
            guard let key = buffer.baseAddress, let length = read(start, count, into: key, room: room) else {
                return nil
            }
            return body(UnsafeBufferPointer(start: key, count: length))
        }
    }

    private func damaged(_ block: Int) -> StorageError { section.corrupt(0, "damaged keys in block \(block)") }

    /// The length of the longest of the first `count` keys of a block; nil when the bytes cannot be keys.
    private static func longest(_ start: RawCursor, _ count: Int) -> Int? {
        var cursor = start
        var (length, longest) = (0, 0)
        for _ in 0..<count {
            let (shared, more) = cursor.varintPair()
            guard shared <= length, more <= keyByteCountMax &- shared, cursor.bytes(more) != nil else { return nil }
            length = shared &+ more
            longest = max(longest, length)
        }
        return longest
    }

    /// Writes the first `count` keys of a block to `key` one over the other, so that the last is left, and returns its
    /// length; nil when the bytes cannot be keys or one is longer than `room`. There is the slack behind the room.
    @inline(__always)
    private static func read(
        _ start: RawCursor, _ count: Int, into key: UnsafeMutablePointer<UInt8>, room: Int
    ) -> Int? {
        var cursor = start
        var length = 0
        for _ in 0..<count {
            let (shared, more) = cursor.varintPair()
            guard shared <= length, more <= room &- shared, let bytes = cursor.bytes(more) else { return nil }
            length = shared &+ more
            let to = UnsafeMutableRawPointer(key + shared)
            if more <= slack, cursor.end - bytes >= slack {
                let piece = bytes.loadUnaligned(as: SIMD16<UInt8>.self)
                to.storeBytes(of: piece, as: SIMD16<UInt8>.self)
            } else {
                to.copyMemory(from: bytes, byteCount: more)
            }
        }
        return length
    }

    /// No key is longer.
    private static let keyByteCountMax = 1_024

    private func blockCursor(_ block: Int) throws(StorageError) -> RawCursor {
        let isLast = (block + 1) * KeyTableWriter.blockKeyCount >= documentCount
        let offsets = try section.start(offset(ofBlock: block), isLast ? 4 : 8)
        let from = Int(offsets.loadUnaligned(as: UInt32.self))
        let to = isLast ? offsetsAt : Int(offsets.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        guard from <= to, to <= offsetsAt else { throw section.corrupt(from, "keys out of place") }
        let start = try section.start(from, to - from)
        return RawCursor(start, end: start + (to - from))
    }

    private func next(_ cursor: inout RawCursor, _ key: inout [UInt8], _ block: Int) throws(StorageError) {
        let (shared, more) = cursor.varintPair()
        guard shared <= key.count, let bytes = cursor.bytes(more), !cursor.failed else {
            throw damaged(block)
        }
        key.removeLast(key.count - shared)
        key.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: more))
    }

    /// Hands each document with this key to `body` until it says false; several only when all but one are dead.
    func find(
        _ key: UnsafeRawBufferPointer, hash: UInt64, _ body: (UInt32) throws(StorageError) -> Bool
    ) throws(StorageError) {
        if documentCount == 0 { return }
        let bucket = KeyTableWriter.bucket(hash, of: bucketCount)
        let range = try section.start(bucketsAt + bucket * 4, 8)
        let from = Int(range.loadUnaligned(as: UInt32.self))
        let to = Int(range.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        guard from <= to, to <= documentCount else { throw section.corrupt(bucketsAt, "bucket out of place") }
        let fingerprints = try section.start(fingerprintsAt + from * 2, (to - from) * 2)
        let wanted = UInt16(truncatingIfNeeded: hash)
        for i in 0..<(to - from)
        where fingerprints.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self) == wanted {
            let at = try section.start(documentsAt + (from + i) * width, width)
            var document: UInt32 = 0
            for byte in 0..<width {
                document |= UInt32(at.load(fromByteOffset: byte, as: UInt8.self)) << UInt32(8 * byte)
            }
            if try self.key(document).elementsEqual(key), try !body(document) { return }
        }
    }

    /// All keys in document order.
    func forEach(_ body: (UInt32, UnsafeRawBufferPointer) throws(StorageError) -> Void) throws(StorageError) {
        var key: [UInt8] = []
        var copy = ByteWriter()
        for block in 0..<((documentCount + KeyTableWriter.blockKeyCount - 1) / KeyTableWriter.blockKeyCount) {
            var cursor = try blockCursor(block)
            let first = block * KeyTableWriter.blockKeyCount
            for document in first..<min(first + KeyTableWriter.blockKeyCount, documentCount) {
                try next(&cursor, &key, block)
                copy.removeAll()
                key.withUnsafeBytes { copy.append(bytes: $0) }
                try copy.withBytes { (bytes) throws(StorageError) in try body(UInt32(document), bytes) }
            }
        }
    }
}

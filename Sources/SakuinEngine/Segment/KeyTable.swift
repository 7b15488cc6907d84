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

    private func read32(_ offset: Int) throws(StorageError) -> Int {
        Int(try section.start(offset, 4).loadUnaligned(as: UInt32.self))
    }

    /// The key of a document.
    func key(_ document: UInt32) throws(StorageError) -> [UInt8] {
        try withPieces(document) { pieces, length in
            Array(unsafeUninitializedCapacity: length) { key, count in
                Self.assemble(pieces, length, into: key.baseAddress)
                count = length
            }
        }
    }

    /// The key of a document as text.
    func text(_ document: UInt32) throws(StorageError) -> String {
        try withPieces(document) { pieces, length in
            String(unsafeUninitializedCapacity: length) { key in
                Self.assemble(pieces, length, into: key.baseAddress)
                return length
            }
        }
    }

    /// What a block has of a key: how much of the key before it begins with, and what follows.
    private struct Piece {
        var shared: Int
        var bytes: UnsafeRawPointer
    }

    /// Hands what makes up the key of a document to `body`, where alone it is valid: the pieces of the keys of its block
    /// up to its own, and its length.
    @inline(__always)
    private func withPieces<R>(
        _ document: UInt32, _ body: (UnsafeBufferPointer<Piece>, Int) -> R
    ) throws(StorageError) -> R {
        guard Int(document) < documentCount else { throw section.corrupt(0, "document \(document)") }
        let block = Int(document) / KeyTableWriter.blockKeyCount
        let start = try blockCursor(block)
        let count = Int(document) % KeyTableWriter.blockKeyCount + 1
        let result: R? = withUnsafeTemporaryAllocation(of: Piece.self, capacity: count) { pieces in
            var cursor = start
            var length = 0
            for i in 0..<count {
                let shared = Int(cursor.varint32())
                let more = Int(cursor.varint32())
                guard shared <= length, more <= Self.keyByteCountMax - shared, let bytes = cursor.bytes(more),
                    !cursor.failed
                else { return nil }
                pieces[i] = Piece(shared: shared, bytes: bytes)
                length = shared + more
            }
            return body(UnsafeBufferPointer(pieces), length)
        }
        guard let result else { throw section.corrupt(0, "damaged keys in block \(block)") }
        return result
    }

    /// Puts the last of the keys together, from its end on.
    private static func assemble(
        _ pieces: UnsafeBufferPointer<Piece>, _ length: Int, into key: UnsafeMutablePointer<UInt8>?
    ) {
        guard let key else { return }
        var (i, open) = (pieces.count - 1, length)
        while open > 0, i >= 0 {
            let piece = pieces[i]
            if piece.shared < open {
                UnsafeMutableRawPointer(key + piece.shared).copyMemory(
                    from: piece.bytes, byteCount: open - piece.shared)
                open = piece.shared
            }
            i -= 1
        }
    }

    /// No key is longer.
    private static let keyByteCountMax = 1_024

    private func blockCursor(_ block: Int) throws(StorageError) -> RawCursor {
        let from = try read32(offsetsAt + block * 4)
        let isLast = (block + 1) * KeyTableWriter.blockKeyCount >= documentCount
        let to = isLast ? offsetsAt : try read32(offsetsAt + block * 4 + 4)
        guard from <= to, to <= offsetsAt else { throw section.corrupt(from, "keys out of place") }
        let start = try section.start(from, to - from)
        return RawCursor(start, end: start + (to - from))
    }

    private func next(_ cursor: inout RawCursor, _ key: inout [UInt8], _ block: Int) throws(StorageError) {
        let shared = Int(cursor.varint32())
        let more = Int(cursor.varint32())
        guard shared <= key.count, let bytes = cursor.bytes(more), !cursor.failed else {
            throw section.corrupt(0, "damaged keys in block \(block)")
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

/// A batch as it goes through journal and lanes: one run of bytes that is never changed.
///
/// Varint operations, then per operation u8 kind (1 put, 2 delete), varint bytes, an encoded document or a key.
///
/// `@unchecked Sendable`: the bytes are written before the object is made and only read afterwards.
final class EncodedBatch: @unchecked Sendable {
    enum Kind: UInt8 {
        case put = 1
        case delete = 2
    }

    private let storage: ByteWriter
    let operationCount: Int

    private init(_ storage: consuming ByteWriter, operationCount: Int) {
        self.storage = storage
        self.operationCount = operationCount
    }

    /// Of so many operations, as `append` has put them there.
    init(operations: borrowing ByteWriter, count: Int) {
        var bytes = ByteWriter(capacity: operations.count + 10)
        bytes.appendVarint(UInt64(count))
        operations.withBytes { bytes.append(bytes: $0) }
        storage = bytes
        operationCount = count
    }

    /// Appends an operation with its encoded document or key.
    static func append(_ kind: Kind, _ body: UnsafeRawBufferPointer, to operations: inout ByteWriter) {
        operations.append(kind.rawValue)
        operations.appendVarint(UInt64(body.count))
        operations.append(bytes: body)
    }

    var byteCount: Int { storage.count }
    /// Bytes of memory it takes.
    var memoryByteCount: Int { storage.capacity }

    func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try storage.withBytes(body)
    }

    /// The operations in order: kind and body.
    func forEach(
        _ body: (_ index: Int, Kind, UnsafeRawBufferPointer) throws(StorageError) -> Void
    ) throws(StorageError) {
        try withBytes { (bytes) throws(StorageError) in
            var reader = ByteReader(bytes, file: "batch")
            let count = try reader.readCount(max: bytes.count)
            for index in 0..<count {
                guard let kind = Kind(rawValue: try reader.read8()) else { throw reader.corrupt("unknown operation") }
                let length = try reader.readCount(max: reader.remaining)
                try body(index, kind, try reader.readBytes(length))
            }
        }
    }

    /// The keys of the operations, in order.
    func forEachKey(_ body: (UnsafeRawBufferPointer) throws(StorageError) -> Void) throws(StorageError) {
        try forEach { (_, kind, bytes) throws(StorageError) in
            guard kind == .put else { return try body(bytes) }
            var document = ByteReader(bytes, file: "batch")
            let count = try document.readCount(max: document.remaining)
            try body(try document.readBytes(count))
        }
    }

    /// A batch out of a journal; throws when the bytes are not one.
    static func decode(_ payload: UnsafeRawBufferPointer) throws(StorageError) -> EncodedBatch {
        var copy = ByteWriter(capacity: payload.count)
        copy.append(bytes: payload)
        var reader = ByteReader(payload, file: "journal")
        let count = try reader.readCount(max: payload.count)
        let batch = EncodedBatch(copy, operationCount: count)
        try batch.forEach { (_, kind, body) throws(StorageError) in
            guard kind == .put else { return }
            var document = ByteReader(body, file: "journal")
            let keyLength = try document.readCount(max: document.remaining)
            try document.skip(keyLength)
        }
        return batch
    }
}

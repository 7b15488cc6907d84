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

    init(_ storage: consuming ByteWriter, operationCount: Int) {
        self.storage = storage
        self.operationCount = operationCount
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

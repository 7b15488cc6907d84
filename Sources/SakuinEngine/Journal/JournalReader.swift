/// One record of a journal; the payload belongs to the reader.
struct JournalRecord {
    var kind: JournalFormat.Kind
    var sequence: UInt64
    var payload: UnsafeRawBufferPointer
}

/// Reads the records of one journal file up to the first that is not whole, and says where it stopped.
struct JournalReader {
    /// Where the records of a file end.
    struct End: Equatable {
        /// Bytes of header and whole records.
        var validByteCount = 0
        /// What stands behind the last whole record; nil when nothing or only zeros do.
        var tornReason: String?

        var isClean: Bool { tornReason == nil }
    }

    let file: String
    /// From the header; 0 for a file that ended before its header did.
    let firstSequence: UInt64
    private let mapped: MappedFile
    private var reader: ByteReader
    private var lastSequence: UInt64 = 0
    private(set) var end = End()
    private var isAtEnd = false

    /// Opens a journal. A file that was only being made has no records; one with a damaged header throws.
    init(_ directory: any Directory, _ name: String) throws(StorageError) {
        file = name
        mapped = try directory.open(name)
        reader = ByteReader(mapped.bytes, file: name)
        if mapped.bytes.count < JournalFormat.headerByteCount || Self.isZero(mapped.bytes) {
            firstSequence = 0
            isAtEnd = true
            if !mapped.bytes.isEmpty { end.tornReason = "no header" }
            return
        }
        guard try reader.read64() == JournalFormat.magic else { throw reader.corrupt("not a journal") }
        let version = try reader.read32()
        firstSequence = try reader.read64()
        let checksum = try reader.read32()
        guard CRC32C.checksum(UnsafeRawBufferPointer(rebasing: mapped.bytes[..<20])) == checksum else {
            throw reader.corrupt("checksum of the header does not match")
        }
        guard version == JournalFormat.version else {
            throw .unsupportedVersion(file: name, found: Int(version), supported: Int(JournalFormat.version))
        }
        end.validByteCount = JournalFormat.headerByteCount
    }

    private static func isZero(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.allSatisfy { $0 == 0 } }

    /// The next whole record; nil at the end, see `end`. A whole record of a kind this build does not know throws.
    mutating func next() throws(StorageError) -> JournalRecord? {
        if isAtEnd { return nil }
        let rest = UnsafeRawBufferPointer(rebasing: mapped.bytes[end.validByteCount...])
        if rest.isEmpty { return stop(nil) }
        guard rest.count >= JournalFormat.recordHeaderByteCount else {
            return stop(Self.isZero(rest) ? nil : "a record cut short")
        }
        var head = ByteReader(rest, file: file, base: end.validByteCount)
        let length = Int(try head.read32())
        let checksum = try head.read32()
        let kind = try head.read8()
        let sequence = try head.read64()
        guard length <= head.remaining else { return stop("a record cut short") }
        let payload = try head.readBytes(length)
        guard checksum == JournalFormat.checksum(kind, sequence, payload), kind != 0 else {
            return stop(Self.isZero(rest) ? nil : "a record whose checksum does not match")
        }
        guard sequence >= max(lastSequence, firstSequence) else { return stop("a sequence number that descends") }
        guard let known = JournalFormat.Kind(rawValue: kind) else {
            throw .unsupportedVersion(
                file: file, found: Int(kind), supported: Int(JournalFormat.Kind.fieldNames.rawValue))
        }
        lastSequence = sequence
        end.validByteCount += JournalFormat.recordHeaderByteCount + length
        return JournalRecord(kind: known, sequence: sequence, payload: payload)
    }

    private mutating func stop(_ reason: String?) -> JournalRecord? {
        isAtEnd = true
        end.tornReason = reason
        return nil
    }
}

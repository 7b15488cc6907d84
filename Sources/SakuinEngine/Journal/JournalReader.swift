/// One record of a journal; the payload belongs to the reader.
struct JournalRecord {
    var kind: JournalFormat.Kind
    var sequence: UInt64
    var payload: UnsafeRawBufferPointer
}

/// Reads the records of one journal file up to the torn tail, and says where it stopped. Damage before the last mark of
/// what was synced is stepped over, to the mark behind it, and reported.
struct JournalReader {
    /// Where the records of a file end.
    struct End: Equatable {
        /// Bytes of header and whole records.
        var validByteCount = 0
        /// What stands behind the last whole record; nil when nothing or only zeros do.
        var tornReason: String?

        /// Bytes that were durable once and cannot be read.
        var damaged: [Range<Int>] = []

        var isClean: Bool { tornReason == nil && damaged.isEmpty }
    }

    let file: String
    /// From the header, or from the name where that cannot be read.
    let firstSequence: UInt64
    let mapped: MappedFile
    private var reader: ByteReader
    private var lastSequence: UInt64 = 0
    private(set) var end = End()
    private var isAtEnd = false

    /// Opens a journal. A file gets its name when its header is durable, so a header that cannot be read is damage; the
    /// records behind it verify by themselves. With the header of another file all of it is.
    ///
    /// A journal that `isBeingWritten` is copied: its writer cuts off the room it has not used when it closes, and to read a
    /// mapping behind the end of its file ends the process.
    init(_ directory: any Directory, _ name: String, isBeingWritten: Bool = false) throws(StorageError) {
        file = name
        mapped = isBeingWritten ? MappedFile(copying: try directory.read(name)) : try directory.open(name)
        reader = ByteReader(mapped.bytes, file: name)
        let named: UInt64 = if case .journal(let first)? = FileName(name) { first } else { 0 }
        guard let header = try Self.header(&reader, mapped.bytes) else {
            firstSequence = named
            end.validByteCount = min(JournalFormat.headerByteCount, mapped.bytes.count)
            end.damaged = [0..<JournalFormat.headerByteCount]
            return
        }
        firstSequence = header.first
        if named > 0, header.first != named {
            end.damaged = [0..<mapped.bytes.count]
            isAtEnd = true
            return
        }
        guard (JournalFormat.oldestVersion...JournalFormat.version).contains(header.version) else {
            throw .unsupportedVersion(
                file: name, found: Int(header.version),
                supported: Int(JournalFormat.oldestVersion)...Int(JournalFormat.version))
        }
        end.validByteCount = JournalFormat.headerByteCount
    }

    /// Format version and first sequence number; nil when they cannot be read.
    private static func header(
        _ reader: inout ByteReader, _ bytes: UnsafeRawBufferPointer
    ) throws(StorageError) -> (version: UInt32, first: UInt64)? {
        guard bytes.count >= JournalFormat.headerByteCount else { return nil }
        let magic = try reader.read64()
        let version = try reader.read32()
        let first = try reader.read64()
        let checksum = try reader.read32()
        let isWhole = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<20])) == checksum
        return magic == JournalFormat.magic && isWhole && first < FileName.numberMax ? (version, first) : nil
    }

    private static func isZero(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.allSatisfy { $0 == 0 } }

    /// The next whole record but marks; nil at the end, see `end`. A whole record of a kind this build does not know
    /// throws.
    mutating func next() throws(StorageError) -> JournalRecord? {
        while let record = try nextOfAnyKind() {
            if record.kind != .synced { return record }
        }
        return nil
    }

    /// Goes to the next mark behind a place that cannot be read; false when there is none.
    private mutating func skipToMark() -> Bool {
        let bytes = mapped.bytes
        let from = end.validByteCount
        var at = from
        while at + JournalFormat.markByteCount <= bytes.count {
            // The length of a mark's payload, then the kind: nearly every other place fails here.
            if bytes[at] == 8, bytes[at + 8] == JournalFormat.Kind.synced.rawValue, isMark(at) {
                end.damaged.append(from..<at)
                end.validByteCount = at
                return true
            }
            at += 1
        }
        return false
    }

    /// Whether a record with this number can come next.
    private func canFollow(_ sequence: UInt64) -> Bool {
        sequence >= max(lastSequence, firstSequence) && sequence < FileName.numberMax
    }

    /// Whether a mark stands there that is going to be read as the next record: otherwise it would be found again and again.
    private func isMark(_ at: Int) -> Bool {
        let record = UnsafeRawBufferPointer(rebasing: mapped.bytes[at..<(at + JournalFormat.markByteCount)])
        let payload = UnsafeRawBufferPointer(rebasing: record[JournalFormat.recordHeaderByteCount...])
        let sequence = UInt64(littleEndian: record.loadUnaligned(fromByteOffset: 9, as: UInt64.self))
        return UInt32(littleEndian: record.loadUnaligned(as: UInt32.self)) == 8
            && UInt64(littleEndian: payload.loadUnaligned(as: UInt64.self)) == UInt64(at) && canFollow(sequence)
            && UInt32(littleEndian: record.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
                == JournalFormat.checksum(JournalFormat.Kind.synced.rawValue, sequence, payload)
    }

    private mutating func nextOfAnyKind() throws(StorageError) -> JournalRecord? {
        if isAtEnd { return nil }
        let rest = UnsafeRawBufferPointer(rebasing: mapped.bytes[end.validByteCount...])
        if rest.isEmpty { return try stop(nil) }
        guard rest.count >= JournalFormat.recordHeaderByteCount else {
            return try stop(Self.isZero(rest) ? nil : "a record cut short")
        }
        var head = ByteReader(rest, file: file, base: end.validByteCount)
        let length = Int(try head.read32())
        let checksum = try head.read32()
        let kind = try head.read8()
        let sequence = try head.read64()
        guard length <= head.remaining else { return try stop("a record cut short") }
        let payload = try head.readBytes(length)
        guard checksum == JournalFormat.checksum(kind, sequence, payload), kind != 0 else {
            return try stop(Self.isZero(rest) ? nil : "a record whose checksum does not match")
        }
        guard canFollow(sequence) else {
            return try stop("a sequence number that descends or cannot be")
        }
        guard let known = JournalFormat.Kind(rawValue: kind) else {
            throw .unsupportedVersion(
                file: file, found: Int(kind), supported: 1...Int(JournalFormat.Kind.last.rawValue))
        }
        lastSequence = sequence
        end.validByteCount += JournalFormat.recordHeaderByteCount + length
        return JournalRecord(kind: known, sequence: sequence, payload: payload)
    }

    private mutating func stop(_ reason: String?) throws(StorageError) -> JournalRecord? {
        // Zeros before a mark are damage too.
        if end.validByteCount < mapped.bytes.count, skipToMark() { return try nextOfAnyKind() }
        isAtEnd = true
        end.tornReason = reason
        return nil
    }
}

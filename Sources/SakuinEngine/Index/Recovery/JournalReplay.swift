// What the journal files of a folder hold behind the last commit.
//
// 1. `scan` reads every file once, verifies every record and remembers where the batches lie; it changes nothing.
// 2. `forEach` hands the batches out, in order, from the mapped files.

struct JournalReplay {
    private struct Place {
        var file: Int
        var offset: Int
        var byteCount: Int
        var sequence: UInt64
        var isKeyed: Bool
    }

    /// Names of the files, oldest first.
    private(set) var files: [String] = []
    /// Sequence number of the last batch, or of the last commit.
    private(set) var lastSequence: UInt64
    private(set) var recentKeys = RecentKeys()
    /// Fields whose names are missing.
    private(set) var lostNameCount = 0
    /// What is missing, in sentences.
    private(set) var damage: [String] = []
    /// Files with damage in them.
    private(set) var damagedFiles: [String] = []
    /// Files to cut, with the bytes to keep and why: their last record was never whole.
    private(set) var tails: [(file: String, byteCount: Int, reason: String)] = []
    private(set) var byteCount = 0
    private var mapped: [MappedFile] = []
    private var places: [Place] = []

    var batchCount: Int { places.count }

    /// Reads what there is behind `committedSequence`; names of fields go to the registry.
    static func scan(
        _ directory: any Directory, committedSequence: UInt64, _ registry: FieldRegistry
    ) throws(StorageError) -> JournalReplay {
        var replay = JournalReplay(lastSequence: committedSequence)
        for name in try Journal.files(in: directory) { try replay.scan(directory, name, registry) }
        if replay.files.isEmpty {
            replay.damage.append(
                "There is no journal file; what was written behind batch \(committedSequence) is missing.")
        }
        if !replay.damage.isEmpty { try replay.reserveLostNames(registry) }
        return replay
    }

    /// Names of fields may be among what cannot be read: the numbers that batches use get names in their place, since they
    /// would be given to other fields otherwise.
    mutating func reserveLostNames(_ registry: FieldRegistry) throws(StorageError) {
        var count = 0
        try forEach { (_, batch, _) throws(StorageError) in
            try batch.forEach { (_, kind, body) throws(StorageError) in
                guard kind == .put else { return }
                var document = try EncodedDocumentReader(body)
                while let field = try document.next() { count = max(count, field.number + 1) }
            }
        }
        lose(registry.reserve(upTo: count))
    }

    private mutating func lose(_ names: [String]) {
        guard let first = names.first, let last = names.last else { return }
        lostNameCount += names.count
        damage.append(
            "The names of \(names.count) fields are missing; they are called '\(first)'"
                + (names.count > 1 ? " to '\(last)'." : "."))
    }

    private init(lastSequence: UInt64) { self.lastSequence = lastSequence }

    private mutating func scan(
        _ directory: any Directory, _ name: String, _ registry: FieldRegistry
    ) throws(StorageError) {
        var reader = try JournalReader(directory, name)
        // A file is begun when all before it is durable, in older files or in segments.
        if case .journal(let first)? = FileName(name), first > lastSequence + 1 { lack(before: first, name) }
        files.append(name)
        mapped.append(reader.mapped)
        while let record = try reader.next() {
            switch record.kind {
            case .fieldNames:
                let (first, names) = try Journal.decodeNames(record, file: name)
                guard first + names.count <= FieldRegistry.fieldCountMax else {
                    throw .corrupt(file: name, offset: reader.end.validByteCount, reason: "field number \(first)")
                }
                lose(registry.reserve(upTo: first))
                registry.restore(first: first, names: names)
            case .recentKeys: try recentKeys.restore(record.payload, file: name)
            case .batch, .keyedBatch: try take(record, in: reader)
            case .synced: break
            }
        }
        if !reader.end.damaged.isEmpty {
            damagedFiles.append(name)
            let ranges = reader.end.damaged.map { "\($0.lowerBound) to \($0.upperBound)" }.joined(separator: ", ")
            damage.append("\(name) cannot be read at bytes \(ranges), which were synced.")
        }
        if let reason = reader.end.tornReason { tails.append((name, reader.end.validByteCount, reason)) }
    }

    private mutating func take(_ record: JournalRecord, in reader: JournalReader) throws(StorageError) {
        let isKeyed = record.kind == .keyedBatch
        if isKeyed {
            var head = ByteReader(record.payload, file: reader.file)
            recentKeys.insert(try RecentKeys.read(&head), sequence: record.sequence)
        }
        guard record.sequence > lastSequence else { return }
        if record.sequence > lastSequence + 1 { lack(before: record.sequence, reader.file) }
        let end = reader.end.validByteCount
        places.append(
            Place(
                file: mapped.count - 1, offset: end - record.payload.count, byteCount: record.payload.count,
                sequence: record.sequence, isKeyed: isKeyed))
        byteCount += record.payload.count
        lastSequence = record.sequence
    }

    private mutating func lack(before sequence: UInt64, _ name: String) {
        damage.append("The journal lacks batches \(lastSequence + 1) to \(sequence - 1), before those of \(name).")
        lastSequence = sequence - 1
    }

    /// The batches in order.
    func forEach(
        _ body: (_ number: Int, EncodedBatch, _ sequence: UInt64) throws(StorageError) -> Void
    ) throws(StorageError) {
        for (number, place) in places.enumerated() {
            let batch = try mapped[place.file].withBytes { (bytes) throws(StorageError) in
                let payload = UnsafeRawBufferPointer(rebasing: bytes[place.offset..<(place.offset + place.byteCount)])
                guard place.isKeyed else { return try EncodedBatch.decode(payload) }
                var reader = ByteReader(payload, file: files[place.file], base: place.offset)
                _ = try RecentKeys.read(&reader)
                return try EncodedBatch.decode(try reader.readBytes(reader.remaining))
            }
            try body(number, batch, place.sequence)
        }
    }
}

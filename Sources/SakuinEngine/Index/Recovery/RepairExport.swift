// What a repair writes to files of JSON lines: documents of which it is not known whether they live, and all that segments
// and journal hold when there is no manifest to say how they belong together.

extension Repair {
    mutating func exportAll() throws(StorageError) {
        report.isWhole = false
        var newest: [UInt64: UInt64] = [:]
        var fieldNames: [String] = []
        let names = try directory.list()
        for name in names {
            if case .live(let id, let generation)? = FileName(name) { newest[id] = max(newest[id] ?? 0, generation) }
        }
        for name in names {
            guard case .segment(let id)? = FileName(name) else { continue }
            guard let salvage = try salvage(name, live: nil) else {
                report.actions.append("\(name): no document can be read.")
                continue
            }
            if salvage.fieldNames.count > fieldNames.count { fieldNames = salvage.fieldNames }
            let live = try newest[id].flatMap { (generation) throws(StorageError) in
                try living(of: id, generation: generation, documentCount: salvage.documentCount)
            }
            try export(name, live: live, documentCount: salvage.documentCount)
        }
        try exportJournal(fieldNames)
        report.actions.append(
            "No manifest can be read, so the index cannot be opened. Make a new index and import the files of JSON lines "
                + "in '\(FileName.quarantineFolder)', that of the journal last; documents that were deleted or replaced may "
                + "be among those of the segments.")
    }

    /// Documents of a segment to a file of JSON lines.
    mutating func export(_ name: String, live: LiveDocuments?, documentCount: Int) throws(StorageError) {
        guard let salvage = try salvage(name, live: live) else {
            report.lostDocuments += live?.liveCount ?? documentCount
            report.actions.append("\(name): no document can be read.")
            return
        }
        var lines = try LineFile(name + ".jsonl", directory)
        let lost = try salvage.forEach { (bytes) throws(StorageError) in
            try lines.append(try salvage.decode(bytes).json(keyField: "id"))
        }
        try lines.finish()
        report.exportedDocuments += lines.count
        report.lostDocuments += lost
        report.actions.append(
            "\(name): \(lines.count) documents were written to \(lines.name), \(lost) cannot be read.")
    }

    /// What the journal did last to each key: documents to a file of JSON lines, keys that were deleted to one of lines.
    private mutating func exportJournal(_ fieldNames: [String]) throws(StorageError) {
        let registry = FieldRegistry(schema: Schema(fields: []), names: fieldNames)
        let scanned = try StorageError.unlessDamaged { () throws(StorageError) in
            try JournalReplay.scan(directory, committedSequence: 0, registry)
        }
        guard var replay = scanned else {
            report.actions.append("The journal cannot be read.")
            return
        }
        // Without a segment the names of the schema are in no file.
        try replay.reserveLostNames(registry)
        if replay.lostNameCount > 0 {
            report.actions.append(
                "The journal: the names of \(replay.lostNameCount) fields are missing; they are called 'lost-field-…'.")
        }
        for name in replay.damagedFiles { report.actions.append("\(name): a part of it cannot be read.") }
        // nil: deleted. Keys are bytes.
        var last: [[UInt8]: Document?] = [:]
        try replay.forEach { (_, batch, _) throws(StorageError) in
            try batch.forEach { (_, kind, body) throws(StorageError) in
                switch kind {
                case .put:
                    let document = try EncodedDocumentReader.decode(body, names: registry.names, file: "journal")
                    last[Array(document.key.utf8)] = .some(document)
                case .delete: last[Array(body)] = .some(nil)
                }
            }
        }
        if last.isEmpty { return }
        var documents = try LineFile("journal.jsonl", directory)
        var deleted = try LineFile("journal-deleted.txt", directory)
        for (key, document) in last.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            if let document {
                try documents.append(document.json(keyField: "id"))
            } else {
                try deleted.append(key)
            }
        }
        try documents.finish()
        try deleted.finish()
        report.exportedDocuments += documents.count
        report.actions.append(
            "The journal: \(documents.count) documents were written to \(documents.name), \(deleted.count) keys that were "
                + "deleted to \(deleted.name), for 'sakuin delete --keys'.")
    }
}

/// A file of lines in `quarantine`, written from its beginning; an older one of the name goes.
private struct LineFile {
    /// With its folder.
    let name: String
    private(set) var count = 0
    private let directory: any Directory
    private let file: any OutputFile
    private var buffer = [UInt8]()

    init(_ name: String, _ directory: any Directory) throws(StorageError) {
        self.name = FileName.quarantined(name)
        self.directory = directory
        try directory.createFolder(FileName.quarantineFolder)
        file = try directory.create(self.name)
    }

    mutating func append(_ line: some Sequence<UInt8>) throws(StorageError) {
        buffer.append(contentsOf: line)
        buffer.append(UInt8(ascii: "\n"))
        count += 1
        if buffer.count > 1 << 20 { try flush() }
    }

    private mutating func flush() throws(StorageError) {
        let owner = MappedFile(copying: buffer)
        try owner.withBytes { (bytes) throws(StorageError) in try file.append(bytes) }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Durable when it returns.
    mutating func finish() throws(StorageError) {
        try flush()
        try file.sync()
        try file.close()
        try directory.syncDirectory(FileName.quarantineFolder)
    }
}

/// Reads every byte of an index folder and re-derives what can be: checksums, dictionaries, lists, keys, documents.
public enum IndexCheck {
    /// What was found.
    public struct Report: Sendable, Hashable {
        public var files = 0
        public var bytes = 0
        public var segments = 0
        /// With those that were deleted.
        public var documents = 0
        public var deletedDocuments = 0
        public var terms = 0
        /// Whether files are of a later format: they are no damage, and nothing is to be repaired.
        public var isOfLaterFormat = false
        /// Sentences; empty when nothing is wrong.
        public var problems: [String] = []
        /// Sentences on what is no damage: a torn tail, batches to be replayed.
        public var notes: [String] = []
    }

    /// Whether a folder with these files in it is, or was, that of an index.
    public static func holdsIndex(_ names: [String]) -> Bool { names.contains { FileName($0) != nil } }

    /// Checks the index in a folder that no process has open. Throws when the folder cannot be read at all.
    public static func run(path: String) throws(SakuinError) -> Report {
        do throws(StorageError) {
            let directory = try DiskDirectory(path, create: false)
            let lock = try directory.lockToRead(FileName.lockName)
            defer { lock?.release() }
            return try run(directory)
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
    }

    /// What is wrong with the aliases of a data folder that no process has open; nil: nothing. `repairs`: a damaged file
    /// is moved to `quarantine`.
    public static func aliasProblem(path: String, repairs: Bool) throws(SakuinError) -> String? {
        do throws(StorageError) {
            let root = try DiskDirectory(path, create: false)
            let lock = repairs ? try root.lock(FileName.lockName) : try root.lockToRead(FileName.lockName)
            defer { lock?.release() }
            return try AliasFile.problem(root, repairs: repairs)
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
    }

    static func run(_ directory: any Directory) throws(StorageError) -> Report {
        var report = Report()
        for name in try directory.list() where FileName(name) != nil {
            report.files += 1
            report.bytes += try directory.size(name)
        }
        let scan = try Manifest.scan(directory)
        for (name, error) in scan.damaged { report.add(error, "\(name): ") }
        for (name, error) in scan.halved {
            if error.isCorrupt {
                report.add(error, "\(name), of which there is another: ")
            } else if error.isDamage {
                report.notes.append("\(name), of which there is another, is missing; the next commit writes both.")
            }
        }
        guard let manifest = scan.newest else {
            report.problems.append("There is no manifest that can be read.")
            return report
        }
        for segment in manifest.segments {
            do throws(StorageError) {
                try check(segment, directory, &report)
                if let sentence = try DamageMarks.sentence(segment.id, in: directory) {
                    report.problems.append("\(sentence) It reads well now; a repair lets it be served again.")
                }
            } catch {
                if !report.add(error) { report.problems[report.problems.count - 1] += salvageable(segment, directory) }
            }
        }
        try checkJournal(manifest, directory, &report)
        return report
    }

    private static func checkJournal(
        _ manifest: Manifest, _ directory: any Directory, _ report: inout Report
    ) throws(StorageError) {
        do throws(StorageError) {
            guard let schema = try? Schema(json: manifest.schema) else {
                report.problems.append("\(FileName.manifest(manifest.generation)): the schema cannot be read.")
                return
            }
            let replay = try JournalReplay.scan(
                directory, committedSequence: manifest.committedSequence,
                FieldRegistry(schema: schema, names: manifest.fieldNames))
            try replay.forEach { (_, _, _) in }
            report.problems += replay.damage
            for (file, byteCount, reason) in replay.tails {
                report.notes.append(
                    "\(file) ends in the middle, at byte \(byteCount): \(reason). Opening the index cuts it there.")
            }
            if replay.batchCount > 0 {
                report.notes.append("\(replay.batchCount) batches of the journal wait to be replayed.")
            }
        } catch {
            report.add(error)
        }
    }

    /// What could be saved of a segment that does not verify.
    private static func salvageable(_ entry: Manifest.Segment, _ directory: any Directory) -> String {
        let name = FileName.segment(entry.id)
        guard let salvage = try? SegmentSalvage(directory, name, live: nil),
            let unread = try? salvage.forEach({ _ in })
        else { return " None of its \(entry.documentCount) documents can be read." }
        return " \(salvage.documentCount - unread) of its \(entry.documentCount) documents can be read."
    }

    /// Throws unless every byte of the segment and of its living documents is as it was written.
    static func verify(_ entry: Manifest.Segment, _ directory: any Directory) throws(StorageError) {
        var report = Report()
        try check(entry, directory, &report)
    }

    private static func check(
        _ entry: Manifest.Segment, _ directory: any Directory, _ report: inout Report
    ) throws(StorageError) {
        let name = FileName.segment(entry.id)
        let reader = try SegmentReader(directory, name)
        guard reader.checksum == entry.checksum, reader.byteCount == entry.byteCount else {
            throw .corrupt(file: name, offset: 0, reason: "not the file the manifest names")
        }
        let live = try LiveDocuments.read(entry, directory)
        try SegmentCheck.run(reader)
        report.segments += 1
        report.documents += reader.meta.documentCount
        if let live { report.deletedDocuments += reader.meta.documentCount - live.liveCount }
        report.terms += reader.grams.termCount + reader.words.termCount
    }
}

extension IndexCheck.Report {
    /// Adds a problem; whether it is a later format, which is told with what to do.
    @discardableResult
    fileprivate mutating func add(_ error: StorageError, _ before: String = "") -> Bool {
        let mapped = ErrorMapping.sakuinError(error)
        guard case .unsupportedVersion = error else {
            problems.append(before + mapped.message)
            return false
        }
        isOfLaterFormat = true
        problems.append("\(before)\(mapped.message) \(mapped.nextStep ?? "")")
        return true
    }
}

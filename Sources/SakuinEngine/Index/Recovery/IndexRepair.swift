// Makes an index whole again out of what can be read, into new files; what cannot be read goes to `quarantine`.
//
// 1. The newest manifest that verifies is the starting point. Without any, the documents of all segments and of the
//    journal are written to files of JSON lines, and nothing else is changed.
// 2. Segments that do not verify: their readable living documents become new segments. Where it is not known which
//    documents live, they go to a file of JSON lines instead, since deleted ones would come back.
// 3. Damaged files get a second name in `quarantine`, then a new manifest names what is good.
// 4. The index is opened, what can be read of the journal is replayed, and all of it is committed.

public enum IndexRepair {
    /// What was done.
    public struct Report: Sendable, Hashable {
        /// Documents of damaged segments that are in the index again.
        public var savedDocuments = 0
        /// Documents written to files of JSON lines, to look at and import.
        public var exportedDocuments = 0
        /// Documents that could not be read.
        public var lostDocuments = 0
        /// Sentences; empty when nothing had to be done.
        public var actions: [String] = []
        /// Whether the index can be written again.
        public var isWhole = true
    }

    /// Repairs the index in a folder that no process has open.
    public static func run(path: String, options: IndexOptions = IndexOptions()) throws(SakuinError) -> Report {
        let result: Result<Report, SakuinError>
        do throws(StorageError) {
            let directory = try DiskDirectory(path, create: false)
            result = try run(directory, options: options)
        } catch {
            throw ErrorMapping.sakuinError(error)
        }
        return try result.get()
    }

    static func run(
        _ directory: any Directory, options: IndexOptions
    ) throws(StorageError) -> Result<Report, SakuinError> {
        var repair = Repair(directory)
        let lock = try directory.lock(FileName.lockName)
        let scan: Manifest.Scan
        do throws(StorageError) {
            scan = try Manifest.scan(directory)
            if let passing = scan.damaged.first(where: { !$0.error.isDamage }) { throw passing.error }
            guard let manifest = scan.newest else {
                defer { lock.release() }
                try repair.exportAll()
                return .success(repair.report)
            }
            // A journal of a later format is found before anything is changed.
            let replay = try repair.replay(manifest)
            // Generations from before manifests were written twice have one file.
            let halved = scan.halved.filter { $0.error.isCorrupt }
            try repair.replaceDamaged(manifest, (scan.damaged + halved).map(\.name))
            if let replay { try repair.keepDamagedJournals(replay) }
        } catch {
            lock.release()
            throw error
        }
        lock.release()
        do throws(SakuinError) {
            let index = try Recovery(directory, options: options, givesUp: true).open(schema: nil)
            if index.isReadOnly {
                let reason = index.statisticsNow().quarantined.joined(separator: " ")
                index.abandon()
                throw SakuinError(
                    .unavailable, "The repair did not come to its end: \(reason)",
                    nextStep: "Mend the cause, then run 'sakuin check --repair' again.")
            }
            if !repair.report.actions.isEmpty { _ = try index.writer.cutNow(commits: true) }
            try index.close()
            return .success(repair.report)
        } catch {
            return .failure(error)
        }
    }
}

struct Repair {
    let directory: any Directory
    var report = IndexRepair.Report()

    init(_ directory: any Directory) { self.directory = directory }

    // A call that fails is no damage: it would send a good file to quarantine. The repair then ends, to be run again.

    /// Which documents of a segment live; nil when the file is damaged.
    func living(
        of id: UInt64, generation: UInt64, documentCount: Int
    ) throws(StorageError) -> LiveDocuments? {
        let name = FileName.live(segment: id, generation: generation)
        return try StorageError.unlessDamaged { () throws(StorageError) in
            try directory.open(name).withBytes { (bytes) throws(StorageError) in
                try LiveDocuments.decode(bytes, file: name, documentCount: documentCount)
            }
        }
    }

    /// What can be read of a segment; nil when that is nothing.
    func salvage(_ name: String, live: LiveDocuments?) throws(StorageError) -> SegmentSalvage? {
        try StorageError.unlessDamaged { () throws(StorageError) in try SegmentSalvage(directory, name, live: live) }
    }

    // MARK: Segments

    mutating func replaceDamaged(_ manifest: Manifest, _ damagedManifests: [String]) throws(StorageError) {
        var repaired = manifest
        repaired.segments = []
        var gone: [String] = damagedManifests
        for segment in manifest.segments {
            do throws(StorageError) {
                try IndexCheck.verify(segment, directory)
                repaired.segments.append(segment)
            } catch {
                guard error.isDamage else { throw error }
                gone.append(FileName.segment(segment.id))
                if segment.liveGeneration > 0 {
                    gone.append(FileName.live(segment: segment.id, generation: segment.liveGeneration))
                }
                try save(segment, into: &repaired)
            }
        }
        if gone.isEmpty { return try removeMarks(of: manifest) }
        try quarantine(gone)
        var highest = manifest.generation
        if let newest = try Manifest.generations(in: directory).first { highest = max(highest, newest) }
        repaired.generation = highest + 1
        try directory.syncDirectory()
        try repaired.write(to: directory)
        for name in gone { try directory.remove(name) }
        try removeMarks(of: repaired)
    }

    /// Every segment of the manifest has been read whole.
    private mutating func removeMarks(of manifest: Manifest) throws(StorageError) {
        for id in try DamageMarks.all(in: directory) {
            try DamageMarks.remove(id, in: directory)
            guard manifest.segments.contains(where: { $0.id == id }) else { continue }
            report.actions.append(
                "\(FileName.segment(id)) was found damaged before and reads well now; it is served again.")
        }
    }

    /// The readable living documents of a damaged segment become a new one.
    private mutating func save(_ segment: Manifest.Segment, into manifest: inout Manifest) throws(StorageError) {
        let name = FileName.segment(segment.id)
        var live: LiveDocuments?
        if segment.liveGeneration > 0 {
            let known = try living(
                of: segment.id, generation: segment.liveGeneration, documentCount: segment.documentCount)
            guard let known else {
                report.actions.append("\(name): which of its documents live cannot be read.")
                return try export(name, live: nil, documentCount: segment.documentCount)
            }
            live = known
        }
        guard let salvage = try salvage(name, live: live) else {
            report.lostDocuments += live?.liveCount ?? segment.documentCount
            report.actions.append("\(name): no document can be read.")
            return
        }
        guard manifest.fieldNames.starts(with: salvage.fieldNames), let schema = try? Schema(json: manifest.schema)
        else {
            return try export(name, live: live, documentCount: segment.documentCount)
        }
        let inverter = Inverter(registry: FieldRegistry(schema: schema, names: manifest.fieldNames))
        var saved = 0
        let lost = try salvage.forEach { (bytes) throws(StorageError) in
            try inverter.add(bytes, ordinal: UInt64(saved), sequence: salvage.lastSequence)
            saved += 1
        }
        var id = manifest.nextSegmentID
        for other in try directory.list() {
            if case .segment(let used)? = FileName(other) { id = max(id, used + 1) }
        }
        if let sealed = try inverter.seal(directory, id: id, keepsMemory: false) {
            try directory.syncFile(FileName.segment(id))
            manifest.segments.append(
                Manifest.Segment(
                    id: id, documentCount: saved, liveGeneration: 0, byteCount: sealed.byteCount,
                    checksum: sealed.checksum))
        }
        manifest.nextSegmentID = id + 1
        report.savedDocuments += saved
        report.lostDocuments += lost
        report.actions.append(
            "\(name): \(saved) documents were saved into \(FileName.segment(id)), \(lost) cannot be read.")
    }

    // MARK: Journal

    /// What the journal holds; nil when the schema cannot be read.
    func replay(_ manifest: Manifest) throws(StorageError) -> JournalReplay? {
        guard let schema = try? Schema(json: manifest.schema) else { return nil }
        return try JournalReplay.scan(
            directory, committedSequence: manifest.committedSequence,
            FieldRegistry(schema: schema, names: manifest.fieldNames))
    }

    mutating func keepDamagedJournals(_ replay: JournalReplay) throws(StorageError) {
        if replay.damage.isEmpty { return }
        // Opening cuts torn tails: what is kept must not be the same file.
        try quarantine(replay.files, byCopying: true)
        report.actions += replay.damage
        report.actions.append("\(replay.batchCount) batches of the journal can be read and are applied.")
    }

    /// Gives files a second name, durable, before the first one goes, or copies them, as it does where there are no links.
    private func quarantine(_ names: [String], byCopying copies: Bool = false) throws(StorageError) {
        try directory.createFolder(FileName.quarantineFolder)
        for name in names where try directory.exists(name) {
            let target = try directory.quarantineName(name)
            func copy() throws(StorageError) { try directory.copy(name, to: target) }
            if copies { try copy() } else { try directory.link(name, to: target, orCopy: copy) }
        }
        try directory.syncDirectory(FileName.quarantineFolder)
    }
}

/// Reads every byte of an index folder and re-derives what can be: checksums, dictionaries, lists, keys, documents.
public enum IndexCheck {
    /// What was found.
    public struct Report: Sendable, Hashable {
        public var files = 0
        public var bytes = 0
        public var segments = 0
        public var documents = 0
        public var terms = 0
        /// Sentences; empty when nothing is wrong.
        public var problems: [String] = []
    }

    /// Checks the index in a folder that no process has open. Throws when the folder cannot be read at all.
    public static func run(path: String) throws(SakuinError) -> Report {
        do throws(StorageError) {
            let directory = try DiskDirectory(path, create: false)
            let lock = try directory.lock(FileName.lockName)
            defer { lock.release() }
            return try run(directory)
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
        for (name, error) in scan.damaged {
            report.problems.append("\(name): \(ErrorMapping.sakuinError(error).message)")
        }
        guard let manifest = scan.newest else {
            report.problems.append("There is no manifest that can be read.")
            return report
        }
        for segment in manifest.segments {
            do throws(StorageError) {
                try check(segment, directory, &report)
            } catch {
                report.problems.append(ErrorMapping.sakuinError(error).message)
            }
        }
        for name in try Journal.files(in: directory) {
            do throws(StorageError) {
                var reader = try JournalReader(directory, name)
                while let record = try reader.next() {
                    if record.kind == .batch { _ = try EncodedBatch.decode(record.payload) }
                }
                if let reason = reader.end.tornReason {
                    report.problems.append("\(name) ends in the middle: \(reason). Opening the index cuts it there.")
                }
            } catch {
                report.problems.append(ErrorMapping.sakuinError(error).message)
            }
        }
        return report
    }

    private static func check(
        _ entry: Manifest.Segment, _ directory: any Directory, _ report: inout Report
    ) throws(StorageError) {
        let name = FileName.segment(entry.id)
        let reader = try SegmentReader(directory, name)
        guard reader.checksum == entry.checksum, reader.byteCount == entry.byteCount else {
            throw .corrupt(file: name, offset: 0, reason: "not the file the manifest names")
        }
        if entry.liveGeneration > 0 {
            let file = FileName.live(segment: entry.id, generation: entry.liveGeneration)
            _ = try directory.open(file).withBytes { (bytes) throws(StorageError) in
                try LiveDocuments.decode(bytes, file: file, documentCount: entry.documentCount)
            }
        }
        try SegmentCheck.run(reader)
        report.segments += 1
        report.documents += reader.meta.documentCount
        report.terms += reader.grams.termCount + reader.words.termCount
    }
}

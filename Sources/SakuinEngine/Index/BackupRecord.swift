/// `snapshot.json`: what a snapshot is, for whoever finds the folder. Restoring needs none of it.
struct BackupRecord {
    private static let fileName = "snapshot.json"
    private let members: JSONValue

    init(_ place: BackupStore.Place, _ source: BackupStore.Source, documents: Int) {
        members = .object([
            .init(key: "index", value: .string(place.index)), .init(key: "snapshot", value: .string(place.name)),
            .init(key: "created", value: .string(source.created.text)),
            .init(key: "version", value: .string(SakuinVersion.text)),
            .init(key: "documents", value: .integer(Int64(documents))),
            .init(key: "sequence", value: .integer(Int64(clamping: source.manifest.committedSequence))),
            .init(key: "generation", value: .integer(Int64(clamping: source.manifest.generation))),
        ])
    }

    init(reading folder: any Directory) throws(StorageError) {
        let bytes = try folder.read(Self.fileName)
        do throws(SakuinError) { members = try JSONValue(parsing: bytes) } catch {
            throw .corrupt(file: Self.fileName, offset: 0, reason: error.message)
        }
    }

    func write(to folder: any Directory) throws(StorageError) {
        let file = try folder.create(Self.fileName)
        var bytes = ByteWriter()
        bytes.append(utf8: members.text)
        try bytes.withBytes { (bytes) throws(StorageError) in try file.append(bytes) }
        try file.sync()
        try file.close()
    }

    /// Index and name are those of the folder, which may have been moved.
    func describe(_ listing: inout SnapshotListing) {
        if case .string(let text)? = members["created"] { listing.created = text }
        if case .string(let text)? = members["version"] { listing.version = text }
        if case .integer(let count)? = members["documents"] { listing.documents = Int(clamping: count) }
        if case .integer(let number)? = members["sequence"] { listing.sequence = UInt64(clamping: number) }
        if case .integer(let number)? = members["generation"] { listing.generation = UInt64(clamping: number) }
    }
}

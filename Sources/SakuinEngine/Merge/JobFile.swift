/// Compactions that have not ended, in a file of the index's folder, so that they go on after a restart.
struct JobFile: Sendable {
    static let name = "jobs.json"

    private let directory: any Directory

    init(_ directory: any Directory) { self.directory = directory }

    /// Replaces the file; durable when it returns.
    func write(_ jobs: JobTable) throws(StorageError) {
        var bytes = ByteWriter()
        bytes.append(utf8: jobs.json)
        try directory.replace(Self.name, with: bytes)
        try directory.syncDirectory()
    }

    /// The jobs of the file; none when it cannot be read, which `note` is told: a job can be asked for again.
    func read(shared: [ByteBudget], _ note: (_ level: String, _ message: String) -> Void) -> JobTable {
        do {
            guard try directory.exists(Self.name) else { return JobTable() }
            return try JobTable(json: try directory.read(Self.name), shared: shared)
        } catch {
            note("warning", "\(Self.name) cannot be read, compactions that it holds are not carried out: \(error)")
            return JobTable()
        }
    }
}

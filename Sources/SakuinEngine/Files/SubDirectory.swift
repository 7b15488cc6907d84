/// A subfolder as a directory of its own.
final class SubDirectory: Directory {
    private let whole: any Directory
    private let name: String

    /// `name` is the subfolder of `whole`; it need not be there yet.
    init(_ whole: any Directory, _ name: String) {
        self.whole = whole
        self.name = name
    }

    private func inner(_ file: String) -> String { name + "/" + file }
    private func inner(folder: String?) -> String { folder.map(inner) ?? name }

    var path: String { whole.path + "/" + name }
    func list(_ subfolder: String?) throws(StorageError) -> [String] { try whole.list(inner(folder: subfolder)) }
    func folders(_ subfolder: String?) throws(StorageError) -> [String] { try whole.folders(inner(folder: subfolder)) }
    func create(_ file: String) throws(StorageError) -> any OutputFile { try whole.create(inner(file)) }
    func open(_ file: String) throws(StorageError) -> MappedFile { try whole.open(inner(file)) }
    func read(_ file: String) throws(StorageError) -> [UInt8] { try whole.read(inner(file)) }
    func size(_ file: String) throws(StorageError) -> Int { try whole.size(inner(file)) }
    func linkCount(_ file: String) throws(StorageError) -> Int { try whole.linkCount(inner(file)) }
    func exists(_ file: String) throws(StorageError) -> Bool { try whole.exists(inner(file)) }
    func remove(_ file: String) throws(StorageError) { try whole.remove(inner(file)) }
    func createFolder(_ folder: String) throws(StorageError) { try whole.createFolder(inner(folder)) }
    func removeFolder(_ folder: String) throws(StorageError) { try whole.removeFolder(inner(folder)) }
    func syncFile(_ file: String) throws(StorageError) { try whole.syncFile(inner(file)) }
    func lock(_ file: String) throws(StorageError) -> any FileLock { try whole.lock(inner(file)) }
    func space() throws(StorageError) -> SpaceReading { try whole.space() }

    func rename(_ file: String, to target: String) throws(StorageError) {
        try whole.rename(inner(file), to: inner(target))
    }

    func link(_ file: String, to target: String) throws(StorageError) {
        try whole.link(inner(file), to: inner(target))
    }

    func forEachPiece(
        _ file: String, pieceByteCount: Int, _ body: (UnsafeRawBufferPointer) throws(StorageError) -> Void
    ) throws(StorageError) {
        try whole.forEachPiece(inner(file), pieceByteCount: pieceByteCount, body)
    }

    func truncate(_ file: String, to byteCount: Int) throws(StorageError) {
        try whole.truncate(inner(file), to: byteCount)
    }

    func syncDirectory(_ subfolder: String?) throws(StorageError) {
        try whole.syncDirectory(inner(folder: subfolder))
    }
}

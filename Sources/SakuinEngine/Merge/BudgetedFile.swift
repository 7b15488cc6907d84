/// Where a merge keeps sections that grow large: written and read within its budget, as the segment itself.
final class BudgetedPlace: SpillPlace {
    private let place: any SpillPlace
    private let control: MergeControl

    init(_ place: any SpillPlace, _ control: MergeControl) {
        self.place = place
        self.control = control
    }

    func create(_ name: String) throws(StorageError) -> any OutputFile {
        BudgetedFile(try place.create(name), control)
    }

    func forEachPiece(
        _ name: String, pieceByteCount: Int, _ body: (UnsafeRawBufferPointer) throws(StorageError) -> Void
    ) throws(StorageError) {
        try place.forEachPiece(name, pieceByteCount: pieceByteCount) { (piece) throws(StorageError) in
            try control.didRead(piece.count)
            try body(piece)
        }
    }

    func remove(_ name: String) throws(StorageError) { try place.remove(name) }
}

/// A file whose writer waits until it may write.
final class BudgetedFile: OutputFile {
    private let file: any OutputFile
    private let control: MergeControl

    init(_ file: any OutputFile, _ control: MergeControl) {
        self.file = file
        self.control = control
    }

    var count: Int { file.count }
    func append(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        try control.willWrite(bytes.count)
        try file.append(bytes)
    }
    func flush() throws(StorageError) { try file.flush() }
    func sync() throws(StorageError) { try file.sync() }
    func preallocate(_ byteCount: Int) { file.preallocate(byteCount) }
    func close() throws(StorageError) { try file.close() }
}

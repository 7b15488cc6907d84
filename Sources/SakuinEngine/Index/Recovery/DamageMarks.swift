// Segments that were found damaged while they were served, remembered over restarts: for each a small file beside it whose
// being there is what counts, with the sentence on the damage in it. `check --repair` reads the segment whole and removes
// the mark, with the segment or, should it read well by then, without.

enum DamageMarks {
    /// The longest sentence that is read back.
    private static let byteCountMax = 4_096

    /// Marks a segment; durable when it returns. What is marked already stays as it is.
    static func add(_ id: UInt64, _ sentence: String, in directory: any Directory) throws(StorageError) {
        let name = FileName.mark(segment: id)
        if try directory.exists(name) { return }
        var bytes = ByteWriter()
        bytes.append(utf8: sentence)
        try directory.replace(name, with: bytes)
        try directory.syncDirectory()
    }

    /// The sentence on a segment that was marked; nil when it was not.
    static func sentence(_ id: UInt64, in directory: any Directory) throws(StorageError) -> String? {
        let name = FileName.mark(segment: id)
        guard try directory.exists(name) else { return nil }
        // A mark that cannot be read is a mark.
        guard let bytes = try? directory.read(name), !bytes.isEmpty else {
            return ErrorMapping.notSearched(FileName.segment(id), because: "It was found damaged before.")
        }
        return String(decoding: bytes.prefix(byteCountMax), as: UTF8.self)
    }

    /// Segments that are marked.
    static func all(in directory: any Directory) throws(StorageError) -> [UInt64] {
        try directory.list().compactMap { name in
            if case .mark(let id)? = FileName(name) { id } else { nil }
        }
    }

    static func remove(_ id: UInt64, in directory: any Directory) throws(StorageError) {
        try directory.remove(FileName.mark(segment: id))
    }
}

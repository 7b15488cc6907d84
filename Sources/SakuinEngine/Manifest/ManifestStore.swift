// Manifests in a folder: written by rename, read as the newest whole one.
//
// 1. Write a temporary file and sync it.
// 2. Rename it to the name of its generation and sync the folder: from here on the new generation is the one.
// 3. Remove older generations.

extension Manifest {
    /// What a folder holds.
    struct Scan: Sendable {
        /// The newest that verifies.
        var newest: Manifest?
        /// Manifests that do not, newest first, with what is wrong.
        var damaged: [(name: String, error: StorageError)] = []
    }

    /// Makes this the newest generation; durable when it returns. Files it names have to be durable before.
    func write(to directory: any Directory) throws(StorageError) {
        let name = FileName.manifest(generation)
        let temporary = FileName.temporary(name)
        var bytes = ByteWriter(capacity: 4096)
        encode(into: &bytes)
        let file = try directory.create(temporary)
        try bytes.withBytes { (bytes) throws(StorageError) in try file.append(bytes) }
        try file.sync()
        try file.close()
        try directory.rename(temporary, to: name)
        try directory.syncDirectory()
        // One that stays does no harm: it is older, and the next change tries again.
        for older in (try? Self.generations(in: directory)) ?? [] where older < generation {
            try? directory.remove(FileName.manifest(older))
        }
    }

    /// Generations with a manifest, newest first.
    private static func generations(in directory: any Directory) throws(StorageError) -> [UInt64] {
        var found: [UInt64] = []
        for name in try directory.list() {
            if case .manifest(let generation)? = FileName(name) { found.append(generation) }
        }
        return found.sorted(by: >)
    }

    /// Reads manifests from the newest back to the first that verifies.
    static func scan(_ directory: any Directory) throws(StorageError) -> Scan {
        var scan = Scan()
        for generation in try generations(in: directory) {
            let name = FileName.manifest(generation)
            do throws(StorageError) {
                let manifest = try directory.open(name).withBytes { (bytes) throws(StorageError) in
                    try Manifest(decoding: bytes, file: name)
                }
                guard manifest.generation == generation else {
                    throw .corrupt(file: name, offset: 12, reason: "generation \(manifest.generation) in the file")
                }
                scan.newest = manifest
                return scan
            } catch {
                // A manifest of a later format is not damage: going back behind it would lose writes.
                if case .unsupportedVersion = error { throw error }
                scan.damaged.append((name, error))
            }
        }
        return scan
    }

    /// The newest manifest that verifies; nil when there is none at all, an error when there are but none verifies.
    static func newest(_ directory: any Directory) throws(StorageError) -> Manifest? {
        let scan = try scan(directory)
        if scan.newest == nil, let first = scan.damaged.first { throw first.error }
        return scan.newest
    }
}

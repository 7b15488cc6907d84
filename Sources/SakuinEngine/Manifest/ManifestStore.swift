// Manifests in a folder: written twice, each by rename, read as the newest whole one. Without one nothing of an index
// could be found, so that a single byte must not take it away.
//
// 1. Write a temporary file and sync it, then the same again.
// 2. Rename them to the names of their generation, the copy first, and sync the folder: from here on the new generation is
//    the one.
// 3. Remove older generations.

extension Manifest {
    /// What a folder holds.
    struct Scan: Sendable {
        /// The newest that verifies.
        var newest: Manifest?
        /// Newer generations of which neither file verifies, newest first: a file with what is wrong.
        var damaged: [(name: String, error: StorageError)] = []
        /// Files of the newest that are damaged or missing while the other one is whole.
        var halved: [(name: String, error: StorageError)] = []
    }

    /// Makes this the newest generation; durable when it returns. Files it names have to be durable before.
    func write(to directory: any Directory) throws(StorageError) {
        var bytes = ByteWriter(capacity: 4096)
        encode(into: &bytes)
        for name in [FileName.manifestCopy(generation), FileName.manifest(generation)] {
            try directory.replace(name, with: bytes)
        }
        try directory.syncDirectory()
        // One that stays does no harm: it is older, and the next change tries again.
        for older in (try? Self.generations(in: directory)) ?? [] where older < generation {
            try? directory.remove(FileName.manifest(older))
            try? directory.remove(FileName.manifestCopy(older))
        }
    }

    /// Generations with a manifest, newest first.
    static func generations(in directory: any Directory) throws(StorageError) -> [UInt64] {
        var found: Set<UInt64> = []
        for name in try directory.list() {
            switch FileName(name) {
            case .manifest(let generation)?, .manifestCopy(let generation)?: found.insert(generation)
            default: break
            }
        }
        return found.sorted(by: >)
    }

    /// Reads manifests from the newest back to the first that verifies.
    static func scan(_ directory: any Directory) throws(StorageError) -> Scan {
        var scan = Scan()
        for generation in try generations(in: directory) {
            var failures: [(name: String, error: StorageError)] = []
            for name in [FileName.manifest(generation), FileName.manifestCopy(generation)] {
                do throws(StorageError) {
                    let manifest = try read(name, of: generation, directory)
                    scan.newest = scan.newest ?? manifest
                } catch {
                    // A manifest of a later format is not damage: going back behind it would lose writes.
                    if case .unsupportedVersion = error { throw error }
                    failures.append((name, error))
                }
            }
            if scan.newest != nil {
                scan.halved = failures
                return scan
            }
            // A call that failed says most: the file may be good. One that is not there says least.
            let told = failures.first { !$0.error.isDamage } ?? failures.first { $0.error.isCorrupt } ?? failures[0]
            scan.damaged.append(told)
        }
        return scan
    }

    private static func read(
        _ name: String, of generation: UInt64, _ directory: any Directory
    ) throws(StorageError) -> Manifest {
        let manifest = try directory.open(name).withBytes { (bytes) throws(StorageError) in
            try Manifest(decoding: bytes, file: name)
        }
        guard manifest.generation == generation else {
            throw .corrupt(file: name, offset: 12, reason: "generation \(manifest.generation) in the file")
        }
        return manifest
    }

    /// The newest manifest that verifies; nil when there is none at all, an error when there are but none verifies.
    static func newest(_ directory: any Directory) throws(StorageError) -> Manifest? {
        let scan = try scan(directory)
        if scan.newest == nil, let first = scan.damaged.first { throw first.error }
        return scan.newest
    }
}

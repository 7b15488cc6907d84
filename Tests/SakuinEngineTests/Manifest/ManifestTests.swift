import Testing

@testable import SakuinEngine

@Suite struct ManifestTests {
    private func manifest(_ generation: UInt64) -> Manifest {
        var manifest = Manifest()
        manifest.generation = generation
        manifest.nextSegmentID = 40
        manifest.committedSequence = generation * 10
        manifest.schema = Array(#"{"fields": []}"#.utf8)
        manifest.fieldNames = ["title", "本文"]
        manifest.segments = [
            .init(id: 3, documentCount: 100, liveGeneration: 0, byteCount: 4096, checksum: 7),
            .init(id: 39, documentCount: 1, liveGeneration: min(generation, 2), byteCount: 1 << 40, checksum: .max),
        ]
        return manifest
    }

    private func encoded(_ manifest: Manifest) -> [UInt8] {
        var out = ByteWriter()
        manifest.encode(into: &out)
        return out.array()
    }

    private func decoded(_ bytes: [UInt8]) throws -> Manifest {
        try MappedFile(copying: bytes).withBytes { (bytes) throws(StorageError) in
            try Manifest(decoding: bytes, file: "m")
        }
    }

    @Test func roundTripAndDamage() throws {
        let manifest = manifest(5)
        let bytes = encoded(manifest)
        #expect(try decoded(bytes) == manifest)
        for length in 0..<bytes.count {
            #expect(throws: StorageError.self) { try decoded(Array(bytes.prefix(length))) }
        }
        for bit in 0..<(bytes.count * 8) {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: StorageError.self) { try decoded(damaged) }
        }
        #expect(throws: StorageError.self) { try decoded(bytes + [0]) }
    }

    /// No index is made any more with a setting that means nothing; those that were are opened.
    @Test func anOldSchemaIsOpened() async throws {
        let directory = MemoryDirectory()
        let made = try SearchIndex.open(
            directory, schema: Schema(fields: [FieldDefinition(name: "part", analyzer: .ngram(2))]),
            options: SearchFixture.options)
        _ = try await made.write(WriteBatch([.put(Document(key: "a", ["part": "x-12"]))]))
        _ = try await made.commit()
        made.abandon()
        var manifest = try #require(try Manifest.scan(directory).newest)
        let old = Schema(fields: [FieldDefinition(name: "part", analyzer: .ngram(2), breaks: .strict)])
        #expect(throws: SakuinError.self) { try old.validateNew() }
        manifest.generation += 1
        manifest.schema = Array(old.json().utf8)
        try manifest.write(to: directory)
        let opened = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        #expect(opened.statisticsNow().schema == old)
        #expect(try opened.searchNow(SearchRequest("part:x-1")).total == Total(1))
        opened.abandon()
    }

    @Test func impossibleSegmentsAreRefused() throws {
        var twice = manifest(5)
        twice.segments.append(twice.segments[0])
        #expect(throws: StorageError.self) { try decoded(encoded(twice)) }
        var future = manifest(5)
        future.segments[0].id = 40
        #expect(throws: StorageError.self) { try decoded(encoded(future)) }
        var random = StorageRandom(1)
        for _ in 0..<2000 {
            // Damage behind a checksum that matches: an error or a manifest, nothing else.
            var bytes = encoded(manifest(5))
            bytes.removeLast(4)
            for _ in 0..<3 { bytes[12 + random.next(below: bytes.count - 12)] = UInt8(random.next(below: 256)) }
            let checksum = bytes.withUnsafeBytes { CRC32C.checksum($0) }
            bytes += (0..<4).map { UInt8(truncatingIfNeeded: checksum >> UInt32(8 * $0)) }
            if let made = try? decoded(bytes) { #expect(try decoded(encoded(made)) == made) }
        }
    }

    @Test func newestWins() throws {
        let directory = MemoryDirectory()
        #expect(try Manifest.newest(directory) == nil)
        try manifest(1).write(to: directory)
        try manifest(2).write(to: directory)
        #expect(try Manifest.newest(directory) == manifest(2))
        #expect(try directory.list() == [FileName.manifestCopy(2), FileName.manifest(2)])
        directory.overwrite(FileName.manifest(3), with: [1, 2, 3])
        let scan = try Manifest.scan(directory)
        #expect(scan.newest == manifest(2))
        #expect(scan.damaged.map(\.name) == [FileName.manifest(3)])
        directory.overwrite(FileName.manifest(2), with: [])
        let halved = try Manifest.scan(directory)
        #expect(halved.newest == manifest(2), "its copy serves")
        #expect(halved.halved.map(\.name) == [FileName.manifest(2)])
        directory.overwrite(FileName.manifestCopy(2), with: [])
        #expect(throws: StorageError.self) { try Manifest.newest(directory) }
        directory.overwrite(FileName.manifest(4), with: encoded(manifest(1)))
        #expect(try Manifest.scan(directory).newest == nil, "a file under another generation's name")
    }

    /// Wherever the machine stops, the folder has the old generation or the new one; once `write` has returned, the new.
    @Test func aCrashAnywhereLeavesAGeneration() throws {
        for operations in 0..<14 {
            for seed in 0..<UInt64(30) {
                let memory = MemoryDirectory()
                try manifest(1).write(to: memory)
                let directory = FaultDirectory(memory, .full(after: operations))
                var isWritten = true
                do throws(StorageError) { try manifest(2).write(to: directory) } catch { isWritten = false }
                for crashed in [memory.copyAfterCrash(), memory.copyAfterCrash(seed: seed)] {
                    let found = try Manifest.newest(crashed)
                    #expect(found == manifest(2) || (found == manifest(1) && !isWritten))
                }
            }
        }
    }
}

// Damaged folders are repaired out of what can be read, and nothing is thrown away.

import Testing

@testable import SakuinEngine

@Suite struct RepairTests {
    private static var options: IndexOptions {
        var options = IndexOptions()
        options.refreshIntervalMilliseconds = 0
        options.commitIntervalMilliseconds = 0
        options.mergesInBackground = false
        return options
    }

    /// Two segments, one with a deleted document, and a batch in the journal.
    private func folder() async throws -> MemoryDirectory {
        let directory = MemoryDirectory()
        let index = try SearchIndex.open(directory, schema: .standard, options: Self.options)
        for name in ["a", "b"] {
            let puts = (0..<40).map { number in
                WriteOperation.put(
                    Document(
                        key: "\(name)\(number)", ["title": .string("全文検索\(number)"), "n": .integer(Int64(number))]))
            }
            _ = try await index.write(WriteBatch(puts))
            _ = try await index.commit()
        }
        _ = try await index.write(WriteBatch([.delete("a7")]))
        _ = try await index.commit()
        _ = try await index.write(WriteBatch([.put(Document(key: "j", ["title": "全文検索"]))]))
        index.abandon()
        return directory
    }

    private func total(_ directory: MemoryDirectory) throws -> (total: Int, complete: Bool) {
        let index = try SearchIndex.open(directory, schema: nil, options: Self.options)
        defer { index.abandon() }
        let response = try index.searchNow(SearchRequest("検索"))
        return (response.total.value, response.complete)
    }

    private func first(_ directory: MemoryDirectory, _ prefix: String) throws -> String {
        try #require(try directory.list().first { $0.hasPrefix(prefix) })
    }

    @Test func aGoodIndexIsLeftAlone() async throws {
        let directory = try await folder()
        #expect(try IndexCheck.run(directory).problems == [])
        let report = try IndexRepair.run(directory, options: Self.options).get()
        #expect(report == IndexRepair.Report())
        #expect(try total(directory) == (80, true))
    }

    /// Wherever a segment is damaged, its living documents that can be read come back, and no deleted one.
    @Test(arguments: 0..<24) func aDamagedSegmentIsSaved(place: Int) async throws {
        let directory = try await folder()
        let name = try first(directory, "segment-")
        var bytes = try directory.read(name)
        bytes[bytes.count * place / 24] ^= 0x10
        directory.overwrite(name, with: bytes)
        let check = try IndexCheck.run(directory)
        #expect(check.problems.count == 1 && check.problems[0].contains("documents can be read"))
        let report = try IndexRepair.run(directory, options: Self.options).get()
        #expect(report.isWhole, "\(report)")
        #expect(report.savedDocuments + report.lostDocuments == 39, "\(report)")
        #expect(try directory.read(FileName.quarantined(name)) == bytes)
        #expect(try IndexCheck.run(directory).problems == [])
        let after = try total(directory)
        #expect(after.complete && after.total == 41 + report.savedDocuments)
        let index = try SearchIndex.open(directory, schema: nil, options: Self.options)
        #expect(try index.getNow(["a7"])[0] == nil, "deleted stays deleted")
        #expect(try index.getNow(["j"])[0] != nil, "the journal was replayed")
        _ = try await index.write(WriteBatch([.put(Document(key: "new", ["title": "検索"]))]))
        try index.close()
    }

    @Test func withoutHardLinksDamagedFilesAreCopied() async throws {
        let memory = try await folder()
        let name = try first(memory, "segment-")
        var bytes = try memory.read(name)
        bytes[bytes.count / 2] ^= 0x10
        memory.overwrite(name, with: bytes)
        let directory = FaultDirectory(memory, .init(first: 0, lasts: true, kinds: [.link], errno: 95))
        #expect(try IndexRepair.run(directory, options: Self.options).get().isWhole)
        #expect(directory.hasFailed)
        #expect(try memory.copyAfterCrash().read(FileName.quarantined(name)) == bytes)
        #expect(try total(memory).complete)
    }

    @Test func documentsThatMayBeDeletedAreExported() async throws {
        let directory = try await folder()
        let live = try first(directory, "live-")
        directory.overwrite(live, with: [1, 2, 3])
        let report = try IndexRepair.run(directory, options: Self.options).get()
        #expect(report.exportedDocuments == 40 && report.savedDocuments == 0 && report.isWhole)
        let lines = try directory.read(FileName.quarantined(try exported(directory)))
        #expect(lines.count { $0 == UInt8(ascii: "\n") } == 40)
        #expect(try total(directory) == (41, true))
    }

    /// The file of JSON lines of the first segment, which is not in the folder any more.
    private func exported(_ directory: MemoryDirectory) throws -> String {
        let name = FileName.segment(1) + ".jsonl"
        return try directory.exists(FileName.quarantined(name)) ? name : FileName.segment(2) + ".jsonl"
    }

    @Test func withoutAManifestDocumentsAreExported() async throws {
        let directory = try await folder()
        for name in try directory.list() where name.hasPrefix("manifest-") { directory.overwrite(name, with: [0]) }
        let files = try directory.list()
        let error = #expect(throws: SakuinError.self) { try total(directory) }
        #expect(error?.code == .dataLoss && error?.nextStep?.contains("--repair") == true)
        let report = try IndexRepair.run(directory, options: Self.options).get()
        #expect(!report.isWhole && report.exportedDocuments == 80)
        #expect(try directory.list() == files)
        // What no commit had yet is in the journal alone.
        let lines = try directory.read(FileName.quarantined("journal.jsonl"))
        #expect(String(decoding: lines, as: UTF8.self) == "{\"id\":\"j\",\"title\":\"全文検索\"}\n")
    }

    /// The names of the schema stood in the manifests alone.
    @Test func withoutManifestsAndSegmentsTheJournalIsExported() async throws {
        let directory = MemoryDirectory()
        let index = try SearchIndex.open(directory, schema: .standard, options: Self.options)
        _ = try await index.write(WriteBatch([.put(Document(key: "j", ["body": "全文検索"]))]))
        index.abandon()
        for name in try directory.list() where name.hasPrefix("manifest-") { try directory.remove(name) }
        let report = try IndexRepair.run(directory, options: Self.options).get()
        #expect(
            report.exportedDocuments == 1 && report.actions.contains { $0.contains("names of 2 fields") }, "\(report)")
        let lines = try directory.read(FileName.quarantined("journal.jsonl"))
        #expect(String(decoding: lines, as: UTF8.self) == "{\"id\":\"j\",\"lost-field-1\":\"全文検索\"}\n")
    }

    /// The files of an index whose manifests are gone are not written over by a new one.
    @Test func withoutItsManifestsAnIndexIsNotMadeAnew() async throws {
        for kept in ["segment-", "live-", "journal-"] {
            let directory = try await folder()
            for name in try directory.list() where !name.hasPrefix(kept) { try directory.remove(name) }
            let files = directory.everyFile
            for schema in [Schema?.none, .standard] {
                let error = #expect(throws: SakuinError.self) {
                    try SearchIndex.open(directory, schema: schema, options: Self.options)
                }
                #expect(error?.code == .dataLoss && error?.message.contains(kept) == true)
                #expect(error?.nextStep?.contains("--repair") == true)
            }
            #expect(directory.everyFile == files)
        }
        let empty = MemoryDirectory()
        try SearchIndex.open(empty, schema: .standard, options: Self.options).close()
        for name in try empty.list() where name.hasPrefix("manifest-") { try empty.remove(name) }
        // Nothing was written.
        try SearchIndex.open(empty, schema: .standard, options: Self.options).close()
    }

    @Test func aDamagedJournalIsReplayedAroundTheDamage() async throws {
        let directory = MemoryDirectory()
        let index = try SearchIndex.open(directory, schema: .standard, options: Self.options)
        for number in 0..<6 {
            _ = try await index.write(
                WriteBatch([.put(Document(key: "k\(number)", ["title": .string("検索\(number)")]))]))
        }
        index.abandon()
        let name = try first(directory, "journal-")
        var bytes = try directory.read(name)
        bytes[bytes.count / 2] ^= 1
        directory.overwrite(name, with: bytes)
        #expect(try total(directory) == (5, false))
        let report = try IndexRepair.run(directory, options: Self.options).get()
        #expect(report.actions.contains { $0.contains("5 batches") })
        #expect(try directory.read(FileName.quarantined(name)) == bytes)
        #expect(try total(directory) == (5, true))
    }

    /// A file of a later format: both versions are named, and nothing is touched.
    @Test func laterFormatsAreRefused() async throws {
        for prefix in ["journal-", "segment-", "manifest-"] {
            let directory = try await folder()
            let name = try first(directory, prefix)
            var bytes = try directory.read(name)
            bytes[8] = 99
            if prefix == "journal-" {
                let checksum = bytes[..<20].withUnsafeBytes { CRC32C.checksum($0) }
                for i in 0..<4 { bytes[20 + i] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * i)) }
            } else if prefix == "manifest-" {
                let checksum = bytes[..<(bytes.count - 4)].withUnsafeBytes { CRC32C.checksum($0) }
                for i in 0..<4 { bytes[bytes.count - 4 + i] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * i)) }
            } else {
                // The trailer says the same, or it would be damage.
                bytes[bytes.count - 12] = 99
            }
            directory.overwrite(name, with: bytes)
            let files = try directory.list()
            for schema in [Schema?.none, .standard] {
                let error = #expect(throws: SakuinError.self) {
                    try SearchIndex.open(directory, schema: schema, options: Self.options)
                }
                #expect(error?.code == .failedPrecondition && error?.value == "99" && error?.limit != nil)
            }
            #expect(try directory.list() == files)
            #expect(try directory.read(name) == bytes)
        }
    }

    /// Names of fields that cannot be read any more are not given to other fields, which would have their values.
    @Test func numbersOfLostNamesStayTaken() async throws {
        let directory = MemoryDirectory()
        let index = try SearchIndex.open(directory, schema: .standard, options: Self.options)
        _ = try await index.write(WriteBatch([.put(Document(key: "k1", ["title": "全文検索"]))]))
        _ = try await index.write(WriteBatch([.put(Document(key: "k2", ["title": "全文検索", "price": 7]))]))
        index.abandon()
        let name = try first(directory, "journal-")
        var bytes = try directory.read(name)
        let at = try #require(bytes.indices.first { bytes[$0...].starts(with: Array("price".utf8)) })
        bytes[at] ^= 1
        directory.overwrite(name, with: bytes)
        #expect(try IndexRepair.run(directory, options: Self.options).get().isWhole)
        #expect(try IndexCheck.run(directory).problems == [])
        let again = try SearchIndex.open(directory, schema: nil, options: Self.options)
        _ = try await again.write(WriteBatch([.put(Document(key: "k3", ["title": "全文検索", "weight": 9]))]))
        _ = try await again.compact(segments: 1)
        if let document = try again.getNow(["k2"])[0] { #expect(document["weight"] == nil) }
        #expect(try again.searchNow(SearchRequest("weight:[7 TO 9]")).hits.map(\.key) == ["k3"])
        try again.close()
        #expect(try IndexCheck.run(directory).problems == [])
    }

    /// What a repair keeps of a journal is all of it, the torn tail too.
    @Test func aKeptJournalIsNotCut() async throws {
        let directory = try await folder()
        let index = try SearchIndex.open(directory, schema: nil, options: Self.options)
        for key in ["x", "y", "z"] {
            _ = try await index.write(WriteBatch([.put(Document(key: key, ["title": "全文検索"]))]))
        }
        index.abandon()
        let name = try #require(try directory.list().last { $0.hasPrefix("journal-") })
        var bytes = try directory.read(name)
        bytes[JournalFormat.headerByteCount + 30] ^= 1
        bytes += [9, 9, 9]
        directory.overwrite(name, with: bytes)
        _ = try IndexRepair.run(directory, options: Self.options).get()
        #expect(try directory.read(FileName.quarantined(name)) == bytes)
        #expect(try total(directory).complete)
    }

    /// Names with numbers that nothing may be added to are nobody's.
    @Test func numbersAtTheEndOfTheirRange() async throws {
        for name in ["segment-ffffffffffffffff.seg", "manifest-ffffffffffffffff.mft", "journal-ffffffffffffffff.log"] {
            let directory = try await folder()
            directory.overwrite(name, with: [])
            #expect(FileName(name) == nil)
            #expect(try total(directory) == (80, true))
            #expect(try IndexRepair.run(directory, options: Self.options).get() == IndexRepair.Report())
            #expect(try directory.exists(name))
        }
        var manifest = Manifest()
        for number in [UInt64.max, FileName.numberMax] {
            manifest.generation = number
            var out = ByteWriter()
            manifest.encode(into: &out)
            #expect(throws: StorageError.self) { try out.withBytes { try Manifest(decoding: $0, file: "m") } }
        }
    }

    @Test func anIndexWithoutItsJournalSaysSo() async throws {
        let directory = MemoryDirectory()
        let index = try SearchIndex.open(directory, schema: .standard, options: Self.options)
        _ = try await index.write(WriteBatch([.put(Document(key: "a", ["title": "全文検索"]))]))
        index.abandon()
        try directory.remove(try first(directory, "journal-"))
        #expect(try total(directory) == (0, false))
    }
}

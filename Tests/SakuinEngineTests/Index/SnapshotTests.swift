// Snapshots for backup: what is in them, what they share, what they survive.

import Foundation
import Testing

@testable import SakuinEngine

@Suite struct SnapshotTests {
    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("sakuin-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    private func catalog(_ path: String) throws -> IndexCatalog {
        try IndexCatalog(path: path, options: SearchFixture.options)
    }

    private func put(_ catalog: IndexCatalog, _ name: String, _ keys: [String]) async throws {
        _ = try await catalog.index(name).write(
            WriteBatch(keys.map { .put(Document(key: $0, ["title": "全文検索"])) }))
    }

    private func keys(_ catalog: IndexCatalog, _ name: String) throws -> [String] {
        try catalog.indexNow(name).searchNow(SearchRequest("検索", limit: 1000)).hits.map(\.key).sorted()
    }

    /// What was acknowledged before the call is in it, what came behind its sequence number is not.
    @Test func madeWhileWriting() async throws {
        try await withFolder { path in
            var options = SearchFixture.options
            options.refreshIntervalMilliseconds = 1
            options.mergesInBackground = true
            let catalog = try IndexCatalog(path: path, options: options)
            try catalog.createNow("i", .standard)
            let index = try catalog.indexNow("i")
            let written = Monitor<[UInt64: [WriteOperation]]>([:])
            func write(_ number: Int) async throws -> UInt64 {
                var operations: [WriteOperation] = [.put(Document(key: "k\(number)", ["title": "全文検索"]))]
                if number % 3 == 2 { operations.append(.delete("k\(number - 2)")) }
                let receipt = try await index.write(WriteBatch(operations, acknowledge: .log))
                written.change { $0[receipt.sequence] = operations }
                return receipt.sequence
            }
            for number in 0..<20 { _ = try await write(number) }
            var made: [SnapshotListing] = []
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for number in 20..<300 { _ = try await write(number) } }
                for number in 0..<4 {
                    let before = written.read { $0.keys.max() ?? 0 }
                    let listing = try await catalog.createSnapshot(of: "i", name: "s\(number)")
                    #expect(listing.sequence >= before)
                    made.append(listing)
                    _ = try await index.compact(segments: 1)
                }
                try await group.waitForAll()
            }
            _ = try await index.compact(segments: 1)
            for listing in made {
                let expected = Self.state(written.read { $0 }, upTo: listing.sequence)
                let restored = try await catalog.restoreSnapshot(listing.name, of: "i", as: "r-" + listing.name)
                #expect(restored.documents == expected.count && listing.documents == expected.count)
                #expect(try Set(keys(catalog, "r-" + listing.name)) == expected)
            }
            try catalog.close()
        }
    }

    private static func state(_ written: [UInt64: [WriteOperation]], upTo sequence: UInt64) -> Set<String> {
        var keys: Set<String> = []
        for (_, operations) in written.filter({ $0.key <= sequence }).sorted(by: { $0.key < $1.key }) {
            for operation in operations {
                if case .put(let document) = operation { keys.insert(document.key) }
                if case .delete(let key) = operation { keys.remove(key) }
            }
        }
        return keys
    }

    @Test func laterMergesTakeNothingAway() async throws {
        try await withFolder { path in
            let catalog = try catalog(path)
            try catalog.createNow("i", .standard)
            for key in ["a", "b", "c"] {
                try await put(catalog, "i", [key])
                _ = try await catalog.index("i").commit()
            }
            let first = try await catalog.createSnapshot(of: "i", name: "one")
            #expect(first.documents == 3 && first.bytes > 2 * first.ownBytes, "\(first)")
            _ = try await catalog.index("i").write(WriteBatch([.delete("b")]))
            let second = try await catalog.createSnapshot(of: "i", name: "two")
            #expect(second.documents == 2 && second.sequence == first.sequence + 1)
            _ = try await catalog.index("i").compact(segments: 1)
            let listed = try catalog.listSnapshotsNow(of: "i")
            #expect(listed.map(\.name) == ["one", "two"] && listed.allSatisfy { $0.problem == nil })
            for (name, count) in [("one", 3), ("two", 2)] {
                let report = try IndexCheck.run(path: "\(path)/snapshots/i/\(name)")
                #expect(report.problems.isEmpty && report.notes.isEmpty && report.segments == count)
                _ = try catalog.restoreSnapshotNow(name, of: "i", as: name)
            }
            #expect(try keys(catalog, "one") == ["a", "b", "c"] && keys(catalog, "two") == ["a", "c"])
            // A restored index shares nothing with the snapshot, and takes writes.
            try await put(catalog, "one", ["d"])
            _ = try await catalog.index("one").compact(segments: 1)
            #expect(try keys(catalog, "one") == ["a", "b", "c", "d"])
            try catalog.deleteSnapshotNow("two", of: "i")
            let left = try catalog.listSnapshotsNow(of: nil)
            #expect(left.map(\.name) == ["one"] && left[0].ownBytes == left[0].bytes)
            try catalog.deleteSnapshotNow("one", of: "i")
            #expect(!FileManager.default.fileExists(atPath: path + "/snapshots/i"))
            try catalog.close()
        }
    }

    /// Between the commit and the links a merge may replace every segment.
    @Test func heldFilesStay() async throws {
        let memory = MemoryDirectory()
        let index = try SearchIndex.open(memory, schema: .standard, options: SearchFixture.options)
        for key in ["a", "b"] {
            _ = try await index.write(WriteBatch([.put(Document(key: key, ["title": "全文検索"]))]))
            _ = try await index.commit()
        }
        _ = try await index.write(WriteBatch([.delete("a")]))
        _ = try await index.commit()
        let manifest = index.store.hold()
        #expect(manifest.segments.count == 1 || manifest.immutableFiles.count == 3)
        _ = try await index.compact(segments: 1)
        for name in manifest.immutableFiles { #expect(try memory.exists(name), "\(name)") }
        index.store.release()
        let now = index.store.hold()
        index.store.release()
        for name in manifest.immutableFiles where !now.immutableFiles.contains(name) {
            #expect(try !memory.exists(name), "\(name)")
        }
        try index.close()
    }

    /// A commit that failed half way may have left a manifest that the next opening takes: what that names stays too.
    @Test func afterAFailedCommitFilesStay() async throws {
        let memory = MemoryDirectory()
        let directory = FaultDirectory(memory)
        let index = try SearchIndex.open(directory, schema: .standard, options: SearchFixture.options)
        _ = try await index.write(WriteBatch(["a", "b"].map { .put(Document(key: $0, ["title": "全文検索"])) }))
        _ = try await index.commit()
        _ = try await index.write(WriteBatch([.delete("a")]))
        _ = index.store.hold()
        // The second file of the manifest; before it the journal's and the first are renamed.
        directory.arm(.init(first: 2, kinds: [.rename], errno: 28))
        await #expect(throws: SakuinError.self) { try await index.commit() }
        directory.mend()
        index.store.release()
        index.abandon()
        #expect(try memory.list().contains { $0.hasSuffix(".copy") } && Manifest.newest(memory)?.generation == 3)
        let again = try SearchIndex.open(memory, schema: nil, options: SearchFixture.options)
        let response = try again.searchNow(SearchRequest("検索"))
        #expect(response.complete && response.hits.map(\.key) == ["b"], "\(response.notes)")
        #expect(again.writeFailure == nil)
        again.abandon()
    }

    @Test func theFolderAloneIsEnough() async throws {
        try await withFolder { path in
            let first = try catalog(path + "/one")
            try first.createNow("i", .standard)
            let batch = WriteBatch([.put(Document(key: "a", ["title": "全文検索"]))], idempotencyKey: "key")
            let receipt = try await first.index("i").write(batch)
            _ = try await first.createSnapshot(of: "i", name: "s")
            try first.close()
            let files = FileManager.default
            try files.createDirectory(atPath: path + "/two/indexes", withIntermediateDirectories: true)
            try files.copyItem(atPath: path + "/one/snapshots/i/s", toPath: path + "/two/indexes/moved")
            try files.removeItem(atPath: path + "/one")
            let second = try catalog(path + "/two")
            #expect(try keys(second, "moved") == ["a"])
            #expect(try second.indexNow("moved").writeFailure == nil)
            // A batch whose acknowledgement was lost is not applied again here either.
            let again = try await second.index("moved").write(batch)
            #expect(again.isRepeat && again.sequence == receipt.sequence)
            try await put(second, "moved", ["b"])
            _ = try await second.index("moved").refresh()
            #expect(try keys(second, "moved") == ["a", "b"])
            try second.close()
        }
    }

    /// Keys of batches that came behind the snapshot are not in it: those batches are not either.
    @Test func laterIdempotencyKeysAreLeftOut() throws {
        var keys = RecentKeys()
        keys.insert(.init(text: "a", checksum: 1), sequence: 3)
        keys.insert(.init(text: "b", checksum: 2), sequence: 4)
        var read = RecentKeys()
        try keys.encode(upTo: 3).withUnsafeBytes { try read.restore($0, file: "test") }
        #expect(read.find("a")?.sequence == 3 && read.find("b") == nil)
        #expect(keys.encode(upTo: 2).isEmpty)
    }

    @Test func snapshotsOutliveTheirIndex() async throws {
        try await withFolder { path in
            let catalog = try catalog(path)
            try catalog.createNow("i", .standard)
            try catalog.aliasNow("x", "i")
            try await put(catalog, "x", ["a"])
            let listing = try await catalog.createSnapshot(of: "x", name: nil)
            #expect(listing.index == "i" && listing.name.utf8.count == 15 && listing.created.utf8.count == 20)
            let second = try await catalog.createSnapshot(of: "x", name: listing.name + "-2")
            #expect(try catalog.listSnapshotsNow(of: "x").map(\.name) == [listing.name, second.name])
            try catalog.dropNow("i")
            try catalog.close()
            let again = try self.catalog(path)
            #expect(try again.listSnapshotsNow(of: "i").count == 2)
            let restored = try again.restoreSnapshotNow(listing.name, of: "i", as: nil)
            #expect(restored.name == "i" && restored.documents == 1)
            try again.close()
            let third = try self.catalog(path)
            #expect(try keys(third, "i") == ["a"])
            try third.close()
        }
    }

    @Test func whatCannotBe() async throws {
        let memory = MemoryDirectory()
        let catalog = try IndexCatalog(memory, options: SearchFixture.options)
        try catalog.createNow("i", .standard)
        try catalog.aliasNow("x", "i")
        try await put(catalog, "i", ["a"])
        _ = try catalog.createSnapshotNow(of: "i", name: "s")
        func code(_ body: () throws -> Void) -> SakuinError.Code? {
            do { try body() } catch { return (error as? SakuinError)?.code }
            return nil
        }
        #expect(code { _ = try catalog.createSnapshotNow(of: "i", name: "s") } == .alreadyExists)
        #expect(code { _ = try catalog.createSnapshotNow(of: "no", name: "s") } == .notFound)
        for name in ["", ".s", "a/b", "../x", "-s"] {
            #expect(code { _ = try catalog.createSnapshotNow(of: "i", name: name) } == .invalidArgument)
            #expect(code { _ = try catalog.restoreSnapshotNow(name, of: "i", as: "n") } == .invalidArgument)
            #expect(code { _ = try catalog.restoreSnapshotNow("s", of: "i", as: name) } == .invalidArgument)
            #expect(code { try catalog.deleteSnapshotNow(name, of: "i") } == .invalidArgument)
            #expect(code { try catalog.deleteSnapshotNow("s", of: name) } == .invalidArgument)
        }
        #expect(code { _ = try catalog.restoreSnapshotNow("s", of: "i", as: nil) } == .alreadyExists)
        #expect(code { _ = try catalog.restoreSnapshotNow("s", of: "i", as: "x") } == .alreadyExists)
        #expect(code { _ = try catalog.restoreSnapshotNow("t", of: "i", as: "n") } == .notFound)
        #expect(code { try catalog.deleteSnapshotNow("t", of: "i") } == .notFound)
        // Nothing of all that was reserved for longer than the call.
        _ = try catalog.restoreSnapshotNow("s", of: "x", as: "n")
        try catalog.deleteSnapshotNow("s", of: "x")
        try catalog.dropNow("i")
        try catalog.close()
        #expect(code { _ = try catalog.listSnapshotsNow(of: nil) } == .unavailable)
    }

    @Test func filesThatCannotBeLinkedAreCopied() async throws {
        for errno in [Int32(1), 18, 31, 95] {
            let memory = MemoryDirectory()
            let root = FaultDirectory(memory, .init(first: 0, lasts: true, kinds: [.link], errno: errno))
            let catalog = try IndexCatalog(root, options: SearchFixture.options)
            try catalog.createNow("i", .standard)
            try await put(catalog, "i", ["a"])
            let listing = try catalog.createSnapshotNow(of: "i", name: "s")
            #expect(listing.ownBytes == listing.bytes && listing.problem == nil)
            let crashed = try IndexCatalog(memory.copyAfterCrash(), options: SearchFixture.options)
            _ = try crashed.restoreSnapshotNow("s", of: "i", as: "r")
            #expect(try keys(crashed, "r") == ["a"])
            try crashed.close()
            try catalog.close()
        }
    }

    /// What indexes that are written need of the disk is not taken from them, neither by a restore nor by copies.
    @Test func copiesLeaveRoomForWrites() async throws {
        let memory = MemoryDirectory()
        let links = FaultDirectory(memory, .init(lasts: true, kinds: [.link], errno: 18))
        var options = SearchFixture.options
        options.diskWriteMarkBytes = 1_000_000
        let catalog = try IndexCatalog(links, options: options)
        try catalog.createNow("i", .standard)
        try await put(catalog, "i", ["a"])
        let bytes = try catalog.createSnapshotNow(of: "i", name: "s").bytes
        func leave(_ free: Int) { memory.setSpace(SpaceReading(free: free, total: 1 << 40)) }
        leave(1_000_000 + bytes - 1)
        let full = #expect(throws: SakuinError.self) { try catalog.restoreSnapshotNow("s", of: "i", as: "r") }
        #expect(full?.code == .resourceExhausted && full?.limit == "\(bytes - 1) bytes")
        leave(1_000_000 + bytes)
        _ = try catalog.restoreSnapshotNow("s", of: "i", as: "r")
        leave(1_000_000)
        // Links take no room.
        _ = try catalog.createSnapshotNow(of: "i", name: "linked")
        links.failFromNow()
        let copied = #expect(throws: SakuinError.self) { try catalog.createSnapshotNow(of: "i", name: "copied") }
        #expect(copied?.code == .resourceExhausted)
        #expect(try catalog.listSnapshotsNow(of: "i").map(\.name) == ["linked", "s"])
        leave(1 << 39)
        _ = try catalog.createSnapshotNow(of: "i", name: "copied")
        try catalog.close()
    }

    @Test func damageIsNotRestored() async throws {
        let memory = MemoryDirectory()
        let catalog = try IndexCatalog(memory, options: SearchFixture.options)
        try catalog.createNow("i", .standard)
        try await put(catalog, "i", ["a", "b"])
        _ = try catalog.createSnapshotNow(of: "i", name: "s")
        let folder = "snapshots/i/s"
        let segment = try #require(try memory.list(folder).first { $0.hasSuffix(".seg") })
        var bytes = try memory.read(folder + "/" + segment)
        bytes[bytes.count / 2] ^= 4
        memory.overwrite(folder + "/" + segment, with: bytes)
        let damaged = #expect(throws: SakuinError.self) {
            try catalog.restoreSnapshotNow("s", of: "i", as: "r")
        }
        #expect(damaged?.code == .dataLoss && damaged?.field == "snapshot")
        #expect(try memory.folders("indexes") == ["i"])
        try memory.remove(folder + "/" + segment)
        #expect(try catalog.listSnapshotsNow(of: "i")[0].problem?.contains(segment) == true)
        try memory.remove(folder + "/snapshot.json")
        #expect(try catalog.listSnapshotsNow(of: "i")[0].problem != nil)
        try catalog.deleteSnapshotNow("s", of: "i")
        try catalog.close()
    }

    @Test func anIndexThatIsNotWholeIsNotBackedUp() async throws {
        let memory = MemoryDirectory()
        let first = try IndexCatalog(memory, options: SearchFixture.options)
        try first.createNow("i", .standard)
        try await put(first, "i", ["a"])
        try first.close()
        let segment = try #require(try memory.list("indexes/i").first { $0.hasSuffix(".seg") })
        try memory.remove("indexes/i/" + segment)
        let second = try IndexCatalog(memory, options: SearchFixture.options)
        let error = #expect(throws: SakuinError.self) { try second.createSnapshotNow(of: "i", name: "s") }
        #expect(error?.code == .failedPrecondition && error?.message.contains(segment) == true)
        #expect(error?.nextStep != nil)
        #expect(try second.listSnapshotsNow(of: nil).isEmpty)
        try second.close()
    }

    @Test func whatAnEndedProcessLeftIsRemoved() async throws {
        let memory = MemoryDirectory(files: [
            "snapshots/i/.making-s/segment-0000000000000001.seg": [1], "snapshots/i/.removed-t/x": [2],
            "indexes/.restoring-r/segment-0000000000000001.seg": [3],
        ])
        let catalog = try IndexCatalog(memory, options: SearchFixture.options)
        #expect(try catalog.listSnapshotsNow(of: nil).isEmpty && catalog.listNow().isEmpty)
        #expect(try memory.folders("snapshots") == [] && memory.folders("indexes") == [])
        try catalog.close()
    }

    @Test func namesAreUTCTimes() {
        let time = UTCTime(secondsSince1970: 1_795_534_200)
        #expect(time.text == "2026-11-24T15:30:00Z" && time.fileName == "20261124-153000")
    }
}

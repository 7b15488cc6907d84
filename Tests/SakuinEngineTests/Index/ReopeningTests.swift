// Indexes that a failure of the disk has stopped are opened again, by hand or when there is room; names are free when what
// had them is gone.

import SakuinTestSupport
import Synchronization
import Testing

@testable import SakuinEngine

@Suite struct ReopeningTests {
    private func put(_ key: String) -> WriteBatch { WriteBatch([.put(Document(key: key, ["title": "全文検索"]))]) }

    private func keys(_ catalog: IndexCatalog, _ name: String = "i") throws -> [String] {
        try catalog.indexNow(name).searchNow(SearchRequest("検索", limit: 100)).hits.map(\.key).sorted()
    }

    @Test func afterAFailedSync() async throws {
        let directory = FaultDirectory(MemoryDirectory())
        let catalog = try IndexCatalog(directory, options: SearchFixture.options)
        try catalog.createNow("i", .standard)
        _ = try await catalog.indexNow("i").write(put("a"))
        directory.arm(.init(first: 0, kinds: [.sync], errno: 5))
        let failure = await #expect(throws: SakuinError.self) { try await catalog.indexNow("i").write(put("b")) }
        #expect(failure?.code == .failedPrecondition && failure?.retryAfterMilliseconds == nil)
        #expect(failure?.nextStep?.contains("index reopen") == true)
        #expect(try catalog.indexNow("i").statisticsNow().slowness == failure?.message)
        await #expect(throws: SakuinError.self) { try await catalog.indexNow("i").write(WriteBatch([])) }
        catalog.reopenWhereThereIsRoom()
        #expect(try catalog.indexNow("i").writeFailure != nil, "only a full disk passes by itself")
        let listing = try catalog.reopenNow("i")
        #expect(listing.problems == [] && (1...2).contains(listing.documents))
        _ = try await catalog.indexNow("i").write(put("c"))
        _ = try await catalog.indexNow("i").refresh()
        #expect(try keys(catalog).filter { $0 != "b" } == ["a", "c"], "what was not acknowledged may be there")
        #expect(throws: SakuinError.self) { try catalog.reopenNow("other") }
        try catalog.close()
    }

    /// Whichever operation finds the disk full, writes go on by themselves when it is not any more.
    @Test func afterAFullDisk() async throws {
        for first in 0..<12 {
            let memory = MemoryDirectory()
            let directory = FaultDirectory(memory)
            let catalog = try IndexCatalog(directory, options: SearchFixture.options)
            try catalog.createNow("i", .standard)
            _ = try await catalog.indexNow("i").write(put("a"))
            directory.arm(.full(after: first))
            var acknowledged = ["a"]
            for key in ["b", "c"] {
                if (try? await catalog.indexNow("i").write(put(key))) != nil { acknowledged.append(key) }
                _ = try? await catalog.indexNow("i").commit()
            }
            let failure = try catalog.indexNow("i").writeFailure
            #expect(failure?.code == .resourceExhausted && failure?.retryAfterMilliseconds == 1_000, "\(first)")
            try await expectGap(of: acknowledged, in: catalog)
            // Still full: it is not opened again, which would leave out what is in the journal.
            memory.setSpace(SpaceReading(free: 0, total: 1 << 41))
            catalog.reopenWhereThereIsRoom()
            #expect(try catalog.indexNow("i").writeFailure == failure, "\(first)")
            directory.mend()
            memory.setSpace(SpaceReading(free: 1 << 40, total: 1 << 41))
            catalog.reopenWhereThereIsRoom()
            #expect(try catalog.indexNow("i").writeFailure == nil, "\(first)")
            _ = try await catalog.indexNow("i").write(put("d"))
            _ = try await catalog.indexNow("i").refresh()
            #expect(try Set(keys(catalog)).isSuperset(of: acknowledged + ["d"]), "\(first)")
            #expect(try catalog.indexNow("i").searchNow(SearchRequest("検索")).complete)
            try catalog.close()
        }
    }

    /// While the journal is replayed, which may take seconds, what could be seen before is still found.
    @Test func readsGoOnWhileItIsOpenedAgain() async throws {
        let directory = FaultDirectory(MemoryDirectory())
        let opened = Mutex<IndexCatalog?>(nil)
        let replays = Mutex(0)
        var options = SearchFixture.options
        options.refreshIntervalMilliseconds = 0
        options.log = .init { [self] _, message in
            guard message.hasPrefix("Replaying"), let catalog = opened.withLock({ $0 }) else { return }
            replays.withLock { $0 += 1 }
            do { try expectReadsOnly(catalog) } catch { Issue.record(error) }
        }
        let catalog = try IndexCatalog(directory, options: options)
        try catalog.createNow("i", .standard)
        let before = try catalog.indexNow("i")
        _ = try await before.write(put("a"))
        _ = try await before.refresh()
        _ = try await before.write(put("b"))
        let point = try before.openPointInTimeNow(leaseMilliseconds: 60_000)
        directory.arm(.init(first: 0, lasts: true, kinds: [.write, .sync], errno: 28))
        await #expect(throws: SakuinError.self) { try await before.write(put("c")) }
        directory.mend()
        opened.withLock { $0 = catalog }
        catalog.reopenWhereThereIsRoom()
        opened.withLock { $0 = nil }
        #expect(replays.withLock { $0 } > 0)
        #expect(try Set(keys(catalog)).isSuperset(of: ["a", "b"]))
        let late = #expect(throws: SakuinError.self) { try before.searchNow(SearchRequest("検索")) }
        #expect(late?.code == .unavailable, "who kept it does not go on seeing what it saw last")
        #expect(throws: SakuinError.self) { try catalog.indexNow("i").closePointInTimeNow(point.token) }
        try catalog.close()
    }

    private func expectReadsOnly(_ catalog: IndexCatalog) throws {
        let index = try catalog.indexNow("i")
        let response = try index.searchNow(SearchRequest("検索", limit: 100))
        #expect(response.hits.map(\.key) == ["a"] && !response.complete)
        #expect(response.notes.contains { $0.contains("cannot be searched") })
        #expect(try index.fetchNow(["a"]).documents[0] != nil)
        #expect(catalog.listNow().first?.documents == 1)
        #expect(throws: SakuinError.self) { try index.writer.cutNow(commits: true) }
        #expect(throws: SakuinError.self) { try catalog.dropNow("i") }
        #expect(throws: SakuinError.self) { try catalog.createSnapshotNow(of: "i", name: "s") }
    }

    /// A stopped index says in every reply whether acknowledged writes are missing, and only then.
    private func expectGap(of acknowledged: [String], in catalog: IndexCatalog) async throws {
        let index = try catalog.indexNow("i")
        let response = try index.searchNow(SearchRequest("検索", limit: 100))
        let isWhole = Set(response.hits.map(\.key)).isSuperset(of: acknowledged)
        #expect(response.complete == isWhole)
        #expect(response.notes.contains { $0.contains("cannot be searched") } == !isWhole, "\(response.notes)")
        let count = try index.searchNow(SearchRequest(.tree(.text("検索", fields: [])), limit: 0))
        #expect(count.complete == isWhole)
        #expect(try index.fetchNow(acknowledged).missing.isEmpty == isWhole)
        #expect(index.statisticsNow().complete == isWhole)
        #expect(catalog.listNow().first?.problems.isEmpty == isWhole)
        #expect(try await index.export(pointInTime: nil).missing.isEmpty == isWhole)
    }

    /// The journal is full while batches wait for their refresh: nothing refreshes them any more, and replies say so.
    @Test func whatWaitedForARefreshIsMissed() async throws {
        let directory = FaultDirectory(MemoryDirectory())
        var options = SearchFixture.options
        options.refreshIntervalMilliseconds = 0
        let catalog = try IndexCatalog(directory, options: options)
        try catalog.createNow("i", .standard)
        _ = try await catalog.indexNow("i").write(put("a"))
        #expect(try catalog.indexNow("i").searchNow(SearchRequest("検索")).complete, "it is only not visible yet")
        directory.arm(.init(first: 0, lasts: true, kinds: [.write, .sync], errno: 28))
        await #expect(throws: SakuinError.self) { try await catalog.indexNow("i").write(put("b")) }
        try await expectGap(of: ["a"], in: catalog)
        #expect(try keys(catalog) == [])
        directory.mend()
        catalog.reopenWhereThereIsRoom()
        try await expectGap(of: ["a"], in: catalog)
        #expect(try keys(catalog).contains("a"))
        try catalog.close()
    }

    /// Without a mark too an index is not opened again before what it replays has room: it would serve less than before.
    @Test func reopeningNeedsRoomForTheJournal() throws {
        let directory = MemoryDirectory()
        let unwatched = DiskSpace(directory, mergeMark: 0, writeMark: 0)
        let watched = DiskSpace(directory, mergeMark: 0, writeMark: 8 << 20)
        directory.setSpace(SpaceReading(free: 5 << 20, total: 1 << 40))
        #expect(unwatched.hasRoom(toReplay: 2 << 20) && !unwatched.hasRoom(toReplay: 3 << 20))
        #expect(!watched.hasRoom(toReplay: 0))
        directory.setSpace(SpaceReading(free: 8 << 20, total: 1 << 40))
        #expect(watched.hasRoom(toReplay: 0) && !watched.hasRoom(toReplay: 4 << 20))
    }

    /// All that was acknowledged can be searched, so nothing is missing, though nothing can be written.
    @Test func aFullDiskAtTheStartLeavesNothingOut() async throws {
        let memory = MemoryDirectory()
        let index = try SearchIndex.open(memory, schema: .standard, options: SearchFixture.options)
        _ = try await index.write(put("a"))
        index.abandon()
        var served = 0
        for first in 0..<64 {
            let copy = memory.copyAfterKill()
            let directory = FaultDirectory(copy, .full(after: first))
            guard let full = try? SearchIndex.open(directory, schema: nil, options: SearchFixture.options) else {
                continue
            }
            let response = try full.searchNow(SearchRequest("検索"))
            #expect(response.complete == (response.total == Total(1)), "\(first): \(response.notes)")
            if full.writeFailure != nil, response.complete { served += 1 }
            if !response.complete {
                // It is no damage: a check finds none, and nobody need repair anything.
                #expect(response.notes.contains { $0.contains("cannot be searched") }, "\(first): \(response.notes)")
                #expect(full.store.snapshot.damage.isEmpty, "\(first)")
            }
            full.abandon()
        }
        #expect(served > 0)
    }

    @Test func anIndexThatCouldNotBeOpened() async throws {
        let memory = MemoryDirectory()
        let first = try IndexCatalog(memory, options: SearchFixture.options)
        try first.createNow("i", .standard)
        try first.createNow("j", .standard)
        _ = try await first.indexNow("i").write(put("a"))
        try first.close()
        var kept: [(String, [UInt8])] = []
        for index in ["i", "j"] {
            for file in try memory.list("indexes/" + index) where file.hasPrefix("manifest-") {
                let name = "indexes/\(index)/\(file)"
                kept.append((name, try memory.read(name)))
                memory.overwrite(name, with: [0])
            }
        }
        let catalog = try IndexCatalog(memory, options: SearchFixture.options)
        #expect(catalog.listNow().map(\.name) == ["i", "j"])
        #expect(catalog.listNow().allSatisfy { $0.problems.count == 1 })
        #expect(throws: SakuinError.self) { try catalog.reopenNow("i") }
        try catalog.createNow("other", .standard)
        let taken = #expect(throws: SakuinError.self) { try catalog.aliasNow("i", "other") }
        #expect(taken?.code == .alreadyExists)
        try catalog.dropNow("other")
        for (name, bytes) in kept where name.hasPrefix("indexes/i/") { memory.overwrite(name, with: bytes) }
        #expect(try catalog.reopenNow("i").problems == [])
        #expect(try keys(catalog) == ["a"])
        try catalog.dropNow("j")
        #expect(catalog.listNow().map(\.name) == ["i"])
        try catalog.createNow("j", .standard)
        try catalog.close()
    }

    /// An index that is dropped while it is written, and made again at the same moment, has nothing of the old one.
    @Test func aDropBesideACreate() async throws {
        for round in 0..<20 {
            let memory = MemoryDirectory()
            var options = SearchFixture.options
            options.refreshIntervalMilliseconds = 1
            let catalog = try IndexCatalog(memory, options: options)
            try catalog.createNow("i", .standard)
            let old = try catalog.indexNow("i")
            let done = Mutex(false)
            let load = Task {
                var number = 0
                while !done.withLock({ $0 }) {
                    _ = try? await old.write(WriteBatch([.put(Document(key: "old\(number)", ["title": "全文検索"]))]))
                    if number % 3 == 0 { _ = try? await old.commit() }
                    number += 1
                    // What is dropped refuses at once, and others want the thread.
                    await Task.yield()
                }
            }
            for _ in 0..<round { await Task.yield() }
            let drop = Task { try catalog.dropNow("i") }
            while (try? catalog.createNow("i", .standard)) == nil { await Task.yield() }
            _ = try await catalog.indexNow("i").write(put("new"))
            try await drop.value
            done.withLock { $0 = true }
            await load.value
            try catalog.close()
            let again = try IndexCatalog(memory, options: options)
            let response = try again.indexNow("i").searchNow(SearchRequest("検索", limit: 100))
            #expect(response.complete && response.hits.map(\.key) == ["new"], "round \(round): \(response.notes)")
            try again.close()
        }
    }

    @Test func damagedAliasesKeepNothingFromBeingServed() async throws {
        let memory = MemoryDirectory()
        let first = try IndexCatalog(memory, options: SearchFixture.options)
        try first.createNow("i", .standard)
        try first.aliasNow("now", "i")
        try first.close()
        let good = try memory.read(AliasFile.name)
        for place in good.indices {
            var bytes = good
            bytes[place] ^= 1
            let copy = MemoryDirectory(files: memory.everyFile)
            copy.overwrite(AliasFile.name, with: bytes)
            let catalog = try IndexCatalog(copy, options: SearchFixture.options)
            #expect(catalog.listNow().map(\.name) == ["i"])
            let aliases = catalog.listNow()[0].aliases
            #expect(aliases == [] || aliases == ["now"], "byte \(place) leads elsewhere: \(aliases)")
            if aliases == [] { #expect(try copy.read("quarantine/" + AliasFile.name) == bytes, "byte \(place)") }
            try catalog.aliasNow("other", "i")
            try catalog.close()
        }
        memory.overwrite(AliasFile.name, with: Array(#"{"now": "i"}"#.utf8))
        let old = try IndexCatalog(memory, options: SearchFixture.options)
        #expect(old.listNow()[0].aliases == ["now"], "as the first versions wrote them")
        try old.close()
    }
}

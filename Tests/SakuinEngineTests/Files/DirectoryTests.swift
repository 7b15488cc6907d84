import Synchronization
import Testing

@testable import SakuinEngine

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite struct DirectoryTests {
    /// A folder that is removed at the end.
    private func withFolder(_ body: (DiskDirectory) throws -> Void) throws {
        let name = "sakuin-test-\(getpid())-\(UInt64.random(in: .min ... .max))"
        let directory = try DiskDirectory("/tmp/" + name, create: true)
        defer { try? DiskDirectory("/tmp").removeTree(name) }
        try body(directory)
    }

    private func write(_ directory: any Directory, _ name: String, _ bytes: [UInt8], sync: Bool = true) throws {
        let file = try directory.create(name)
        try file.append(bytes)
        if sync { try file.sync() }
        try file.close()
    }

    private func exercise(_ directory: any Directory) throws {
        #expect(try directory.list() == [])
        try write(directory, "b", [1, 2, 3])
        try write(directory, "a", [])
        #expect(try directory.list() == ["a", "b"])
        #expect(try directory.size("b") == 3)
        #expect(try !directory.exists("c"))
        #expect(try directory.read("b") == [1, 2, 3])
        #expect(try directory.open("a").withBytes { $0.isEmpty })
        let before = try directory.open("b")
        try write(directory, "b", [4])
        #expect(before.withBytes { $0.elementsEqual([1, 2, 3]) }, "who has a file mapped keeps what it had")
        #expect(try directory.open("b").withBytes { $0.elementsEqual([4]) })
        try directory.rename("b", to: "a")
        #expect(try directory.list() == ["a"])
        #expect(try directory.read("a") == [4])
        try directory.link("a", to: "d")
        #expect(throws: StorageError.self) { try directory.link("a", to: "d") }
        try directory.remove("a")
        try directory.remove("a")
        #expect(try directory.read("d") == [4])
        try directory.createFolder(FileName.quarantineFolder)
        try directory.createFolder(FileName.quarantineFolder)
        try directory.rename("d", to: FileName.quarantined("d"))
        #expect(try directory.list() == [])
        #expect(try directory.read("quarantine/d") == [4])
        try directory.syncDirectory()
        try directory.syncDirectory(FileName.quarantineFolder)
        try write(directory, "long", Array(repeating: 7, count: 3 << 20))
        var pieces: [UInt8] = []
        try directory.forEachPiece("long", pieceByteCount: 1_000_003) { (piece) throws(StorageError) in
            #expect((1...1_000_003).contains(piece.count))
            pieces += piece
        }
        #expect(pieces == Array(repeating: 7, count: 3 << 20))
        #expect(throws: StorageError.self) { try directory.forEachPiece("missing", pieceByteCount: 9) { _ in } }
        try directory.truncate("long", to: 5)
        #expect(try directory.size("long") == 5)
        try directory.syncFile("long")
        let space = try directory.space()
        #expect(space.free > 0 && space.total >= space.free)
        #expect(throws: StorageError.self) { try directory.open("missing") }
        #expect(throws: StorageError.self) { try directory.read("missing") }
        #expect(throws: StorageError.self) { try directory.rename("missing", to: "x") }
    }

    private func exerciseFolders(_ directory: any Directory) throws {
        try directory.createFolder("a/b")
        #expect(try directory.folders(nil) == ["a"] && directory.folders("a") == ["b"] && directory.list("a/b") == [])
        try write(directory, "a/x", [1])
        try write(directory, "a/b/y", [2])
        try directory.link("a/b/y", to: "a/z")
        #expect(try directory.linkCount("a/z") == 2 && directory.linkCount("a/x") == 1)
        #expect(try directory.list() == [] && directory.list("a") == ["x", "z"])
        try directory.createFolder("full")
        try write(directory, "full/q", [3])
        #expect(throws: StorageError.self) { try directory.rename("a", to: "full") }
        #expect(throws: StorageError.self) { try directory.removeFolder("a") }
        try directory.rename("a", to: "c")
        #expect(try directory.folders(nil) == ["c", "full"] && !directory.exists("a") && directory.exists("c/b"))
        let view: any Directory = SubDirectory(directory, "c")
        #expect(try view.list() == ["x", "z"] && view.list("b") == ["y"] && view.read("b/y") == [2])
        try view.rename("x", to: "b/x")
        try view.syncDirectory("b")
        try view.syncDirectory()
        try directory.remove("c/z")
        #expect(try directory.linkCount("c/b/y") == 1)
        let lock = try view.lock("LOCK")
        #expect(throws: StorageError.self) { try directory.lock("c/LOCK") }
        try directory.lock("LOCK").release()
        lock.release()
        try directory.removeTree("c")
        try directory.removeTree("c")
        #expect(try directory.folders(nil) == ["full"])
        #expect(throws: StorageError.self) { try directory.list("c") }
    }

    /// What is read once, piece by piece, stays in memory nowhere, also of an index in a folder of a catalog.
    @Test func piecesAreNotMapped() throws {
        try withFolder { folder in
            let mapped = Mutex(0)
            let disk = try DiskDirectory(
                folder.path,
                SystemCall { operation, _, _ in
                    if operation == "mmap" { mapped.withLock { $0 += 1 } }
                    return nil
                })
            try disk.createFolder("i")
            for directory in [disk, SubDirectory(disk, "i")] as [any Directory] {
                try write(directory, "x", [1, 2, 3, 4, 5])
                var pieces: [[UInt8]] = []
                try directory.forEachPiece("x", pieceByteCount: 2) { (piece) throws(StorageError) in
                    pieces.append(Array(piece))
                }
                #expect(pieces == [[1, 2], [3, 4], [5]])
            }
            #expect(mapped.withLock { $0 } == 0)
            _ = try disk.open("i/x")
            #expect(mapped.withLock { $0 } == 1)
        }
    }

    @Test func disk() throws {
        try withFolder(exercise)
        try withFolder(exerciseFolders)
    }
    @Test func memory() throws {
        try exercise(MemoryDirectory())
        try exerciseFolders(MemoryDirectory())
    }

    /// Syncing a folder makes its own names durable, not those of other folders.
    @Test func namesAreDurableByFolder() throws {
        let directory = MemoryDirectory()
        try directory.createFolder("a")
        try write(directory, "a/x", [1])
        try write(directory, "y", [2])
        try directory.syncDirectory()
        #expect(try directory.copyAfterCrash().list() == ["y"])
        #expect(try !directory.copyAfterCrash().exists("a"))
        try directory.rename("a", to: "b")
        try directory.syncDirectory()
        #expect(try !directory.copyAfterCrash().exists("b/x"))
        try directory.syncDirectory("b")
        #expect(try directory.copyAfterCrash().list("b") == ["x"])
    }

    @Test func errorsNameOperationPathAndNumber() throws {
        try withFolder { directory in
            #expect(throws: StorageError.io(operation: "open", path: directory.path + "/x", errno: ENOENT)) {
                try directory.open("x")
            }
            #expect(throws: StorageError.io(operation: "stat", path: directory.path + "/no", errno: ENOENT)) {
                try DiskDirectory(directory.path + "/no")
            }
        }
    }

    @Test func preallocatedRoomIsCutAtTheEnd() throws {
        try withFolder { directory in
            let file = try directory.create("x")
            try file.append([1, 2])
            file.preallocate(1 << 20)
            try file.append([3])
            try file.sync()
            let during = try directory.open("x")
            #expect(during.withBytes { $0.prefix(3).elementsEqual([1, 2, 3]) })
            #expect(during.withBytes { $0.dropFirst(3).allSatisfy { $0 == 0 } })
            #expect(file.count == 3)
            try file.close()
            try file.close()
            #expect(try directory.size("x") == 3)
            #expect(throws: StorageError.self) { try file.append([4]) }
        }
    }

    @Test func oneOwner() throws {
        try withFolder { directory in
            let lock = try directory.lock(FileName.lockName)
            let second = try DiskDirectory(directory.path)
            let path = directory.path + "/" + FileName.lockName
            #expect(throws: StorageError.locked(path: path, owner: "process \(getpid())")) {
                try second.lock(FileName.lockName)
            }
            lock.release()
            lock.release()
            try second.lock(FileName.lockName).release()
        }
        let memory = MemoryDirectory()
        let lock = try memory.lock("LOCK")
        #expect(throws: StorageError.self) { try memory.lock("LOCK") }
        lock.release()
        try memory.lock("LOCK").release()
    }

    /// Where nothing can be written there is a lock that others hold, a file that can be locked, or none.
    @Test(arguments: [EROFS, EACCES]) func readingLocksWhereNothingCanBeWritten(_ code: Int32) throws {
        try withFolder { directory in
            let path = directory.path + "/" + FileName.lockName
            /// Every other `open` is the one that would write.
            func readOnly() throws -> DiskDirectory {
                let count = Mutex(0)
                return try DiskDirectory(
                    directory.path,
                    SystemCall { operation, _, _ in
                        guard operation == "open" else { return nil }
                        return count.withLock { count in
                            count += 1
                            return count % 2 == 1 ? .failing(code) : nil
                        }
                    })
            }
            #expect(try readOnly().lockToRead(FileName.lockName) == nil)
            let lock = try directory.lock(FileName.lockName)
            #expect(throws: StorageError.locked(path: path, owner: "process \(getpid())")) {
                _ = try readOnly().lockToRead(FileName.lockName)
            }
            lock.release()
            let bytes = try directory.read(FileName.lockName)
            let reading = try #require(try readOnly().lockToRead(FileName.lockName))
            #expect(throws: StorageError.self) { try directory.lock(FileName.lockName) }
            reading.release()
            #expect(try directory.read(FileName.lockName) == bytes)
            #expect(throws: StorageError.self) { try readOnly().lock(FileName.lockName) }
        }
    }

    @Test func foldersAboveAreMade() throws {
        try withFolder { directory in
            let inner = directory.path + "/one/two"
            _ = try DiskDirectory(inner, create: true)
            #expect(try directory.folders(nil) == ["one"])
            #expect(try directory.folders("one") == ["two"])
        }
    }

    @Test func crashLosesWhatWasNotSynced() throws {
        let directory = MemoryDirectory()
        let kept = try directory.create("kept")
        try kept.append([1, 2])
        try kept.sync()
        try directory.syncDirectory()
        try kept.append([3, 4])
        try write(directory, "unnamed", [5])
        let dead = directory.copyAfterCrash()
        #expect(try dead.list() == ["kept"])
        #expect(try dead.read("kept") == [1, 2])
        #expect(try directory.copyAfterKill().read("kept") == [1, 2, 3, 4])
        #expect(try directory.copyAfterKill().list() == ["kept", "unnamed"])
        try directory.rename("kept", to: "moved")
        for seed in 0..<UInt64(50) {
            let torn = directory.copyAfterCrash(seed: seed)
            let names = try torn.list()
            #expect(names.contains("kept") != names.contains("moved"))
            let bytes = try torn.read(names.contains("kept") ? "kept" : "moved")
            #expect([1, 2, 3, 4].starts(with: bytes) && bytes.count >= 2)
        }
    }

    @Test func namesParseBack() {
        #expect(FileName(FileName.segment(0x1F)) == .segment(id: 0x1F))
        #expect(FileName.segment(0x1F) == "segment-000000000000001f.seg")
        let last = FileName.numberMax - 1
        #expect(FileName(FileName.live(segment: 2, generation: last)) == .live(of: 2, generation: last))
        #expect(FileName(FileName.journal(1)) == .journal(firstSequence: 1))
        #expect(FileName(FileName.manifest(9)) == .manifest(generation: 9))
        #expect(FileName(FileName.temporary("x")) == .temporary)
        for name in [
            "", "LOCK", "segment-1f.seg", "segment-000000000000001F.seg", "segment-000000000000001f.del",
            "segment-000000000000001f.seg ", "live-0000000000000001.del", "live-0000000000000001_0000000000000001.del",
            "segment-+00000000000001f.seg", "索引.seg",
        ] { #expect(FileName(name) == nil, "\(name)") }
    }
}

// A data folder: indexes by name and alias, over restarts, with an owner and with a broken one among them.

import Foundation
import Testing

@testable import SakuinEngine

@Suite struct IndexCatalogTests {
    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("sakuin-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    private func catalog(_ path: String) throws -> IndexCatalog {
        try IndexCatalog(path: path, options: SearchFixture.options)
    }

    private func write(_ catalog: IndexCatalog, _ name: String, _ key: String) async throws {
        _ = try await catalog.index(name).write(WriteBatch([.put(Document(key: key, ["title": "国际"]))]))
    }

    @Test func createListDrop() async throws {
        try await withFolder { path in
            let catalog = try catalog(path)
            #expect(catalog.listNow().isEmpty)
            try await catalog.create(index: "b", schema: .standard)
            try await catalog.create(index: "索引", schema: .standard)
            #expect(try await catalog.list().map(\.name) == ["b", "索引"])
            let twice = try #require(throws: SakuinError.self) { try catalog.createNow("b", .standard) }
            #expect(twice.code == .alreadyExists)
            try await write(catalog, "b", "1")
            try await catalog.drop(index: "b")
            #expect(catalog.listNow().map(\.name) == ["索引"])
            let gone = try #require(throws: SakuinError.self) { try catalog.indexNow("b") }
            #expect(gone.code == .notFound)
            // The name is free, and nothing of the old index is in the new one.
            try await catalog.create(index: "b", schema: .standard)
            #expect(try catalog.indexNow("b").searchNow(SearchRequest("国际")).total == Total(0))
            try catalog.close()
            let folders = try FileManager.default.contentsOfDirectory(atPath: path + "/indexes").sorted()
            #expect(folders == ["b", "索引"])
        }
    }

    @Test func everythingIsThereAfterARestart() async throws {
        try await withFolder { path in
            let first = try catalog(path)
            try first.createNow("news", .standard)
            try await first.alias("current", to: "news")
            try await write(first, "current", "1")
            try first.close()
            let closed = try #require(throws: SakuinError.self) { try first.indexNow("news") }
            #expect(closed.code == .unavailable)
            let second = try catalog(path)
            #expect(second.listNow().map(\.aliases) == [["current"]])
            #expect(try second.indexNow("current").searchNow(SearchRequest("国际")).total == Total(1))
            try second.close()
        }
    }

    @Test func aliases() async throws {
        try await withFolder { path in
            let catalog = try catalog(path)
            try catalog.createNow("a", .standard)
            try catalog.createNow("b", .standard)
            try catalog.aliasNow("x", "a")
            try await write(catalog, "x", "1")
            try catalog.aliasNow("x", "b")
            #expect(catalog.listNow().map(\.aliases) == [[], ["x"]])
            #expect(try catalog.indexNow("x") === catalog.indexNow("b"))
            #expect(throws: SakuinError.self) { try catalog.aliasNow("y", "none") }
            #expect(throws: SakuinError.self) { try catalog.aliasNow("a", "b") }
            #expect(throws: SakuinError.self) { try catalog.createNow("x", .standard) }
            let error = try #require(throws: SakuinError.self) { try catalog.aliasNow("y", "x") }
            #expect(error.code == .failedPrecondition && error.field == "target" && error.nextStep == "Give 'b'.")
            try catalog.dropNow("b")
            #expect(throws: SakuinError.self) { try catalog.indexNow("x") }
            try catalog.createNow("x", .standard)
            try catalog.close()
        }
    }

    @Test func anAliasIsDroppedAlone() async throws {
        try await withFolder { path in
            let first = try catalog(path)
            try first.createNow("a", .standard)
            try first.aliasNow("x", "a")
            try first.aliasNow("y", "a")
            try first.dropNow("x")
            #expect(first.listNow().map(\.aliases) == [["y"]])
            #expect(try #require(throws: SakuinError.self) { try first.dropNow("x") }.code == .notFound)
            try first.close()
            let second = try catalog(path)
            #expect(second.listNow().map(\.name) == ["a"] && second.listNow().map(\.aliases) == [["y"]])
            // The name is free.
            try second.createNow("x", .standard)
            try second.close()
        }
    }

    @Test(arguments: [
        "", ".", "..", ".x", "-x", "a/b", "a\\b", "a b", "a\n", "a:b", "a\u{0}b", String(repeating: "n", count: 129),
    ])
    func namesThatCannotBe(name: String) async throws {
        try await withFolder { path in
            let catalog = try catalog(path)
            for attempt in 0..<2 {
                let error = try #require(throws: SakuinError.self) {
                    if attempt == 0 {
                        try catalog.createNow(name, .standard)
                    } else {
                        try catalog.aliasNow(name, "a")
                    }
                }
                #expect(error.code == .invalidArgument && error.field == "name")
            }
            try catalog.close()
        }
    }

    @Test func oneProcessOwnsAFolder() async throws {
        try await withFolder { path in
            let catalog = try catalog(path)
            let error = try #require(throws: SakuinError.self) {
                try IndexCatalog(path: path, options: SearchFixture.options)
            }
            #expect(error.code == .failedPrecondition)
            try catalog.close()
            try self.catalog(path).close()
        }
    }

    /// One index that cannot be opened keeps neither the others from serving nor its files from staying.
    @Test func aBrokenIndexLeavesTheOthersAlone() async throws {
        try await withFolder { path in
            let first = try catalog(path)
            for name in ["bad", "good"] {
                try first.createNow(name, .standard)
                try await write(first, name, "1")
            }
            try first.close()
            let folder = path + "/indexes/bad"
            let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("manifest-") }
            try #require(!files.isEmpty)
            for file in files {
                let handle = try #require(FileHandle(forUpdatingAtPath: "\(folder)/\(file)"))
                try handle.write(contentsOf: Array("damaged!".utf8))
                try handle.close()
            }
            let second = try catalog(path)
            let error = try #require(throws: SakuinError.self) { try second.indexNow("bad") }
            #expect(error.code == .dataLoss)
            #expect(try second.indexNow("good").searchNow(SearchRequest("国际")).total == Total(1))
            #expect(throws: SakuinError.self) { try second.createNow("bad", .standard) }
            try second.close()
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(files.allSatisfy(left.contains))
        }
    }
}

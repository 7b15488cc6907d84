// Who looks up an index never waits for what another call does on the disk.

import Testing

@testable import SakuinEngine

@Suite struct CatalogWaitingTests {
    /// Before each operation on the disk another thread asks for an index, and is waited for.
    @Test func noLookUpWaitsForTheDisk() async throws {
        let asked = Monitor<IndexCatalog?>(nil)
        let late = Monitor(0)
        let answered = Monitor(0)
        let directory = FaultDirectory(MemoryDirectory()) { _ in
            guard let catalog = asked.read({ $0 }), late.read({ $0 }) == 0 else { return }
            let isDone = Monitor(false)
            _ = WorkerThread.helper {
                _ = try? catalog.indexNow("i")
                isDone.change { $0 = true }
            }
            if isDone.wait(milliseconds: 20_000, { $0 ? true : nil }) == nil { late.change { $0 += 1 } }
            answered.change { $0 += 1 }
        }
        let catalog = try IndexCatalog(directory, options: SearchFixture.options)
        try catalog.createNow("i", .standard)
        asked.change { $0 = catalog }
        func expectAnswers(_ call: String) {
            #expect(late.read { $0 } == 0 && answered.read { $0 } > 0, "\(call)")
            answered.change { $0 = 0 }
        }
        try catalog.createNow("j", .standard)
        expectAnswers("create")
        try catalog.aliasNow("a", "j")
        expectAnswers("alias")
        _ = try await catalog.indexNow("j").write(WriteBatch([.put(Document(key: "k", ["title": "全文検索"]))]))
        answered.change { $0 = 0 }
        try catalog.dropNow("j")
        expectAnswers("drop")
        asked.change { $0 = nil }
        #expect(catalog.listNow().map(\.aliases) == [[]])
        try catalog.close()
    }
}

// A client of a server learns that an index is not complete, and can have one checked.

import Foundation
import SakuinClient
import SakuinEngine
import SakuinServer
import Testing

@Suite struct DamagedIndexTests {
    private func ended(_ job: JobStatus, _ index: RemoteIndex) async throws -> JobStatus {
        while true {
            let status = try #require(try await index.jobs().first { $0.number == job.number })
            if status.state.isFinal { return status }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// A data folder with an index of two segments, `a` in the first one and `b` in the second; returns the path of the
    /// first.
    private func fill(_ folder: String) async throws -> String {
        let catalog = try IndexCatalog(path: folder)
        try catalog.createNow("i", .standard)
        let index = try catalog.indexNow("i")
        for key in ["a", "b"] {
            _ = try await index.write(WriteBatch([.put(Document(key: key, ["title": "全文検索"]))]))
            _ = try await index.commit()
        }
        let file = try #require(try await index.segments().first?.file)
        try catalog.close()
        return "\(folder)/indexes/i/\(file)"
    }

    @Test func everyReplySaysWhatIsMissing() async throws {
        let folder = RunningServer.freshFolder
        let path = try await fill(folder)
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        bytes[bytes.count - 30] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let server = try await RunningServer.start(folder: folder)
        let client = server.client()
        let index = try await client.index("i")
        let fetched = try await index.fetch(["a", "b"])
        #expect(fetched.documents.map { $0?.key } == [nil, "b"])
        #expect(!fetched.complete && fetched.missing.count == 1 && fetched.missing[0].contains("segment-"))
        let pages = try await index.export()
        #expect(pages.missing == fetched.missing)
        var keys: [String] = []
        for try await page in pages {
            #expect(!page.isEmpty)
            keys += page.map(\.key)
        }
        #expect(keys == ["b"])
        let found = try await ended(try await index.startCheck(bytesPerSecond: nil), index).findings
        #expect(found.segments == 1 && found.problems.contains { $0.contains("segment-") })
        await client.close()
        try await server.stop()
    }

    @Test func aWholeIndexIsComplete() async throws {
        let folder = RunningServer.freshFolder
        _ = try await fill(folder)
        let server = try await RunningServer.start(folder: folder)
        let client = server.client()
        let index = try await client.index("i")
        #expect(try await index.fetch(["a", "nobody"]).complete)
        let pages = try await index.export()
        #expect(pages.complete)
        var count = 0
        for try await page in pages { count += page.count }
        #expect(count == 2)
        let status = try await ended(try await index.startCheck(bytesPerSecond: 1 << 30), index)
        #expect(status.kind == .check && status.state == .done && status.index == "i")
        #expect(status.findings.problems == [] && status.findings.documents == 2)
        // Without documents there is no page.
        try await client.create(index: "empty", schema: .standard)
        let empty = try await client.index("empty").export()
        #expect(empty.complete)
        #expect(try await empty.nextPage() == nil)
        await client.close()
        try await server.stop()
    }
}

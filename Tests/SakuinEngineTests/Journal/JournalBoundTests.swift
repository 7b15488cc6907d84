// What a start after a crash has to replay is bounded, however fast writes come.

import SakuinTestSupport
import Synchronization
import Testing

@testable import SakuinEngine

@Suite struct JournalBoundTests {
    @Test func writesWaitForTheCommitWhenMuchIsUncommitted() async throws {
        var options = SearchFixture.options
        options.journalByteCountMax = 1 << 20
        let memory = MemoryDirectory()
        let most = Mutex(0)
        let directory = FaultDirectory(memory) { _ in
            let copy = memory.copyAfterKill()
            guard let manifest = try? Manifest.newest(copy),
                let replay = try? JournalReplay.scan(
                    copy, committedSequence: manifest.committedSequence,
                    FieldRegistry(schema: .standard, names: manifest.fieldNames))
            else { return }
            most.withLock { $0 = max($0, replay.byteCount) }
        }
        let index = try SearchIndex.open(directory, schema: .standard, options: options)
        // All of it waits at once: 6 MiB.
        let body = String(repeating: "x", count: 256 << 10)
        let receipts = Monitor<[Result<WriteReceipt, SakuinError>]>([])
        for number in 0..<24 {
            let document = Document(key: "\(number)", ["payload": .json("[\"\(body)\"]")])
            index.submit(WriteBatch([.put(document)])) { result in receipts.change { $0.append(result) } }
        }
        let all = try #require(receipts.wait { $0.count == 24 ? $0 : nil })
        #expect(throws: Never.self) { for receipt in all { _ = try receipt.get() } }
        let replayed = most.withLock { $0 }
        #expect(replayed <= (2 << 20) + (257 << 10), "\(replayed) bytes would have been replayed")
        #expect(replayed > 1 << 20)
        index.abandon()
        let again = try SearchIndex.open(memory, schema: nil, options: options)
        #expect(again.statisticsNow().documents == 24)
        again.abandon()
    }
}

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

    /// What a commit that is on its way makes needless counts until it is there, and no longer.
    @Test func whatIsBeingCommittedCounts() async throws {
        var options = SearchFixture.options
        options.journalByteCountMax = 100
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: options)
        let writer = index.writer
        for number in 0..<3 {
            _ = try await index.write(WriteBatch([.put(Document(key: "\(number)", ["body": "一"]))]))
            _ = try await index.commit()
            #expect(writer.queue.read { $0.committingByteCount + $0.uncommittedByteCount } == 0)
        }
        let batch = try #require(
            try BatchEncoder.encode(WriteBatch([.delete("0")]), FieldRegistry(schema: .standard, names: [])).batch)
        var queue = IndexWriter.Queue()
        let hold = MemoryHold(index.memory, batch.memoryByteCount)
        queue.submissions = [
            IndexWriter.Submission(batch: batch, key: nil, level: .disk, hold: hold, completion: { _ in })
        ]
        queue.committingByteCount = 150
        queue.uncommittedByteCount = 50
        #expect(writer.take(&queue, now: 0) == nil)
        queue.committingByteCount = 149
        #expect(writer.take(&queue, now: 0)?.count == 1)
        index.abandon()
    }
}

// What the writer does when merges cannot bear more.

import Testing

@testable import SakuinEngine

@Suite struct WritePaceTests {
    @Test func batchesWaitWhileWritesStop() async throws {
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: SearchFixture.options)
        var pace = WritePace()
        pace.bytesPerSecond = 1 << 20
        pace.stops = true
        pace.reason = "Writes wait for merges."
        index.writer.keep(pace)
        let receipt = Monitor<Result<WriteReceipt, SakuinError>?>(nil)
        let document = Document(key: "a", ["title": "国际"])
        index.submit(WriteBatch([.put(document)], acknowledge: .memory)) { result in receipt.change { $0 = result } }
        // A refresh goes through all the same; what waits is not in it.
        #expect(try await index.refresh() == 0)
        #expect(receipt.read { $0 } == nil)
        #expect(index.statisticsNow().slowness == pace.reason && index.statisticsNow().documents == 0)
        // When the queue is full too, the refusal says why.
        let body = String(repeating: "国", count: 1 << 20)
        var refusal: SakuinError?
        for _ in 0..<40 where refusal == nil {
            refusal = index.offer(WriteBatch([.put(Document(key: "b", ["body": .string(body)]))])) { _ in }
        }
        #expect(refusal?.code == .resourceExhausted && refusal?.message.contains(pace.reason) == true)
        #expect(refusal?.retryAfterMilliseconds != nil)
        index.writer.keep(WritePace())
        #expect(try receipt.wait { $0 }?.get().sequence == 1)
        #expect(try await index.refresh() >= 1)
        index.abandon()
    }

    /// A batch longer than the whole queue would wait for ever.
    @Test func aBatchThatIsAloneHasAPlace() throws {
        var options = SearchFixture.options
        options.queueByteCountMax = 10
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: options)
        #expect(index.writer.fullness(11) == nil)
        index.writer.queue.change { $0.byteCount = 1 }
        #expect(index.writer.fullness(9) == nil && index.writer.fullness(10)?.code == .resourceExhausted)
        index.writer.queue.change { $0.byteCount = 0 }
        index.abandon()
    }
}

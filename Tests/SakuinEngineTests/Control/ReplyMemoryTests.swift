// The memory of replies: taken as documents are read, given back when the reply is gone, refused with or without hope.

import Testing

@testable import SakuinEngine

@Suite struct ReplyMemoryTests {
    private func error(_ body: () throws -> Void) -> SakuinError? {
        do { try body() } catch { return error as? SakuinError }
        return nil
    }

    @Test func aReplyHasItsMemoryUntilItIsGone() throws {
        let budget = MemoryBudget(byteCountMax: 16 << 20)
        var reply: ReplyMemory? = ReplyMemory(budget)
        try reply?.take(100_000, objectByteCount: 500)
        #expect(budget.used == 400_500)
        // Small parts share a step.
        try reply?.take(1, objectByteCount: 1)
        let before = budget.used
        #expect(before == 400_500 + (64 << 10))
        try reply?.take(1, objectByteCount: 1)
        #expect(budget.used == before)
        // Whatever else goes on it would never have room.
        let never = error { try reply?.take(2 << 20, objectByteCount: 0) }
        #expect(never?.code == .resourceExhausted && never?.field == "memoryBudgetBytes")
        #expect(never?.retryAfterMilliseconds == nil && never?.nextStep?.contains("export") == true)
        reply = nil
        #expect(budget.used == 0)
        // There is none just now.
        #expect(budget.takeForSearch(15 << 20))
        let later = ReplyMemory(budget)
        #expect(error { try later.take(1 << 20, objectByteCount: 0) }?.retryAfterMilliseconds == 100)
        budget.giveBackFromSearch(15 << 20)
        try later.take(100, objectByteCount: 0)
        let short = ReplyMemory(budget, replyByteCountMax: 1_000)
        try short.take(1_000, objectByteCount: 5_000)
        let long = error { try short.take(1, objectByteCount: 0) }
        #expect(long?.field == "frameByteCountMax" && long?.limit == "1000" && long?.retryAfterMilliseconds == nil)
    }

    /// Documents of about 100 KB in a budget of 16 MiB.
    private func index() async throws -> SearchIndex {
        var options = SearchFixture.options
        options.memoryBudgetBytes = 16 << 20
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: options)
        let body = FieldValue.string(String(repeating: "全文検索の本文。", count: 4_000))
        for part in 0..<6 {
            _ = try await index.write(
                WriteBatch((0..<10).map { .put(Document(key: "\(part * 10 + $0)", ["title": "検索", "body": body])) }))
            _ = try await index.commit()
        }
        return index
    }

    @Test func documentsCount() async throws {
        let index = try await index()
        let before = index.memory.used
        var request = SearchRequest("title:検索", limit: 60)
        #expect(try index.searchNow(request).hits.count == 60)
        request.returnFields = .all
        let never = error { _ = try index.searchNow(request) }
        #expect(never?.code == .resourceExhausted && never?.retryAfterMilliseconds == nil)
        let keys = (0..<60).map { "\($0)" }
        #expect(error { _ = try index.getNow(keys) }?.code == .resourceExhausted)
        request.limit = 10
        request.spans = true
        let hold = index.replyMemory()
        #expect(try index.searchNow(request, reply: hold).hits.count == 10)
        #expect(index.memory.used >= before + 4 * 10 * 90_000, "as long as the reply is not sent")
        #expect(try index.getNow(Array(keys.prefix(10))).count == 10)
        // As much as there is, but for what a small reply needs.
        let rest = index.memory.byteCountMax - index.memory.used - (1 << 20)
        #expect(index.memory.takeForSearch(rest))
        let later = error { _ = try index.searchNow(request) }
        #expect(later?.code == .resourceExhausted && later?.retryAfterMilliseconds == 100)
        index.memory.giveBackFromSearch(rest)
        #expect(try index.searchNow(request).hits.count == 10)
        withExtendedLifetime(hold) {}
        try index.close()
    }

    @Test func aGetHasABound() async throws {
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: SearchFixture.options)
        let many = [String](repeating: "k", count: SearchRequest.windowMax + 1)
        #expect(error { _ = try index.getNow(many) }?.code == .invalidArgument)
        #expect(try index.getNow(Array(many.dropLast())).count == SearchRequest.windowMax)
        try index.close()
    }
}

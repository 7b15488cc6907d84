// What a search takes of the memory besides what it knew it would.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct SearchRoomTests {
    private static let mebibyte = 1 << 20

    @Test func theMostOfAnySegmentCountsAndIsGivenBack() throws {
        let memory = MemoryBudget(byteCountMax: 16 * Self.mebibyte)
        do {
            let room = SearchRoom(memory)
            try room.hold(Self.mebibyte, toRead: 1)
            try room.hold(1_000, toRead: 1)
            #expect(memory.used == Self.mebibyte)
            try room.hold(2 * Self.mebibyte, toRead: 1)
            try room.hold(lists: 1_000)
            try room.hold(lists: 10)
            #expect(memory.used == 2 * Self.mebibyte + 1_228_000)
            #expect(throws: StorageError.noMemoryToRead(byteCount: 5, limit: 16 * Self.mebibyte)) {
                try room.hold(16 * Self.mebibyte, toRead: 5)
            }
            let never = try #require(throws: SakuinError.self) { try room.hold(lists: 7_000) }
            #expect(never.code == .resourceExhausted && never.retryAfterMilliseconds == nil)
            #expect(memory.takeForSearch(11 * Self.mebibyte))
            let later = try #require(throws: SakuinError.self) { try room.hold(lists: 6_000) }
            #expect(later.code == .resourceExhausted && later.retryAfterMilliseconds != nil)
            memory.giveBackFromSearch(11 * Self.mebibyte)
            #expect(memory.used == 2 * Self.mebibyte + 1_228_000)
        }
        #expect(memory.used == 0)
    }

    /// Each list of a prefix has buffers, which count while the search runs and no longer.
    @Test func thePrefixesOfAQueryTakeMemory() async throws {
        let index = try SearchIndex.open(
            MemoryDirectory(), schema: Schema(fields: [FieldDefinition(name: "body")]), options: SearchFixture.options)
        let words = (0..<3_000).map { "a\($0)" }
        _ = try await index.write(
            WriteBatch(words.indices.map { .put(Document(key: "\($0)", ["body": .string(words[$0])])) }))
        _ = try await index.commit()
        let request = SearchRequest("a*", limit: 3)
        #expect(try index.searchNow(request).total == Total(3_000))
        let memory = index.memory
        let rest = memory.byteCountMax - memory.used - Self.mebibyte
        #expect(memory.takeForSearch(rest))
        let error = try #require(throws: SakuinError.self) { try index.searchNow(request) }
        #expect(error.code == .resourceExhausted && error.message.contains("3000 lists"))
        #expect(try index.searchNow(SearchRequest("a17", limit: 3)).total == Total(1))
        memory.giveBackFromSearch(rest)
        #expect(try index.searchNow(request).total == Total(3_000))
        index.abandon()
    }
}

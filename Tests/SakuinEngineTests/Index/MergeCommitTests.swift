// Merges are committed also when nothing is written any more, and the bytes of an index are those of its files.

import Testing

@testable import SakuinEngine

@Suite struct MergeCommitTests {
    private func filled(_ directory: MemoryDirectory, _ options: IndexOptions) async throws -> SearchIndex {
        let index = try SearchIndex.open(directory, schema: .standard, options: options)
        for part in 0..<4 {
            let documents = (0..<20).map { Document(key: "\(part)-\($0)", ["title": .string("国际数字 \($0)")]) }
            _ = try await index.write(WriteBatch(documents.map { .put($0) }))
            _ = try await index.refresh()
        }
        _ = try await index.commit()
        return index
    }

    private func segmentBytes(_ directory: MemoryDirectory) throws -> Int {
        try directory.list(nil).filter { if case .segment? = FileName($0) { true } else { false } }
            .reduce(0) { $0 + (try directory.size($1)) }
    }

    @Test func anIdleIndexCommitsItsMerges() async throws {
        let directory = MemoryDirectory()
        var options = SearchFixture.options
        options.refreshIntervalMilliseconds = 1
        options.commitIntervalMilliseconds = 1
        let index = try await filled(directory, options)
        let generation = index.statisticsNow().generation
        let merged = try #require(try index.merge(index.mergeCandidates.map(\.id), MergeControl(), withHelper: true))
        for _ in 0..<20_000 where index.store.committed.segments != [merged] {
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(index.store.committed.segments == [merged])
        #expect(index.store.mergedSince == nil && index.statisticsNow().generation > generation)
        #expect(try index.statisticsNow().bytes - index.statisticsNow().journalBytes == segmentBytes(directory))
        index.abandon()
        let again = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        #expect(again.mergeCandidates.map(\.id) == [merged], "a stop undoes nothing")
        again.abandon()
    }

    @Test func filesThatAMergeReplacedCountUntilTheCommit() async throws {
        let directory = MemoryDirectory()
        let index = try await filled(directory, SearchFixture.options)
        func bytes() -> Int { index.statisticsNow().bytes - index.statisticsNow().journalBytes }
        let before = bytes()
        #expect(try before == segmentBytes(directory))
        _ = try index.merge(index.mergeCandidates.map(\.id), MergeControl(), withHelper: false)
        let between = bytes()
        #expect(try between > before && between == segmentBytes(directory))
        #expect(index.store.mergedSince != nil)
        _ = try await index.commit()
        #expect(try bytes() < between && bytes() == segmentBytes(directory))
        #expect(index.store.mergedSince == nil)
        index.abandon()
    }

    /// Of hits that score alike those of earlier segments are first: a merge changes no order.
    @Test func aMergedSegmentStandsWhereItsInputsStood() async throws {
        let index = try await filled(MemoryDirectory(), SearchFixture.options)
        let ids = index.mergeCandidates.map(\.id)
        let request = SearchRequest("国际", limit: 80)
        let before = try index.searchNow(request).hits.map(\.key)
        let merged = try #require(try index.merge([ids[0], ids[2]], MergeControl(), withHelper: true))
        #expect(index.mergeCandidates.map(\.id) == [merged, ids[1], ids[3]])
        let others = try #require(try index.merge([merged, ids[1]], MergeControl(), withHelper: true))
        #expect(index.mergeCandidates.map(\.id) == [others, ids[3]])
        #expect(try Set(index.searchNow(request).hits.map(\.key)) == Set(before))
        index.abandon()
    }
}

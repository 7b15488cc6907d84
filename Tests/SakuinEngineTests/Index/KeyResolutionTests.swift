// Which documents die when several operations of a refresh have one key, or keys of one hash.

import Testing

@testable import SakuinEngine

@Suite struct KeyResolutionTests {
    /// Hashes of 64 bits are taken to be the same once in a while: the keys decide.
    @Test(arguments: [nil, "b"] as [String?]) func keysOfOneHashAreApart(deleted: String?) async throws {
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: SearchFixture.options)
        _ = try await index.write(
            WriteBatch(["a", "b", "a", "c"].map { .put(Document(key: $0, ["title": .string($0)])) }))
        _ = try await index.refresh()
        let segment = try #require(index.store.snapshot.segments.first)
        var deletions: [KeyDeletion] = []
        var hash: UInt64 = 7
        if let deleted {
            hash = Array(deleted.utf8).withUnsafeBytes { KeyHash.hash($0) }
            deletions = [KeyDeletion(ordinal: 9, key: Array(deleted.utf8))]
        }
        let sealed = SealedSegment(
            id: segment.id, byteCount: segment.byteCount, checksum: segment.checksum, ordinals: [1, 2, 3, 4],
            keyHashes: [hash, hash, hash, hash])
        let resolution = try KeyResolution(
            new: [NewSegment(reader: segment.reader, sealed: sealed)], deletions: deletions, old: [])
        #expect(resolution.deadInNew.map { $0.sorted() } == [deleted == nil ? [0] : [0, 1]])
        index.abandon()
    }
}

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct MergePolicyTests {
    private let mebibyte = 1 << 20

    private func segment(_ id: UInt64, _ mebibytes: Int, dead: Int = 0) -> MergePolicy.Candidate {
        MergePolicy.Candidate(id: id, byteCount: mebibytes * mebibyte, documentCount: 1_000, deadCount: dead)
    }

    @Test func fewSegmentsAreLeftAlone() {
        let policy = MergePolicy()
        #expect(policy.next([]) == nil)
        #expect(policy.next([segment(1, 100)]) == nil)
        #expect(policy.next((1...7).map { segment($0, 10) }) == nil)
    }

    @Test func manySmallOnesAreMergedOldestFirst() throws {
        let policy = MergePolicy()
        let segments = [segment(1, 900)] + (2...40).map { segment($0, 1) }
        let merge = try #require(policy.next(segments))
        #expect(merge.count == policy.segmentsPerTier)
        #expect(merge == merge.sorted())
        #expect(!merge.contains(1), "a big one is not rewritten for small ones")
    }

    @Test func deadDocumentsAreReclaimed() {
        let policy = MergePolicy()
        #expect(policy.next([segment(1, 10, dead: 330)]) == nil)
        #expect(policy.next([segment(1, 10, dead: 340)]) == [1])
        #expect(policy.next([segment(1, 10, dead: 340), segment(2, 4_000, dead: 900)]) == [2])
        #expect(policy.next([segment(1, 10, dead: 1_000)]) == [1])
    }

    @Test func busySegmentsAreNotPicked() throws {
        let policy = MergePolicy()
        let segments = (1...24).map { segment($0, 1) }
        let first = try #require(policy.next(segments))
        let second = try #require(policy.next(segments, busy: Set(first)))
        #expect(Set(first).isDisjoint(with: second))
        #expect(policy.next([segment(1, 10, dead: 900)], busy: [1]) == nil)
    }

    @Test func nothingGrowsOverTheLimit() throws {
        let policy = MergePolicy()
        let segments = (1...30).map { segment($0, 2_000) }
        let merge = try #require(policy.next(segments))
        let bytes = segments.filter { merge.contains($0.id) }.reduce(0) { $0 + $1.byteCount }
        #expect(merge.count > 1 && bytes <= policy.segmentByteCountMax)
        #expect(policy.next((1...40).map { segment($0, 3_000) }) == nil, "these are done")
    }

    /// A search would go through ever more of the largest ones otherwise.
    @Test func theLimitGrowsWithTheIndex() throws {
        let policy = MergePolicy()
        let segments = (1...400).map { segment($0, 3_000) }
        let merge = try #require(policy.next(segments))
        let bytes = segments.filter { merge.contains($0.id) }.reduce(0) { $0 + $1.byteCount }
        #expect(bytes > policy.segmentByteCountMax && bytes <= 400 * 3_000 * mebibyte / policy.largestCount)
    }

    @Test func noMergeTakesMoreThanTheMemory() throws {
        var policy = MergePolicy()
        policy.memoryByteCountMax = 10
        var segments = (1...24).map { segment($0, 10) }
        for i in segments.indices { segments[i].memoryByteCount = 4 }
        #expect(try #require(policy.next(segments)).count == 2)
        // Of two that take more than half each none could be merged with the other.
        for i in segments.indices { segments[i].memoryByteCount = 6 }
        #expect(policy.next(segments) == nil)
    }

    /// Of merges of equal sizes the one that reclaims most is next.
    @Test func deadDocumentsDecideBetweenEqualMerges() throws {
        let policy = MergePolicy()
        let whole = (1...8).map { segment($0, 100) }
        let dying = (11...18).map { segment($0, 130, dead: 300) }
        #expect(try #require(policy.next(whole + dying)) == dying.map(\.id))
    }

    @Test func compactionEndsAtTheTarget() {
        let policy = MergePolicy()
        var random = SeededRandom(seed: 81)
        for target in [0, 1, 2, 5] {
            var segments = (1...12).map { segment(UInt64($0), 1 + random.below(500), dead: random.below(2) * 100) }
            var id: UInt64 = 100
            var rounds = 0
            while let merge = policy.compaction(segments, to: target) {
                rounds += 1
                #expect(rounds < 30)
                if rounds >= 30 { return }
                let inputs = segments.filter { merge.contains($0.id) }
                #expect(inputs.count == merge.count)
                segments.removeAll { merge.contains($0.id) }
                segments.append(
                    MergePolicy.Candidate(
                        id: id, byteCount: inputs.reduce(0) { $0 + $1.liveByteCount },
                        documentCount: inputs.reduce(0) { $0 + $1.documentCount - $1.deadCount }, deadCount: 0))
                id += 1
            }
            #expect(segments.count == max(target, 1))
            #expect(segments.allSatisfy { $0.deadCount == 0 })
        }
    }

    /// Of two groups none is ever mixed, and one of each is what remains.
    @Test func groupsAreNeverMixed() throws {
        let policy = MergePolicy()
        var segments = (1...60).map { (i: UInt64) -> MergePolicy.Candidate in
            var segment = segment(i, 1, dead: i % 7 == 0 ? 100 : 0)
            segment.group = i % 3 == 0 ? 1 : 2
            return segment
        }
        var id: UInt64 = 100
        func merge(_ ids: [UInt64]) throws {
            let inputs = segments.filter { ids.contains($0.id) }
            #expect(Set(inputs.map(\.group)).count == 1)
            segments.removeAll { ids.contains($0.id) }
            segments.append(try #require(MergePolicy.merged(inputs, id: id)))
            #expect(segments.last?.group == inputs[0].group)
            id += 1
        }
        let first = try #require(policy.next(segments))
        #expect(first.allSatisfy { $0 % 3 != 0 }, "new segments first")
        for _ in 0..<60 { if let ids = policy.next(segments) { try merge(ids) } }
        #expect(policy.next(segments) == nil)
        for target in [5, 1] {
            for _ in 0..<60 { if let ids = policy.compaction(segments, to: target) { try merge(ids) } }
            #expect(policy.compaction(segments, to: target) == nil)
            #expect(segments.count == max(target, 2))
        }
        #expect(segments.map(\.group).sorted() == [1, 2])
    }

    /// Flushes of random sizes with merges after each: the number of segments stays small, each byte is written few
    /// times, and the policy comes to rest.
    @Test func writeAmplificationIsBounded() {
        let policy = MergePolicy()
        var random = SeededRandom(seed: 82)
        var segments: [MergePolicy.Candidate] = []
        var (id, flushed, written) = (UInt64(0), 0, 0)
        for _ in 0..<2_000 {
            id += 1
            let size = (1 + random.below(4)) * mebibyte
            flushed += size
            segments.append(.init(id: id, byteCount: size, documentCount: 1_000, deadCount: 0))
            var merges = 0
            while let merge = policy.next(segments) {
                merges += 1
                #expect(merges < 20)
                if merges >= 20 { return }
                let inputs = segments.filter { merge.contains($0.id) }
                segments.removeAll { merge.contains($0.id) }
                id += 1
                let size = inputs.reduce(0) { $0 + $1.byteCount }
                written += size
                segments.append(
                    .init(
                        id: id, byteCount: size, documentCount: inputs.reduce(0) { $0 + $1.documentCount },
                        deadCount: 0))
            }
            #expect(segments.count <= 40)
        }
        #expect(written < 6 * flushed, "\(Double(written) / Double(flushed)) bytes written a byte")
    }
}

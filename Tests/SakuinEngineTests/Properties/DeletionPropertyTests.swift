// Deletions by query beside puts, deletions by key, refreshes, merges and each other, against a history by brute force.
//
// The journal says in which order everything happened. Of a deletion it is known which batch was its last, and what was
// acknowledged before it began; it is right when there was a moment between the two at which just the documents matched that
// its receipt counts, of which its batch has those that nobody wrote between that moment and the batch, and no others.

import Foundation
import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct DeletionPropertyTests {
    private static let seed = ProcessInfo.processInfo.environment["SAKUIN_SEED"].flatMap { UInt64($0) } ?? 20_261_128

    private typealias State = [String: String]

    private struct Deletion: Sendable {
        var query: String
        /// The last sequence number acknowledged before the call.
        var before: UInt64
        var receipt: DeletionReceipt
    }

    /// What the tasks have done.
    private struct Done: Sendable {
        var acknowledged: UInt64 = 0
        var written: Set<UInt64> = []
        var deletions: [Deletion] = []
    }

    private static func text(_ random: inout SeededRandom) -> String {
        let pieces = ["国", "际", "数", "字", "经", "济"]
        return (0..<(1 + random.below(4))).map { _ in pieces[random.below(pieces.count)] }.joined()
    }

    private static func options(_ round: Int) -> IndexOptions {
        var options = IndexOptions()
        options.laneCount = 1 + round % 2
        options.refreshIntervalMilliseconds = round % 3 == 0 ? 0 : 1
        // The journal keeps everything.
        options.commitIntervalMilliseconds = 0
        options.merge.segmentsPerTier = 2
        options.memoryBudgetBytes = 32 << 20
        return options
    }

    @Test(arguments: 0..<8) func everyDeletionHasAMoment(round: Int) async throws {
        let seed = Self.seed &+ UInt64(round)
        print("deletion property: seed \(seed)")
        let memory = MemoryDirectory()
        let index = try SearchIndex.open(memory, schema: .standard, options: Self.options(round))
        let done = Monitor(Done())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<3 {
                group.addTask { try await Self.write(index, SeededRandom(seed: seed &* 31 &+ UInt64(task)), done) }
            }
            for task in 3..<5 {
                group.addTask { try await Self.delete(index, SeededRandom(seed: seed &* 31 &+ UInt64(task)), done) }
            }
            group.addTask { for _ in 0..<30 { _ = try await index.refresh() } }
            try await group.waitForAll()
        }
        // Everything is with the kernel behind it.
        let last = try await index.write(WriteBatch([.delete("nowhere")], acknowledge: .log)).sequence
        let batches = try Self.batches(of: memory.copyAfterKill(), upTo: last)
        try Self.check(batches, done.read { $0 }, "seed \(seed)")
        let expected = Self.states(batches).last ?? [:]
        #expect(try await Self.contents(index) == expected, "seed \(seed)")
        let replayed = try SearchIndex.open(memory.copyAfterKill(), schema: nil, options: Self.options(round))
        #expect(try await Self.contents(replayed) == expected, "seed \(seed), replayed")
        replayed.abandon()
        index.abandon()
    }

    private static func write(_ index: SearchIndex, _ random: SeededRandom, _ done: Monitor<Done>) async throws {
        var random = random
        for _ in 0..<60 {
            let operations = (0..<(1 + random.below(4))).map { _ -> WriteOperation in
                let key = "k\(random.below(40))"
                return random.below(5) == 0 ? .delete(key) : .put(Document(key: key, ["title": .string(text(&random))]))
            }
            let level: AcknowledgementLevel = random.below(2) == 0 ? .memory : .log
            let receipt = try await index.write(WriteBatch(operations, acknowledge: level))
            done.change { done in
                done.written.insert(receipt.sequence)
                done.acknowledged = max(done.acknowledged, receipt.sequence)
            }
        }
    }

    private static func delete(_ index: SearchIndex, _ random: SeededRandom, _ done: Monitor<Done>) async throws {
        var random = random
        for number in 0..<25 {
            let query = String(text(&random).prefix(2))
            let before = done.read { $0.acknowledged }
            var request = DeletionRequest(query)
            request.acknowledge = number % 2 == 0 ? .memory : .log
            let receipt = try await index.delete(matching: request)
            #expect(receipt.matched == receipt.deleted + receipt.skipped && receipt.level == request.acknowledge)
            done.change { done in
                done.deletions.append(Deletion(query: query, before: before, receipt: receipt))
                if receipt.deleted > 0 { done.acknowledged = max(done.acknowledged, receipt.sequence) }
            }
        }
    }

    // MARK: History

    /// What the journal holds, from the first batch on: key and new title, nil where it was deleted.
    private static func batches(
        of directory: MemoryDirectory, upTo last: UInt64
    ) throws -> [[(key: String, title: String?)]] {
        let registry = FieldRegistry(schema: .standard, names: Schema.standard.fields.map(\.name))
        let replay = try JournalReplay.scan(directory, committedSequence: 0, registry)
        var batches: [[(key: String, title: String?)]] = []
        try replay.forEach { (_, batch, sequence) throws(StorageError) in
            var operations: [(key: String, title: String?)] = []
            try batch.forEach { (_, kind, body) throws(StorageError) in
                if kind == .delete {
                    operations.append((String(decoding: body, as: UTF8.self), nil))
                } else {
                    let document = try EncodedDocumentReader.decode(body, names: registry.names, file: "journal")
                    operations.append((document.key, document["title"]?.text))
                }
            }
            if sequence == UInt64(batches.count) + 1 { batches.append(operations) }
        }
        try #require(batches.count == Int(last))
        return batches
    }

    /// The state before the first batch, then behind each.
    private static func states(_ batches: [[(key: String, title: String?)]]) -> [State] {
        var states: [State] = [[:]]
        for batch in batches {
            var state = states[states.count - 1]
            for (key, title) in batch { state[key] = title }
            states.append(state)
        }
        return states
    }

    private static func check(_ batches: [[(key: String, title: String?)]], _ done: Done, _ place: String) throws {
        let states = states(batches)
        let deleting = done.deletions.filter { $0.receipt.deleted > 0 }
        // Each batch is of a writer or of a deletion, but for the last.
        #expect(done.written.union(deleting.map(\.receipt.sequence)).count == batches.count - 1)
        #expect(done.written.isDisjoint(with: deleting.map(\.receipt.sequence)), "\(place)")
        #expect(deleting.count > 5 && done.deletions.contains { $0.receipt.skipped > 0 || $0.receipt.deleted > 1 })
        for deletion in done.deletions {
            let receipt = deletion.receipt
            // Without a batch the receipt says which moment it was.
            let end = receipt.deleted > 0 ? receipt.sequence - 1 : receipt.sequence
            let first = receipt.deleted > 0 ? deletion.before : receipt.sequence
            guard first <= end, end < UInt64(states.count), receipt.sequence >= deletion.before else {
                Issue.record("\(place): \(deletion) has no moment")
                continue
            }
            if !(first...end).contains(where: { isRight(deletion, moment: Int($0), states, batches) }) {
                Issue.record("\(place): \(deletion)")
            }
        }
    }

    private static func isRight(
        _ deletion: Deletion, moment: Int, _ states: [State], _ batches: [[(key: String, title: String?)]]
    ) -> Bool {
        let receipt = deletion.receipt
        let matched = Set(states[moment].filter { $0.value.contains(deletion.query) }.keys)
        guard matched.count == receipt.matched else { return false }
        // Nobody knows where the skipped of a deletion without a batch were looked at.
        guard receipt.deleted > 0 else { return receipt.skipped == matched.count }
        let own = Int(receipt.sequence) - 1
        let written = Set(batches[moment..<own].flatMap { $0.map(\.key) })
        let deleted = batches[own].map(\.key)
        return batches[own].allSatisfy { $0.title == nil } && Set(deleted).count == deleted.count
            && Set(deleted) == matched.subtracting(written)
    }

    private static func contents(_ index: SearchIndex) async throws -> State {
        _ = try await index.refresh()
        let request = with(SearchRequest("*:*", limit: 1_000)) { $0.returnFields = .all }
        let hits = try index.searchNow(request).hits
        return Dictionary(
            uniqueKeysWithValues: hits.map { hit in
                (hit.key, hit.fields.first { $0.name == "title" }?.value.text ?? "")
            })
    }

    private static func with(_ request: SearchRequest, _ change: (inout SearchRequest) -> Void) -> SearchRequest {
        var request = request
        change(&request)
        return request
    }
}

// What is written behind a snapshot, for a deletion by query that goes on from it.
//
// A document that matched in the snapshot must not be deleted once its key was put again: the new text may not match. Where
// documents stand does not tell, for merges move them, and neither does the snapshot that is served, since writes that were
// acknowledged are not in it yet. The one place where all writes have an order is the writing thread, which numbers them:
//
// 1. The watch begins there, with the ticket of a refresh: of batches before it everything is in the snapshot that the ticket
//    publishes, and of every batch behind it the thread notes the keys, before anybody is told that it was written.
// 2. When the thread comes to a batch of the deletion, it leaves out the keys that were noted. What it numbers and writes to the
//    journal then is a batch of ordinary deletions: a replay has nothing to decide, and does the same.
//
// A key that was not noted is the key of just the document that the snapshot saw, wherever that stands by now. Of keys their
// hashes are kept. Should two keys have the same one of 64 bits, a document may be left that could have been deleted, never the
// other way round; whoever repeats the deletion gets it.

import Synchronization

final class WriteWatch: Sendable {
    private struct State {
        var hashes: Set<UInt64> = []
        /// Bytes taken of the memory.
        var taken = 0
        /// There was no memory for all hashes: nothing is known any more.
        var isLost = false
    }

    /// The writing thread's but for the end.
    private let state = Mutex(State())
    private let memory: MemoryBudget

    /// Bytes that a set takes for a hash at most, while it grows.
    private static let byteCountOfHash = 32
    /// It takes more memory by so much at a time.
    private static let stepByteCount = 64 << 10

    init(_ memory: MemoryBudget) { self.memory = memory }

    deinit { memory.giveBackFromSearch(state.withLock { $0.taken }) }

    /// Notes what a batch writes.
    func note(_ batch: EncodedBatch) throws(StorageError) {
        try state.withLock { (state) throws(StorageError) in
            if state.isLost { return }
            let needed = (state.hashes.count + batch.operationCount) * Self.byteCountOfHash
            if needed > state.taken {
                let more = needed - state.taken + Self.stepByteCount
                guard state.taken + more <= memory.searchByteCountMax, memory.takeForSearch(more) else {
                    state.isLost = true
                    state.hashes = []
                    return
                }
                state.taken += more
            }
            try batch.forEachKey { state.hashes.insert(KeyHash.hash($0)) }
        }
    }

    /// What a batch of deletions may still delete; nil: nothing. Throws when that is not known.
    func remaining(_ batch: EncodedBatch) throws(SakuinError) -> EncodedBatch? {
        try state.withLock { (state) throws(SakuinError) in
            if state.isLost {
                throw SakuinError(
                    .resourceExhausted, "There is no memory to remember which documents are written meanwhile.",
                    field: "memoryBudgetBytes", limit: "\(memory.byteCountMax)", value: "\(memory.used)",
                    nextStep: "Delete when less is written, or narrow the query.", retryAfterMilliseconds: 1_000)
            }
            if state.hashes.isEmpty { return batch }
            var bodies = ByteWriter(capacity: batch.byteCount)
            var count = 0
            do throws(StorageError) {
                try batch.forEachKey { key in
                    if state.hashes.contains(KeyHash.hash(key)) { return }
                    EncodedBatch.append(.delete, key, to: &bodies)
                    count += 1
                }
            } catch { throw ErrorMapping.sakuinError(error) }
            if count == batch.operationCount { return batch }
            return count == 0 ? nil : EncodedBatch(operations: bodies, count: count)
        }
    }
}

/// The watches of the deletions under way.
struct WriteWatches {
    /// So many deletions may be under way at once: each has the keys of all writes looked at.
    static let countMax = 16

    private var begun: [WriteWatch] = []
    private(set) var count = 0

    /// Makes room for one that is about to begin.
    mutating func reserve() throws(SakuinError) {
        guard count < Self.countMax else {
            throw SakuinError(
                .resourceExhausted, "There are \(count) deletions by query under way.", field: "deletions",
                limit: "\(Self.countMax)", value: "\(count)", nextStep: "Try again when one of them has ended.",
                retryAfterMilliseconds: 1_000)
        }
        count += 1
    }

    mutating func begin(_ watch: WriteWatch) { begun.append(watch) }

    /// Ends one that was reserved, whether it had begun or not; nil: none was.
    mutating func end(_ watch: WriteWatch?) {
        guard let watch else { return }
        begun.removeAll { $0 === watch }
        count -= 1
    }

    /// All that have begun but one.
    func others(_ watch: WriteWatch?) -> [WriteWatch] { begun.filter { $0 !== watch } }
}

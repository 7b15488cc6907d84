// What an index may hold: every batch is a state, an acknowledgement is a lower bound.

import SakuinTestSupport
import SakuinTypes
import Synchronization

@testable import SakuinEngine

/// Living keys and the number of the batch that wrote them.
typealias ModelState = [String: Int64]

/// One thing that was found and must not be.
struct Finding: Sendable {
    enum Kind: Sendable { case lost, resurrected, wrong }
    var kind: Kind
    var text: String
}

/// All states an index has gone through, and how far it has promised what.
final class FaultModel: Sendable {
    struct Bounds: Sendable {
        /// Batches that have to be there.
        var lower: Int
        /// Batches that may be there.
        var upper: Int
        /// Whether the index was there.
        var isCreated: Bool
        var states: [ModelState]
    }

    private struct State {
        var states: [ModelState] = [[:]]
        var level: [AcknowledgementLevel: Int] = [:]
        var isCreated = false
    }
    private let state = Mutex(State())

    /// The number of the next batch.
    var nextBatch: Int64 { state.withLock { Int64($0.states.count) } }

    /// The state behind all batches.
    var last: ModelState { state.withLock { $0.states.last ?? [:] } }

    func created() { state.withLock { $0.isCreated = true } }

    /// A batch goes out: nil deletes.
    func submit(_ changes: [(String, Int64?)]) -> Int {
        state.withLock { state in
            var next = state.states.last ?? [:]
            for (key, value) in changes { next[key] = value }
            state.states.append(next)
            return state.states.count - 1
        }
    }

    /// All batches up to this one are at the level.
    func acknowledged(_ batch: Int, _ level: AcknowledgementLevel) {
        state.withLock { $0.level[level] = max($0.level[level] ?? 0, batch) }
    }

    /// Everything acknowledged so far is on disk.
    func committed() {
        state.withLock { state in state.level[.disk] = state.level.values.max() ?? 0 }
    }

    /// What a reopened index holds is from now on the state.
    func pin(_ observed: ModelState) {
        state.withLock { state in
            let lower = max(state.level[.disk] ?? 0, state.level[.log] ?? 0)
            guard let at = (lower..<state.states.count).last(where: { state.states[$0] == observed }) else { return }
            state.states.removeLast(state.states.count - 1 - at)
            for (level, batch) in state.level { state.level[level] = min(batch, at) }
            state.level[.log] = at
        }
    }

    /// What has to be there after the stop; nil: in the running process.
    func bounds(after stop: Stop?) -> Bounds {
        state.withLock { state in
            let disk = state.level[.disk] ?? 0
            let log = max(disk, state.level[.log] ?? 0)
            let lower =
                switch stop {
                case nil: max(log, state.level[.memory] ?? 0)
                case .kill?: log
                default: disk
                }
            return Bounds(
                lower: lower, upper: state.states.count - 1, isCreated: state.isCreated, states: state.states)
        }
    }
}

extension FaultModel.Bounds {
    /// Whether the state is one that may be; what is wrong otherwise.
    func judge(_ found: ModelState, _ label: String) -> Finding? {
        let allowed = states[lower...upper]
        if allowed.contains(found) { return nil }
        for key in Set(found.keys).union(states.flatMap(\.keys)).sorted() {
            let values = allowed.map { $0[key] }
            let value = found[key]
            if values.contains(value) { continue }
            let text = "\(label): \(key) is \(value.map(String.init) ?? "not there"), may be \(Set(values))"
            guard let value else { return Finding(kind: .lost, text: text) }
            let wasLater = values.contains { ($0 ?? .max) > value }
            return Finding(kind: wasLater ? .resurrected : .wrong, text: text)
        }
        return Finding(kind: .wrong, text: "\(label): half a batch, \(found), batches \(lower) to \(upper)")
    }
}

/// Reads the whole state of an index by search and by key; throws when the two differ.
enum StateReader {
    static let keys = (0..<7).map { "k\($0)" }

    static func read(_ index: SearchIndex) throws -> ModelState {
        var state: ModelState = [:]
        for (key, document) in zip(keys, try index.getNow(keys)) {
            guard let document else { continue }
            guard document.key == key, case .integer(let batch)? = document["n"],
                document["title"] == .string(title(batch))
            else { throw SakuinError(.dataLoss, "\(key) is not as it was written: \(document)") }
            state[key] = batch
        }
        let response = try index.searchNow(SearchRequest("全文検索", limit: 20))
        let found = Set(response.hits.map(\.key))
        guard found == Set(state.keys), response.total.value == state.count else {
            throw SakuinError(.dataLoss, "a search finds \(found.sorted()), by key there are \(state)")
        }
        return state
    }

    static func title(_ batch: Int64) -> String { "全文検索第\(batch)篇" }
}

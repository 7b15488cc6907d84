// A history of an index, from a seed: writes at all levels, deletions, by query too, refreshes, commits, compactions, restarts.

import SakuinTestSupport
import SakuinTypes

@testable import SakuinEngine

struct FaultScenario: Sendable {
    enum Step: Sendable {
        /// Keys to put, keys to delete.
        case write(puts: [String], deletes: [String], AcknowledgementLevel)
        /// What one of the living documents has in its title, chosen by the number.
        case deleteMatching(Int)
        case refresh
        case commit
        case compact
        /// `close` or as a killed process ends, then open.
        case restart(closes: Bool)
    }

    let seed: UInt64
    let steps: [Step]
    let options: IndexOptions

    /// What two documents have in common is promoted, so that the searches read it.
    private static let promotion = PromotionRule(
        thresholdMin: 2, postingShareMax: 100, wholeShareThreshold: 1)

    /// All that is done is done by the steps; in scenarios of even seeds a thread helps the lane to seal, in those of every
    /// sixth there is no journal.
    static var options: IndexOptions {
        var options = IndexOptions()
        options.refreshIntervalMilliseconds = 0
        options.commitIntervalMilliseconds = 0
        options.mergesInBackground = false
        options.memoryBudgetBytes = 16 << 20
        options.laneCount = 1
        options.promotion = promotion
        return options
    }

    /// Besides the steps two lanes, and threads that refresh, commit and merge when they like.
    static var besideOptions: IndexOptions {
        var options = IndexOptions()
        options.refreshIntervalMilliseconds = 1
        options.commitIntervalMilliseconds = 2
        options.merge.segmentsPerTier = 2
        options.memoryBudgetBytes = 16 << 20
        options.laneCount = 2
        options.promotion = promotion
        return options
    }

    init(seed: UInt64, stepCount: Int = 14, options: IndexOptions = Self.options) {
        self.seed = seed
        var options = options
        if seed % 2 == 0 { options.helpedByteCountMin = 0 }
        if seed % 6 == 0 { options.keepsJournal = false }
        self.options = options
        var random = SeededRandom(seed: seed)
        var steps: [Step] = []
        for _ in 0..<stepCount {
            switch random.below(13) {
            case 0...6:
                var keys = StateReader.keys.shuffled(using: &random).prefix(1 + random.below(3))
                let deleted = random.below(3) == 0 ? keys.popLast().map { [$0] } ?? [] : []
                let level = random.below(4)
                steps.append(
                    .write(
                        puts: Array(keys), deletes: deleted, level == 0 ? .memory : level == 1 ? .log : .disk))
            case 7: steps.append(.refresh)
            case 8...9: steps.append(.commit)
            case 10: steps.append(.compact)
            case 11: steps.append(.deleteMatching(random.below(7)))
            default: steps.append(.restart(closes: random.below(2) == 0))
            }
        }
        self.steps = steps
    }

    /// Goes through the steps as far as they go, and says what was wrong on the way.
    func run(on directory: any Directory, _ model: FaultModel, checks: Bool) async -> [Finding] {
        var findings: [Finding] = []
        var index = open(directory, model, &findings)
        for (number, step) in steps.enumerated() {
            guard let current = index else { break }
            let label = "seed \(seed), step \(number)"
            switch step {
            case .write(let puts, let deletes, let level):
                await write(puts, deletes, level, current, model)
            case .deleteMatching(let number): findings += await delete(number, current, model, label)
            case .refresh:
                let worked = (try? await current.refresh()) != nil
                if checks { findings += inspect(current, model, worked, label) }
            case .commit:
                if (try? await current.commit()) != nil { model.committed() }
            case .compact:
                let worked = (try? await current.compact(segments: 1)) != nil
                if worked { model.committed() }
                if checks { findings += inspect(current, model, worked, label) }
            case .restart(let closes):
                index = nil
                if closes {
                    if (try? current.close()) != nil { model.committed() }
                } else {
                    current.abandon()
                }
                index = open(directory, model, &findings)
            }
        }
        index?.abandon()
        return findings
    }

    /// A fault may hit the opening itself: it is tried once more.
    private func open(
        _ directory: any Directory, _ model: FaultModel, _ findings: inout [Finding]
    ) -> SearchIndex? {
        for _ in 0..<2 {
            guard let index = try? SearchIndex.open(directory, schema: .standard, options: options) else {
                continue
            }
            // A fault has hit the opening: it says so, promises nothing, and is gone the next time.
            if index.writeFailure != nil {
                index.abandon()
                continue
            }
            model.created()
            if let state = try? StateReader.read(index) {
                if let finding = model.bounds(after: .kill).judge(state, "seed \(seed), restart") {
                    findings.append(finding)
                }
                model.pin(state)
            }
            return index
        }
        return nil
    }

    private func write(
        _ puts: [String], _ deletes: [String], _ level: AcknowledgementLevel, _ index: SearchIndex, _ model: FaultModel
    ) async {
        let number = model.nextBatch
        var operations: [WriteOperation] = puts.map { key in
            .put(Document(key: key, ["title": .string(StateReader.title(number)), "n": .integer(number)]))
        }
        operations += deletes.map { .delete($0) }
        let batch = model.submit(puts.map { ($0, number) } + deletes.map { ($0, nil) })
        let level = options.keepsJournal ? level : .memory
        if let receipt = try? await index.write(WriteBatch(operations, acknowledge: level)) {
            model.acknowledged(batch, receipt.level)
        }
    }

    /// Deletes the documents of one batch, by its number in their titles. Nothing else writes meanwhile.
    private func delete(
        _ number: Int, _ index: SearchIndex, _ model: FaultModel, _ label: String
    ) async -> [Finding] {
        let living = model.last
        let values = living.values.sorted()
        let value = values.isEmpty ? -1 : values[number % values.count]
        let keys = living.filter { $0.value == value }.keys
        let batch = keys.isEmpty ? nil : model.submit(keys.map { ($0, nil) })
        var request = DeletionRequest("第\(value)篇")
        request.acknowledge = options.keepsJournal ? .disk : .memory
        guard let receipt = try? await index.delete(matching: request) else { return [] }
        if let batch { model.acknowledged(batch, receipt.level) }
        if receipt.deleted == keys.count, receipt.skipped == 0 { return [] }
        return [Finding(kind: .wrong, text: "\(label): of \(keys.sorted()) it deleted \(receipt)")]
    }

    /// What a search in the running process finds is one of the states; after a refresh one with all that was
    /// acknowledged.
    private func inspect(_ index: SearchIndex, _ model: FaultModel, _ refreshed: Bool, _ label: String) -> [Finding] {
        do {
            let state = try StateReader.read(index)
            var bounds = model.bounds(after: nil)
            if !refreshed { bounds.lower = 0 }
            return bounds.judge(state, label).map { [$0] } ?? []
        } catch {
            return [Finding(kind: .wrong, text: "\(label): \(error)")]
        }
    }
}

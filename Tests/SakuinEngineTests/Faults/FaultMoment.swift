// A disk at one moment, and what it has to hold.

import SakuinTypes

@testable import SakuinEngine

struct FaultMoment: Sendable {
    let number: Int
    let image: MemoryDirectory.Image
    /// What was acknowledged before, by the kind of stop.
    private let before: [Stop: FaultModel.Bounds]
    /// What was submitted by then: other threads may go on while the image is taken.
    private let after: FaultModel.Bounds

    init(number: Int, _ memory: MemoryDirectory, _ model: FaultModel) {
        self.number = number
        var before: [Stop: FaultModel.Bounds] = [:]
        for stop in Stop.allCases { before[stop] = model.bounds(after: stop) }
        self.before = before
        image = memory.image()
        after = model.bounds(after: .kill)
    }

    /// Opens what is left and compares; `goesOn`: writes and opens once more.
    func check(_ disk: MemoryDirectory, _ stop: Stop, _ label: String, goesOn: Bool = true) -> [Finding] {
        var bounds = before[stop] ?? after
        bounds.upper = after.upper
        bounds.states = after.states
        do {
            let index = try SearchIndex.open(
                disk, schema: bounds.isCreated ? nil : .standard, options: FaultScenario.options)
            let state = try StateReader.read(index)
            var findings = bounds.judge(state, label).map { [$0] } ?? []
            if !index.statisticsNow().quarantined.isEmpty {
                findings.append(
                    Finding(kind: .wrong, text: "\(label): taken for damaged: \(index.statisticsNow().quarantined)"))
            }
            if goesOn {
                try index.close()
                let problems = try IndexCheck.run(disk).problems
                if !problems.isEmpty {
                    findings.append(Finding(kind: .wrong, text: "\(label): a check finds \(problems)"))
                }
                let again = try SearchIndex.open(disk, schema: nil, options: FaultScenario.options)
                let after = try StateReader.read(again)
                if after != state {
                    findings.append(Finding(kind: .wrong, text: "\(label): \(state) became \(after) by a restart"))
                }
                again.abandon()
            } else {
                index.abandon()
            }
            return findings
        } catch {
            return [Finding(kind: .lost, text: "\(label): \(error)")]
        }
    }
}

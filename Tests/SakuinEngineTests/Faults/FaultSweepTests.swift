// Every operation of a history of an index fails, or is the last before a stop; then the index is opened and compared
// with a model of what was acknowledged.

import SakuinTestSupport
import SakuinTypes
import Synchronization
import Testing

@testable import SakuinEngine

@Suite struct FaultSweepTests {
    /// Seeds that are always swept.
    private static let seedCount = 6

    @Test func nothingAcknowledgedIsLost() async throws {
        let first = SeedSource.first(1)
        // At the beginning, so that it is known when a sweep does not come to its end.
        print("fault sweep from seed \(first)")
        let tally = FaultTally()
        await SeedSource.forEach(from: first, count: Self.seedCount) { await FaultSweep(seed: $0, tally: tally).run() }
        print("fault sweep from seed \(first): \(tally.summary)")
        for finding in tally.findings.prefix(8) { Issue.record("\(finding.text)") }
        #expect(tally.findings.count == 0)
        #expect(tally.pointCount >= 10_000)
    }
}

/// Fault points and what they brought to light.
final class FaultTally: Sendable {
    private let state = Mutex((points: 0, findings: [Finding]()))

    func add(points: Int, _ findings: [Finding]) {
        state.withLock {
            $0.points += points
            $0.findings += findings
        }
    }

    var pointCount: Int { state.withLock { $0.points } }
    var findings: [Finding] { state.withLock { $0.findings } }

    var summary: String {
        let (points, findings) = state.withLock { $0 }
        func count(_ kind: Finding.Kind) -> Int { findings.count { $0.kind == kind } }
        return
            "\(points) fault points, \(count(.lost)) lost, \(count(.resurrected)) resurrected, \(count(.wrong)) wrong"
    }
}

/// All faults of one history.
struct FaultSweep: Sendable {
    let seed: UInt64
    let tally: FaultTally

    func run() async {
        for number in 0..<(await stops()) {
            await fail(.init(first: number, errno: 5, isShort: number % 2 == 0))
            await fail(.init(first: number, lasts: true, errno: number % 2 == 0 ? 5 : 28, isShort: true))
        }
        // Each write, each sync, each change of the folder, until there is none any more that could fail.
        var number = 0
        while await fail(.init(first: number, kinds: [.write], errno: 28, isShort: true)) { number += 1 }
        number = 0
        while await fail(.init(first: number, kinds: [.sync], errno: 5)) { number += 1 }
        number = 0
        while await fail(.full(after: number)) { number += 1 }
    }

    /// Stops before every operation of an undisturbed run, all kinds of stop; returns the number of operations.
    private func stops() async -> Int {
        let memory = MemoryDirectory()
        let model = FaultModel()
        let moments = Mutex<[FaultMoment]>([])
        let directory = FaultDirectory(memory) { number in
            let moment = FaultMoment(number: number, memory, model)
            moments.withLock { $0.append(moment) }
        }
        let findings = await FaultScenario(seed: seed).run(on: directory, model, checks: true)
        tally.add(points: 1, findings)
        for moment in moments.withLock({ $0 }) {
            for (kind, stop) in Stop.allCases.enumerated() {
                let disk = moment.image.after(stop, seed: seed &* 1_000_003 &+ UInt64(moment.number * 8 + kind))
                let label = "seed \(seed), \(stop) before operation \(moment.number)"
                tally.add(points: 1, moment.check(disk, stop, label, goesOn: moment.number % 8 == kind))
            }
        }
        return directory.operationCount
    }

    /// Goes through the history with these faults; whether one was met.
    @discardableResult
    private func fail(_ plan: FaultDirectory.Plan) async -> Bool {
        let memory = MemoryDirectory()
        let model = FaultModel()
        let directory = FaultDirectory(memory, plan)
        var findings = await FaultScenario(seed: seed).run(on: directory, model, checks: true)
        if !directory.hasFailed { return false }
        let moment = FaultMoment(number: plan.first, memory, model)
        let other: Stop = [.forgetful, .torn, .sectors, .pages][plan.first % 4]
        for stop in [Stop.kill, other] {
            let disk = moment.image.after(stop, seed: seed &* 7919 &+ UInt64(plan.first))
            let label =
                "seed \(seed), \(plan.kinds.count) kinds, operation \(plan.first) fails, lasts \(plan.lasts), then \(stop)"
            findings += moment.check(disk, stop, label, goesOn: plan.first % 8 == 0)
        }
        tally.add(points: 1, findings)
        return true
    }
}

// The fault sweep over an index whose own threads refresh, commit and merge beside the writes, with two lanes: which operation
// is the n-th differs from run to run, what has to hold does not.

import SakuinTestSupport
import SakuinTypes
import Synchronization
import Testing

@testable import SakuinEngine

@Suite struct BesideSweepTests {
    @Test func nothingIsLostBesideRefreshesAndMerges() async throws {
        let first = SeedSource.first(501)
        print("sweep beside refreshes and merges from seed \(first)")
        let tally = FaultTally()
        await SeedSource.forEach(from: first, count: 1) { await BesideSweep(seed: $0, tally: tally).run() }
        print("sweep beside refreshes and merges: \(tally.summary)")
        for finding in tally.findings.prefix(8) { Issue.record("\(finding.text)") }
        #expect(tally.findings.count == 0)
        #expect(tally.pointCount > 1000)
    }
}

private struct BesideSweep {
    let seed: UInt64
    let tally: FaultTally

    private var scenario: FaultScenario {
        FaultScenario(seed: seed, stepCount: 30, options: FaultScenario.besideOptions)
    }

    func run() async {
        let count = await stops()
        for number in stride(from: Int(seed % 7), to: count, by: 7) {
            await fail(.init(first: number, errno: 5, isShort: number % 2 == 0))
            await fail(.init(first: number, lasts: true, errno: number % 2 == 0 ? 5 : 28, isShort: true))
        }
    }

    /// Stops before every operation; returns how many there were.
    private func stops() async -> Int {
        let memory = MemoryDirectory()
        let model = FaultModel()
        let moments = Mutex<[FaultMoment]>([])
        let directory = FaultDirectory(memory) { number in
            let moment = FaultMoment(number: number, memory, model)
            moments.withLock { $0.append(moment) }
        }
        tally.add(points: 1, await scenario.run(on: directory, model, checks: true))
        for moment in moments.withLock({ $0 }) {
            let kind = moment.number % Stop.allCases.count
            for stop in Set([Stop.kill, Stop.allCases[kind]]) {
                let label = "seed \(seed), \(stop) before operation \(moment.number)"
                let disk = moment.image.after(stop, seed: seed &* 1_000_003 &+ UInt64(moment.number * 8 + kind))
                tally.add(points: 1, moment.check(disk, stop, label))
            }
        }
        return directory.operationCount
    }

    private func fail(_ plan: FaultDirectory.Plan) async {
        let memory = MemoryDirectory()
        let model = FaultModel()
        let directory = FaultDirectory(memory, plan)
        var findings = await scenario.run(on: directory, model, checks: true)
        guard directory.hasFailed else { return }
        let moment = FaultMoment(number: plan.first, memory, model)
        for stop in [Stop.kill, [.forgetful, .torn, .sectors, .pages][plan.first % 4]] {
            let label = "seed \(seed), operation \(plan.first) fails, lasts \(plan.lasts), then \(stop)"
            let disk = moment.image.after(stop, seed: seed &* 7919 &+ UInt64(plan.first))
            findings += moment.check(disk, stop, label)
        }
        tally.add(points: 1, findings)
    }
}

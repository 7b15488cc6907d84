// The real system calls are interrupted, move fewer bytes than asked, and fail one by one: `open`, `mmap`, `read`,
// `write`, `fdatasync`, `rename`, all that `SystemCall` makes. Interruptions and short transfers must not show; after a
// failure nothing acknowledged is lost.

import Foundation
import SakuinTestSupport
import SakuinTypes
import Synchronization
import Testing

@testable import SakuinEngine

@Suite struct SystemCallSweepTests {
    /// A folder on a file system in memory where there is one: the sweep is about calls, not about a disk.
    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let root = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : "/tmp"
        let path = "\(root)/sakuin-calls-\(getpid())-\(UInt64.random(in: .min ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    private func open(_ path: String, _ call: SystemCall = SystemCall()) throws -> DiskDirectory {
        try DiskDirectory(path, create: true, call)
    }

    /// Every call is interrupted, some several times, and every transfer comes in pieces: all goes as if nothing were.
    @Test(arguments: [21, 22, 23, 24] as [UInt64]) func interruptionsDoNotShow(seed: UInt64) async throws {
        try await withFolder { path in
            let script = CallScript(seed: seed)
            let model = FaultModel()
            let directory = try open(path, SystemCall { script.disturb($0, $2) })
            let findings = await FaultScenario(seed: seed).run(on: directory, model, checks: true)
            #expect(findings.map(\.text) == [])
            let bounds = model.bounds(after: nil)
            #expect(bounds.lower == bounds.upper, "every write was acknowledged")
            let counts = script.counts
            #expect(counts.interrupted > 200 && counts.short > 50, "\(counts)")
            for name in ["open", "mmap", "write", "fdatasync", "fsync", "rename", "unlink", "readdir", "close"] {
                #expect(counts.operations.contains(name), "\(name) was not interrupted")
            }
            let index = try SearchIndex.open(directory, schema: nil, options: FaultScenario.options)
            defer { index.abandon() }
            #expect(try model.bounds(after: .kill).judge(StateReader.read(index), "reopened") == nil)
        }
    }

    /// A copy that comes in pieces of one byte is the same copy.
    @Test func readsAndWritesGoOnWhereTheyStopped() async throws {
        try await withFolder { path in
            let directory = try open(path, SystemCall { _, _, count in count > 0 ? .short(1) : nil })
            var random = StorageRandom(5)
            let bytes = random.bytes(3000)
            let file = try directory.create("f")
            try file.append(bytes)
            try file.sync()
            try file.close()
            #expect(try directory.read("f") == bytes)
            #expect(try self.open(path).read("f") == bytes)
        }
    }

    /// The n-th call fails, for every n; once, or that call and all of its kind behind it.
    @Test func nothingAcknowledgedIsLostWhenACallFails() async throws {
        let tally = FaultTally()
        for seed in UInt64(31)...32 {
            let count = try await run(seed, CallScript(seed: seed), tally)
            for number in stride(from: 0, to: count, by: seed == 31 ? 1 : 3) {
                let plan = CallScript.Plan(number: number, lasts: number % 3 == 0)
                _ = try await run(seed, CallScript(seed: seed, plan), tally)
            }
        }
        print("system call sweep: \(tally.summary)")
        for finding in tally.findings.prefix(8) { Issue.record("\(finding.text)") }
        #expect(tally.findings.count == 0)
        #expect(tally.pointCount > 400)
    }

    /// Runs a history, opens what is left without faults and compares; returns how many calls there were.
    private func run(_ seed: UInt64, _ script: CallScript, _ tally: FaultTally) async throws -> Int {
        var count = 0
        try await withFolder { path in
            let model = FaultModel()
            var findings: [Finding] = []
            if let directory = try? open(path, SystemCall { name, _, _ in script.fail(name) }) {
                findings = await FaultScenario(seed: seed).run(on: directory, model, checks: true)
            }
            count = script.counts.all
            let label = "seed \(seed), \(script.planned)"
            do {
                let index = try SearchIndex.open(
                    try open(path), schema: model.bounds(after: .kill).isCreated ? nil : .standard,
                    options: FaultScenario.options)
                defer { index.abandon() }
                if let finding = model.bounds(after: .kill).judge(try StateReader.read(index), label) {
                    findings.append(finding)
                }
                if index.isReadOnly { findings.append(Finding(kind: .wrong, text: "\(label): taken for damaged")) }
            } catch {
                findings.append(Finding(kind: .lost, text: "\(label): \(error)"))
            }
            tally.add(points: 1, findings)
        }
        return count
    }
}

/// What happens to which call.
private final class CallScript: Sendable {
    struct Plan: Sendable {
        var number: Int
        /// All later calls of the same name fail too.
        var lasts: Bool
    }
    struct Counts: Sendable {
        var all = 0
        var interrupted = 0
        var short = 0
        var operations: Set<String> = []
        /// The name of the call that was made to fail.
        var failing: String?
    }

    private let plan: Plan?
    private let state: Mutex<(counts: Counts, random: SeededRandom)>

    init(seed: UInt64, _ plan: Plan? = nil) {
        self.plan = plan
        state = Mutex((Counts(), SeededRandom(seed: seed)))
    }

    var counts: Counts { state.withLock { $0.counts } }
    var planned: String {
        plan.map { "call \($0.number), \(counts.failing ?? "none"), lasts \($0.lasts)" } ?? "no fault"
    }

    /// Two of three calls are interrupted, and tried again as often as that; transfers are cut.
    func disturb(_ operation: String, _ byteCount: Int) -> SystemFault? {
        state.withLock { state in
            state.counts.all += 1
            if state.random.below(3) > 0 {
                state.counts.interrupted += 1
                state.counts.operations.insert(operation)
                return .interrupted
            }
            guard byteCount > 1 else { return nil }
            state.counts.short += 1
            return .short(byteCount / 2)
        }
    }

    func fail(_ operation: String) -> SystemFault? {
        state.withLock { state in
            defer { state.counts.all += 1 }
            guard let plan else { return nil }
            let isThis = state.counts.all == plan.number
            if isThis { state.counts.failing = operation }
            guard isThis || plan.lasts && state.counts.failing == operation else { return nil }
            switch operation {
            case "open": return .failing(plan.number % 2 == 0 ? EMFILE : EACCES)
            case "mmap": return .failing(ENOMEM)
            case "write", "mkdir", "fallocate": return .failing(plan.number % 2 == 0 ? ENOSPC : EIO)
            default: return .failing(EIO)
            }
        }
    }
}

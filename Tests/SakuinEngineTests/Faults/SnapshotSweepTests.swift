// Every operation of making, restoring and deleting snapshots fails, or is the last before a stop. What is listed then
// can be restored, to exactly what it was made of; the indexes hold what was acknowledged.

import SakuinTypes
import Synchronization
import Testing

@testable import SakuinEngine

@Suite struct SnapshotSweepTests {
    @Test func aSnapshotIsWholeOrNotThere() async throws {
        let tally = FaultTally()
        let count = await stops(tally)
        for number in 0..<count {
            await fail(.init(first: number, lasts: number % 3 == 0, errno: 5, isShort: number % 2 == 0), tally)
            if number % 6 == 0 { await fail(.full(after: number / 3), tally) }
        }
        print("snapshot sweep: \(tally.summary)")
        for finding in tally.findings.prefix(8) { Issue.record("\(finding.text)") }
        #expect(tally.findings.count == 0)
        #expect(tally.pointCount > 1500)
    }

    private func stops(_ tally: FaultTally) async -> Int {
        let memory = MemoryDirectory()
        let history = SnapshotHistory()
        let moments = Mutex<[(Int, MemoryDirectory.Image, SnapshotHistory.Promise)]>([])
        let root = FaultDirectory(memory) { number in
            let moment = (number, memory.image(), history.promise)
            moments.withLock { $0.append(moment) }
        }
        await history.run(on: root)
        for (number, image, promise) in moments.withLock({ $0 }) {
            for (kind, stop) in Stop.allCases.enumerated() where (number + kind) % 4 == 0 {
                let disk = image.after(stop, seed: UInt64(number * 8 + kind))
                tally.add(points: 1, promise.check(disk, "\(stop) before operation \(number)"))
            }
        }
        return root.operationCount
    }

    private func fail(_ plan: FaultDirectory.Plan, _ tally: FaultTally) async {
        let memory = MemoryDirectory()
        let history = SnapshotHistory()
        let root = FaultDirectory(memory, plan)
        let findings = await history.run(on: root)
        guard root.hasFailed else { return }
        let label = "operation \(plan.first) fails, lasts \(plan.lasts), errno \(plan.errno)"
        let image = memory.image()
        tally.add(points: 1, findings.map { Finding(kind: .wrong, text: "\(label): \($0)") })
        let stop: Stop = [.kill, .forgetful, .pages][plan.first % 3]
        let disk = image.after(stop, seed: UInt64(plan.first))
        tally.add(points: 1, history.promise.check(disk, "\(label), \(stop)"))
    }
}

/// A catalog that is written, backed up and restored from, and what it has promised so far.
private final class SnapshotHistory: Sendable {
    struct Promise: Sendable {
        /// Keys that were acknowledged, by index, and those that may be there besides.
        var sure: [String: Set<String>] = [:]
        var maybe: [String: Set<String>] = [:]
        /// Snapshots that have to be there, that may be, and that must not be, with the keys they hold.
        var made: Set<String> = []
        var gone: Set<String> = []
        var contents: [String: Set<String>] = [:]
    }

    private let state = Mutex(Promise())
    var promise: Promise { state.withLock { $0 } }

    private func change(_ body: (inout Promise) -> Void) { state.withLock { body(&$0) } }

    /// Goes on after whatever fails; says what was wrong in the running process.
    @discardableResult
    func run(on root: any Directory) async -> [String] {
        guard let catalog = try? IndexCatalog(root, options: FaultScenario.options),
            (try? catalog.createNow("i", .standard)) != nil
        else { return [] }
        change { $0.sure["i"] = [] }
        for key in ["a", "b"] {
            await put(key, catalog)
            if let index = try? catalog.indexNow("i") { _ = try? await index.commit() }
        }
        create("one", catalog)
        await put("c", catalog)
        if let index = try? catalog.indexNow("i") { _ = try? await index.compact(segments: 1) }
        create("two", catalog)
        restore("one", catalog)
        delete("one", catalog)
        restore("two", catalog)
        create("one", catalog)
        delete("two", catalog)
        let findings = inspect(catalog)
        try? catalog.close()
        return findings
    }

    private func put(_ key: String, _ catalog: IndexCatalog) async {
        change { $0.maybe["i", default: []].insert(key) }
        let batch = WriteBatch([.put(Document(key: key, ["title": "全文検索"]))])
        guard let index = try? catalog.indexNow("i"), (try? await index.write(batch)) != nil else { return }
        change { $0.sure["i"]?.insert(key) }
    }

    private func create(_ name: String, _ catalog: IndexCatalog) {
        change { promise in
            let sure = promise.sure["i"] ?? []
            // One that could not be deleted may still be there.
            let old = promise.gone.remove(name) == nil ? promise.contents[name] : nil
            promise.contents[name] = old?.intersection(sure) ?? sure
        }
        guard (try? catalog.createSnapshotNow(of: "i", name: name)) != nil else { return }
        change { $0.made.insert(name) }
    }

    private func restore(_ name: String, _ catalog: IndexCatalog) {
        let keys = promise.contents[name] ?? []
        change { $0.maybe["r-" + name] = $0.maybe["i"] }
        guard (try? catalog.restoreSnapshotNow(name, of: "i", as: "r-" + name)) != nil else { return }
        change { $0.sure["r-" + name] = keys }
    }

    private func delete(_ name: String, _ catalog: IndexCatalog) {
        let wasMade = promise.made.contains(name)
        change { $0.made.remove(name) }
        guard wasMade, (try? catalog.deleteSnapshotNow(name, of: "i")) != nil else { return }
        change { $0.gone.insert(name) }
    }

    /// A process that has met a fault says the truth about what there is.
    private func inspect(_ catalog: IndexCatalog) -> [String] {
        guard let listed = try? catalog.listSnapshotsNow(of: "i") else { return [] }
        let names = Set(listed.map(\.name))
        var findings: [String] = []
        if !names.isSuperset(of: promise.made) { findings.append("\(promise.made) were made, \(names) are listed") }
        if !names.isDisjoint(with: promise.gone) {
            findings.append("\(promise.gone) were deleted, \(names) are listed")
        }
        for listing in catalog.listNow() where promise.maybe[listing.name] == nil && listing.name != "i" {
            findings.append("there is an index \(listing.name)")
        }
        return findings
    }
}

extension SnapshotHistory.Promise {
    /// Opens what is left, restores every snapshot, and compares.
    func check(_ disk: MemoryDirectory, _ label: String) -> [Finding] {
        do {
            let catalog = try IndexCatalog(disk, options: FaultScenario.options)
            defer { try? catalog.close() }
            var texts: [String] = []
            for name in Set(sure.keys).union(catalog.listNow().map(\.name)) {
                let keys = try self.keys(catalog, name)
                if !keys.isSuperset(of: sure[name] ?? []) || !keys.isSubset(of: maybe[name] ?? []) {
                    texts.append("index \(name) holds \(keys), not \(sure[name] ?? []) to \(maybe[name] ?? [])")
                }
            }
            let listed = try catalog.listSnapshotsNow(of: nil)
            let names = Set(listed.map(\.name))
            if !names.isSuperset(of: made) { texts.append("of snapshots \(made) there are \(names)") }
            if !names.isDisjoint(with: gone) { texts.append("of deleted snapshots \(gone) there are \(names)") }
            for listing in listed {
                if let problem = listing.problem { texts.append("snapshot \(listing.name) is listed: \(problem)") }
                _ = try catalog.restoreSnapshotNow(listing.name, of: listing.index, as: "check-" + listing.name)
                let keys = try self.keys(catalog, "check-" + listing.name)
                if !keys.isSuperset(of: contents[listing.name] ?? []) || !keys.isSubset(of: maybe["i"] ?? []) {
                    texts.append("snapshot \(listing.name) holds \(keys), not \(contents[listing.name] ?? [])")
                }
            }
            if try disk.folders("indexes").contains(where: { $0.hasPrefix(".") }) { texts.append("left-over folders") }
            return texts.map { Finding(kind: .wrong, text: "\(label): \($0)") }
        } catch {
            return [Finding(kind: .lost, text: "\(label): \(error)")]
        }
    }

    private func keys(_ catalog: IndexCatalog, _ name: String) throws -> Set<String> {
        Set(try catalog.indexNow(name).searchNow(SearchRequest("検索", limit: 100)).hits.map(\.key))
    }
}

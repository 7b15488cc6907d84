// A repair is stopped before every operation, in every way a machine stops, and every operation of it fails; then it is
// run again. It ends as if it had never been disturbed: nothing readable is lost, nothing deleted comes back, and what was
// damaged is still there.

import SakuinTypes
import Synchronization
import Testing

@testable import SakuinEngine

@Suite struct RepairSweepTests {
    @Test func aStoppedRepairIsDoneAgain() async throws {
        let tally = FaultTally()
        for damage in DamagedFolder.Damage.allCases {
            let folder = try await DamagedFolder(damage)
            let count = try stops(folder, tally)
            for number in 0..<count {
                // One or all from there on, in turn.
                if number % 2 == 0 || SeedSource.isLong {
                    try fail(.init(first: number, errno: 5, isShort: number % 4 == 0), folder, tally)
                }
                if number % 2 == 1 || SeedSource.isLong {
                    try fail(
                        .init(first: number, lasts: true, errno: number % 4 == 1 ? 5 : 28, isShort: true), folder, tally
                    )
                }
            }
        }
        print("repair sweep: \(tally.summary)")
        for finding in tally.findings.prefix(8) { Issue.record("\(finding.text)") }
        #expect(tally.findings.count == 0)
        #expect(tally.pointCount > 500)
    }

    private func stops(_ folder: DamagedFolder, _ tally: FaultTally) throws -> Int {
        let memory = MemoryDirectory(files: folder.files)
        let images = Mutex<[MemoryDirectory.Image]>([])
        let directory = FaultDirectory(memory) { _ in
            let image = memory.image()
            images.withLock { $0.append(image) }
        }
        _ = try IndexRepair.run(directory, options: FaultScenario.options).get()
        tally.add(points: 1, folder.check(memory, "not stopped"))
        for (number, image) in images.withLock({ $0 }).enumerated() {
            for (kind, stop) in Stop.allCases.enumerated() {
                let disk = image.after(stop, seed: UInt64(number * 8 + kind))
                tally.add(points: 1, folder.goOn(disk, "\(folder.damage), \(stop) before operation \(number)"))
            }
        }
        return directory.operationCount
    }

    private func fail(_ plan: FaultDirectory.Plan, _ folder: DamagedFolder, _ tally: FaultTally) throws {
        let memory = MemoryDirectory(files: folder.files)
        let directory = FaultDirectory(memory, plan)
        _ = try? IndexRepair.run(directory, options: FaultScenario.options).get()
        guard directory.hasFailed else { return }
        let image = memory.image()
        for stop in [Stop.kill, [.forgetful, .torn, .sectors, .pages][plan.first % 4]] {
            let disk = image.after(stop, seed: UInt64(plan.first))
            let label = "\(folder.damage), operation \(plan.first) fails, lasts \(plan.lasts), \(stop)"
            tally.add(points: 1, folder.goOn(disk, label))
        }
    }
}

/// An index of two segments, deletions and a journal, one file of which is damaged.
private struct DamagedFolder {
    enum Damage: CaseIterable {
        case segment, livingDocuments, journal, newestManifest, allManifests
    }

    let damage: Damage
    let files: [String: [UInt8]]
    /// The damaged files as they are, which have to be kept.
    private let damaged: [[UInt8]]
    /// What a repair that nothing disturbs leaves: keys that can be searched (nil: it cannot be opened), and keys in files
    /// of JSON lines.
    private let keys: Set<String>?
    private let exported: Set<String>

    init(_ damage: Damage) async throws {
        self.damage = damage
        let memory = MemoryDirectory()
        let index = try SearchIndex.open(memory, schema: .standard, options: FaultScenario.options)
        for name in ["a", "b"] {
            let puts = (0..<30).map { number in
                WriteOperation.put(
                    Document(key: "\(name)\(number)", ["title": .string("全文検索"), "n": .integer(Int64(number))]))
            }
            _ = try await index.write(WriteBatch(puts))
            _ = try await index.commit()
        }
        _ = try await index.write(WriteBatch([.delete("a7")]))
        _ = try await index.commit()
        for number in 0..<5 {
            _ = try await index.write(WriteBatch([.put(Document(key: "j\(number)", ["title": "全文検索"]))]))
        }
        index.abandon()
        var files: [String: [UInt8]] = [:]
        for name in try memory.list() { files[name] = try memory.read(name) }
        let prefix =
            switch damage {
            case .segment: "segment-"
            case .livingDocuments: "live-"
            case .journal: "journal-"
            case .newestManifest, .allManifests: "manifest-"
            }
        let names = files.keys.filter { $0.hasPrefix(prefix) }.sorted()
        if damage == .newestManifest {
            // The one before is still there, as after a removal that did not come to the disk.
            let name = try #require(names.last)
            files[FileName.manifest(99)] = files[name]
            files[FileName.manifest(99)]?[20] ^= 0x40
            damaged = [files[FileName.manifest(99)] ?? []]
        } else {
            for name in damage == .allManifests ? names : [try #require(names.first)] {
                let at = (files[name]?.count ?? 0) / 2
                files[name]?[at] ^= 0x10
            }
            damaged = damage == .allManifests ? [] : names.prefix(1).compactMap { files[$0] }
        }
        self.files = files
        let whole = MemoryDirectory(files: files)
        _ = try IndexRepair.run(whole, options: FaultScenario.options).get()
        keys = try? Self.keys(whole)
        exported = try Self.exported(whole)
        let found = (keys ?? []).union(exported)
        try #require(found.count > 30, "\(damage): \(found.sorted())")
    }

    private static func keys(_ directory: MemoryDirectory) throws -> Set<String> {
        let index = try SearchIndex.open(directory, schema: nil, options: FaultScenario.options)
        defer { index.abandon() }
        let response = try index.searchNow(SearchRequest("検索", limit: 200))
        guard response.complete else { throw SakuinError(.dataLoss, response.notes.joined(separator: " ")) }
        return Set(response.hits.map(\.key))
    }

    private static func quarantined(_ directory: MemoryDirectory) throws -> [(name: String, bytes: [UInt8])] {
        try directory.list(FileName.quarantineFolder).map { ($0, try directory.read(FileName.quarantined($0))) }
    }

    private static func exported(_ directory: MemoryDirectory) throws -> Set<String> {
        var keys: Set<String> = []
        for (name, bytes) in (try? quarantined(directory)) ?? [] where name.hasSuffix(".jsonl") {
            for line in bytes.split(separator: UInt8(ascii: "\n")) {
                guard case .object(let members) = try JSONValue(parsing: Array(line)),
                    case .string(let key)? = members.first(where: { $0.key == "id" })?.value
                else { throw SakuinError(.dataLoss, "\(name) holds half a line") }
                keys.insert(key)
            }
        }
        return keys
    }

    /// Repairs once more what a stop has left, and compares.
    func goOn(_ disk: MemoryDirectory, _ label: String) -> [Finding] {
        var findings: [Finding] = []
        // Whoever opens it before serves what is right, or is told.
        if let early = try? Self.keys(MemoryDirectory(files: disk.everyFile)), let keys, early != keys {
            findings.append(Finding(kind: .wrong, text: "\(label): opened between, it holds \(early.sorted())"))
        }
        do {
            _ = try IndexRepair.run(disk, options: FaultScenario.options).get()
            findings += check(disk, label)
        } catch {
            findings.append(Finding(kind: .lost, text: "\(label): \(error)"))
        }
        return findings
    }

    /// Whether a repaired folder is as it has to be.
    func check(_ disk: MemoryDirectory, _ label: String) -> [Finding] {
        do {
            var findings: [Finding] = []
            let found = try? Self.keys(disk)
            if let keys {
                let lost = keys.subtracting(found ?? [])
                if !lost.isEmpty { findings.append(Finding(kind: .lost, text: "\(label): \(lost.sorted())")) }
                let more = (found ?? []).subtracting(keys)
                if !more.isEmpty { findings.append(Finding(kind: .resurrected, text: "\(label): \(more.sorted())")) }
                let problems = try IndexCheck.run(disk).problems
                if !problems.isEmpty { findings.append(Finding(kind: .wrong, text: "\(label): \(problems)")) }
            } else if found != nil {
                findings.append(Finding(kind: .wrong, text: "\(label): it can be opened"))
            }
            let lost = exported.subtracting(try Self.exported(disk))
            if !lost.isEmpty { findings.append(Finding(kind: .lost, text: "\(label): not exported \(lost.sorted())")) }
            let kept = ((try? Self.quarantined(disk)) ?? []).map(\.bytes)
            for bytes in damaged where !kept.contains(bytes) {
                findings.append(Finding(kind: .lost, text: "\(label): the damaged file is gone"))
            }
            return findings
        } catch {
            return [Finding(kind: .lost, text: "\(label): \(error)")]
        }
    }
}

extension MemoryDirectory {
    /// Names and bytes of all files as they are.
    var everyFile: [String: [UInt8]] {
        let image = image()
        return image.names.mapValues { image.content($0).bytes }
    }
}

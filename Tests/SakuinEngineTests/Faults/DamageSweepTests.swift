// Files of a stopped index are flipped, cut, zeroed, swapped, set back and removed. What opens then is right, or says
// that it is not complete and changes nothing, or is refused; nothing wrong is ever served.

import SakuinTestSupport
import SakuinTypes
import Synchronization
import Testing

@testable import SakuinEngine

@Suite struct DamageSweepTests {
    @Test func nothingWrongIsServed() async throws {
        let tally = FaultTally()
        for seed in UInt64(101)...108 { await DamageSweep(seed: seed, tally: tally).run() }
        print("damage sweep: \(tally.summary)")
        for finding in tally.findings.prefix(8) { Issue.record("\(finding.text)") }
        #expect(tally.findings.count == 0)
        #expect(tally.pointCount > 2000)
    }
}

private struct DamageSweep {
    let seed: UInt64
    let tally: FaultTally

    private struct Damage {
        var name: String
        var text: String
        /// nil: removed.
        var bytes: [UInt8]?
        /// Whether all that is at `disk` is still in the files, or can be told to be missing.
        var isTold: Bool
    }

    func run() async {
        let memory = MemoryDirectory()
        let model = FaultModel()
        let moments = Mutex<[[String: [UInt8]]]>([])
        let directory = FaultDirectory(memory) { number in
            guard number % 16 == 0 else { return }
            let files = Self.files(memory)
            moments.withLock { $0.append(files) }
        }
        tally.add(points: 1, await FaultScenario(seed: seed).run(on: directory, model, checks: false))
        let files = Self.files(memory)
        let bounds = model.bounds(after: .forgetful)
        var random = SeededRandom(seed: seed)
        for damage in damages(files, moments.withLock { $0 }, &random) {
            var damaged = files
            damaged[damage.name] = damage.bytes
            let label = "seed \(seed), \(damage.name) \(damage.text)"
            tally.add(points: 1, check(MemoryDirectory(files: damaged), damaged, bounds, damage, label))
        }
    }

    private static func files(_ memory: MemoryDirectory) -> [String: [UInt8]] {
        let image = memory.image()
        return image.names.mapValues { image.content($0).bytes }
    }

    private func damages(
        _ files: [String: [UInt8]], _ earlier: [[String: [UInt8]]], _ random: inout SeededRandom
    ) -> [Damage] {
        var damages: [Damage] = []
        for name in files.keys.sorted() {
            guard let bytes = files[name], !bytes.isEmpty else { continue }
            let isJournal = name.hasPrefix("journal")
            if isJournal {
                for bit in stride(from: 3, to: 8 * JournalFormat.headerByteCount, by: 16) {
                    var flipped = bytes
                    flipped[bit / 8] ^= 1 << UInt8(bit % 8)
                    damages.append(Damage(name: name, text: "header bit \(bit) flipped", bytes: flipped, isTold: true))
                }
            }
            for _ in 0..<24 {
                let bit = random.below(bytes.count * 8)
                var flipped = bytes
                flipped[bit / 8] ^= 1 << UInt8(bit % 8)
                damages.append(Damage(name: name, text: "bit \(bit) flipped", bytes: flipped, isTold: true))
            }
            for _ in 0..<8 {
                let length = random.below(bytes.count)
                let cut = Array(bytes[..<length])
                let isHeader = length < JournalFormat.headerByteCount
                damages.append(Damage(name: name, text: "cut to \(length)", bytes: cut, isTold: !isJournal || isHeader))
                var zeroed = bytes
                for i in length..<min(length + 512, bytes.count) { zeroed[i] = 0 }
                // The marks at the end of a journal may be among what is zeroed.
                damages.append(
                    Damage(name: name, text: "zeroed at \(length)", bytes: zeroed, isTold: !isJournal || isHeader))
            }
            for (other, content) in files where other != name && content != bytes {
                damages.append(Damage(name: name, text: "swapped for \(other)", bytes: content, isTold: true))
            }
            for content in Set(earlier.compactMap { $0[name] }) where content != bytes {
                damages.append(Damage(name: name, text: "set back", bytes: content, isTold: !isJournal))
            }
            damages.append(Damage(name: name, text: "removed", bytes: nil, isTold: true))
        }
        return damages
    }

    private func check(
        _ disk: MemoryDirectory, _ files: [String: [UInt8]], _ bounds: FaultModel.Bounds, _ damage: Damage,
        _ label: String
    ) -> [Finding] {
        guard let index = try? SearchIndex.open(disk, schema: nil, options: FaultScenario.options) else {
            return unchanged(disk, files, label)
        }
        let wasReadOnly = index.isReadOnly
        let state = try? StateReader.read(index)
        // A damaged block puts its segment into quarantine when it is come upon.
        guard index.isReadOnly else {
            defer { index.abandon() }
            guard let state else { return [Finding(kind: .wrong, text: "\(label): refused as a whole")] }
            var bounds = bounds
            if !damage.isTold { bounds.lower = 0 }
            return bounds.judge(state, label).map { [$0] } ?? []
        }
        var findings: [Finding] = []
        if let response = try? index.searchNow(SearchRequest("検索", limit: 20)), response.complete {
            findings.append(Finding(kind: .wrong, text: "\(label): said to be complete"))
        }
        for key in StateReader.keys {
            guard let document = try? index.getNow([key])[0], case .integer(let batch)? = document["n"] else {
                continue
            }
            if !bounds.states.contains(where: { $0[key] == batch }) {
                findings.append(Finding(kind: .wrong, text: "\(label): \(key) is \(batch), never written"))
            }
        }
        do { try index.close() } catch { findings.append(Finding(kind: .wrong, text: "\(label): \(error)")) }
        return wasReadOnly ? findings + unchanged(disk, files, label) : findings
    }

    /// An index that cannot be opened, or only for reading, is left as it was, but for marks of what was found damaged.
    private func unchanged(_ disk: MemoryDirectory, _ files: [String: [UInt8]], _ label: String) -> [Finding] {
        let after = Self.files(disk).filter { !$0.key.hasPrefix("damaged-") }
        if after == files { return [] }
        let changed = Set(files.keys).symmetricDifference(after.keys).sorted()
        return [Finding(kind: .lost, text: "\(label): files were changed: \(changed)")]
    }
}

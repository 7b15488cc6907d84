import Testing

@testable import SakuinEngine

@Suite struct IndexCrashTests {
    /// Wherever the disk begins to fail and the machine then stops, what was acknowledged at `disk` is there again.
    @Test(arguments: 0..<6) func acknowledgedWritesSurvive(lane: Int) async throws {
        var options = IndexOptions()
        options.refreshIntervalMilliseconds = 0
        options.commitIntervalMilliseconds = 0
        options.mergesInBackground = false
        options.memoryBudgetBytes = 16 << 20
        options.laneCount = 1 + lane % 2
        for operations in stride(from: lane, to: 150, by: 6) {
            var random = StorageRandom(UInt64(operations))
            let memory = MemoryDirectory()
            let directory = FaultDirectory(memory, .full(after: operations))
            var acknowledged: [String: Int64?] = [:]
            /// Written but not acknowledged: may be there or not.
            var pending: [String: [Int64?]] = [:]
            if let index = try? SearchIndex.open(directory, schema: .standard, options: options) {
                for round in 0..<14 {
                    var operations: [WriteOperation] = []
                    var changes: [String: Int64?] = [:]
                    for _ in 0..<3 {
                        let key = "k\(random.next(below: 8))"
                        if changes[key] != nil { continue }
                        if random.next(below: 4) == 0 {
                            operations.append(.delete(key))
                            changes.updateValue(nil, forKey: key)
                        } else {
                            let fields: [Document.Field] = [
                                .init("title", .string("全文検索\(round)")), .init("n", .integer(Int64(round))),
                                .init("extra\(random.next(below: 5))", .boolean(true)),
                            ]
                            operations.append(.put(Document(key: key, fields: fields)))
                            changes.updateValue(Int64(round), forKey: key)
                        }
                    }
                    do {
                        _ = try await index.write(WriteBatch(operations))
                        for (key, value) in changes {
                            acknowledged.updateValue(value, forKey: key)
                            pending[key] = nil
                        }
                    } catch {
                        for (key, value) in changes { pending[key, default: []].append(value) }
                    }
                    if random.next(below: 3) == 0 { _ = try? await index.refresh() }
                    if random.next(below: 4) == 0 { _ = try? await index.commit() }
                }
                index.abandon()
            }
            #expect(operations < 40 || !acknowledged.isEmpty)
            if acknowledged.isEmpty { continue }
            let torn = memory.copyAfterCrash(seed: UInt64(operations))
            for crashed in [memory.copyAfterCrash(), torn, memory.copyAfterKill()] {
                let index = try SearchIndex.open(crashed, schema: nil, options: options)
                for (key, value) in acknowledged {
                    let document = try index.getNow([key])[0]
                    let found: Int64? = document?["n"].flatMap { if case .integer(let n) = $0 { n } else { nil } }
                    let allowed = [value] + pending[key, default: []]
                    #expect(allowed.contains(found), "after \(operations) operations, key \(key)")
                    if let document { #expect(document.fields.count == 3) }
                }
                try index.close()
            }
        }
    }
}

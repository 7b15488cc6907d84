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

    private func put(_ index: SearchIndex, _ key: String) async throws {
        _ = try await index.write(WriteBatch([.put(Document(key: key, ["title": "全文検索"]))]))
    }

    private func isWhole(_ directory: MemoryDirectory) throws -> Bool {
        let index = try SearchIndex.open(directory, schema: nil, options: SearchFixture.options)
        defer { index.abandon() }
        let response = try index.searchNow(SearchRequest("検索"))
        return response.total == Total(2) && response.complete
    }

    /// A commit that fails may be on the disk all the same: the files that its manifest names are there when the index has
    /// been let go.
    @Test func afterAFailedCommitItsFilesStay() async throws {
        for failing in 0..<20 {
            let memory = MemoryDirectory()
            func fails() async throws -> Bool {
                let directory = FaultDirectory(memory)
                let index = try SearchIndex.open(directory, schema: .standard, options: SearchFixture.options)
                try await put(index, "a")
                _ = try await index.commit()
                try await put(index, "b")
                _ = try await index.refresh()
                directory.arm(FaultDirectory.Plan(first: failing, kinds: [.sync]))
                let hasFailed = (try? index.store.commit()) == nil
                directory.mend()
                _ = try index.merge(index.mergeCandidates.map(\.id), MergeControl(), withHelper: false)
                index.abandon()
                return hasFailed
            }
            let hasFailed = try await fails()
            for directory in [memory.copyAfterKill(), memory.copyAfterCrash()] {
                #expect(try isWhole(directory), "sync \(failing)")
            }
            if !hasFailed {
                #expect(failing > 3)
                return
            }
        }
    }

    /// A process ends before what it did to the folder is durable, the next one opens what it finds, and then the power
    /// fails: what that one removed was not needed.
    @Test func powerFailsBehindAKill() async throws {
        for failing in 0..<20 {
            let memory = MemoryDirectory()
            let directory = FaultDirectory(memory)
            let index = try SearchIndex.open(directory, schema: .standard, options: SearchFixture.options)
            for key in ["a", "b"] {
                try await put(index, key)
                _ = try await index.commit()
            }
            _ = try index.merge(index.mergeCandidates.map(\.id), MergeControl(), withHelper: false)
            directory.arm(FaultDirectory.Plan(first: failing, lasts: true, kinds: [.sync]))
            let hasFailed = (try? await index.commit()) == nil
            index.abandon()
            if !hasFailed {
                #expect(failing > 3)
                return
            }
            let images = Monitor<[MemoryDirectory.Image]>([])
            let watched = FaultDirectory(memory) { _ in images.change { $0.append(memory.image()) } }
            try SearchIndex.open(watched, schema: nil, options: SearchFixture.options).abandon()
            for (number, image) in images.read({ $0 }).enumerated() {
                for seed in 0..<3 as Range<UInt64> {
                    let seed = 3 * UInt64(number) + seed
                    #expect(try isWhole(image.after(.sectors, seed: seed)), "sync \(failing), operation \(number)")
                }
            }
        }
    }
}

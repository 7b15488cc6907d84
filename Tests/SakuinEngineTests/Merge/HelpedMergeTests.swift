// Merges with a helper: the same bytes as without, and nothing left behind when either half fails.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct HelpedMergeTests {
    private static let schema = Schema(fields: [
        FieldDefinition(name: "title"), FieldDefinition(name: "body"), FieldDefinition(name: "tag", type: .keyword),
    ])

    /// Segments of some hundred documents, a part of them dead, with frequent grams, in a directory of their own.
    private static func index(seed: UInt64, compact: Bool, _ directory: any Directory) async throws -> SearchIndex {
        var random = SeededRandom(seed: seed)
        var options = SearchFixture.options
        options.memoryBudgetBytes = 16 << 20
        options.promotion = PromotionRule(
            thresholdMin: 32, postingShareMax: 100, wholeShareThreshold: 1, postingCountMax: 1 << 30)
        var schema = schema
        schema.compact = compact
        let index = try SearchIndex.open(directory, schema: schema, options: options)
        for part in 0..<3 {
            let documents = (0..<500).map { i in
                let rare = (0..<30).compactMap { _ in Unicode.Scalar(0x4E00 + UInt32(random.below(2_000))) }
                let text = (0..<8).map { _ in SearchFixture.text(&random) }.joined() + "國際數字經濟大會"
                return Document(
                    key: "\(part)-\(i)",
                    [
                        "title": .string(SearchFixture.text(&random)),
                        "body": .string(text + String(String.UnicodeScalarView(rare))),
                        "tag": .string(SearchFixture.tags[random.below(5)]),
                    ])
            }
            _ = try await index.write(WriteBatch(documents.map { .put($0) }))
            _ = try await index.refresh()
        }
        _ = try await index.write(WriteBatch((0..<100).map { .delete("\($0 % 3)-\($0 * 4)") }))
        _ = try await index.commit()
        return index
    }

    private static func inputs(_ index: SearchIndex) -> [MergeInput] {
        var first: UInt32 = 0
        return index.store.snapshot.segments.map { segment in
            defer { first += UInt32(segment.liveCount) }
            return MergeInput(segment.reader, live: segment.live, firstDocument: first)
        }
    }

    private static func merger(
        _ index: SearchIndex, _ directory: any Directory, _ control: MergeControl = MergeControl()
    ) -> SegmentMerger {
        SegmentMerger(inputs(index), index.registry, directory: directory, control, index.memory.shares)
    }

    @Test(arguments: [false, true])
    func theBytesAreTheSame(compact: Bool) async throws {
        for seed in 1...3 as ClosedRange<UInt64> {
            let index = try await Self.index(seed: seed, compact: compact, MemoryDirectory())
            var files: [[String: [UInt8]]] = []
            for withHelper in [false, true] {
                let memory = MemoryDirectory()
                _ = try #require(try Self.merger(index, memory).run(id: 9, withHelper: withHelper))
                files.append(memory.everyFile)
            }
            let isSame = files[0] == files[1]
            #expect(isSame, "seed \(seed)")
            #expect(files[0].keys.sorted() == [FileName.segment(9)])
            let memory = MemoryDirectory(files: files[1])
            let sizes = try SegmentReader(memory, FileName.segment(9)).sectionSizes
            #expect(sizes.contains { $0.name == "promotedPostings" && $0.byteCount > 0 })
            index.abandon()
        }
    }

    /// Each operation of the disk fails in turn, whichever thread it is of: the merge says so and leaves no file.
    @Test func whateverFailsNothingIsLeft() async throws {
        let index = try await Self.index(seed: 4, compact: false, MemoryDirectory())
        defer { index.abandon() }
        let counter = FaultDirectory(MemoryDirectory())
        _ = try #require(try Self.merger(index, counter).run(id: 9, withHelper: true))
        let count = counter.operationCount
        #expect(count > 20)
        for number in 0..<count {
            let memory = MemoryDirectory()
            let fault = FaultDirectory(
                memory, FaultDirectory.Plan(first: number, kinds: [.create, .open, .write, .sync, .close]))
            do {
                _ = try Self.merger(index, fault).run(id: 9, withHelper: true)
                #expect(!fault.hasFailed, "operation \(number)")
            } catch {
                #expect(error == .io(operation: Self.operation(error), path: Self.path(error), errno: 5), "\(error)")
                #expect(memory.everyFile.keys.sorted() == [], "operation \(number)")
            }
        }
    }

    private static func operation(_ error: StorageError) -> String {
        if case .io(let operation, _, _) = error { operation } else { "" }
    }
    private static func path(_ error: StorageError) -> String {
        if case .io(_, let path, _) = error { path } else { "" }
    }

    @Test func cancellingEndsBothThreads() async throws {
        let index = try await Self.index(seed: 5, compact: false, MemoryDirectory())
        defer { index.abandon() }
        let count = FaultDirectory(MemoryDirectory())
        _ = try Self.merger(index, count).run(id: 9, withHelper: true)
        // Before the footer is written and the file closed.
        for number in stride(from: 0, to: count.operationCount - 2, by: 3) {
            let memory = MemoryDirectory()
            let control = MergeControl()
            let watched = FaultDirectory(memory) { if $0 == number { control.cancel() } }
            let error = #expect(throws: StorageError.self) {
                try Self.merger(index, watched, control).run(id: 9, withHelper: true)
            }
            #expect(error == .cancelled)
            #expect(memory.everyFile.keys.sorted() == [])
        }
    }

    /// A part of the work obeys the whole, and is cancelled alone.
    @Test func aPartOfAControlPaysForTheWhole() throws {
        let whole = MergeControl()
        let part = MergeControl(of: whole)
        try part.didRead(3 << 20)
        try part.willWrite(5)
        #expect(whole.bytesRead == 3 << 20 && whole.bytesWritten == 5)
        part.cancel()
        #expect(throws: StorageError.cancelled) { try part.check() }
        try whole.check()
        let other = MergeControl(of: whole)
        whole.cancel()
        #expect(throws: StorageError.cancelled) { try other.didRead(1) }
        #expect(!MergeControl().isLimited && MergeControl([ByteBudget(bytesPerSecond: 1)]).isLimited)
    }
}

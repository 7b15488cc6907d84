// `--corpus`: an index of a file of JSON lines, timed.

import Foundation
import SakuinEngine
import SakuinTypes

struct BuildRun {
    private static let batchDocumentCount = 2_000
    private static let batchByteCount = 1 << 20
    /// Batches that wait for the engine at once.
    private static let pendingBatchCount = 6

    let arguments: Arguments

    /// The object `build` of the answer.
    func run(_ corpus: String) async throws -> [String: Any] {
        let readSeconds = try Self.readSeconds(corpus)
        try? FileManager.default.removeItem(atPath: arguments.index)
        var options = IndexOptions()
        options.laneCount = arguments.threads
        // A bulk load: searches see it when it is committed, and lanes fill what memory there is.
        options.refreshIntervalMilliseconds = 0
        options.commitIntervalMilliseconds = 0
        options.memoryBudgetBytes = 1 << 30
        // A bulk load, which can be begun again: one commit at the end, and no journal, as the peers have none.
        options.keepsJournal = false
        options.journalByteCountMax = 1 << 30
        options.mergesInBackground = arguments.threads > 1
        let began = ContinuousClock.now
        let index = try SearchIndex.open(
            path: arguments.index,
            schema: Schema(fields: [FieldDefinition(name: "text")], compact: arguments.isCompact), options: options)
        try await feed(try Corpus(corpus), to: index)
        _ = try await index.commit()
        let buildSeconds = began.secondsToNow
        let built = index.statisticsNow()
        let builtBytes = try Self.folderBytes(arguments.index)
        let merging = ContinuousClock.now
        if built.segments > 1 { _ = try await index.compact(segments: 1) }
        let mergeSeconds = merging.secondsToNow
        let statistics = index.statisticsNow()
        var parts: [String: Int] = [:]
        for segment in try await index.segments() {
            for section in segment.sections { parts[section.name, default: 0] += section.bytes }
        }
        try index.close()
        return [
            "docs": statistics.documents, "text_bytes": statistics.textBytes, "read_s": readSeconds,
            "build_s": buildSeconds, "merge_s": built.segments > 1 ? mergeSeconds : 0,
            "segments_built": built.segments, "segments": statistics.segments, "bytes_built": builtBytes,
            "bytes": try Self.folderBytes(arguments.index), "bytes_stored": parts["documents"] ?? 0, "parts": parts,
            "threads_used": arguments.threads,
        ]
    }

    private func feed(_ corpus: Corpus, to index: SearchIndex) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var operations: [WriteOperation] = []
            var pending = 0
            var byteCount = 0
            func send() async throws {
                // The commit at the end makes all of it durable, as it does in the peers.
                let batch = WriteBatch(operations, acknowledge: .memory)
                operations = []
                byteCount = 0
                if pending == Self.pendingBatchCount {
                    try await group.next()
                    pending -= 1
                }
                pending += 1
                group.addTask { try await Self.write(batch, to: index) }
            }
            for line in corpus {
                operations.append(.putJSON(line, keyField: "id"))
                byteCount += line.count
                if operations.count == Self.batchDocumentCount || byteCount >= Self.batchByteCount { try await send() }
            }
            if !operations.isEmpty { try await send() }
            try await group.waitForAll()
        }
    }

    /// Writes a batch, again when there was no room for it.
    private static func write(_ batch: WriteBatch, to index: SearchIndex) async throws {
        while true {
            do {
                _ = try await index.write(batch)
                return
            } catch let error as SakuinError where error.code == .resourceExhausted {
                guard let pause = error.retryAfterMilliseconds else { throw error }
                try await Task.sleep(for: .milliseconds(Int(pause)))
            }
        }
    }

    /// Reading and parsing alone.
    private static func readSeconds(_ corpus: String) throws -> Double {
        let began = ContinuousClock.now
        for line in try Corpus(corpus) { _ = try Document(json: line, keyField: "id") }
        return began.secondsToNow
    }

    private static func folderBytes(_ path: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: path).reduce(0) { sum, name in
            let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
            return sum + ((attributes[.size] as? NSNumber)?.intValue ?? 0)
        }
    }
}

/// The lines of a file, read as they are asked for.
struct Corpus: Sequence, IteratorProtocol {
    /// What the C library reads into.
    private final class Source {
        let file: UnsafeMutablePointer<FILE>
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0

        init?(_ path: String) {
            guard let file = fopen(path, "r") else { return nil }
            self.file = file
        }

        deinit {
            free(line)
            fclose(file)
        }
    }

    private let source: Source

    init(_ path: String) throws {
        guard let source = Source(path) else {
            throw CocoaError(.fileReadNoSuchFile, userInfo: [NSFilePathErrorKey: path])
        }
        self.source = source
    }

    mutating func next() -> [UInt8]? {
        while true {
            var count = getline(&source.line, &source.capacity, source.file)
            guard count > 0, let line = source.line else { return nil }
            if line[count - 1] == 10 { count -= 1 }
            if count > 0 { return [UInt8](UnsafeRawBufferPointer(start: line, count: count)) }
        }
    }
}

extension ContinuousClock.Instant {
    var secondsToNow: Double {
        let took = duration(to: .now)
        return Double(took.components.seconds) + Double(took.components.attoseconds) * 1e-18
    }
}

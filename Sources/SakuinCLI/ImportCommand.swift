// import: JSON lines to batches, several under way at once.

import ArgumentParser
import Foundation
import SakuinClient

struct ImportCommand: OnlineCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Put the documents of a JSON Lines file into an index.")

    @OptionGroup var options: ServerOptions
    @Argument(help: "The index.") var name: String
    @Argument(help: "File with one JSON object a line: plain, .gz, .xz, .lz4, .zst, or - for standard input.")
    var file: String
    @Option(help: "The field that holds the key.") var key = "id"
    @Option(help: "Documents a batch.") var batch = 1_000
    @Option(help: "When a batch is acknowledged: memory, log or disk.") var ack = "disk"

    static let batchByteCountMax = 2 << 20
    /// So many lines that were rejected are told to people; programs are told all.
    static let toldCountMax = 20

    /// What is known of the batches that were sent.
    struct Progress: Sendable {
        var sequence: UInt64 = 0
        var applied = 0
        var rejected = 0
        /// Of those, lines that are no JSON object.
        var unreadable = 0
        var lines = SentLines()
        /// Every line has been sent and every batch has its receipt.
        var isWhole = false

        /// How many lines were rejected, and where those are to be seen that were not told; nil: none was.
        func rejections(json: Bool) -> String? {
            if rejected == 0 { return nil }
            let told = ImportCommand.toldCountMax
            return json || rejected <= told
                ? "\(rejected) lines were rejected."
                : "\(rejected) lines were rejected: \(told) are told here, --json tells the other \(rejected - told) too."
        }

        /// Whether it looks like a file of another kind: an array, objects on several lines, CSV.
        var holdsNoObject: Bool { applied == 0 && unreadable > 0 && unreadable == rejected }
    }

    /// Line numbers of the operations of batches without a receipt, oldest first.
    struct SentLines: Sendable {
        private var batches: [[Int]] = []
        /// The last line of the last batch with a receipt; 0: none has one.
        private(set) var acknowledged = 0
        private(set) var hasBegun = false

        var isEmpty: Bool { batches.isEmpty }

        mutating func append(_ batch: [Int]) {
            batches.append(batch)
            hasBegun = true
        }

        mutating func removeFirst() -> [Int] {
            let batch = batches.removeFirst()
            acknowledged = batch.last ?? acknowledged
            return batch
        }
    }

    func run(_ client: SakuinClient, _ output: Output) async throws {
        let progress = Shared(Progress())
        do {
            try await load(client, output, progress)
        } catch let error as SakuinError {
            let reached = progress.value
            if !output.json, let rejections = reached.rejections(json: false) { output.warn(rejections) }
            if reached.lines.hasBegun {
                if reached.sequence == 0, !output.json {
                    output.warn("Nothing was acknowledged.")
                } else if output.json {
                    output.object(Self.unfinished(reached))
                } else {
                    let rest =
                        reached.isWhole
                        ? ", all of the input; searches may not find them yet."
                        : ", to line \(reached.lines.acknowledged) of the input: go on behind it."
                    output.warn(
                        "\(reached.applied) documents were acknowledged on \(ack) up to sequence \(reached.sequence)"
                            + rest)
                }
            }
            throw error
        }
    }

    /// What one has to know to go on with an import that failed.
    static func unfinished(_ reached: Progress) -> [(String, JSONValue)] {
        [
            ("finished", .boolean(reached.isWhole)), ("documents", .integer(Int64(reached.applied))),
            ("rejected", .integer(Int64(reached.rejected))),
            ("sequence", .integer(Int64(clamping: reached.sequence))),
            ("acknowledgedLine", .integer(Int64(reached.lines.acknowledged))),
        ]
    }

    private func load(_ client: SakuinClient, _ output: Output, _ progress: Shared<Progress>) async throws {
        let level = try AcknowledgementLevel(option: ack)
        guard (1...WriteBatch.operationCountMax).contains(batch) else {
            throw SakuinError.invalid(
                "--batch is 1 to \(WriteBatch.operationCountMax).", field: "batch", limit: WriteBatch.operationCountMax,
                value: batch)
        }
        let source = try LineSource(file)
        let index = try await client.index(name)
        let stream = try await index.stream(acknowledge: level, rejection: .eachOperation)
        let began = ContinuousClock.now
        let bar = ProgressBar(isShown: Output.errorIsTerminal && !output.json, totalByteCount: source.byteCount)
        try await stream.run {
            try await send(source, stream, progress, bar, output)
        } receipt: { receipt in
            let lines = progress.change { $0.lines.isEmpty ? [] : $0.lines.removeFirst() }
            for rejection in receipt.rejections {
                let line = rejection.index < lines.count ? lines[rejection.index] : 0
                reject(line, rejection.error, progress, bar, output)
            }
            progress.change {
                $0.sequence = max($0.sequence, receipt.sequence)
                $0.applied += receipt.applied
                $0.unreadable += receipt.rejections.count(where: { $0.error.field == "json" })
            }
        }
        progress.change { $0.isWhole = true }
        let unseen = try await index.refresh(behind: level)
        bar.clear()
        // Only a hint: whether it can be had is not the import's business.
        if unseen == nil, let statistics = try? await index.statistics(), statistics.documents > 0,
            statistics.textBytes == 0
        {
            output.warn(withoutText: statistics.schema.fields.filter { $0.type == .text }.map(\.name))
        }
        try report(progress.value, source, began.duration(to: .now), level, unseen, output)
    }

    private func send(
        _ source: LineSource, _ stream: WriteStream, _ progress: Shared<Progress>, _ bar: ProgressBar, _ output: Output
    ) async throws {
        let lineByteCountMax = stream.jsonByteCountMax(keyField: key)
        let byteCountMax = min(Self.batchByteCountMax, lineByteCountMax)
        var operations: [WriteOperation] = []
        var lines: [Int] = []
        var byteCount = 0
        var number = 0
        func flush() async throws {
            if operations.isEmpty { return }
            let sent = lines
            progress.change { $0.lines.append(sent) }
            try await stream.send(operations)
            operations.removeAll(keepingCapacity: true)
            lines.removeAll(keepingCapacity: true)
            byteCount = 0
            bar.show(documents: progress.value.applied, bytesRead: source.bytesRead)
        }
        while true {
            // Who writes into a pipe now and then expects to find it.
            if !operations.isEmpty, source.hasToWait(milliseconds: Self.patienceMilliseconds) { try await flush() }
            guard let next = try source.nextLine(byteCountMax: lineByteCountMax) else { break }
            number += 1
            switch next {
            case .text(let line):
                if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
                let taken = line.count + Self.operationByteCount
                if byteCount + taken > byteCountMax { try await flush() }
                operations.append(.putJSON(Array(line), keyField: key))
                lines.append(number)
                byteCount += taken
                if operations.count >= batch || byteCount >= byteCountMax { try await flush() }
            case .tooLong(let byteCount):
                // It does not keep the others from the server.
                reject(number, Self.tooLong(byteCount, limit: lineByteCountMax), progress, bar, output)
            }
        }
        try await flush()
    }

    private func reject(
        _ line: Int, _ error: SakuinError, _ progress: Shared<Progress>, _ bar: ProgressBar, _ output: Output
    ) {
        let count = progress.change { progress in
            progress.rejected += 1
            return progress.rejected
        }
        guard output.json || count <= Self.toldCountMax else { return }
        bar.clear()
        output.warn("line \(line): \(error)")
    }

    /// A batch that is not full is sent when no line comes for so long.
    private static let patienceMilliseconds: Int32 = 100

    private static let noObject =
        "No line of it is a JSON object in UTF-8. 'jq -c .' makes lines of objects that stand on several, 'jq -c .[]' of an array."

    /// What a line takes in a batch besides itself.
    private static let operationByteCount = 6

    private static func tooLong(_ byteCount: Int, limit: Int) -> SakuinError {
        .invalid(
            "The line is longer than the server takes.", field: "line", limit: limit, value: byteCount,
            nextStep: "Split the document.")
    }

    private func report(
        _ progress: Progress, _ source: LineSource, _ took: Duration, _ level: AcknowledgementLevel,
        _ unseen: SakuinError?, _ output: Output
    ) throws {
        let seconds = Double(took.components.seconds) + Double(took.components.attoseconds) * 1e-18
        if output.json {
            output.object(
                [
                    ("documents", .integer(Int64(progress.applied))), ("rejected", .integer(Int64(progress.rejected))),
                    ("bytes", .integer(Int64(source.bytesRead))), ("seconds", .float(seconds)),
                    ("sequence", .integer(Int64(clamping: progress.sequence))), ("level", .string(level.rawValue)),
                ] + Output.members(unseen: unseen))
        } else {
            let rate = seconds > 0 ? Double(progress.applied) / seconds : 0
            output.line(
                String(
                    format: "%d documents, %@ in %.2f s: %.0f documents/s, %.1f MB/s; on %@ up to sequence %llu.",
                    progress.applied, Output.size(source.bytesRead), seconds, rate,
                    seconds > 0 ? Double(source.bytesRead) / 1e6 / seconds : 0, level.rawValue, progress.sequence))
        }
        output.warn(unseen: unseen, at: level)
        if let rejections = progress.rejections(json: output.json) {
            output.warn(rejections)
            if progress.holdsNoObject { output.warn(Self.noObject) }
            throw ExitCode(1)
        }
    }
}

/// A value shared by two tasks.
final class Shared<Value: Sendable>: @unchecked Sendable {
    // `storage` is only touched under `lock`.
    private let lock = NSLock()
    private var storage: Value

    init(_ value: Value) { storage = value }

    var value: Value { lock.withLock { storage } }

    @discardableResult
    func change<R>(_ body: (inout Value) -> R) -> R { lock.withLock { body(&storage) } }
}

/// One line on the terminal: documents, rates, time left.
final class ProgressBar: Sendable {
    private let isShown: Bool
    private let totalByteCount: Int?
    private let began = ContinuousClock.now
    private let last = Shared(ContinuousClock.now)

    init(isShown: Bool, totalByteCount: Int?) {
        self.isShown = isShown
        self.totalByteCount = totalByteCount
    }

    func show(documents: Int, bytesRead: Int) {
        guard isShown, last.value.duration(to: .now) > .milliseconds(100) else { return }
        last.change { $0 = .now }
        let took = began.duration(to: .now)
        let seconds = max(Double(took.components.seconds) + Double(took.components.attoseconds) * 1e-18, 1e-3)
        var text = String(
            format: "\r%d documents  %.0f documents/s  %.1f MB/s", documents, Double(documents) / seconds,
            Double(bytesRead) / 1e6 / seconds)
        if let total = totalByteCount, total > 0, bytesRead > 0 {
            let share = min(Double(bytesRead) / Double(total), 1)
            let filled = Int(share * 24)
            let left = seconds / share - seconds
            text += String(
                format: "  [%@%@] %3.0f %%  %.0f s left",
                String(repeating: "#", count: filled), String(repeating: ".", count: 24 - filled), share * 100, left)
        }
        Output.write(Array((text + "\u{1B}[K").utf8), to: STDERR_FILENO)
    }

    func clear() {
        if isShown { Output.write(Array("\r\u{1B}[K".utf8), to: STDERR_FILENO) }
    }
}

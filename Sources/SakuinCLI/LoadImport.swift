// Documents that are imported while queries are measured, from the start of the file again when it ends.

import Foundation
import SakuinClient

struct LoadImport: Sendable {
    let path: String
    let keyField: String
    /// Documents a second; nil: as fast as the server takes them.
    let rate: Double?
    let batchDocumentCount: Int
    let level: AcknowledgementLevel

    /// What was acknowledged so far.
    struct Tally: Sendable {
        var documents = 0
        var rejected = 0
        var bytes = 0
        /// Times that the file was begun.
        var passes = 0
        /// Of a batch, from when it was due, or sent, to its receipt.
        var latency = LatencyTally()
        var firstRejection: SakuinError?
        /// Why the import ended too early.
        var failure: SakuinError?
        /// Batches on their way, oldest first.
        fileprivate var sent: [(bytes: Int, at: Int64)] = []
    }

    /// Imports until the task is cancelled; what goes wrong is in the tally.
    func run(_ index: RemoteIndex, _ clock: LoadClock, _ tally: Shared<Tally>) async {
        do {
            let stream = try await index.stream(acknowledge: level, rejection: .eachOperation)
            try await stream.run {
                try await feed(stream, clock, tally)
            } receipt: {
                Self.count($0, clock.now(), tally)
            }
        } catch {
            tally.change { $0.failure = error as? SakuinError ?? SakuinError(.unknown, "\(error)") }
        }
    }

    private static func count(_ receipt: WriteReceipt, _ now: Int64, _ tally: Shared<Tally>) {
        tally.change { tally in
            tally.documents += receipt.applied
            tally.rejected += receipt.rejections.count
            tally.firstRejection = tally.firstRejection ?? receipt.rejections.first?.error
            guard !tally.sent.isEmpty else { return }
            let batch = tally.sent.removeFirst()
            tally.bytes += batch.bytes
            tally.latency.record(now - batch.at)
        }
    }

    private func feed(_ stream: WriteStream, _ clock: LoadClock, _ tally: Shared<Tally>) async throws {
        var source = try LineSource(path)
        var operations: [WriteOperation] = []
        var byteCount = 0
        var documentCount = 0
        tally.change { $0.passes = 1 }
        let began = clock.now()
        while !Task.isCancelled {
            guard let line = try source.next() else {
                guard documentCount > 0 else {
                    throw SakuinError.invalid("The file has no documents.", field: "import", value: path)
                }
                source = try LineSource(path)
                tally.change { $0.passes += 1 }
                continue
            }
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
            operations.append(.putJSON(Array(line), keyField: keyField))
            byteCount += line.count
            documentCount += 1
            guard operations.count == batchDocumentCount || byteCount >= ImportCommand.batchByteCountMax else {
                continue
            }
            var at = clock.now()
            if let rate {
                // A batch is due when its last document is.
                at = began + Int64(Double(documentCount) * 1e9 / rate)
                do { try await Task.sleep(until: clock.instant(at)) } catch { return }
            }
            let batch = (byteCount, at)
            tally.change { $0.sent.append(batch) }
            do {
                try await stream.send(operations)
            } catch let error as SakuinError where error.code == .cancelled && Task.isCancelled {
                return
            }
            operations.removeAll(keepingCapacity: true)
            byteCount = 0
        }
    }
}

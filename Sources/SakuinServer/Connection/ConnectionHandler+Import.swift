// Imports: batches stream in, receipts go out in their order.

import CoreMetrics
import NIOCore
import SakuinEngine
import SakuinProtocol
import SakuinTypes

extension ConnectionHandler {
    func receive(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(WireError) {
        // Data of a stream that was given up meanwhile is dropped.
        guard case .importing(var stream)? = streams[header.stream] else { return }
        if stream.isEnded { throw .unexpected(kind: header.kind.rawValue) }
        if payload.isEmpty {
            guard header.isEnd else { throw .badPayload(kind: header.kind.rawValue) }
        } else {
            let batch = FramePayload(header, payload)
            countSaved(batch)
            guard stream.credit.receive(batch.contentByteCount) else { throw .overCredit(stream: header.stream) }
            stream.waiting.append(batch)
            if server.catalog.isMemoryTight { waitForMemory() }
        }
        stream.isEnded = header.isEnd
        streams[header.stream] = .importing(stream)
        encodeNext(header.stream)
        endImport(header.stream)
    }

    /// Hands the next batch of an import to a worker; one at a time, so that batches stay in order.
    private func encodeNext(_ number: UInt32) {
        guard case .importing(var stream)? = streams[number], !stream.isEncoding, !stream.waiting.isEmpty,
            let context
        else { return }
        let payload = stream.waiting.removeFirst()
        let batchNumber = stream.received
        stream.received += 1
        stream.isEncoding = true
        streams[number] = .importing(stream)
        server.metrics.importedBatches.increment()
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        let offered = OfferedBatch(
            index: stream.index, acknowledge: stream.acknowledge, rejection: stream.rejection, stream: number,
            number: batchNumber, payload: payload, handler: handler, loop: context.eventLoop)
        server.work.run(0) { offered.offer() }
    }

    /// There was no room for a batch: it is offered again after the time that was asked for, as long as somebody waits.
    fileprivate func offerLater(_ offered: OfferedBatch, _ refusal: SakuinError) {
        guard case .importing? = streams[offered.stream], let context else { return }
        let work = server.work
        context.eventLoop.scheduleTask(in: .milliseconds(Int64(refusal.retryAfterMilliseconds ?? 50))) {
            work.run(0) { offered.offer() }
        }
    }

    fileprivate func encoded(_ number: UInt32) {
        guard case .importing(var stream)? = streams[number] else { return }
        stream.isEncoding = false
        streams[number] = .importing(stream)
        encodeNext(number)
        // The receipt of the last batch may have come before.
        endImport(number)
        flush()
        closeWhenDrained()
    }

    /// A batch has its receipt; receipts go out in the order of the batches.
    fileprivate func settle(
        _ number: UInt32, _ batch: Int, _ result: Result<WriteReceipt, SakuinError>, byteCount: Int
    ) {
        guard case .importing(var stream)? = streams[number] else { return }
        stream.receipts[batch] = (result, byteCount)
        while let (result, byteCount) = stream.receipts.removeValue(forKey: stream.acknowledged) {
            stream.acknowledged += 1
            switch result {
            case .success(let receipt):
                append(.data, stream: number, WireCodec.encode(receipt))
                if let credit = stream.credit.release(byteCount) {
                    append(.credit, stream: number, withUnsafeBytes(of: credit.littleEndian) { Array($0) })
                }
            case .failure(let error):
                // The stream ends here: what comes behind would be out of order.
                streams[number] = nil
                refuse(number, error)
                flush()
                return closeWhenDrained()
            }
        }
        streams[number] = .importing(stream)
        endImport(number)
        flush()
        closeWhenDrained()
    }

    /// Ends imports whose client may not write any more. Of a batch that is with its index already there is no receipt.
    func endImports(notAllowedTo bearer: Bearer) {
        for (number, stream) in streams {
            guard case .importing(let stream) = stream else { continue }
            do throws(SakuinError) {
                try allow(stream.access, bearer)
            } catch {
                streams[number] = nil
                refuse(number, error)
            }
        }
        flush()
        closeWhenDrained()
    }

    /// The client sends nothing more: imports that it has left open end behind the batches that came.
    func endOpenImports() {
        for (number, stream) in streams {
            guard case .importing(var stream) = stream else { continue }
            stream.isEnded = true
            streams[number] = .importing(stream)
            endImport(number)
        }
        flush()
        closeWhenDrained()
    }

    private func endImport(_ number: UInt32) {
        guard case .importing(let stream)? = streams[number], stream.isEnded, stream.waiting.isEmpty,
            !stream.isEncoding, stream.acknowledged == stream.received
        else { return }
        finish(number, .success(.done))
    }
}

/// A batch on its way from a stream to its index.
private struct OfferedBatch: Sendable {
    let index: SearchIndex
    let acknowledge: AcknowledgementLevel
    let rejection: RejectionPolicy
    let stream: UInt32
    let number: Int
    let payload: FramePayload
    let handler: NIOLoopBound<ConnectionHandler>
    let loop: any EventLoop

    /// Queues it; the next one of the stream follows when it is queued, so that they stay in order.
    func offer() {
        var refusal = index.refusalForNow(byteCount: payload.contentByteCount)
        if refusal == nil {
            do throws(SakuinError) {
                refusal = index.offer(try decode()) { settle($0) }
            } catch {
                settle(.failure(error))
            }
        }
        let found = refusal
        loop.execute {
            if let found {
                handler.value.offerLater(self, found)
            } else {
                handler.value.encoded(stream)
            }
        }
    }

    private func decode() throws(SakuinError) -> WriteBatch {
        try payload.decoded { (bytes) throws(SakuinError) in
            try WireCodec.decodeBatch(bytes, acknowledge: acknowledge, rejection: rejection)
        }
    }

    private func settle(_ result: Result<WriteReceipt, SakuinError>) {
        let byteCount = payload.contentByteCount
        loop.execute { handler.value.settle(stream, number, result, byteCount: byteCount) }
    }
}
